//! `commongraph query`: runs one operation in this process, without HTTP. It can list the calls that the operation takes.

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

/// The operation to run, and its caller.
pub struct QueryRequest {
    /// The document.
    pub document: String,
    /// The variables, as a JSON object.
    pub variables: Option<String>,
    /// The name of the operation, if the document has several.
    pub operation: Option<String>,
    /// The caller.
    pub caller: QueryCaller,
}

/// The caller of an operation.
pub enum QueryCaller {
    /// A user of the sandbox, by name. Without a name, the sandbox's operator.
    SandboxUser(Option<String>),
    /// The operator, who has the settings and so their keys, with the credentials of one person.
    Operator(PersonalCredentials),
}

/// The response to an operation.
pub struct QueryResponse {
    /// The GraphQL response, as JSON.
    pub json: String,
    /// Whether the response has no errors.
    pub is_ok: bool,
    /// One line for each call to a provider.
    pub calls: Vec<String>,
}

/// Runs one operation.
///
/// # Errors
/// A sentence, if the operation cannot be run at all.
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
        let wrong = |_| "--variables: is not valid; expected a JSON object, such as {\"token\": \"…\"}".to_owned();
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
    // A mutation that was sent ends, and has its line in the audit log, even if the operation has timed out.
    let writes = components.writes();
    writes.close();
    writes.wait().await;
    drop(running_sandbox);
    Ok(response)
}

fn pretty(answer: &impl serde::Serialize) -> Result<String, String> {
    serde_json::to_string_pretty(answer).map_err(|error| error.to_string())
}

/// Authenticates a user of the sandbox, with the credentials that the user's tab in the explorer has.
async fn authenticate(authenticator: &Authenticator, person: &sandbox::Person) -> Result<Caller, String> {
    let authorization = sample_operations::authorization(person);
    let credentials = Credentials { authorization: Some(&authorization), wordpress_token: person.wordpress_token };
    let caller = authenticator.authenticate(credentials, SystemTime::now(), LookupMode::AllowFetch, |_| Ok(())).await;
    caller.map_err(|rejection: Rejection| format!("the sandbox does not accept its own user: {rejection:?}"))
}

fn find_person(name: Option<&str>) -> Result<&'static sandbox::Person, String> {
    let is_named = |person: &&sandbox::Person| name.map_or(person.operator, |name| person.name == name);
    people().iter().find(is_named).ok_or_else(|| {
        let names: Vec<_> = people().iter().map(|person| person.name).collect();
        format!("--as: is not a user of the sandbox; the users are {}", names.join(", "))
    })
}

fn describe(record: &CallRecord) -> String {
    let call = &record.call;
    let outcome = match (call.status, call.error) {
        (Some(status), _) => status.to_string(),
        (None, Some(error)) => error.to_string(),
        (None, None) => "-".to_owned(),
    };
    let age = call.age.map(|age| format!("  {} s old", age.as_secs())).unwrap_or_default();
    let attempts = if call.attempts > 1 { format!("  {} attempts", call.attempts) } else { String::new() };
    let note = record.note.as_deref().map(|note| format!("  {note}")).unwrap_or_default();
    format!(
        "{:<9} {} {}  {}  {outcome}{attempts}{age}  {} ms  {} bytes  ({}){note}",
        record.provider.name(),
        call.method,
        call.target,
        call.verdict.as_str(),
        call.took.as_millis(),
        call.bytes,
        call.why
    )
}
