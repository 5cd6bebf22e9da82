//! The sweep: every field of the schema, asked by every kind of caller, of what is theirs, somebody else's and nobody's.
//!
//! What is asked comes out of the schema, so that a new field is asked too. What is expected comes out of the table of
//! rights, read here a second time and in another way than the gateway does: by walking through the answer. A field that
//! is refused is null, with the code that the table leads to, and costs no call; one that is not refused has no error;
//! what is somebody else's is answered, byte for byte and call for call, like what does not exist.

pub mod changes;

use std::collections::{BTreeMap, BTreeSet};

use commongraph::auth::Scope;
use commongraph::auth::policy::{Access, FieldRule, PersonAccess, RULES, Right, access_to};
use commongraph::config::Settings;
use commongraph::graph::document::limits::Limits;
use serde_json::{Value, json};

use crate::harness::{Asker, World, codes, generous, id};
use crate::selection::Types;

/// Whom the sandbox knows at WordPress.com by this token, and at OneAll by this user token: one person.
const TOKEN: &str = "sandbox-wpcom-ada";
const USER: &str = "5a4d0000-0000-4000-8001-000000000002";

/// How many rows of each list are asked for: some, so that rows of both providers meet.
const ROWS: u32 = 2;

/// What is refused without a credential, and what with one that never reaches it.
const NO: &str = "UNAUTHENTICATED";
const NEVER: &str = "FORBIDDEN";

/// Fields below a thing of one provider that are over both.
const OVER_BOTH: [(&str, &str); 2] = [("Service", "identities"), ("Identity", "sameAs")];

/// Fields that say who the caller is: for a caller who is nobody there they are null, which is no refusal.
const WHO: [(&str, &str); 4] =
    [("Query", "viewer"), ("Viewer", "needsAttentionCount"), ("Viewer", "oneallUser"), ("Viewer", "wordpressUser")];

/// What the list of sign-ins says of some of its rows itself, so that whoever may list reads it there.
const CARRIED: (&str, &str) = ("Connection", "health");

/// A kind of caller.
struct Caller {
    name: String,
    asker: Asker,
    has_token: bool,
    principal: Principal,
}

enum Principal {
    Nobody,
    /// By a JWT; whether it names the user at OneAll.
    Person(bool),
    Service(Vec<Scope>),
}

impl Caller {
    /// Whether the caller has a right, by the table; else the code with which it is refused.
    fn holds(&self, right: Right) -> Result<(), &'static str> {
        let holders = right.holders();
        match (holders.person, &self.principal) {
            (PersonAccess::ByWordPressToken, _) => self.has_token.then_some(()).ok_or(NO),
            (_, Principal::Nobody) => Err(NO),
            (PersonAccess::Own, Principal::Person(_)) => Ok(()),
            (PersonAccess::Never, Principal::Person(_)) => Err(NEVER),
            (_, Principal::Service(scopes)) => {
                let has = holders.scope.is_some_and(|scope| scopes.contains(&scope));
                has.then_some(()).ok_or(NEVER)
            }
        }
    }

    /// The ways that the caller has beside a token, as the table names them.
    fn ways(&self) -> Vec<&'static str> {
        match &self.principal {
            Principal::Nobody | Principal::Person(false) => Vec::new(),
            Principal::Person(true) => vec!["person"],
            Principal::Service(scopes) => scopes.iter().map(|scope| scope.as_str()).collect(),
        }
    }

    /// Whether the right, if it is had, reaches a thing of this owner.
    fn reaches(&self, right: Right, owner: Owner) -> bool {
        match (right, &self.principal) {
            (Right::WordPress, _) | (_, Principal::Person(true)) => owner == Owner::Caller,
            (_, Principal::Service(_)) => owner != Owner::Unknown,
            (_, Principal::Person(false) | Principal::Nobody) => false,
        }
    }
}

/// Every kind of caller; the services' keys are put into the settings.
fn callers(settings: &mut Settings) -> Vec<Caller> {
    let nameless = || Asker::person("ben").0.into_iter().filter(|(name, _)| *name == "Authorization").collect();
    let mut plain = vec![
        ("nobody".to_owned(), Asker::nobody(), Principal::Nobody),
        ("a person".to_owned(), Asker::user(USER), Principal::Person(true)),
        ("a person who is nobody at OneAll".to_owned(), Asker(nameless()), Principal::Person(false)),
    ];
    let mut service = |name: String, scopes: Vec<Scope>| {
        plain.push((format!("a service: {name}"), Asker::keyed(settings, &name, &scopes), Principal::Service(scopes)));
    };
    // No key is without a scope; this one opens nothing in the graph.
    service("noscope".to_owned(), vec![Scope::Metrics]);
    service("allscopes".to_owned(), Scope::ALL.to_vec());
    for (at, scope) in Scope::ALL.into_iter().enumerate() {
        service(format!("scope{at}"), vec![scope]);
    }
    let mut callers = Vec::new();
    for (at, (name, asker, principal)) in plain.into_iter().enumerate() {
        // The token beside, for each kind of principal: of the services, the one without and the one with all scopes.
        if at < 5 {
            let with = Caller {
                name: format!("{name}, and a token"),
                asker: asker.clone().with("X-WordPress-Token", TOKEN),
                has_token: true,
                principal: match &principal {
                    Principal::Nobody => Principal::Nobody,
                    Principal::Person(is_user) => Principal::Person(*is_user),
                    Principal::Service(scopes) => Principal::Service(scopes.clone()),
                },
            };
            callers.push(with);
        }
        callers.push(Caller { name, asker, has_token: false, principal });
    }
    callers
}

/// Whose a thing is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Owner {
    Unknown,
    Other,
    Caller,
}

/// A way into the graph by one thing's key.
struct Entry {
    /// The field of the root, and its arguments around the key; for `node` with what kind it must be.
    field: &'static str,
    arguments: fn(&str) -> String,
    kind: Option<&'static str>,
    /// What it takes, or nothing for what everybody may see.
    right: Option<Right>,
    /// The keys; what is unknown comes first.
    keys: &'static [(Owner, &'static str)],
}

const SIGN_INS: &[(Owner, &str)] = &[
    (Owner::Unknown, "5a4d0000-0000-4000-8000-000000000999"),
    (Owner::Caller, "5a4d0000-0000-4000-8000-000000000002"),
    (Owner::Other, "5a4d0000-0000-4000-8000-000000000001"),
    // One that failed, and one that is encrypted: nobody's in particular.
    (Owner::Other, "5a4d0000-0000-4000-8000-000000000003"),
    (Owner::Other, "5a4d0000-0000-4000-8000-000000000005"),
];
const ENCRYPTED: &[(Owner, &str)] =
    &[(Owner::Unknown, "5a4d0000-0000-4000-8000-000000000999"), (Owner::Other, "5a4d0000-0000-4000-8000-000000000005")];
const IDENTITIES: &[(Owner, &str)] = &[
    (Owner::Unknown, "5a4d0000-0000-4000-8002-000000000999"),
    (Owner::Caller, "5a4d0000-0000-4000-8002-000000000004"),
    (Owner::Other, "5a4d0000-0000-4000-8002-000000000001"),
];
const KEYRING: &[(Owner, &str)] = &[(Owner::Unknown, "99999"), (Owner::Caller, "51002"), (Owner::Other, "61001")];
const PUBLICIZE: &[(Owner, &str)] =
    &[(Owner::Unknown, "9999999/99999"), (Owner::Caller, "7700123/72001"), (Owner::Other, "3584907/71001")];
const SITES: &[(Owner, &str)] = &[(Owner::Unknown, "9999999"), (Owner::Caller, "7700123"), (Owner::Other, "3584908")];
const APPLICATIONS: &[(Owner, &str)] =
    &[(Owner::Unknown, "999999"), (Owner::Caller, "620001"), (Owner::Other, "610001")];

const ENTRIES: &[Entry] = &[
    Entry {
        field: "connection",
        arguments: |key| format!("by: {{ connectionToken: \"{key}\" }}"),
        kind: None,
        right: Some(Right::SignIn),
        keys: SIGN_INS,
    },
    Entry {
        field: "connection",
        arguments: |key| format!("by: {{ keyringConnectionId: {key} }}"),
        kind: None,
        right: Some(Right::WordPress),
        keys: KEYRING,
    },
    Entry {
        field: "identity",
        arguments: |key| format!("by: {{ identityToken: \"{key}\" }}"),
        kind: None,
        right: Some(Right::User),
        keys: IDENTITIES,
    },
    Entry {
        field: "identity",
        arguments: |key| format!("by: {{ id: \"{}\" }}", id(&format!("account:keyring:{key}"))),
        kind: None,
        right: Some(Right::WordPress),
        keys: KEYRING,
    },
    Entry {
        field: "application",
        arguments: |key| format!("by: {{ connectedApplicationId: {key} }}"),
        kind: None,
        right: Some(Right::WordPress),
        keys: APPLICATIONS,
    },
    Entry {
        field: "service",
        arguments: |key| format!("key: \"{key}\""),
        kind: None,
        right: None,
        keys: &[(Owner::Other, "twitter"), (Owner::Other, "google")],
    },
    Entry {
        field: "identity",
        arguments: |key| format!("by: {{ id: \"{}\" }}", id(&format!("encrypted:{key}"))),
        kind: None,
        right: Some(Right::SignIn),
        keys: ENCRYPTED,
    },
    Entry {
        field: "application",
        arguments: |key| format!("by: {{ id: \"{}\" }}", id(&format!("plugin:{key}"))),
        kind: None,
        right: None,
        keys: &[(Owner::Other, "social_login")],
    },
    node("Connection", Right::SignIn, |key| named("sign-in", key), SIGN_INS),
    node("Connection", Right::WordPress, |key| named("keyring", key), KEYRING),
    node("Connection", Right::WordPress, |key| named("publicize", key), PUBLICIZE),
    node("Identity", Right::SignIn, |key| named("encrypted", key), ENCRYPTED),
    node("Identity", Right::User, |key| named("identity", key), IDENTITIES),
    node("Application", Right::WordPress, |key| named("application", key), APPLICATIONS),
    node("Site", Right::WordPress, |key| named("site", key), SITES),
    Entry { right: None, ..node("Service", Right::User, |key| named("service", key), &[(Owner::Other, "facebook")]) },
    Entry {
        right: None,
        ..node("Application", Right::User, |key| named("plugin", key), &[(Owner::Other, "social_login")])
    },
    nodes("Connection", Right::SignIn, |key| many("sign-in", key), SIGN_INS),
    nodes("Site", Right::WordPress, |key| many("site", key), SITES),
    nodes("Identity", Right::User, |key| many("identity", key), IDENTITIES),
    Entry { right: None, ..nodes("Service", Right::User, |key| many("service", key), &[(Owner::Other, "facebook")]) },
];

const fn node(
    kind: &'static str,
    right: Right,
    arguments: fn(&str) -> String,
    keys: &'static [(Owner, &'static str)],
) -> Entry {
    Entry { field: "node", arguments, kind: Some(kind), right: Some(right), keys }
}

const fn nodes(
    kind: &'static str,
    right: Right,
    arguments: fn(&str) -> String,
    keys: &'static [(Owner, &'static str)],
) -> Entry {
    Entry { field: "nodes", ..node(kind, right, arguments, keys) }
}

fn named(kind: &str, key: &str) -> String {
    format!("id: \"{}\"", id(&format!("{kind}:{key}")))
}

fn many(kind: &str, key: &str) -> String {
    format!("ids: [\"{}\"]", id(&format!("{kind}:{key}")))
}

/// Ways into the graph that take no key.
const LISTS: [&str; 7] = ["applications", "connections", "identities", "providers", "services", "viewer", "rateLimit"];

/// The provider that a part of an answer is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Side {
    WordPress,
    OneAll,
}

/// Where in an answer a value stands.
#[derive(Clone)]
struct At {
    /// With places in lists, as errors name it.
    path: String,
    /// Without them and without the root, as selections name it.
    way: String,
    side: Side,
    /// Within an encrypted identity, which has nothing to withhold.
    is_bare: bool,
}

impl At {
    fn root(path: &str) -> Self {
        Self { path: path.to_owned(), way: String::new(), side: Side::OneAll, is_bare: false }
    }

    fn field(&self, name: &str) -> Self {
        let way = if self.way.is_empty() { name.to_owned() } else { format!("{}.{name}", self.way) };
        Self { path: format!("{}.{name}", self.path), way, ..*self }
    }

    fn row(&self, place: usize) -> Self {
        Self { path: format!("{}.{place}", self.path), ..self.clone() }
    }
}

/// What a walk through an answer finds, by the table.
#[derive(Default)]
struct Found {
    /// Errors that must be there.
    refused: BTreeSet<(String, String)>,
    /// Errors that may be there: a list has the parts that are not refused.
    missing: BTreeSet<(String, String)>,
    /// Selections that were refused in some row, and that were not in some.
    ways: BTreeMap<bool, BTreeSet<String>>,
    /// Fields that were asked, and those of them that held something.
    fields: BTreeSet<(String, String)>,
    held: BTreeSet<(String, String)>,
    /// Values that must not be there.
    wrong: Vec<String>,
}

impl Found {
    fn walk(&mut self, caller: &Caller, value: &Value, at: &At) {
        match value {
            Value::Array(rows) => {
                rows.iter().enumerate().for_each(|(place, row)| self.walk(caller, row, &at.row(place)));
            }
            Value::Object(fields) => {
                let kind = fields["__typename"].as_str().unwrap();
                let here = At { side: side(kind, value, at.side), ..at.clone() };
                let is_bare = at.is_bare || (kind == "Identity" && value["state"] == "ENCRYPTED");
                for (name, value) in fields.iter().filter(|(name, _)| *name != "__typename") {
                    self.fields.insert((kind.to_owned(), name.clone()));
                    if holds(value) {
                        self.held.insert((kind.to_owned(), name.clone()));
                    }
                    let at = At { is_bare, ..here.field(name) };
                    if !self.refuses(caller, (kind, name), value, &at) {
                        self.walk(caller, value, &at);
                    }
                }
            }
            _ => {}
        }
    }

    /// Whether the table refuses a field; then it must be null, with an error.
    fn refuses(&mut self, caller: &Caller, (kind, name): (&str, &str), value: &Value, at: &At) -> bool {
        let rights = rights(kind, name, at.side);
        let codes: BTreeSet<&str> = rights.iter().filter_map(|right| caller.holds(*right).err()).collect();
        let errors = codes.iter().map(|code| ((*code).to_owned(), at.path.clone()));
        let is_refused = !rights.is_empty() && rights.iter().all(|right| caller.holds(*right).is_err());
        // OneAll lists no sign-ins of an identity for anybody, and says so.
        let is_unlisted = (kind, name) == ("Identity", "connections") && at.side == Side::OneAll;
        let is_silent = WHO.contains(&(kind, name))
            || changes::may_be_empty(kind)
            || kind == "Service"
            || at.is_bare
            || is_unlisted;
        self.ways.entry(is_refused).or_default().insert(at.way.clone());
        if !is_refused {
            self.missing.extend(errors);
            return false;
        }
        if (kind, name) == CARRIED && !value.is_null() {
            self.walk(caller, value, at);
            return true;
        }
        if !value.is_null() {
            self.wrong.push(format!("{} is refused and there: {value}", at.path));
        }
        match is_silent {
            // What WordPress.com's catalogue adds to a service is null without a token, which is no refusal either.
            true => self.missing.extend(errors),
            // A list that needs one of two rights names what is missing of both.
            false if codes.len() > 1 => self.missing.extend(errors),
            false => self.refused.extend(errors),
        }
        true
    }
}

/// Whether a value has anything to say: a page or a list without rows has not.
fn holds(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::Array(rows) => rows.iter().any(holds),
        Value::Object(fields) => fields.get("nodes").is_none_or(holds),
        _ => true,
    }
}

/// Of which provider an object tells.
fn side(kind: &str, value: &Value, above: Side) -> Side {
    match (kind, value["provider"].as_str()) {
        ("KeyringRecord" | "PublicizeRecord" | "Site" | "WordPressUser", _) | (_, Some("WORDPRESS")) => Side::WordPress,
        ("OneAllUser" | "SignInRecord", _) | (_, Some("ONEALL")) => Side::OneAll,
        _ => above,
    }
}

/// The rights of which one is needed for a field of an object of this provider; none if nothing is needed.
fn rights(kind: &str, field: &str, side: Side) -> Vec<Right> {
    let Some(access) = access_to(kind, field) else { panic!("{kind}.{field} has no line in the table of rights") };
    let Access::AnyOf(rights) = access else { return Vec::new() };
    let (wordpress, oneall): (Vec<_>, Vec<_>) = rights.iter().copied().partition(|right| *right == Right::WordPress);
    match side {
        // Lists and entry points are over both.
        _ if ["Query", "Viewer"].contains(&kind) || OVER_BOTH.contains(&(kind, field)) => rights.to_vec(),
        _ if changes::is_viewer(kind, field) => rights.to_vec(),
        Side::WordPress => wordpress,
        Side::OneAll if oneall.is_empty() => wordpress,
        Side::OneAll => oneall,
    }
}

/// The world of the sweep, and what was asked in it.
struct Sweep {
    world: World,
    types: Types,
    fields: BTreeSet<(String, String)>,
    /// Of each caller, by name: the fields that held something.
    held: BTreeMap<String, BTreeSet<(String, String)>>,
    asked: usize,
}

/// What came of an operation.
struct Told {
    status: u16,
    text: String,
    answer: Value,
    calls: BTreeMap<String, u64>,
}

impl Sweep {
    async fn start() -> (Self, Vec<Caller>) {
        let mut all = Vec::new();
        let world = World::with(Default::default(), |settings| {
            all = callers(settings);
            settings.graph.limits = Limits { errors_max: 1_000, ..generous() };
        })
        .await;
        let types = Types::read(&world.gateway).await;
        world.counts().await;
        (Self { world, types, fields: BTreeSet::new(), held: BTreeMap::new(), asked: 0 }, all)
    }

    async fn ask(&mut self, caller: &Caller, query: &str) -> Told {
        self.asked += 1;
        let response = self.world.gateway.request(&caller.asker, query, json!({})).send().await.unwrap();
        let status = response.status().as_u16();
        let text = response.text().await.unwrap();
        let answer = serde_json::from_str(&text).unwrap();
        Told { status, text, answer, calls: self.world.counts().await }
    }

    /// The operation that asks a root field for everything but these selections.
    fn query(&self, field: &str, arguments: &str, kind: Option<&str>, without: &BTreeSet<String>) -> String {
        let inner = match kind {
            Some(kind) => {
                format!(" {{ __typename ... on {kind}{} }}", self.types.everything_but(kind, ROWS, without))
            }
            None => self.types.everything_but(self.types.of_field("Query", field), ROWS, without),
        };
        let arguments = if arguments.is_empty() { String::new() } else { format!("({arguments})") };
        format!("{{ it: {field}{arguments}{inner} }}")
    }

    /// Holds an answer that is not refused at its root to the table, and what it refused to cost no call.
    async fn hold(
        &mut self,
        caller: &Caller,
        told: Told,
        mut found: Found,
        again: impl Fn(&Self, &BTreeSet<String>) -> String,
    ) {
        self.hold_answer(caller, &told, &mut found);
        // Without the refused fields the same calls are made; where a row of the other provider has the field, this cannot be asked.
        let (none, some) = (BTreeSet::new(), BTreeSet::new());
        let refused = found.ways.get(&true).unwrap_or(&none);
        let only: BTreeSet<String> = refused.difference(found.ways.get(&false).unwrap_or(&some)).cloned().collect();
        if !only.is_empty() {
            let query = again(self, &only);
            let bare = self.ask(caller, &query).await;
            for (path, calls) in &told.calls {
                let without = bare.calls.get(path).copied().unwrap_or_default();
                assert!(*calls <= without, "{} {path} for what is refused ({only:?}): {}", caller.name, told.text);
            }
        }
    }

    /// Holds an answer that is not refused at its root to the table.
    fn hold_answer(&mut self, caller: &Caller, told: &Told, found: &mut Found) {
        found.walk(caller, &told.answer["data"]["it"], &At::root("it"));
        // What a provider cannot do it can do for nobody.
        let told_codes = codes(&told.answer).into_iter().filter(|(code, _)| code != "UNSUPPORTED_BY_PROVIDER");
        let errors: BTreeSet<_> = told_codes.collect();
        let context = || format!("{}: {:.3000}", caller.name, told.text);
        assert_eq!(found.wrong, [""; 0], "{}", context());
        let missed: Vec<_> = found.refused.difference(&errors).collect();
        assert!(missed.is_empty(), "not refused: {missed:?}: {}", context());
        let more: Vec<_> =
            errors.iter().filter(|error| !found.refused.contains(error) && !found.missing.contains(error)).collect();
        assert!(more.is_empty(), "refused beyond the table: {more:?}: {}", context());
        self.fields.extend(std::mem::take(&mut found.fields));
        self.held.entry(caller.name.clone()).or_default().extend(std::mem::take(&mut found.held));
    }

    /// Holds each line of these types to opening something, each of its ways by itself.
    fn hold_lines(&self, callers: &[Caller], is_meant: impl Fn(&str) -> bool) {
        for line in RULES.iter().filter(|line| line.0.split('.').next().is_some_and(&is_meant)) {
            // What is a person's own may be empty.
            for way in line.1.requirements().into_iter().filter(|way| *way != "person") {
                assert!(opens(line, way, callers, &self.held), "{}: {way} opens nothing there", line.0);
            }
        }
    }

    async fn list(&mut self, caller: &Caller, field: &str) {
        self.fields.insert(("Query".to_owned(), field.to_owned()));
        let counted = !matches!(field, "providers" | "rateLimit" | "viewer");
        let arguments = if counted { format!("first: {ROWS}") } else { String::new() };
        let query = self.query(field, &arguments, None, &BTreeSet::new());
        let told = self.ask(caller, &query).await;
        assert_eq!(told.status, 200, "{}", told.text);
        let mut found = Found::default();
        if found.refuses(caller, ("Query", field), &told.answer["data"]["it"], &At::root("it")) {
            let errors = codes(&told.answer);
            assert_eq!(told.answer["data"], json!({ "it": null }), "{}: {}", caller.name, told.text);
            assert!(WHO.contains(&("Query", field)) == errors.is_empty(), "{}: {}", caller.name, told.text);
            assert!(told.calls.is_empty(), "{}: {field}: {:?}", caller.name, told.calls);
        }
        found.ways.clear();
        if holds(&told.answer["data"]["it"]) {
            found.held.insert(("Query".to_owned(), field.to_owned()));
        }
        self.hold(caller, told, found, |sweep, without| sweep.query(field, &arguments, None, without)).await;
    }

    async fn thing(&mut self, caller: &Caller, entry: &Entry) {
        self.fields.insert(("Query".to_owned(), entry.field.to_owned()));
        let is_list = entry.field == "nodes";
        let mut unknown: Option<(u16, String, BTreeMap<String, u64>)> = None;
        for (owner, key) in entry.keys {
            let arguments = (entry.arguments)(key);
            let query = self.query(entry.field, &arguments, entry.kind, &BTreeSet::new());
            let told = self.ask(caller, &query).await;
            let context =
                format!("{}: {}({arguments}) {key}: {} {:?}", caller.name, entry.field, told.text, told.calls);
            let nothing = json!({ "it": if is_list { json!([null]) } else { json!(null) } });
            if let Some(Err(code)) = entry.right.map(|right| caller.holds(right)) {
                let path = if is_list { "it.0" } else { "it" };
                assert_eq!(codes(&told.answer), [(code.to_owned(), path.to_owned())], "{context}");
                assert!(told.answer["data"] == nothing && told.calls.is_empty(), "{context}");
            } else if entry.right.is_none_or(|right| caller.reaches(right, *owner)) {
                assert!(told.answer["data"] != nothing, "{context}");
                let again = |sweep: &Self, without: &_| sweep.query(entry.field, &arguments, entry.kind, without);
                let held = BTreeSet::from([("Query".to_owned(), entry.field.to_owned())]);
                self.hold(caller, told, Found { held, ..Found::default() }, again).await;
            } else {
                assert_eq!(told.answer, json!({ "data": nothing }), "{context}");
                let calls = told.calls.into_iter().map(|(path, calls)| (blur(&path, key), calls)).collect();
                let same = (told.status, told.text, calls);
                assert_eq!(*unknown.get_or_insert(same.clone()), same, "{context}");
            }
        }
    }
}

/// Whether a way of a line of the table opens something to somebody: to a caller who has that way and none of the line's
/// others. Some need a token besides, which must open nothing then by itself.
fn opens(line: &FieldRule, way: &str, callers: &[Caller], held: &BTreeMap<String, BTreeSet<(String, String)>>) -> bool {
    let others: Vec<_> = line.1.requirements().into_iter().filter(|other| *other != way).collect();
    let has_other = |caller: &Caller| caller.ways().iter().any(|way| others.contains(way));
    let holds =
        |caller: &Caller| held.get(&caller.name).is_some_and(|held| held.iter().any(|field| is_of(line, field)));
    let any =
        |has: &dyn Fn(&Caller) -> bool| callers.iter().any(|caller| has(caller) && !has_other(caller) && holds(caller));
    if way == "wordpress" {
        return any(&|caller| caller.has_token);
    }
    let has = |caller: &Caller| caller.ways().contains(&way);
    let by_token_alone = any(&|caller| caller.has_token && matches!(caller.principal, Principal::Nobody));
    any(&|caller| has(caller) && !caller.has_token) || (any(&has) && !by_token_alone)
}

/// Whether a field is one of those for which a line stands.
fn is_of(FieldRule(name, _): &FieldRule, (kind, field): &(String, String)) -> bool {
    let full = format!("{kind}.{field}");
    full == *name || (kind == name && RULES.iter().all(|other| other.0 != full))
}

/// A path without what names the thing.
fn blur(path: &str, key: &str) -> String {
    key.split('/').fold(path.to_owned(), |path, part| path.replace(part, "…"))
}

#[tokio::test]
async fn every_field_is_for_whom_the_table_says_and_for_nobody_else() {
    let (mut sweep, callers) = Sweep::start().await;
    for caller in &callers {
        for field in LISTS {
            sweep.list(caller, field).await;
        }
        for entry in ENTRIES {
            sweep.thing(caller, entry).await;
        }
    }
    let all = sweep.types.all();
    let not_asked: Vec<_> = all.difference(&sweep.fields).filter(|(kind, _)| !changes::is_of_changes(kind)).collect();
    assert!(not_asked.is_empty(), "no way of the sweep leads to {not_asked:?}");
    sweep.hold_lines(&callers, |kind| !changes::is_of_changes(kind));
    assert!(callers.len() == 20 && sweep.asked > 1_000, "{} callers, {} operations", callers.len(), sweep.asked);
}

#[tokio::test]
async fn every_field_has_a_line_in_the_table_and_every_line_a_field() {
    let world = World::start().await;
    let all = Types::read(&world.gateway).await.all();
    let bare: Vec<_> = all.iter().filter(|(kind, field)| access_to(kind, field).is_none()).collect();
    assert!(bare.is_empty(), "without a line in the table of rights: {bare:?}");
    let is_field = |line: &str| match line.split_once('.') {
        Some((kind, field)) => all.contains(&(kind.to_owned(), field.to_owned())),
        None => all.iter().any(|(kind, _)| kind == line),
    };
    let idle: Vec<_> = RULES.iter().map(|line| line.0).filter(|line| !is_field(line)).collect();
    assert!(idle.is_empty(), "of nothing in the schema: {idle:?}");
}
