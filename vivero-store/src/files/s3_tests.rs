//! An S3 in this process, for tests (feature `s3-tests`); no part of what is promised.

mod store;

use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use s3s::auth::SimpleAuth;
use s3s::service::S3ServiceBuilder;
use std::io;
use std::net::SocketAddr;
use std::path::Path;
pub use store::Store;
use tokio::net::TcpListener;

/// The bucket of [`serve`].
pub const BUCKET: &str = "vivero-test";
/// Its access key.
pub const ACCESS_KEY: &str = "key";
/// Its secret key.
pub const SECRET_KEY: &str = "a-secret-nobody-may-see";

/// Serves an S3 with one bucket over `folder`, on a port of its own, as long as the runtime lives.
pub async fn serve(folder: &Path) -> io::Result<SocketAddr> {
    std::fs::create_dir_all(folder.join(BUCKET))?;
    let mut builder = S3ServiceBuilder::new(Store::new(folder));
    builder.set_auth(SimpleAuth::from_single(ACCESS_KEY, SECRET_KEY));
    let service = builder.build();
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let service = service.clone();
            tokio::spawn(async move {
                // A client that hangs up is no failure.
                let _ = auto::Builder::new(TokioExecutor::new())
                    .serve_connection(TokioIo::new(stream), service)
                    .await;
            });
        }
    });
    Ok(address)
}
