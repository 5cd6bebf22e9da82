//! The command line: parses the arguments, runs the command, and returns the exit code.
//!
//! | exit code | meaning |
//! |---|---|
//! | 0 | success |
//! | 1 | a response with errors, or a failed check |
//! | 2 | an invalid argument or setting |
//!
//! [`run`] is not generic and builds the runtime itself, so that `main` compiles no code of the library again.

mod arguments;
mod check;
mod environment;
pub mod key;
mod output;
pub mod query;
mod sandbox;
mod serve;

use std::process::ExitCode;

use clap::Parser;
use tokio::runtime::Runtime;

use self::arguments::{Arguments, Command, KeyCommand, NewKey, QueryArguments, Source, Token};
use self::output::print;
use super::PersonalCredentials;
use super::logging::{Log, print_error};
use crate::config::{Settings, mode};
use crate::metrics::Metrics;

/// Runs the command that the process's arguments name, until it ends.
pub fn run() -> ExitCode {
    match block_on(dispatch(Arguments::parse().command)) {
        Ok(code) => code,
        Err(message) => {
            print_error(format!("commongraph: {message}\n"));
            ExitCode::from(2)
        }
    }
}

/// Runs a command to its end on a new runtime. Blocking calls that still run then, such as a DNS lookup, are abandoned:
/// they cannot be cancelled, and may take longer than a shutdown is allowed to.
///
/// # Errors
/// The error of the command, or that the runtime cannot start.
fn block_on<T>(command: impl Future<Output = Result<T, String>>) -> Result<T, String> {
    let runtime = Runtime::new().map_err(|error| format!("cannot start: {error}"))?;
    let result = runtime.block_on(command);
    runtime.shutdown_background();
    result
}

async fn dispatch(command: Command) -> Result<ExitCode, String> {
    match command {
        Command::Sandbox { listen, no_explorer } => sandbox::run(listen, no_explorer).await,
        Command::Serve { source, personal: true, listen, no_explorer } => {
            serve::personal(&source, listen, no_explorer).await
        }
        Command::Serve { source, listen, no_explorer, .. } => serve::shared(source, listen, no_explorer).await,
        Command::Schema => print(&super::schema()),
        Command::Query(arguments) => run_query(arguments).await,
        Command::Key(KeyCommand::New(NewKey { service, scopes, days, id })) => {
            print(&key::new(&key::KeyRequest { id, service, scopes, days })?)
        }
        Command::Check { edges: true, .. } => print(&check::cost_table()),
        Command::Check { access: true, .. } => print(&check::access_table()),
        Command::Check { source, token, personal, .. } => run_check(&source, &token, personal).await,
    }
}

async fn run_check(source: &Source, token: &Token, is_personal: bool) -> Result<ExitCode, String> {
    let (settings, credentials) = match is_personal {
        true => serve::personal_settings(source, None).map(|(settings, credentials)| (settings, Some(credentials)))?,
        false => (environment::load(source, None)?, None),
    };
    let _log = Log::start_for_command(&settings)?;
    match credentials {
        Some(credentials) => drop(super::prepare_personal(settings.clone(), credentials, Metrics::default())?),
        None => drop(check::prepare(&settings, Metrics::default())?),
    }
    let caller = PersonalCredentials::parse(token.read()?.as_deref(), None)?.operator();
    let report = check::run(&settings, &caller).await?;
    print(&report.table)?;
    Ok(if report.has_passed { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

async fn run_query(arguments: QueryArguments) -> Result<ExitCode, String> {
    let (settings, caller) = match arguments.sandbox {
        true => {
            mode::check_sandbox(environment::config_file().as_deref(), environment::variables())?;
            (Settings::default(), query::QueryCaller::SandboxUser(arguments.person))
        }
        false => {
            let token = arguments.credentials.token.read()?;
            let user = arguments.credentials.oneall_user()?;
            let credentials = PersonalCredentials::parse(token.as_deref(), user.as_deref())?;
            (environment::load(&arguments.source, None)?, query::QueryCaller::Operator(credentials))
        }
    };
    let log = Log::start_for_command(&settings)?;
    let QueryArguments { document, variables, operation, calls, .. } = arguments;
    let response = query::run(settings, query::QueryRequest { document, variables, operation, caller }).await?;
    drop(log);
    print(&format!("{}\n", response.json))?;
    if calls {
        print_error(response.calls.iter().map(|call| format!("{call}\n")).collect());
    }
    Ok(if response.is_ok { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_command_ends_while_a_blocking_call_still_runs() {
        let (release, blocked) = std::sync::mpsc::channel::<()>();
        let result = block_on(async move {
            let (started, is_running) = tokio::sync::oneshot::channel();
            tokio::task::spawn_blocking(move || {
                started.send(()).unwrap();
                blocked.recv()
            });
            is_running.await.map_err(|error| error.to_string())
        });
        // A runtime that waits for the blocking call never gets here.
        assert_eq!(result, Ok(()));
        drop(release);
    }
}
