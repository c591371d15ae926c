//! vivero's API as a part of one's own poem application.
//!
//! `cargo run --example mount_in_your_server` serves until Ctrl-C; with `--once` it answers one request
//! of its own and stops.

use poem::endpoint::make_sync;
use poem::listener::{Acceptor as _, Listener as _, TcpListener};
use poem::{Route, Server};
use vivero_core::Vivero;
use vivero_server::ServerOptions;
use vivero_store::Open as _;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let folder = tempfile::tempdir()?;
    let vivero = Vivero::open(&format!("sqlite:{}", folder.path().display())).await?;
    let app = Route::new()
        .at("/hello", make_sync(|_| "hello from my own application"))
        .nest("/plants", vivero_server::router(vivero.clone(), ServerOptions::default())?);

    let acceptor = TcpListener::bind("127.0.0.1:0").into_acceptor().await?;
    let address = acceptor.local_addr().remove(0);
    let address = address.as_socket_addr().ok_or("not a TCP address")?.to_owned();
    println!("http://{address}/hello and http://{address}/plants/health/live");

    let once = std::env::args().any(|a| a == "--once");
    let stop = async move {
        if once {
            for path in ["/hello", "/plants/health/live", "/plants/openapi.json"] {
                let answer = reqwest::get(format!("http://{address}{path}")).await;
                println!("{path}: {:?}", answer.map(|a| a.status()));
            }
        } else if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
    };
    Server::new_with_acceptor(acceptor).run_with_graceful_shutdown(app, stop, None).await?;
    vivero.close().await;
    Ok(())
}
