//! `vivero serve`, and what `demo` shares with it.

use super::output::Output;
use crate::{RateLimit, ServerOptions};
use crate::config::{Config, LogFormat};
use crate::serve::{Tcp, serve};
use clap::Args;
use serde_json::json;
use std::net::SocketAddr;
use std::process::ExitCode;
use tracing_subscriber::EnvFilter;
use vivero_core::token::secret_hash;
use vivero_core::{Error, Result, Vivero};

#[derive(Debug, Args)]
pub(super) struct ServeArgs {
    /// Address to serve on; port 0 takes a free one. VIVERO_LISTEN says the same.
    #[arg(long, value_name = "ADDR")]
    listen: Option<SocketAddr>,
}

pub(super) async fn run(args: ServeArgs, mut config: Config, output: Output) -> Result<ExitCode> {
    start_logging(&config)?;
    if let Some(listen) = args.listen {
        config.listen = listen;
    }
    let vivero = super::open(&config).await?;
    let tcp = bind(&config).await?;
    let address = tcp.address();
    output.result(&json!({"base_url": format!("http://{address}")}), || {
        format!("vivero serves http://{address} (documentation at /docs); stop it with Ctrl-C")
    });
    run_server(vivero, &config, tcp).await
}

/// Logs go to standard error: standard output is for results.
pub(super) fn start_logging(config: &Config) -> Result<()> {
    let filter = EnvFilter::try_new(&config.log).map_err(|e| Error::invalid("log", "log_filter", e.to_string()))?;
    let logs = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    let started = match config.log_format {
        LogFormat::Json => logs.json().try_init(),
        LogFormat::Pretty => logs.try_init(),
    };
    started.map_err(|e| Error::internal("starting the log", e))
}

pub(super) async fn bind(config: &Config) -> Result<Tcp> {
    Tcp::bind(config.listen)
        .await
        .map_err(|e| Error::invalid("listen", "free_address", format!("{} cannot be taken: {e}", config.listen)))
}

/// Serves until told to stop (Ctrl-C or SIGTERM), drains, and closes every tenant.
pub(super) async fn run_server(vivero: Vivero, config: &Config, tcp: Tcp) -> Result<ExitCode> {
    let options = ServerOptions {
        platform_key_sha256: config.platform_key.as_deref().map(secret_hash),
        trusted_proxies: config.trusted_proxies.clone(),
        cors_origins: config.cors_origins.clone(),
        hsts_seconds: config.hsts.then_some(31_536_000),
        sign_in_limit: RateLimit { per_second: config.sign_in_per_second, burst: config.sign_in_burst },
        ..ServerOptions::default()
    };
    let served = serve(vivero.clone(), options, tcp, stop()).await;
    vivero.close().await;
    served.map_err(|e| Error::internal("serving", e))?;
    Ok(ExitCode::SUCCESS)
}

/// Ready when the process is asked to stop.
async fn stop() {
    let interrupt = async {
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
    };
    #[cfg(unix)]
    let terminate = async {
        match tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate()) {
            Ok(mut signal) => {
                signal.recv().await;
            }
            Err(_) => std::future::pending().await,
        }
    };
    #[cfg(not(unix))]
    let terminate = std::future::pending::<()>();
    tokio::select! {
        () = interrupt => {}
        () = terminate => {}
    }
    tracing::info!("stopping: requests under way are finished");
}
