//! Running the server: accept, answer, and stop without dropping anyone.

mod early;
mod upkeep;

use crate::StartupError;
use crate::middleware::Shell;
use crate::options::ServerOptions;
use crate::router::build;
use early::ProblemIo;
use poem::Server;
use poem::http::uri::Scheme;
use poem::listener::Acceptor;
use poem::web::{LocalAddr, RemoteAddr};
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use tokio::net::{TcpListener, TcpStream};
use vivero_core::Vivero;

/// Serves until `shutdown` is ready. Then it turns not ready at once, goes on serving for
/// [`ServerOptions::drain_delay`] while it closes connections after their answers, ends event streams with
/// word when to connect again, stops accepting, and lets requests under way end within
/// [`ServerOptions::drain_timeout`].
///
/// `acceptor` is [`Tcp`] or any acceptor of poem's, e.g. one with TLS. An `Err` of kind
/// [`io::ErrorKind::InvalidInput`] means that the options or the operations are not in order.
pub async fn serve<A>(
    vivero: Vivero,
    options: ServerOptions,
    acceptor: A,
    shutdown: impl Future<Output = ()>,
) -> io::Result<()>
where
    A: Acceptor + 'static,
{
    let drain_timeout = options.drain_timeout;
    let drain_delay = options.drain_delay;
    let invalid = |e: StartupError| io::Error::new(io::ErrorKind::InvalidInput, e);
    let (shell, state): (Shell, _) = build(vivero.clone(), options).map_err(invalid)?;
    let upkeep = upkeep::start(vivero, state.stopping.clone());
    let shared = std::sync::Arc::clone(&state);
    let stop = async move {
        shutdown.await;
        state.drain();
        if !drain_delay.is_zero() {
            tokio::time::sleep(drain_delay).await;
        }
        state.stopping.cancel();
    };
    let acceptor = Early(acceptor);
    let served = Server::new_with_acceptor(acceptor)
        .run_with_graceful_shutdown(shell, stop, Some(drain_timeout))
        .await;
    upkeep.end().await;
    // The exporter waits for the network, which must not hold up this thread's other tasks.
    let _ = tokio::task::spawn_blocking(move || shared.close()).await;
    served
}

/// A plain TCP port.
#[derive(Debug)]
pub struct Tcp {
    listener: TcpListener,
    address: SocketAddr,
}

impl Tcp {
    /// Listens at `address`, e.g. `127.0.0.1:8080`; port 0 picks one.
    pub async fn bind(address: impl tokio::net::ToSocketAddrs) -> io::Result<Self> {
        let listener = TcpListener::bind(address).await?;
        let address = listener.local_addr()?;
        Ok(Self { listener, address })
    }
    /// Where it listens.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Acceptor for Tcp {
    type Io = TcpStream;

    fn local_addr(&self) -> Vec<LocalAddr> {
        vec![LocalAddr(self.address.into())]
    }

    async fn accept(&mut self) -> io::Result<(TcpStream, LocalAddr, RemoteAddr, Scheme)> {
        let (stream, peer) = self.listener.accept().await?;
        // An event must not wait for the one after it.
        stream.set_nodelay(true)?;
        Ok((stream, LocalAddr(self.address.into()), RemoteAddr(peer.into()), Scheme::HTTP))
    }
}

/// An acceptor whose connections answer with problems even before a request is understood.
struct Early<A>(A);

impl<A: Acceptor> Acceptor for Early<A> {
    type Io = ProblemIo<A::Io>;

    fn local_addr(&self) -> Vec<LocalAddr> {
        self.0.local_addr()
    }

    async fn accept(&mut self) -> io::Result<(Self::Io, LocalAddr, RemoteAddr, Scheme)> {
        let (io, local, remote, scheme) = self.0.accept().await?;
        Ok((ProblemIo::new(io), local, remote, scheme))
    }
}
