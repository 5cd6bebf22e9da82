//! The program: sets the allocator and runs the command. Everything else is in the library, so that it compiles once.

use std::process::ExitCode;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    commongraph::app::commands::run()
}
