//! The `vivero` program.

use clap::Parser as _;
use std::process::ExitCode;

// Rows are made on SQLite's threads and freed on others, which the system's allocator does slowly.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

#[tokio::main]
async fn main() -> ExitCode {
    vivero_server::cli::run(vivero_server::cli::Cli::parse()).await
}
