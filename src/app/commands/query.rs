//! One operation, run in this process: for scripts, for a first look, and to see what an operation costs.

use std::time::SystemTime;

use async_graphql::{Request, Variables};
use tokio::time::Instant;

use crate::app::components::Components;
use crate::app::{PersonalCredentials, point_at, sample_operations, start_sandbox};
use crate::auth::{self, Authenticator, Caller, Credentials, LookupMode, Rejection};
use crate::config::Settings;
use crate::graph::execution::ExecutionContext;
use crate::graph::operation::AllowedOperations;
use crate::metrics::Metrics;
use crate::provider::CallRecord;
use crate::sandbox::{self, people};

/// What to run.
pub struct QueryRequest {
    /// The document.
    pub document: String,
    /// The variables, as a JSON object.
    pub variables: Option<String>,
    /// The operation's name, in a document of several.
    pub operation: Option<String>,
    /// As whom.
    pub caller: QueryCaller,
}

/// As whom to run it.
pub enum QueryCaller {
    /// A person of the sandbox's world; its operator if none is named.
    SandboxUser(Option<String>),
    /// Whoever has the settings at hand, and so their keys; for this person, if it says one.
    Operator(PersonalCredentials),
}

/// What came back.
pub struct QueryResponse {
    /// The answer, as JSON.
    pub json: String,
    /// Whether it is free of errors.
    pub is_ok: bool,
    /// A line for each call it took.
    pub calls: Vec<String>,
}

/// Runs one operation.
///
/// # Errors
/// A sentence, if it cannot be run at all.
pub async fn run(mut settings: Settings, request: QueryRequest) -> Result<QueryResponse, String> {
    let mut running_sandbox = None;
    let metrics = Metrics::default();
    let (components, caller) = match request.caller {
        QueryCaller::SandboxUser(name) => {
            let person = find_person(name.as_deref())?;
            let sandbox = start_sandbox().await?;
            point_at(&mut settings, &sandbox);
            running_sandbox = Some(sandbox);
            let components = Components::build(&settings, &metrics, None)?;
            let caller = authenticate(components.authenticator(), person).await?;
            (components, caller)
        }
        QueryCaller::Operator(credentials) => {
            settings.access = auth::Settings::default();
            (Components::build(&settings, &metrics, None)?, credentials.operator())
        }
    };
    let mut operation = Request::new(request.document);
    if let Some(text) = request.variables {
        let wrong = |_| "--variables: wanted a JSON object, such as {\"token\": \"…\"}".to_owned();
        let variables: serde_json::Map<_, _> = serde_json::from_str(&text).map_err(wrong)?;
        operation = operation.variables(Variables::from_json(variables.into()));
    }
    if let Some(name) = request.operation {
        operation = operation.operation_name(name);
    }
    let graph = components.graph()?;
    let response = match graph.check(operation, &caller, AllowedOperations::All).await {
        Ok(operation) => {
            let context = ExecutionContext {
                calls: graph.calls(Instant::now(), None),
                rate_limit: None,
                aliases: components.pseudonymizer(),
                request_id: "".into(),
            };
            let outcome = graph.execute(operation, &caller, context).await;
            let calls = outcome.calls.records().iter().map(describe).collect();
            QueryResponse { json: pretty(&outcome.response)?, is_ok: outcome.response.errors.is_empty(), calls }
        }
        Err(rejected) => QueryResponse { json: pretty(&rejected)?, is_ok: false, calls: Vec::new() },
    };
    // What was sent to be changed has its end, and its line in the audit log, though the operation's time is up.
    let writes = components.writes();
    writes.close();
    writes.wait().await;
    drop(running_sandbox);
    Ok(response)
}

fn pretty(answer: &impl serde::Serialize) -> Result<String, String> {
    serde_json::to_string_pretty(answer).map_err(|error| error.to_string())
}

/// The caller that a person of the sandbox is, by the credentials that their tab in the explorer shows.
async fn authenticate(authenticator: &Authenticator, person: &sandbox::Person) -> Result<Caller, String> {
    let (authorization, wordpress_token) = (sample_operations::authorization(person), person.wordpress_token);
    let shown = Credentials { authorization: Some(&authorization), wordpress_token };
    let admitted = authenticator.authenticate(shown, SystemTime::now(), LookupMode::AllowFetch, |_| Ok(())).await;
    admitted.map_err(|rejection: Rejection| format!("the sandbox does not know its own people: {rejection:?}"))
}

fn find_person(name: Option<&str>) -> Result<&'static sandbox::Person, String> {
    let wanted = |person: &&sandbox::Person| name.map_or(person.operator, |name| person.name == name);
    people().iter().find(wanted).ok_or_else(|| {
        let names: Vec<_> = people().iter().map(|person| person.name).collect();
        format!("--as: there is no such person in the sandbox; there are {}", names.join(", "))
    })
}

fn describe(made: &CallRecord) -> String {
    let call = &made.call;
    let outcome = match (call.status, call.error) {
        (Some(status), _) => status.to_string(),
        (None, Some(error)) => error.to_string(),
        (None, None) => "-".to_owned(),
    };
    let age = call.age.map(|age| format!("  {} s old", age.as_secs())).unwrap_or_default();
    let tried = if call.attempts > 1 { format!("  {} attempts", call.attempts) } else { String::new() };
    let note = made.note.as_deref().map(|note| format!("  {note}")).unwrap_or_default();
    format!(
        "{:<9} {} {}  {}  {outcome}{tried}{age}  {} ms  {} bytes  ({}){note}",
        made.provider.name(),
        call.method,
        call.target,
        call.verdict.as_str(),
        call.took.as_millis(),
        call.bytes,
        call.why
    )
}
