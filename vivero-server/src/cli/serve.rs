//! `vivero serve`, and what `demo` shares with it.

use super::output::Output;
use super::setup::Setup;
use crate::config::LogFormat;
use crate::serve::{Tcp, serve};
use crate::sweep::sweep_files;
use crate::{RateLimit, ServerOptions};
use clap::Args;
use serde_json::json;
use std::net::SocketAddr;
use std::process::ExitCode;
use std::time::Duration;
use tokio_util::sync::CancellationToken;
use tracing_subscriber::EnvFilter;
use vivero_core::token::secret_hash;
use vivero_core::{Error, Result, Vivero};

#[derive(Debug, Args)]
pub(super) struct ServeArgs {
    /// Address to serve on; port 0 takes a free one. VIVERO_LISTEN says the same.
    #[arg(long, value_name = "ADDR")]
    listen: Option<SocketAddr>,
}

pub(super) async fn run(args: ServeArgs, mut config: Setup, output: Output) -> Result<ExitCode> {
    start_logging(&config)?;
    if let Some(listen) = args.listen {
        config.listen = listen;
    }
    let vivero = config.open().await?;
    finish_what_was_cut_off(&vivero);
    let tcp = bind(&config).await?;
    let address = tcp.address();
    let stop = Stop::listen()?;
    output.result(&json!({"base_url": format!("http://{address}")}), || {
        format!("vivero serves http://{address} (documentation at /docs); stop it with Ctrl-C")
    });
    run_server(vivero, &config, tcp, stop).await
}

/// How often it is looked for operations on tenants whose process is gone.
/// Writers wait for a move whose process died in its last step, until its lease has ended and it is found here.
const LOOK_FOR_OPERATIONS: Duration = Duration::from_secs(5);

/// Goes on, for as long as it serves, with what processes that are gone left undone.
pub(super) fn finish_what_was_cut_off(vivero: &Vivero) {
    finish_operations(vivero.clone());
    finish_drains(vivero.clone());
}

/// Goes on with operations on tenants that another process left undone, now and later.
fn finish_operations(vivero: Vivero) {
    tokio::spawn(async move {
        loop {
            match vivero.operations().resume().await {
                Ok(done) => {
                    for operation in done {
                        tracing::info!(
                            operation = %operation.id, tenant = %operation.slug, kind = %operation.kind,
                            state = %operation.state, "an operation that was cut off"
                        );
                    }
                }
                Err(error) => tracing::warn!(%error, "going on with operations"),
            }
            tokio::time::sleep(LOOK_FOR_OPERATIONS).await;
        }
    });
}

/// The same with servers that are being emptied.
fn finish_drains(vivero: Vivero) {
    tokio::spawn(async move {
        loop {
            if let Err(error) = vivero.servers().resume_drains().await {
                tracing::warn!(%error, "going on with servers that are being emptied");
            }
            tokio::time::sleep(LOOK_FOR_OPERATIONS).await;
        }
    });
}

/// Logs go to standard error: standard output is for results.
pub(super) fn start_logging(config: &Setup) -> Result<()> {
    let filter = EnvFilter::try_new(&config.log)
        .map_err(|e| Error::invalid("log", "log_filter", e.to_string()))?;
    let logs = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    let started = match config.log_format {
        LogFormat::Json => logs.json().try_init(),
        LogFormat::Pretty => logs.try_init(),
    };
    started.map_err(|e| Error::internal("starting the log", e))
}

pub(super) async fn bind(config: &Setup) -> Result<Tcp> {
    Tcp::bind(config.listen).await.map_err(|e| {
        Error::invalid("listen", "free_address", format!("{} cannot be taken: {e}", config.listen))
    })
}

/// Serves until told to stop (Ctrl-C or SIGTERM), drains, and closes every tenant.
pub(super) async fn run_server(
    vivero: Vivero,
    config: &Setup,
    tcp: Tcp,
    stop: Stop,
) -> Result<ExitCode> {
    let options = ServerOptions {
        platform_key_sha256: config.platform_key.as_deref().map(secret_hash),
        trusted_proxies: config.trusted_proxies.clone(),
        cors_origins: config.cors_origins.clone(),
        otlp_endpoint: config.otlp_endpoint.clone(),
        hsts_seconds: config.hsts.then_some(31_536_000),
        sign_in_limit: RateLimit {
            per_second: config.sign_in_per_second,
            burst: config.sign_in_burst,
        },
        drain_delay: std::time::Duration::from_secs(config.drain_seconds.into()),
        ..ServerOptions::default()
    };
    let stopping = CancellationToken::new();
    let sweeper = (config.file_sweep_minutes > 0).then(|| {
        let every = Duration::from_secs(60 * u64::from(config.file_sweep_minutes));
        tokio::spawn(sweep_files(vivero.clone(), every, stopping.clone()))
    });
    let tending = tokio::spawn(tend(vivero.clone()));
    let served = serve(vivero.clone(), options, tcp, stop.asked()).await;
    tending.abort();
    stopping.cancel();
    if let Some(sweeper) = sweeper
        && let Err(error) = sweeper.await
    {
        tracing::warn!(%error, "the sweep of files ended badly");
    }
    vivero.close().await;
    served.map_err(|e| Error::internal("serving", e))?;
    Ok(ExitCode::SUCCESS)
}

/// How often it is looked what is to be done in the background.
const TEND_EVERY: Duration = Duration::from_secs(2);

/// Does what is to be done in the background. Ended at any point, it is gone on with by the next process.
async fn tend(vivero: Vivero) {
    loop {
        match vivero.tend().await {
            Ok(0) => {}
            Ok(done) => tracing::debug!(done, "background work"),
            Err(error) => tracing::warn!(%error, "background work failed; it is tried again"),
        }
        tokio::time::sleep(TEND_EVERY).await;
    }
}

/// The request to stop: Ctrl-C or SIGTERM. Made before anyone is told that the server is ready, so that
/// a signal that follows at once drains it too.
pub(super) struct Stop {
    #[cfg(unix)]
    terminate: tokio::signal::unix::Signal,
    #[cfg(unix)]
    interrupt: tokio::signal::unix::Signal,
}

impl Stop {
    pub(super) fn listen() -> Result<Self> {
        #[cfg(unix)]
        {
            use tokio::signal::unix::{SignalKind, signal};
            let listen =
                |kind| signal(kind).map_err(|e| Error::internal("listening for signals", e));
            Ok(Self {
                terminate: listen(SignalKind::terminate())?,
                interrupt: listen(SignalKind::interrupt())?,
            })
        }
        #[cfg(not(unix))]
        Ok(Self {})
    }

    async fn asked(mut self) {
        #[cfg(unix)]
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
        #[cfg(not(unix))]
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
        tracing::info!("stopping: requests under way are finished");
    }
}
