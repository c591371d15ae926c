//! `vivero demo`

use super::output::Output;
use super::serve::{Stop, bind, finish_what_was_cut_off, run_server, start_logging};
use super::setup::Setup;
use crate::demo::{Notes, RECORDS, SEED, prepare};
use clap::Args;
use serde_json::json;
use std::fmt::Write as _;
use std::net::SocketAddr;
use std::process::ExitCode;
use std::time::Instant;
use vivero_core::{Error, Result};

#[derive(Debug, Args)]
pub(super) struct DemoArgs {
    /// Lots to make; a later start with more adds them.
    #[arg(long, default_value_t = RECORDS, value_name = "N")]
    records: u64,
    /// Address to serve on; port 0 takes a free one.
    #[arg(long, value_name = "ADDR")]
    listen: Option<SocketAddr>,
    /// Where chance begins: the same seed gives the same data.
    #[arg(long, default_value_t = SEED)]
    seed: u64,
    /// Make the data and stop, without serving.
    #[arg(long)]
    no_serve: bool,
}

pub(super) async fn run(args: DemoArgs, mut config: Setup, output: Output) -> Result<ExitCode> {
    if args.records > 10_000_000 {
        return Err(Error::invalid("records", "maximum", "must be at most 10,000,000"));
    }
    if std::env::var_os("VIVERO_LOG").is_none() {
        "warn".clone_into(&mut config.log);
    }
    start_logging(&config)?;
    if let Some(listen) = args.listen {
        config.listen = listen;
    }
    // Whether the address is free is worth knowing before the data is made, not after.
    let tcp = if args.no_serve { None } else { Some(bind(&config).await?) };
    std::fs::create_dir_all(&config.data_dir)
        .map_err(|e| Error::internal("making the data folder", e))?;
    let start = Instant::now();
    let vivero = config.open().await?;
    let notes =
        prepare(&vivero, &config.data_dir, args.records, args.seed, &output.progress()).await?;
    let took = start.elapsed();
    let stop = Stop::listen()?;
    config.platform_key = Some(notes.platform_key.clone());
    let admin = notes.admin()?;
    let base_url = tcp.as_ref().map(|tcp| format!("http://{}", tcp.address()));
    let line = json!({
        "base_url": base_url, "tenant": notes.tenant, "email": admin.email, "password": admin.password,
        "platform_key": notes.platform_key,
    });
    output.result(&line, || told(&notes, base_url.as_deref(), took.as_secs_f64()));
    match tcp {
        Some(tcp) => {
            finish_what_was_cut_off(&vivero);
            run_server(vivero, &config, tcp, stop).await
        }
        None => {
            vivero.close().await;
            Ok(ExitCode::SUCCESS)
        }
    }
}

/// Where to look, for a person.
fn told(notes: &Notes, base_url: Option<&str>, seconds: f64) -> String {
    let mut text = format!("\nTenant {} is ready after {seconds:.1} s.\n", notes.tenant);
    for person in &notes.people {
        let _ = write!(text, "\n  {:<9} {:<36} {}", person.role, person.email, person.password);
    }
    let _ = write!(text, "\n\n  platform key  {}", notes.platform_key);
    if let (Some(base), Ok(admin)) = (base_url, notes.admin()) {
        let _ = write!(
            text,
            "\n\n  API           {base}/api/v1/{tenant}\n  documentation {base}/docs\n\nTry it:\n\n  \
             TOKEN=$(curl -s {base}/api/v1/{tenant}/auth/login -H 'content-type: application/json' \\\n    \
             -d '{{\"email\":\"{email}\",\"password\":\"{password}\"}}' | sed 's/.*\"access_token\":\"\\([^\"]*\\)\".*/\\1/')\n  \
             curl -s \"{base}/api/v1/{tenant}/entities?status=ready&q=lavandula&limit=3\" -H \"authorization: Bearer $TOKEN\"\n\n\
             Stop it with Ctrl-C; the next start finds everything as it was.",
            tenant = notes.tenant,
            email = admin.email,
            password = admin.password,
        );
    }
    text
}
