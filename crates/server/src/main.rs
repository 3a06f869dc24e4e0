use std::process::ExitCode;

use clap::Parser as _;
use server::cli::Cli;

// Returns memory to the system sooner than the system's own allocator, and is faster under load.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    server::main(Cli::parse())
}
