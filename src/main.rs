//! The command: reads it, starts the runtime, and sets the exit code. 0 is well, 1 an answer with errors, 2 a command
//! or setting that is wrong.
#![allow(clippy::print_stderr, reason = "a command talks to its terminal")]

use std::io::{IsTerminal, Write};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::builder::{PossibleValue, PossibleValuesParser};
use clap::{Args, Parser, Subcommand};
use commongraph::app::lifecycle::{self, Signals, Source as Reloads};
use commongraph::app::{self, Person, check, key, query, tour, toy};
use commongraph::config::{self, LogFormat, Settings, mode};
use tracing_subscriber::filter::{FilterExt, LevelFilter, filter_fn};
use tracing_subscriber::layer::{Layer, SubscriberExt};
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, fmt, reload};

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
    ///
    /// Its people have tokens, and its services keys, that it prints. It listens on loopback only, and does not start
    /// where real secrets are set.
    Sandbox {
        /// Where the gateway listens [env: COMMONGRAPH_LISTEN] [default: 127.0.0.1:8080]
        #[arg(long, value_name = "ADDR:PORT")]
        listen: Option<SocketAddr>,
        /// Show nothing at `/`.
        #[arg(long)]
        no_explorer: bool,
    },
    /// Serve the graph over the real providers.
    ///
    /// Each request says who asks: a person by their JWT, a service by its key, in Authorization; and a person's
    /// WordPress.com token beside, in X-WordPress-Token.
    Serve {
        #[command(flatten)]
        source: Source,
        /// Serve one person on this machine alone: the one whose COMMONGRAPH_WORDPRESS_TOKEN and COMMONGRAPH_ONEALL_USER
        /// are set. Each request must show the credential that is printed at the start.
        #[arg(long)]
        personal: bool,
        /// Where the gateway listens [env: COMMONGRAPH_LISTEN]
        #[arg(long, value_name = "ADDR:PORT")]
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
        /// List who may read what instead: rights, the scopes that give them, and the fields that they open.
        #[arg(long, conflicts_with = "edges")]
        access: bool,
        #[command(flatten)]
        source: Source,
        #[command(flatten)]
        token: Token,
    },
    /// Make keys that services ask with.
    #[command(subcommand)]
    Key(KeyCommand),
}

#[derive(Subcommand)]
enum KeyCommand {
    /// Make a service key; print it once, with the settings that let it in.
    ///
    /// The settings hold only the SHA-256 digest of the key's whole text. Nothing is stored: what is printed is all
    /// there is.
    New(Wish),
}

#[derive(Args)]
struct Wish {
    /// Whose key it is; a service has at most two that are good at a time, so that one can follow the other.
    #[arg(long, value_name = "NAME")]
    service: String,
    /// What the key is good for; once for each scope.
    #[arg(long = "scope", value_name = "SCOPE", required = true, value_parser = scopes())]
    scopes: Vec<String>,
    /// How many days it is good for.
    #[arg(long, value_name = "DAYS", default_value_t = 90, value_parser = clap::value_parser!(u16).range(1..=366))]
    days: u16,
    /// The key's public name, 1 to 32 of a-z and 0-9 [default: a random one]
    #[arg(long, value_name = "ID")]
    id: Option<String>,
}

/// Takes the names of scopes, and tells each one's meaning in the help.
fn scopes() -> PossibleValuesParser {
    PossibleValuesParser::new(key::scopes().map(|(name, meaning)| PossibleValue::new(name).help(meaning)))
}

#[derive(Args)]
struct Source {
    /// The settings file, in TOML. The environment comes after it, flags last [env: COMMONGRAPH_CONFIG]
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
}

impl Source {
    /// The settings file given, by flag or by environment.
    fn file(&self) -> Option<PathBuf> {
        self.config.clone().or_else(file_variable)
    }
}

#[derive(Args)]
struct Token {
    /// A person's WordPress.com token. Give it by the environment: other users of the machine can read arguments
    /// [env: COMMONGRAPH_WORDPRESS_TOKEN]
    #[arg(long, value_name = "TOKEN")]
    wordpress_token: Option<String>,
}

#[derive(Args)]
struct Own {
    #[command(flatten)]
    token: Token,
    /// The OneAll user to act for; without one, the whole site [env: COMMONGRAPH_ONEALL_USER]
    #[arg(long, value_name = "TOKEN")]
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
    #[arg(long, conflicts_with_all = ["config", "wordpress_token", "oneall_user"])]
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

fn main() -> ExitCode {
    match lifecycle::drive(run(Cli::parse().command)) {
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
        Command::Serve { source, personal: true, listen, no_explorer } => {
            serve_personal(&source, listen, no_explorer).await
        }
        Command::Serve { source, listen, no_explorer, .. } => serve(&source, listen, no_explorer).await,
        Command::Schema => say(&app::schema()),
        Command::Query(question) => ask(question).await,
        Command::Key(KeyCommand::New(Wish { service, scopes, days, id })) => {
            say(&key::new(&key::Wish { id, service, scopes, days })?)
        }
        Command::Check { edges: true, .. } => say(&check::edges()),
        Command::Check { access: true, .. } => say(&check::access()),
        Command::Check { source, token, .. } => {
            let settings = load(&source, None)?;
            log_for_command(&settings);
            let report = check::run(&settings, &Person::of(token.read()?.as_deref(), None)?.operator()).await?;
            say(&report.table)?;
            Ok(if report.good { ExitCode::SUCCESS } else { ExitCode::FAILURE })
        }
    }
}

/// The settings file that the environment names.
fn file_variable() -> Option<PathBuf> {
    std::env::var_os("COMMONGRAPH_CONFIG").filter(|path| !path.is_empty()).map(PathBuf::from)
}

fn load(source: &Source, listen: Option<SocketAddr>) -> Result<Settings, String> {
    let file = source.file();
    let listen = match listen {
        Some(address) => Some(address),
        None => listen_variable()?,
    };
    Ok(config::load(file.as_deref(), environment(), listen)?)
}

/// A variable's text; an empty one counts as unset, as everywhere.
fn variable(name: &str) -> Result<Option<String>, String> {
    let set = std::env::var_os(name).filter(|text| !text.is_empty());
    set.map(|text| text.into_string().map_err(|_| format!("{name}: is not UTF-8 text"))).transpose()
}

fn listen_variable() -> Result<Option<SocketAddr>, String> {
    let wrong = |_| "COMMONGRAPH_LISTEN: wanted an address and a port, such as 127.0.0.1:8080".to_owned();
    variable("COMMONGRAPH_LISTEN")?.map(|text| text.parse().map_err(wrong)).transpose()
}

impl Token {
    /// The token given, by flag or by environment.
    fn read(&self) -> Result<Option<String>, String> {
        match &self.wordpress_token {
            Some(token) => Ok(Some(token.clone())),
            None => variable("COMMONGRAPH_WORDPRESS_TOKEN"),
        }
    }
}

impl Own {
    /// The OneAll user given, by flag or by environment.
    fn user(&self) -> Result<Option<String>, String> {
        match &self.oneall_user {
            Some(user) => Ok(Some(user.clone())),
            None => variable("COMMONGRAPH_ONEALL_USER"),
        }
    }
}

/// The environment; a value that is not UTF-8 keeps its place, so that the settings can refuse it by name.
fn environment() -> impl Iterator<Item = (String, String)> {
    std::env::vars_os().map(|(name, value)| (name.to_string_lossy().into_owned(), value.to_string_lossy().into_owned()))
}

async fn play(listen: Option<SocketAddr>, no_explorer: bool) -> Result<ExitCode, String> {
    let listen = if listen.is_some() { listen } else { listen_variable()? };
    mode::check_sandbox(file_variable().as_deref(), environment())?;
    let mut settings = config::load(None, std::iter::empty(), listen)?;
    mode::check_loopback(&settings, "the sandbox")?;
    hide_explorer(&mut settings, no_explorer);
    drop(log(&settings));
    let signals = Signals::take()?;
    let playing = app::play(settings.clone()).await?;
    say(&playing.greeting)?;
    lifecycle::run(playing.gateway, signals, &settings, None).await?;
    Ok(ExitCode::SUCCESS)
}

fn hide_explorer(settings: &mut Settings, is_hidden: bool) {
    if is_hidden {
        settings.http.explorer = Some(false);
    }
}

async fn serve(source: &Source, listen: Option<SocketAddr>, no_explorer: bool) -> Result<ExitCode, String> {
    let mut settings = load(source, listen)?;
    check_serve(&settings)?;
    hide_explorer(&mut settings, no_explorer);
    let follow = log(&settings);
    let signals = Signals::take()?;
    let running = app::start(&settings, Vec::new()).await?;
    tracing::info!(address = %running.address, "serving");
    let source = Source { config: source.config.clone() };
    let file = source.file();
    let read = move || {
        let mut settings = load(&source, listen)?;
        check_serve(&settings)?;
        hide_explorer(&mut settings, no_explorer);
        Ok(settings)
    };
    let reloads = Reloads { file, read: Box::new(read), follow };
    lifecycle::run(running, signals, &settings, Some(reloads)).await?;
    Ok(ExitCode::SUCCESS)
}

fn check_serve(settings: &Settings) -> Result<(), String> {
    mode::check_serve(settings)?;
    toy::check_unknown(settings)
}

/// One person's gateway takes its settings once: it ends sooner than they change.
async fn serve_personal(source: &Source, listen: Option<SocketAddr>, no_explorer: bool) -> Result<ExitCode, String> {
    let mut settings = load(source, listen)?;
    mode::check_loopback(&settings, "serve --personal")?;
    let (token, user) = (variable("COMMONGRAPH_WORDPRESS_TOKEN")?, variable("COMMONGRAPH_ONEALL_USER")?);
    if token.is_none() && user.is_none() {
        return Err("serve --personal: wanted COMMONGRAPH_WORDPRESS_TOKEN or COMMONGRAPH_ONEALL_USER".to_owned());
    }
    let person = Person::of(token.as_deref(), user.as_deref())?;
    hide_explorer(&mut settings, no_explorer);
    drop(log(&settings));
    let signals = Signals::take()?;
    let (running, bearer) = app::start_personal(settings.clone(), person).await?;
    say(&tour::personal_greeting(running.address, &bearer))?;
    lifecycle::run(running, signals, &settings, None).await?;
    Ok(ExitCode::SUCCESS)
}

async fn ask(question: Question) -> Result<ExitCode, String> {
    let (settings, asker) = match question.sandbox {
        true => {
            mode::check_sandbox(file_variable().as_deref(), environment())?;
            (Settings::default(), query::Asker::Sandbox(question.person))
        }
        false => {
            let (token, user) = (question.own.token.read()?, question.own.user()?);
            let person = Person::of(token.as_deref(), user.as_deref())?;
            (load(&question.source, None)?, query::Asker::Own(person))
        }
    };
    log_for_command(&settings);
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

/// A command that answers and ends tells what went wrong, whose personal data were read and, unless the settings want
/// more, nothing else.
fn log_for_command(settings: &Settings) {
    let usual = settings.log.filter == Settings::default().log.filter;
    drop(log_at(settings, EnvFilter::new(if usual { "warn" } else { &settings.log.filter })));
}

/// Logs as the settings say; what is returned follows the filter of other settings.
fn log(settings: &Settings) -> Follow {
    log_at(settings, filter(settings))
}

fn filter(settings: &Settings) -> EnvFilter {
    EnvFilter::new(&settings.log.filter)
}

/// Told of settings that are in force.
type Follow = Box<dyn Fn(&Settings) + Send + Sync>;

fn log_at(settings: &Settings, first: EnvFilter) -> Follow {
    let (filtered, handle) = reload::Layer::new(first);
    // Beside the filter and not a part of it, so that nothing it says silences the audit log.
    let audit = filter_fn(|line| line.target() == app::AUDIT_TARGET).with_max_level_hint(LevelFilter::INFO);
    let lines = fmt::layer().with_writer(std::io::stderr).with_ansi(std::io::stderr().is_terminal());
    let lines = match settings.log.format {
        LogFormat::Human => lines.boxed(),
        LogFormat::Json => lines.json().boxed(),
    };
    tracing_subscriber::registry().with(lines.with_filter(filtered.or(audit))).init();
    // Where it happens a panic can name its place and, within a request, the request's ID; whoever catches it says no more.
    std::panic::set_hook(Box::new(|panic| tracing::error!(cause = %panic, "panicked")));
    Box::new(move |settings| drop(handle.reload(filter(settings))))
}
