//! The commands and their arguments, as clap parses them and as `--help` describes them.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::builder::{PossibleValue, PossibleValuesParser};
use clap::{Args, Parser, Subcommand};

use super::key;

/// A GraphQL gateway that puts WordPress.com and OneAll on one common graph.
#[derive(Parser)]
#[command(version, about, arg_required_else_help = true)]
pub(super) struct Arguments {
    #[command(subcommand)]
    pub(super) command: Command,
}

#[derive(Subcommand)]
pub(super) enum Command {
    /// Serve the graph over simulated providers on this machine. No account and no key is required.
    ///
    /// It prints the credentials of its users and services. It listens on loopback only, and does not start where real
    /// secrets are set.
    Sandbox {
        /// The address to listen on [env: COMMONGRAPH_LISTEN] [default: 127.0.0.1:8080]
        #[arg(long, value_name = "ADDR:PORT")]
        listen: Option<SocketAddr>,
        /// Do not serve the explorer at `/`.
        #[arg(long)]
        no_explorer: bool,
    },
    /// Serve the graph over the real providers.
    ///
    /// A request authenticates in the Authorization header, as a user by a JWT or as a service by its key. The
    /// X-WordPress-Token header carries the user's WordPress.com token.
    Serve {
        #[command(flatten)]
        source: Source,
        /// Serve one user on this machine only: the user of COMMONGRAPH_WORDPRESS_TOKEN and COMMONGRAPH_ONEALL_USER.
        /// Each request must carry the credential that is printed at the start.
        #[arg(long)]
        personal: bool,
        /// The address to listen on [env: COMMONGRAPH_LISTEN]
        #[arg(long, value_name = "ADDR:PORT")]
        listen: Option<SocketAddr>,
        /// Do not serve the explorer at `/`, whatever the settings say.
        #[arg(long)]
        no_explorer: bool,
    },
    /// Print the schema.
    Schema,
    /// Run one operation and print its response as JSON.
    Query(QueryArguments),
    /// Run the checks of `serve`, ask each provider whether it accepts its credentials, and list the service keys that
    /// expire.
    Check {
        /// List the edges of the graph instead: cost in calls, batching, number of rows.
        #[arg(long)]
        edges: bool,
        /// List the fields of the graph instead, with the callers and scopes that may read them.
        #[arg(long, conflicts_with = "edges")]
        access: bool,
        /// Check the settings for `serve --personal` instead of `serve`.
        #[arg(long, conflicts_with_all = ["edges", "access"])]
        personal: bool,
        #[command(flatten)]
        source: Source,
        #[command(flatten)]
        token: Token,
    },
    /// Manage the keys of services.
    #[command(subcommand)]
    Key(KeyCommand),
}

#[derive(Subcommand)]
pub(super) enum KeyCommand {
    /// Create a service key, and print it with the settings that accept it.
    ///
    /// The key is printed once and is not stored. The settings hold only its SHA-256 digest.
    New(NewKey),
}

#[derive(Args)]
pub(super) struct NewKey {
    /// The service that uses the key. A service can have two valid keys at a time, for rotation.
    #[arg(long, value_name = "NAME")]
    pub(super) service: String,
    /// A scope of the key. May be repeated.
    #[arg(long = "scope", value_name = "SCOPE", required = true, value_parser = scopes())]
    pub(super) scopes: Vec<String>,
    /// The number of days for which the key is valid.
    #[arg(long, value_name = "DAYS", default_value_t = 90, value_parser = clap::value_parser!(u16).range(1..=366))]
    pub(super) days: u16,
    /// The public ID of the key, 1 to 32 characters of a-z and 0-9 [default: random]
    #[arg(long, value_name = "ID")]
    pub(super) id: Option<String>,
}

/// Accepts the names of scopes, and describes each in the help.
fn scopes() -> PossibleValuesParser {
    PossibleValuesParser::new(key::scopes().map(|(name, meaning)| PossibleValue::new(name).help(meaning)))
}

#[derive(Args)]
pub(super) struct Source {
    /// The settings file, in TOML. Environment variables override it, and flags override both
    /// [env: COMMONGRAPH_CONFIG]
    #[arg(long, value_name = "FILE")]
    pub(super) config: Option<PathBuf>,
}

#[derive(Args)]
pub(super) struct Token {
    /// The user's WordPress.com token. Prefer the environment variable: other users of the machine can read arguments
    /// [env: COMMONGRAPH_WORDPRESS_TOKEN]
    #[arg(long, value_name = "TOKEN")]
    pub(super) wordpress_token: Option<String>,
}

#[derive(Args)]
pub(super) struct Credentials {
    #[command(flatten)]
    pub(super) token: Token,
    /// The OneAll user to read as; without one, the operation reads the whole site [env: COMMONGRAPH_ONEALL_USER]
    #[arg(long, value_name = "TOKEN")]
    pub(super) oneall_user: Option<String>,
}

#[derive(Args)]
pub(super) struct QueryArguments {
    /// The document, such as '{ viewer { wordpressUser { displayName } } }'.
    pub(super) document: String,
    /// The variables, as a JSON object.
    #[arg(long, value_name = "JSON")]
    pub(super) variables: Option<String>,
    /// The operation to run, if the document has several.
    #[arg(long, value_name = "NAME")]
    pub(super) operation: Option<String>,
    /// Use the sandbox instead of the real providers.
    #[arg(long, conflicts_with_all = ["config", "wordpress_token", "oneall_user"])]
    pub(super) sandbox: bool,
    /// The user of the sandbox to run as [default: the operator, who can list the accounts of both providers]
    #[arg(long = "as", value_name = "PERSON", requires = "sandbox")]
    pub(super) person: Option<String>,
    /// Print the calls to the providers on stderr.
    #[arg(long)]
    pub(super) calls: bool,
    #[command(flatten)]
    pub(super) source: Source,
    #[command(flatten)]
    pub(super) credentials: Credentials,
}
