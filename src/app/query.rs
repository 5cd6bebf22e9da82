//! One operation, run in this process: for scripts, for a first look, and to see what an operation costs.

use std::time::SystemTime;

use async_graphql::{Request, Variables};
use tokio::time::Instant;

use super::parts::Parts;
use super::{Person, point_at, sample_operations, start_sandbox};
use crate::auth::{self, Authenticator, Caller, Credentials, LookupMode, Rejection};
use crate::config::Settings;
use crate::graph::execution::ExecutionContext;
use crate::graph::operation::AllowedOperations;
use crate::metrics::Metrics;
use crate::provider::CallRecord;
use crate::sandbox::{self, people};

/// What to run.
pub struct Question {
    /// The document.
    pub document: String,
    /// The variables, as a JSON object.
    pub variables: Option<String>,
    /// The operation's name, in a document of several.
    pub operation: Option<String>,
    /// As whom.
    pub asker: Asker,
}

/// As whom to run it.
pub enum Asker {
    /// A person of the sandbox's world; its operator if none is named.
    Sandbox(Option<String>),
    /// Whoever has the settings at hand, and so their keys; for this person, if it says one.
    Own(Person),
}

/// What came back.
pub struct Reply {
    /// The answer, as JSON.
    pub json: String,
    /// Whether it is free of errors.
    pub clean: bool,
    /// A line for each call it took.
    pub calls: Vec<String>,
}

/// Runs one operation.
///
/// # Errors
/// A sentence, if it cannot be run at all.
pub async fn run(mut settings: Settings, question: Question) -> Result<Reply, String> {
    let mut world = None;
    let metrics = Metrics::default();
    let (parts, asker) = match question.asker {
        Asker::Sandbox(name) => {
            let person = find_person(name.as_deref())?;
            let sandbox = start_sandbox().await?;
            point_at(&mut settings, &sandbox);
            world = Some(sandbox);
            let parts = Parts::build(&settings, &metrics, None)?;
            let caller = admit(parts.access(), person).await?;
            (parts, caller)
        }
        Asker::Own(person) => {
            settings.access = auth::Settings::default();
            (Parts::build(&settings, &metrics, None)?, person.operator())
        }
    };
    let mut request = Request::new(question.document);
    if let Some(text) = question.variables {
        let wrong = |_| "--variables: wanted a JSON object, such as {\"token\": \"…\"}".to_owned();
        let variables: serde_json::Map<_, _> = serde_json::from_str(&text).map_err(wrong)?;
        request = request.variables(Variables::from_json(variables.into()));
    }
    if let Some(name) = question.operation {
        request = request.operation_name(name);
    }
    let (graph, aliases) = (parts.graph()?, parts.aliases());
    let reply = match graph.check(request, &asker, AllowedOperations::All).await {
        Ok(operation) => {
            let terms = ExecutionContext {
                calls: graph.calls(Instant::now(), None),
                rate_limit: None,
                aliases,
                request_id: "".into(),
            };
            let outcome = graph.execute(operation, &asker, terms).await;
            let calls = outcome.calls.records().iter().map(describe).collect();
            Reply { json: pretty(&outcome.response)?, clean: outcome.response.errors.is_empty(), calls }
        }
        Err(rejected) => Reply { json: pretty(&rejected)?, clean: false, calls: Vec::new() },
    };
    // What was sent to be changed has its end, and its line in the audit log, though the operation's time is up.
    let writes = parts.writes();
    writes.close();
    writes.wait().await;
    drop(world);
    Ok(reply)
}

fn pretty(answer: &impl serde::Serialize) -> Result<String, String> {
    serde_json::to_string_pretty(answer).map_err(|error| error.to_string())
}

/// The caller that a person of the sandbox is, by the credentials that their tab in the explorer shows.
async fn admit(access: &Authenticator, person: &sandbox::Person) -> Result<Caller, String> {
    let (authorization, wordpress_token) = (sample_operations::authorization(person), person.wordpress_token);
    let shown = Credentials { authorization: Some(&authorization), wordpress_token };
    let admitted = access.authenticate(shown, SystemTime::now(), LookupMode::AllowFetch, |_| Ok(())).await;
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
