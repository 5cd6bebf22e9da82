//! The command line: parses the arguments, runs the command, and returns the exit code.
//!
//! Exit codes: 0 for success, 1 for a response with errors or a failed check, 2 for a wrong argument or setting.
//! [`run`] is not generic and builds the runtime itself, so that the program compiles nothing of the library again.

mod arguments;
mod environment;
mod serve;

use std::io::{ErrorKind, Write};
use std::process::ExitCode;

use clap::Parser;

use self::arguments::{Arguments, Command, KeyCommand, NewKey, QueryArguments, Source, Token};
use super::logging::{Log, print_error};
use super::{Person, check, key, lifecycle, query};
use crate::config::{Settings, mode};
use crate::metrics::Metrics;

/// Runs the command that the process's arguments name, until it ends.
pub fn run() -> ExitCode {
    match lifecycle::drive(dispatch(Arguments::parse().command)) {
        Ok(code) => code,
        Err(message) => {
            print_error(format!("commongraph: {message}\n"));
            ExitCode::from(2)
        }
    }
}

async fn dispatch(command: Command) -> Result<ExitCode, String> {
    match command {
        Command::Sandbox { listen, no_explorer } => serve::sandbox(listen, no_explorer).await,
        Command::Serve { source, personal: true, listen, no_explorer } => {
            serve::personal(&source, listen, no_explorer).await
        }
        Command::Serve { source, listen, no_explorer, .. } => serve::shared(source, listen, no_explorer).await,
        Command::Schema => print(&super::schema()),
        Command::Query(arguments) => query_once(arguments).await,
        Command::Key(KeyCommand::New(NewKey { service, scopes, days, id })) => {
            print(&key::new(&key::Wish { id, service, scopes, days })?)
        }
        Command::Check { edges: true, .. } => print(&check::edges()),
        Command::Check { access: true, .. } => print(&check::access()),
        Command::Check { source, token, personal, .. } => check_settings(&source, &token, personal).await,
    }
}

async fn check_settings(source: &Source, token: &Token, is_personal: bool) -> Result<ExitCode, String> {
    let (settings, person) = match is_personal {
        true => serve::personal_settings(source, None).map(|(settings, person)| (settings, Some(person)))?,
        false => (environment::load(source, None)?, None),
    };
    let _log = Log::start_for_command(&settings)?;
    match person {
        Some(person) => drop(super::prepare_personal(settings.clone(), person, Metrics::default())?),
        None => drop(check::prepare(&settings, Metrics::default())?),
    }
    let caller = Person::of(token.read()?.as_deref(), None)?.operator();
    let report = check::run(&settings, &caller).await?;
    print(&report.table)?;
    Ok(if report.good { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

async fn query_once(arguments: QueryArguments) -> Result<ExitCode, String> {
    let (settings, asker) = match arguments.sandbox {
        true => {
            mode::check_sandbox(environment::config_file().as_deref(), environment::variables())?;
            (Settings::default(), query::Asker::Sandbox(arguments.person))
        }
        false => {
            let token = arguments.credentials.token.read()?;
            let user = arguments.credentials.oneall_user()?;
            let person = Person::of(token.as_deref(), user.as_deref())?;
            (environment::load(&arguments.source, None)?, query::Asker::Own(person))
        }
    };
    let log = Log::start_for_command(&settings)?;
    let QueryArguments { document, variables, operation, calls, .. } = arguments;
    let reply = query::run(settings, query::Question { document, variables, operation, asker }).await?;
    drop(log);
    print(&format!("{}\n", reply.json))?;
    if calls {
        print_error(reply.calls.iter().map(|call| format!("{call}\n")).collect());
    }
    Ok(if reply.clean { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Writes text to stdout. A closed pipe is not an error: the reader has all that it wants.
fn print(text: &str) -> Result<ExitCode, String> {
    match std::io::stdout().write_all(text.as_bytes()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => Err(format!("cannot write to stdout: {error}")),
        _ => Ok(ExitCode::SUCCESS),
    }
}
