//! The `vivero` program.

use clap::Parser as _;
use std::process::ExitCode;
use vivero_server::cli::{Cli, run};

// Rows are made on SQLite's threads and freed on others: an allocator meant for that.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    few_arenas();
    let cli = Cli::parse();
    match tokio::runtime::Runtime::new() {
        Ok(runtime) => runtime.block_on(run(cli)),
        Err(e) => {
            eprintln!("error: the runtime cannot be started: {e}");
            ExitCode::FAILURE
        }
    }
}

/// SQLite allocates through the C library, which would keep memory of its own for each of SQLite's
/// threads: with two arenas the server stays smaller under load, at the same speed.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
#[expect(unsafe_code, reason = "the C library has no safe call for it")]
fn few_arenas() {
    // SAFETY: mallopt only sets a number, and no other thread has been started yet.
    unsafe {
        libc::mallopt(libc::M_ARENA_MAX, 2);
    }
}

#[cfg(not(all(target_os = "linux", target_env = "gnu")))]
fn few_arenas() {}
