//! What the processes of an installation share, over a server.

mod redis;

pub use redis::{RedisOptions, RedisShared};
