//! Every documented field is reachable: the schema itself says what to ask, and some row of the sandbox answers each.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use crate::harness::{Asker, World, codes};

/// How many object fields lie above the deepest leaf that is asked.
const DEPTH: usize = 5;
/// How many fields an operation of this test has at most: the graph's own limit, less what surrounds them.
const FIELDS_MAX: usize = 900;
/// The arguments of the entry points that need some, one entry for each kind of thing.
const ENTRIES: &[(&str, &[&str])] = &[
    ("application", &["by: {connectedApplicationId: \"8367271\"}"]),
    (
        "connection",
        &[
            "by: {keyringConnectionId: \"61001\"}",
            "by: {keyringConnectionId: \"1234567\"}",
            "by: {connectionToken: \"5a4d0000-0000-4000-8000-000000000012\"}",
        ],
    ),
    ("identity", &["by: {identityToken: \"5a4d0000-0000-4000-8002-000000000012\"}"]),
    // site:3584907 and service:twitter
    ("node", &["id: \"c2l0ZTozNTg0OTA3\""]),
    ("nodes", &["ids: [\"c2l0ZTozNTg0OTA3\", \"c2VydmljZTp0d2l0dGVy\"]"]),
    ("service", &["key: \"facebook\""]),
];

/// What the operator never sees, and why.
const NOT_HERS: &[(&str, &str)] = &[
    ("ApplicationConnection.incomplete", "only WordPress.com lists applications: without it there is no page at all"),
    ("ProviderState.detail", "nothing needs doing; whoever sends no token is told to"),
    ("ServiceConnection.incomplete", "her token reaches the catalogue; Dora's does not"),
    ("Viewer.oneallUser", "she asks for the site, not as one user, as Ada does"),
    ("WordPressUser.tokenSiteId", "her token is for all her sites; Ben's is for one"),
];

/// The schema as introspection tells it, by type.
struct Schema(BTreeMap<String, Value>);

/// A part of a selection, and how many fields it has.
type Piece = (String, usize);

const INTROSPECTION: &str = "{ __schema { types { kind name possibleTypes { name } fields {
    name args { name } type { ...T ofType { ...T ofType { ...T ofType { ...T } } } } } } } }
    fragment T on __Type { kind name }";

impl Schema {
    async fn read(world: &World) -> Self {
        let answer = world.gateway.ask(&Asker::nobody(), INTROSPECTION, json!({})).await;
        let types = answer["data"]["__schema"]["types"].as_array().unwrap().clone();
        let named = types.into_iter().map(|one| (one["name"].as_str().unwrap().to_owned(), one));
        Self(named.filter(|(name, _)| !name.starts_with("__")).collect())
    }

    fn fields(&self, name: &str) -> Vec<Value> {
        self.0[name]["fields"].as_array().cloned().unwrap_or_default()
    }

    /// Every field of every object type, as `Type.field`; what is changed has tests of its own.
    fn all(&self) -> BTreeSet<String> {
        let is_read = |name: &str| !crate::sweep::changes::is_of_changes(name);
        let objects = self.0.iter().filter(|(name, one)| one["kind"] == "OBJECT" && is_read(name));
        let fields = objects.flat_map(|(name, _)| self.fields(name).into_iter().map(move |field| (name, field)));
        fields.map(|(name, field)| format!("{name}.{}", field["name"].as_str().unwrap())).collect()
    }

    /// All that can be asked of a type, in pieces that each fit into one operation.
    fn pieces(&self, name: &str, path: &[&str]) -> Vec<Piece> {
        match self.0[name]["kind"].as_str().unwrap() {
            "UNION" | "INTERFACE" => self.members(name, path),
            _ => self.own_pieces(name, path),
        }
    }

    /// A piece for each type that can stand here. Fields of one name whose types differ from member to member cannot
    /// stand side by side in a valid operation, so each of them is asked under its member's name.
    fn members(&self, name: &str, path: &[&str]) -> Vec<Piece> {
        let members = self.0[name]["possibleTypes"].as_array().unwrap();
        let of_member = |member: &Value| {
            let member = member["name"].as_str().unwrap();
            let mut pieces = self.own_pieces(member, path);
            for (text, _) in pieces.iter_mut().filter(|(text, _)| self.clashes(member, members, text)) {
                *text = format!("{member}__{text}: {text}");
            }
            let pieces = pack(pieces).into_iter();
            pieces.map(|(text, size)| (format!("... on {member} {{ {text} }}"), size)).collect::<Vec<_>>()
        };
        members.iter().flat_map(of_member).collect()
    }

    /// Whether another member has a field of this name with another type.
    fn clashes(&self, member: &str, members: &[Value], field: &str) -> bool {
        let kind = |name: &str| {
            self.fields(name).into_iter().find(|one| one["name"] == field).map(|found| found["type"].clone())
        };
        let own = kind(member);
        own.is_some()
            && members.iter().filter_map(|other| kind(other["name"].as_str().unwrap())).any(|other| Some(other) != own)
    }

    fn own_pieces(&self, name: &str, path: &[&str]) -> Vec<Piece> {
        let nested = path.len() < DEPTH && !path.contains(&name);
        let below: Vec<&str> = path.iter().copied().chain([name]).collect();
        let mut pieces = vec![("__typename".to_owned(), 1)];
        for field in self.fields(name) {
            let (inner, label) = (innermost(&field["type"]), field["name"].as_str().unwrap());
            if matches!(inner["kind"].as_str(), Some("SCALAR" | "ENUM")) {
                pieces.push((label.to_owned(), 1));
            } else if nested {
                let first = field["args"].as_array().unwrap().iter().any(|argument| argument["name"] == "first");
                // A page within a page is short: its rows are counted for each row around it.
                let rows = if path.iter().any(|above| above.ends_with("Connection")) { 5 } else { 100 };
                let call = if first { format!("{label}(first: {rows})") } else { label.to_owned() };
                pieces.extend(self.called(&call, inner["name"].as_str().unwrap(), &below));
            }
        }
        pieces
    }

    /// A field of an object type with all that can be asked of it.
    fn called(&self, call: &str, inner: &str, path: &[&str]) -> Vec<Piece> {
        let pieces = match self.0[inner]["kind"].as_str().unwrap() {
            "UNION" | "INTERFACE" => self.pieces(inner, path),
            _ => pack(self.pieces(inner, path)),
        };
        pieces.into_iter().map(|(text, size)| (format!("{call} {{ __typename {text} }}"), size + 2)).collect()
    }

    /// The operations that ask for everything.
    fn operations(&self) -> Vec<String> {
        let mut operations = Vec::new();
        for field in self.fields("Query") {
            let (inner, label) = (innermost(&field["type"]), field["name"].as_str().unwrap());
            let given = ENTRIES.iter().find(|(name, _)| *name == label).map(|(_, arguments)| *arguments);
            let first = field["args"].as_array().unwrap().iter().any(|argument| argument["name"] == "first");
            let default: &[&str] = if first { &["first: 100"] } else { &[""] };
            for arguments in given.unwrap_or(default) {
                let call = if arguments.is_empty() { label.to_owned() } else { format!("{label}({arguments})") };
                let pieces = self.called(&call, inner["name"].as_str().unwrap(), &["Query"]);
                operations.extend(pieces.into_iter().map(|(text, _)| format!("{{ __typename {text} }}")));
            }
        }
        operations
    }
}

fn innermost(of: &Value) -> &Value {
    if of["ofType"].is_null() { of } else { innermost(&of["ofType"]) }
}

/// Puts pieces together as long as they fit into one operation.
fn pack(pieces: Vec<Piece>) -> Vec<Piece> {
    let mut packed: Vec<Piece> = Vec::new();
    for (text, size) in pieces {
        match packed.last_mut() {
            Some(last) if last.1 + size <= FIELDS_MAX => *last = (format!("{} {text}", last.0), last.1 + size),
            _ => packed.push((text, size)),
        }
    }
    packed
}

/// Notes the fields that hold something: a value, or a list with a row.
fn collect(value: &Value, filled: &mut BTreeSet<String>) {
    match value {
        Value::Array(rows) => rows.iter().for_each(|row| collect(row, filled)),
        Value::Object(fields) => {
            let name = fields["__typename"].as_str().unwrap();
            for (field, value) in fields {
                let field = field.trim_start_matches(&format!("{name}__"));
                if !value.is_null() && *value != json!([]) {
                    filled.insert(format!("{name}.{field}"));
                }
                collect(value, filled);
            }
        }
        _ => {}
    }
}

/// Asks everything as this person: the fields that were filled, and the errors by code and path.
async fn ask_all(world: &World, schema: &Schema, asker: &Asker) -> (BTreeSet<String>, Vec<(String, String)>) {
    let (mut filled, mut errors) = (BTreeSet::new(), Vec::new());
    for operation in schema.operations() {
        let answer = world.gateway.ask(asker, &operation, json!({})).await;
        assert!(answer["data"].is_object(), "{operation}: {answer}");
        errors.extend(codes(&answer));
        collect(&answer["data"], &mut filled);
    }
    (filled, errors)
}

#[tokio::test]
async fn every_field_of_the_schema_is_answered_for_some_row() {
    let world = World::generous().await;
    let schema = Schema::read(&world).await;
    let (mut filled, errors) = ask_all(&world, &schema, &Asker::person("olga")).await;
    assert_eq!(errors, []);
    let not_hers: BTreeSet<String> = schema.all().difference(&filled).cloned().collect();
    assert_eq!(not_hers, NOT_HERS.iter().map(|(field, _)| (*field).to_owned()).collect());
    for person in ["ada", "ben", "dora"] {
        let (theirs, errors) = ask_all(&world, &schema, &Asker::person(person)).await;
        for (code, path) in errors {
            assert_eq!(code, "FORBIDDEN", "{person} at {path}");
        }
        filled.extend(theirs);
    }
    let (theirs, errors) = ask_all(&world, &schema, &Asker::service("shop")).await;
    // What of an account or a service is at OneAll cannot be listed, whoever asks.
    let is_beyond_oneall = |code: &str, path: &str| {
        code == "UNSUPPORTED_BY_PROVIDER" && (path.ends_with(".connections") || path.ends_with(".identities"))
    };
    let told = |(code, path): &(String, String)| code == "UNAUTHENTICATED" || is_beyond_oneall(code, path);
    assert!(errors.iter().all(told), "{errors:?}");
    filled.extend(theirs);
    let empty: Vec<String> = schema.all().difference(&filled).cloned().collect();
    assert_eq!(empty, ["ApplicationConnection.incomplete"]);
}

#[tokio::test]
async fn the_people_of_the_sandbox_show_every_state_of_a_connection() {
    let world = World::start().await;
    let mut seen = BTreeSet::new();
    for person in commongraph::sandbox::people() {
        let answer = world.ask(person.name, "{ connections(first: 100) { nodes { health { state } } } }").await;
        let rows = answer["data"]["connections"]["nodes"].as_array().cloned().unwrap_or_default();
        seen.extend(rows.iter().filter_map(|row| row["health"]["state"].as_str().map(str::to_owned)));
    }
    let all = ["BROKEN", "EXPIRING", "FAILED", "OK", "REAUTHORIZE", "UNKNOWN", "UNSUPPORTED"];
    assert!(seen.iter().eq(all), "{seen:?}");
}
