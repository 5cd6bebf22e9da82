//! The command: reads it, starts the runtime, and sets the exit code. 0 is well, 1 an answer with errors, 2 a command
//! or setting that is wrong.
#![allow(clippy::print_stderr, reason = "a command talks to its terminal")]

use std::io::Write;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};
use commongraph::app::{self, check, query};
use commongraph::config::{self, LogFormat, Settings};
use secrecy::SecretString;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// A GraphQL gateway that puts WordPress.com and OneAll on one common graph.
#[derive(Parser)]
#[command(version, about, arg_required_else_help = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Play both providers on this machine and serve the graph over them: nothing to sign up for.
    Sandbox {
        /// Where the gateway listens.
        #[arg(long, value_name = "ADDR:PORT", default_value = "127.0.0.1:8080", env = "COMMONGRAPH_LISTEN")]
        listen: SocketAddr,
        /// Show nothing at `/`.
        #[arg(long)]
        no_explorer: bool,
    },
    /// Serve the graph over the real providers.
    ///
    /// Each request brings the person's WordPress.com token in X-WordPress-Token. The gateway listens on loopback only:
    /// whoever reaches it acts for the whole OneAll site.
    Serve {
        #[command(flatten)]
        source: Source,
        /// Where the gateway listens; a loopback address.
        #[arg(long, value_name = "ADDR:PORT", env = "COMMONGRAPH_LISTEN")]
        listen: Option<SocketAddr>,
        /// Show nothing at `/`, whatever the settings say.
        #[arg(long)]
        no_explorer: bool,
    },
    /// Print the schema.
    Schema,
    /// Run one operation and print its answer as JSON.
    Query(Question),
    /// Say whether the settings are right and each provider accepts what it is shown.
    Check {
        /// List every edge of the graph instead: what it costs in calls, how it batches, how many rows it leads to.
        #[arg(long)]
        edges: bool,
        #[command(flatten)]
        source: Source,
        #[command(flatten)]
        own: Own,
    },
}

#[derive(Args)]
struct Source {
    /// The settings file, in TOML. The environment comes after it, flags last.
    #[arg(long, value_name = "FILE", env = "COMMONGRAPH_CONFIG")]
    config: Option<PathBuf>,
}

#[derive(Args)]
struct Own {
    /// A person's WordPress.com token. Give it by the environment: other users of the machine can read arguments.
    #[arg(long, value_name = "TOKEN", env = "COMMONGRAPH_WORDPRESS_TOKEN", hide_env_values = true)]
    wordpress_token: Option<String>,
    /// The OneAll user to act for, or `none`; without it, the whole site.
    #[arg(long, value_name = "TOKEN", env = "COMMONGRAPH_ONEALL_USER")]
    oneall_user: Option<String>,
}

#[derive(Args)]
struct Question {
    /// The document, such as '{ viewer { wordpressUser { displayName } } }'.
    document: String,
    /// The variables, as a JSON object.
    #[arg(long, value_name = "JSON")]
    variables: Option<String>,
    /// The operation's name, in a document of several.
    #[arg(long, value_name = "NAME")]
    operation: Option<String>,
    /// Ask a sandbox instead of the real providers.
    #[arg(long)]
    sandbox: bool,
    /// Which person of the sandbox asks; by default one whom both providers' lists reach.
    #[arg(long = "as", value_name = "PERSON", requires = "sandbox")]
    person: Option<String>,
    /// Say on stderr which calls it took.
    #[arg(long)]
    calls: bool,
    #[command(flatten)]
    source: Source,
    #[command(flatten)]
    own: Own,
}

#[tokio::main]
async fn main() -> ExitCode {
    match run(Cli::parse().command).await {
        Ok(code) => code,
        Err(sentence) => {
            eprintln!("commongraph: {sentence}");
            ExitCode::from(2)
        }
    }
}

async fn run(command: Command) -> Result<ExitCode, String> {
    match command {
        Command::Sandbox { listen, no_explorer } => play(listen, no_explorer).await,
        Command::Serve { source, listen, no_explorer } => serve(&source, listen, no_explorer).await,
        Command::Schema => say(&app::schema()),
        Command::Query(question) => ask(question).await,
        Command::Check { edges: true, .. } => say(&check::edges()),
        Command::Check { source, own, .. } => {
            let report = check::run(&load(&source, None)?, own.wordpress_token.map(SecretString::from)).await?;
            say(&report.table)?;
            Ok(if report.good { ExitCode::SUCCESS } else { ExitCode::FAILURE })
        }
    }
}

fn load(source: &Source, listen: Option<SocketAddr>) -> Result<Settings, String> {
    config::load(source.config.as_deref(), environment(), listen).map_err(|error| error.to_string())
}

/// The environment; a value that is not UTF-8 keeps its place, so that the settings can refuse it by name.
fn environment() -> impl Iterator<Item = (String, String)> {
    std::env::vars_os().map(|(name, value)| (name.to_string_lossy().into_owned(), value.to_string_lossy().into_owned()))
}

async fn play(listen: SocketAddr, no_explorer: bool) -> Result<ExitCode, String> {
    let mut settings = config::load(None, std::iter::empty(), Some(listen)).map_err(|error| error.to_string())?;
    hide_explorer(&mut settings, no_explorer);
    log(&settings);
    let playing = app::play(settings).await?;
    say(&playing.greeting)?;
    playing.gateway.wait().await?;
    Ok(ExitCode::SUCCESS)
}

fn hide_explorer(settings: &mut Settings, is_hidden: bool) {
    if is_hidden {
        settings.http.explorer = Some(false);
    }
}

async fn serve(source: &Source, listen: Option<SocketAddr>, no_explorer: bool) -> Result<ExitCode, String> {
    let mut settings = load(source, listen)?;
    hide_explorer(&mut settings, no_explorer);
    log(&settings);
    let running = app::start(&settings, Vec::new()).await?;
    tracing::info!(
        address = %running.address,
        "serving on loopback only; each request brings the person's token in X-WordPress-Token"
    );
    running.wait().await?;
    Ok(ExitCode::SUCCESS)
}

async fn ask(question: Question) -> Result<ExitCode, String> {
    let (settings, asker) = match question.sandbox {
        true => (Settings::default(), query::Asker::Sandbox(question.person)),
        false => {
            let own = question.own;
            let asker = query::Asker::Own(own.wordpress_token.map(SecretString::from), own.oneall_user);
            (load(&question.source, None)?, asker)
        }
    };
    let (document, variables, operation) = (question.document, question.variables, question.operation);
    let reply = query::run(settings, query::Question { document, variables, operation, asker }).await?;
    say(&format!("{}\n", reply.json))?;
    if question.calls {
        reply.calls.iter().for_each(|call| eprintln!("{call}"));
    }
    Ok(if reply.clean { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Prints text; a reader that has gone away, as the end of a pipe may, is no failure.
fn say(text: &str) -> Result<ExitCode, String> {
    match std::io::stdout().write_all(text.as_bytes()) {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => Err(format!("cannot print: {error}")),
        _ => Ok(ExitCode::SUCCESS),
    }
}

fn log(settings: &Settings) {
    let filter = tracing_subscriber::EnvFilter::new(&settings.log.filter);
    let lines = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    match settings.log.format {
        LogFormat::Human => lines.init(),
        LogFormat::Json => lines.json().init(),
    }
    // Where it happens a panic can name its place and, within a request, the request's ID; whoever catches it says no more.
    std::panic::set_hook(Box::new(|panic| tracing::error!(cause = %panic, "panicked")));
}
