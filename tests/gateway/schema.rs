//! The schema is a contract: the text in the repository is what the program prints, and it says what a client needs to know.

use std::collections::BTreeMap;

use apollo_compiler::Schema;
use apollo_compiler::ast::{DirectiveList, Type};
use apollo_compiler::schema::{Directive, ExtendedType};
use chrono::NaiveDate;
use commongraph::graph::error::ErrorCode;
use serde_json::{Value, json};

use crate::harness::{Asker, World};

const TEXT: &str = include_str!("../../schema.graphql");
const ERRORS: &str = include_str!("../../docs/errors.md");

/// One thing of a schema that can be said something of.
struct Said {
    /// Such as `Connection.health`, `Query.nodes(ids:)` or `HealthState.OK`.
    place: String,
    /// On one line.
    description: String,
    /// Of a field that an answer can have.
    answers: Option<Type>,
    /// The reason, if it is deprecated; empty if none is given.
    deprecated: Option<String>,
}

fn schema(text: &str) -> Schema {
    Schema::parse(text, "schema.graphql").unwrap_or_else(|wrong| panic!("{wrong}"))
}

fn one_line(text: Option<&str>) -> String {
    text.unwrap_or_default().split_whitespace().collect::<Vec<_>>().join(" ")
}

fn reason(directive: &Directive) -> String {
    directive.specified_argument_by_name("reason").and_then(|value| value.as_str()).unwrap_or_default().to_owned()
}

/// Everything of our own that a schema speaks of.
fn said(schema: &Schema) -> Vec<Said> {
    let mut all = Vec::new();
    let mut say = |place: String, description: Option<&str>, answers, deprecated: Option<&Directive>| {
        let deprecated = deprecated.map(reason);
        all.push(Said { place, description: one_line(description), answers, deprecated });
    };
    let of = |directives: &DirectiveList| directives.get("deprecated").map(|found| (**found).clone());
    for (name, kind) in schema.types.iter().filter(|(_, kind)| !kind.is_built_in()) {
        say(name.to_string(), kind.description().map(|it| it.as_str()), None, None);
        let fields = match kind {
            ExtendedType::Object(kind) => Some(&kind.fields),
            ExtendedType::Interface(kind) => Some(&kind.fields),
            _ => None,
        };
        for (field, it) in fields.into_iter().flatten() {
            let place = format!("{name}.{field}");
            say(place.clone(), it.description.as_deref(), Some(it.ty.clone()), of(&it.directives).as_ref());
            for it in &it.arguments {
                let place = format!("{place}({}:)", it.name);
                say(place, it.description.as_deref(), None, of(&it.directives).as_ref());
            }
        }
        if let ExtendedType::InputObject(kind) = kind {
            for (field, it) in &kind.fields {
                say(format!("{name}.{field}"), it.description.as_deref(), None, of(&it.directives).as_ref());
            }
        }
        if let ExtendedType::Enum(kind) = kind {
            for (value, it) in &kind.values {
                say(format!("{name}.{value}"), it.description.as_deref(), None, of(&it.directives).as_ref());
            }
        }
    }
    all
}

#[test]
fn the_committed_schema_is_the_one_that_is_printed() {
    assert!(
        TEXT == commongraph::graph::schema_directives::sdl(),
        "schema.graphql is out of date; run: cargo run -- schema > schema.graphql"
    );
}

#[tokio::test]
async fn the_schema_is_served_as_text() {
    let world = World::start().await;
    let url = world.gateway.url().replace("/graphql", "/schema.graphql");
    let text = world.gateway.client.get(url).send().await.unwrap().text().await.unwrap();
    assert_eq!(text, TEXT);
}

/// The row of each error code in `docs/errors.md`: meaning, whether it is retryable, what to do.
fn rows() -> BTreeMap<&'static str, [&'static str; 3]> {
    let table = ERRORS.lines().skip_while(|line| !line.starts_with("| code |")).skip(2);
    let rows = table.take_while(|line| line.starts_with('|')).map(|line| {
        let cells: Vec<_> = line.split('|').map(str::trim).collect();
        (cells[1].trim_matches('`'), [cells[2], cells[3], cells[4]])
    });
    rows.collect()
}

#[test]
fn every_code_is_in_the_schema_with_the_meaning_and_the_advice_of_the_docs() {
    let all = said(&schema(TEXT));
    let values = all.iter().filter_map(|it| Some((it.place.strip_prefix("ErrorCode.")?, &it.description)));
    let told: BTreeMap<_, _> = values.collect();
    let rows = rows();
    assert_eq!(told.len(), ErrorCode::ALL.len());
    for code in ErrorCode::ALL {
        let [meaning, retryable, advice] = rows[code.as_str()];
        let (first, rest) = meaning.split_at(1);
        assert_eq!(retryable, if code.is_retryable() { "yes" } else { "no" }, "{}", code.as_str());
        let wanted = format!("{}{rest}. Retryable: {retryable}. What to do: {advice}.", first.to_uppercase());
        assert_eq!(told[code.as_str()], &wanted);
    }
}

#[test]
fn whatever_can_be_null_says_when() {
    let silent = said(&schema(TEXT)).into_iter().filter(|it| {
        it.answers.as_ref().is_some_and(|ty| !ty.is_non_null()) && !it.description.to_lowercase().contains("null")
    });
    assert_eq!(silent.map(|it| it.place).collect::<Vec<_>>(), Vec::<String>::new());
}

#[test]
fn a_choice_is_one_of_and_a_scalar_says_where_it_is_specified() {
    let schema = schema(TEXT);
    let has = |kind: &ExtendedType, name: &str| kind.directives().iter().any(|directive| directive.name == name);
    let own = || schema.types.iter().filter(|(_, kind)| !kind.is_built_in());
    let choices: Vec<_> = own().filter(|(name, kind)| kind.is_input_object() && name.ends_with("By")).collect();
    assert!(choices.len() >= 3 && choices.iter().all(|(_, kind)| has(kind, "oneOf")), "{choices:?}");
    let scalars: Vec<_> = own().filter(|(_, kind)| kind.is_scalar()).collect();
    assert!(scalars.len() >= 2 && scalars.iter().all(|(_, kind)| has(kind, "specifiedBy")), "{scalars:?}");
}

/// The operations that a description shows.
fn examples(description: &str) -> Vec<&str> {
    description.split('`').skip(1).step_by(2).filter(|code| code.starts_with("{ ")).collect()
}

#[tokio::test]
async fn the_entry_points_show_examples_that_can_be_asked() {
    let world = World::start().await;
    let all = said(&schema(TEXT));
    for entry in all.iter().filter(|it| it.answers.is_some() && it.place.starts_with("Query.")) {
        let shown = examples(&entry.description);
        assert!(!shown.is_empty(), "{} shows no example", entry.place);
        for example in shown {
            let mut answers = Vec::new();
            for name in ["ada", "olga"] {
                answers.push(world.ask(name, example).await);
            }
            let is_told = |answer: &Value| answer["data"].as_object().unwrap().values().all(|field| !field.is_null());
            assert!(answers.iter().any(is_told), "{}: {example} is answered {answers:?}", entry.place);
        }
    }
}

#[tokio::test]
async fn every_mutation_shows_an_example_that_can_be_sent() {
    let all = said(&schema(TEXT));
    let mutations = all.iter().filter(|it| it.answers.is_some() && it.place.starts_with("Mutation."));
    let mutations: Vec<_> = mutations.collect();
    assert_eq!(mutations.len(), 6);
    for it in mutations {
        let shown = it.description.split('`').skip(1).step_by(2).filter(|code| code.starts_with("mutation { "));
        let shown: Vec<_> = shown.collect();
        assert!(!shown.is_empty(), "{} shows no example", it.place);
        for example in shown {
            // Each has a world of its own, for what it shows is done.
            let world = World::start().await;
            let asker = if it.place.contains(".identity") { Asker::service("shop") } else { Asker::person("ada") };
            let answer = world.gateway.ask(&asker, example, json!({})).await;
            let payload = answer["data"].as_object().and_then(|data| data.values().next()).unwrap();
            assert_eq!((&answer["errors"], &payload["userErrors"]), (&json!(null), &json!([])), "{example}: {answer}");
        }
    }
}

#[test]
fn a_node_says_which_fields_one_selection_cannot_ask_several_kinds_for() {
    let schema = schema(TEXT);
    let kinds: Vec<_> = schema.types.values().filter_map(|kind| kind.as_object()).collect();
    let kinds = kinds.into_iter().filter(|kind| kind.implements_interfaces.iter().any(|it| it.name == "Node"));
    let mut types: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for (name, field) in kinds.flat_map(|kind| &kind.fields) {
        types.entry(name).or_default().push(field.ty.to_string());
    }
    types.retain(|_, types| types.iter().any(|ty| *ty != types[0]));
    let told = one_line(schema.types["Node"].description().map(|it| it.as_str()));
    assert!(types.keys().all(|name| told.contains(&format!("`{name}`"))), "{types:?}");
    assert!(types.len() == 2 && told.contains("Two fields"), "{types:?}");
}

#[test]
fn what_a_provider_does_not_say_of_a_change_is_not_said_for_it() {
    let all = said(&schema(TEXT));
    let of = |place: &str| &all.iter().find(|it| it.place == place).unwrap().description;
    for place in ["Mutation.identityRelink", "Mutation.identityDelete"] {
        assert!(of(place).contains("OneAll does not document what happens to its sign-ins."), "{place}: {}", of(place));
    }
    assert!(of("Mutation.connectionDisconnect").contains("of another person"));
}

/// What of a schema is deprecated otherwise than `docs/api.md` says: the reason names something of the schema to use
/// instead, and the day from which on it may be gone.
fn carelessly_deprecated(schema: &Schema) -> Vec<String> {
    let all = said(schema);
    let is_careful = |reason: &str| {
        let rest = reason.strip_prefix("Use `")?;
        let (instead, day) = rest.strip_suffix('.')?.split_once("` instead; it may be gone from ")?;
        let it = all.iter().find(|it| it.place == instead)?;
        let day = day.strip_suffix(" on")?;
        (it.deprecated.is_none() && NaiveDate::parse_from_str(day, "%Y-%m-%d").is_ok()).then_some(())
    };
    let deprecated = all.iter().filter_map(|it| Some((it, it.deprecated.as_ref()?)));
    let careless = deprecated.filter(|(_, reason)| is_careful(reason).is_none());
    careless.map(|(it, reason)| format!("{}: {reason:?}", it.place)).collect()
}

#[test]
fn what_is_deprecated_names_what_to_use_and_until_when_it_stays() {
    assert_eq!(carelessly_deprecated(&schema(TEXT)), Vec::<String>::new());
}

#[test]
fn a_careless_deprecation_is_found_wherever_it_stands() {
    let deprecated = |directive: &str| {
        format!(
            "type Query {{ old(a: Int {directive}): E {directive} new: In2 }} enum E {{ A {directive} B }} \
             type In2 {{ id: ID }} input In {{ x: Int {directive} }}"
        )
    };
    let found = |reason: &str| carelessly_deprecated(&schema(&deprecated(&format!("@deprecated(reason: {reason:?})"))));
    let good = "Use `Query.new` instead; it may be gone from 2027-05-31 on.";
    assert_eq!(found(good), Vec::<String>::new());
    for careless in [
        "",
        "Use `Query.new` instead.",
        "Use `Query.none` instead; it may be gone from 2027-05-31 on.",
        "Use `Query.old` instead; it may be gone from 2027-05-31 on.",
        "Use `Query.new` instead; it may be gone from 2027-02-30 on.",
        "Use `Query.new` instead; it may be gone from soon on.",
    ] {
        assert_eq!(found(careless).len(), 4, "{careless}");
    }
    assert_eq!(carelessly_deprecated(&schema(&deprecated("@deprecated"))).len(), 4);
}
