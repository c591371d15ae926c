//! `vivero import entities FILE.csv --tenant T`

use super::output::Output;
use super::setup::Setup;
use crate::import::{Options, RowProblem, write};
use clap::{Args, Subcommand};
use serde_json::json;
use std::path::PathBuf;
use std::process::ExitCode;
use vivero_core::{Error, Result};

#[derive(Debug, Subcommand)]
pub(super) enum ImportCommand {
    /// Register the lots of a CSV file. Lots whose code is there already are left as they are, so an
    /// import that was cut off is finished by running it again.
    Entities(EntitiesArgs),
}

#[derive(Debug, Args)]
pub(super) struct EntitiesArgs {
    /// The file; comma, semicolon or tab, UTF-8, UTF-16 or Windows-1252, dates as 2026-03-01 or 01/03/2026.
    file: PathBuf,
    /// Tenant to import into.
    #[arg(long, value_name = "SLUG")]
    tenant: String,
    /// Check every row and write nothing.
    #[arg(long)]
    dry_run: bool,
    /// Write nothing if any row is bad.
    #[arg(long)]
    all_or_nothing: bool,
    /// Which column holds a field: --map code=Artikelnummer. May be repeated.
    #[arg(long = "map", value_name = "FIELD=HEADER", value_parser = pair)]
    map: Vec<(String, String)>,
    /// Leave out columns that are no field instead of keeping them as attributes.
    #[arg(long)]
    ignore_unknown: bool,
    /// Delimiter, if it is not found by itself: , ; or tab.
    #[arg(long, value_parser = delimiter)]
    delimiter: Option<u8>,
    /// Encoding, if it is not found by itself: utf-8, windows-1252, utf-16le …
    #[arg(long, value_parser = encoding)]
    encoding: Option<&'static encoding_rs::Encoding>,
    /// Whether the comma is the decimal mark, if it is not found by itself.
    #[arg(long, value_name = "BOOL")]
    decimal_comma: Option<bool>,
    /// Most bad rows to print; all are counted.
    #[arg(long, default_value_t = 100, value_name = "N")]
    max_problems: usize,
}

fn pair(text: &str) -> std::result::Result<(String, String), String> {
    text.split_once('=')
        .map(|(field, header)| (field.trim().to_owned(), header.trim().to_owned()))
        .ok_or_else(|| "must be FIELD=HEADER".into())
}

fn delimiter(text: &str) -> std::result::Result<u8, String> {
    match text {
        "tab" | "\\t" | "\t" => Ok(b'\t'),
        _ if text.len() == 1 && text.is_ascii() => Ok(text.as_bytes()[0]),
        _ => Err("must be one character, or tab".into()),
    }
}

fn encoding(text: &str) -> std::result::Result<&'static encoding_rs::Encoding, String> {
    encoding_rs::Encoding::for_label(text.as_bytes())
        .ok_or_else(|| "is not an encoding that is known".into())
}

pub(super) async fn run(
    command: ImportCommand,
    config: &Setup,
    output: Output,
) -> Result<ExitCode> {
    let ImportCommand::Entities(args) = command;
    let options = Options {
        delimiter: args.delimiter,
        encoding: args.encoding,
        decimal_comma: args.decimal_comma,
        map: args.map,
        ignore_unknown: args.ignore_unknown,
    };
    if !args.file.is_file() {
        return Err(Error::invalid(
            "file",
            "exists",
            format!("there is no file {}", args.file.display()),
        ));
    }
    let vivero = config.open().await?;
    let tenant = vivero.tenants().find(&args.tenant.parse()?).await?;
    let session = vivero.job(tenant.id, &format!("import of {}", args.file.display())).await?;
    let mut shown = 0;
    let report = |problem: &RowProblem| {
        shown += 1;
        if shown <= args.max_problems {
            if output.json {
                println!("{}", json!({"problem": problem}));
            } else {
                eprintln!("{problem}");
            }
        }
    };
    let how = write::How { dry_run: args.dry_run, all_or_nothing: args.all_or_nothing };
    let outcome =
        write::entities(&session, &args.file, &options, how, output.progress(), report).await;
    drop(session);
    vivero.close().await;
    let summary = outcome?;
    output.result(&json!({ "summary": summary }), || summary.to_string());
    Ok(if summary.bad == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
