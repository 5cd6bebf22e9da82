//! One operation, run in this process: for scripts, for a first look, and to see what an operation costs.

use async_graphql::{Request, Variables};

use super::tour::person_at_oneall;
use super::{caller, graph, point_at, start_sandbox};
use crate::access::Caller;
use crate::config::Settings;
use crate::graph::operation::Allowed;
use crate::provider::CallMade;
use crate::sandbox::{Person, people};

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
    /// Whoever the settings at hand reach.
    Own(Caller),
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
    let asker = match question.asker {
        Asker::Sandbox(name) => {
            let person = find_person(name.as_deref())?;
            let sandbox = start_sandbox().await?;
            point_at(&mut settings, &sandbox);
            world = Some(sandbox);
            caller(person.wordpress_token, person_at_oneall(person))?
        }
        Asker::Own(caller) => caller,
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
    let graph = graph(&settings)?;
    let reply = match graph.check(request, Allowed::Everything).await {
        Ok(operation) => {
            let outcome = graph.execute(operation, &asker).await;
            let calls = outcome.calls.list().iter().map(describe).collect();
            Reply { json: pretty(&outcome.response)?, clean: outcome.response.errors.is_empty(), calls }
        }
        Err(rejected) => Reply { json: pretty(&rejected)?, clean: false, calls: Vec::new() },
    };
    drop(world);
    Ok(reply)
}

fn pretty(answer: &impl serde::Serialize) -> Result<String, String> {
    serde_json::to_string_pretty(answer).map_err(|error| error.to_string())
}

fn find_person(name: Option<&str>) -> Result<&'static Person, String> {
    let wanted = |person: &&Person| name.map_or(person.operator, |name| person.name == name);
    people().iter().find(wanted).ok_or_else(|| {
        let names: Vec<_> = people().iter().map(|person| person.name).collect();
        format!("--as: there is no such person in the sandbox; there are {}", names.join(", "))
    })
}

fn describe(made: &CallMade) -> String {
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
        "{:<9} GET {}  {}  {outcome}{tried}{age}  {} ms  {} bytes  ({}){note}",
        made.provider.name(),
        call.target,
        call.verdict.as_str(),
        call.took.as_millis(),
        call.bytes,
        call.why
    )
}
