//! The client against a server that misbehaves on purpose.

mod events;
mod paging;
mod retries;
mod sign_in;
