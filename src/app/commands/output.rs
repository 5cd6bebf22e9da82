//! Standard output of the commands.

use std::io::{ErrorKind, Write};
use std::process::ExitCode;

/// Writes text to stdout. A closed pipe is not an error: the reader has all that it wants.
///
/// # Errors
/// A sentence, if stdout cannot be written to for another reason.
pub(super) fn print(text: &str) -> Result<ExitCode, String> {
    match std::io::stdout().write_all(text.as_bytes()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => Err(format!("cannot write to stdout: {error}")),
        _ => Ok(ExitCode::SUCCESS),
    }
}
