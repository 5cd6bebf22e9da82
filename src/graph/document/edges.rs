//! The edges of the graph: what each costs in calls to the providers, how it batches, and how many rows it leads to.
//!
//! Every field of an object type has a line here; tests hold the table against the schema. What a line does not say
//! costs nothing. The same lines give an operation's cost before it runs and the list of `commongraph check --edges`.

use std::collections::HashMap;
use std::fmt::Write;
use std::sync::LazyLock;

use super::narrow;

/// A field that leads to another object.
#[derive(Debug)]
pub struct Edge {
    /// The type it starts from.
    pub parent: &'static str,
    /// The field.
    pub field: &'static str,
    /// How many rows it leads to, for each row it starts from.
    pub rows: Rows,
    /// What stands at its end.
    pub brings: Brings,
    /// The reads that it makes itself.
    pub reads: &'static [Read],
}

/// How many rows an edge leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rows {
    /// One, or none.
    One,
    /// A page, whose rows are counted where they are selected: `first`, `last`, or 20.
    Page,
    /// The rows of the page it starts from.
    PageRows,
    /// One for each entry of `ids`.
    Ids,
    /// A list that a provider gives whole. Its length is not known before; the cost takes it to be this.
    About(usize),
}

/// What stands at the end of an edge.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Brings {
    /// A part of the thing it starts from, known as far as that is.
    Part,
    /// Another thing, all of it at hand.
    Whole,
    /// Another thing, of which a row says little: the rest is a read of its own.
    Bare,
}

/// A read that an edge makes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Read {
    /// One for the whole operation, however often it is asked for.
    Once(&'static str),
    /// One for each time and each row it is asked for.
    Each(&'static str),
}

/// A noun that is not always whole, and the read that brings the rest.
#[derive(Debug)]
pub struct Own {
    /// The type.
    pub noun: &'static str,
    /// The fields that need no read.
    pub carried: &'static [&'static str],
    /// Whether one list serves all rows; otherwise each row is a read.
    pub batched: bool,
    /// The read.
    pub read: &'static str,
}

const KEYRING: Read = Read::Once("/me/keyring-connections");
const PUBLICIZE: Read = Read::Once("/me/publicize-connections");
const APPLICATIONS: Read = Read::Once("/me/connected-applications");
const SERVICES: Read = Read::Once("/meta/external-services");
const USER: Read = Read::Once("/users/{token}.json");
const BY_ID: &[Read] = &[Read::Each("the thing itself")];

use Brings::{Bare, Part, Whole};
use Rows::{About, Ids, One, Page, PageRows};

const fn edge(parent: &'static str, field: &'static str, rows: Rows, brings: Brings, reads: &'static [Read]) -> Edge {
    Edge { parent, field, rows, brings, reads }
}

/// A part that came with the thing it belongs to.
const fn part(parent: &'static str, field: &'static str) -> Edge {
    edge(parent, field, One, Part, &[])
}

/// A list of parts that came with the thing it belongs to.
const fn parts(parent: &'static str, field: &'static str) -> Edge {
    edge(parent, field, About(5), Part, &[])
}

/// Every edge.
pub const EDGES: &[Edge] = &[
    edge("Query", "node", One, Whole, BY_ID),
    edge("Query", "nodes", Ids, Whole, &[]),
    edge("Query", "viewer", One, Whole, &[]),
    edge("Query", "connection", One, Whole, BY_ID),
    edge("Query", "connections", Page, Bare, &[KEYRING, PUBLICIZE, Read::Each("/connections.json")]),
    edge("Query", "application", One, Whole, BY_ID),
    edge("Query", "applications", Page, Whole, &[APPLICATIONS]),
    edge("Query", "identity", One, Whole, BY_ID),
    edge("Query", "identities", Page, Bare, &[KEYRING, Read::Each("/identities.json")]),
    edge("Query", "service", One, Whole, BY_ID),
    edge("Query", "services", Page, Bare, &[SERVICES]),
    edge("Query", "providers", About(2), Part, &[]),
    part("Query", "rateLimit"),
    edge("Mutation", "applicationRevoke", One, Part, &[Read::Each("POST /me/connected-applications/{id}/delete")]),
    edge("Mutation", "connectionDisconnect", One, Part, &[Read::Each("POST /me/keyring-connections/{id}/delete")]),
    edge(
        "Mutation",
        "publicizeConnectionShare",
        One,
        Part,
        &[Read::Each("POST /sites/{id}/publicize-connections/{id}")],
    ),
    edge(
        "Mutation",
        "identitySynchronize",
        One,
        Part,
        &[Read::Each("/identities/{token}.json"), Read::Each("PUT /identities/{token}/synchronize.json")],
    ),
    edge("Mutation", "identityRelink", One, Part, &[Read::Each("PUT /identities/{token}/link.json")]),
    edge("Mutation", "identityDelete", One, Part, &[Read::Each("DELETE /identities/{token}.json")]),
    edge("ApplicationRevokePayload", "viewer", One, Whole, &[]),
    parts("ApplicationRevokePayload", "userErrors"),
    edge("ConnectionDisconnectPayload", "viewer", One, Whole, &[]),
    parts("ConnectionDisconnectPayload", "userErrors"),
    edge("PublicizeConnectionSharePayload", "connection", One, Whole, BY_ID),
    edge("PublicizeConnectionSharePayload", "viewer", One, Whole, &[]),
    parts("PublicizeConnectionSharePayload", "userErrors"),
    edge("IdentitySynchronizePayload", "identity", One, Whole, BY_ID),
    edge("IdentitySynchronizePayload", "viewer", One, Whole, &[]),
    parts("IdentitySynchronizePayload", "userErrors"),
    edge("IdentityRelinkPayload", "identity", One, Whole, BY_ID),
    edge("IdentityRelinkPayload", "viewer", One, Whole, &[]),
    parts("IdentityRelinkPayload", "userErrors"),
    edge("IdentityDeletePayload", "viewer", One, Whole, &[]),
    parts("IdentityDeletePayload", "userErrors"),
    edge("Viewer", "wordpressUser", One, Whole, &[Read::Once("/me")]),
    edge("Viewer", "oneallUser", One, Bare, &[]),
    edge("Viewer", "connections", Page, Whole, &[KEYRING, PUBLICIZE]),
    edge("Viewer", "applications", Page, Whole, &[APPLICATIONS]),
    edge("Viewer", "identities", Page, Whole, &[KEYRING, USER]),
    edge("WordPressUser", "primarySite", One, Bare, &[]),
    edge("WordPressUser", "sites", About(20), Whole, &[Read::Once("/me/sites")]),
    edge("Application", "site", One, Bare, &[]),
    part("Application", "access"),
    parts("Application", "permissions"),
    edge("Connection", "application", One, Whole, &[]),
    edge("Connection", "identity", One, Whole, &[]),
    edge("Connection", "service", One, Bare, &[]),
    edge("Connection", "sites", About(2), Bare, &[]),
    part("Connection", "health"),
    part("Connection", "record"),
    parts("Connection", "additionalAccounts"),
    part("ConnectionHealth", "action"),
    edge("PublicizeRecord", "keyringConnection", One, Whole, &[KEYRING]),
    edge("PublicizeRecord", "site", One, Bare, &[]),
    part("SignInRecord", "plugin"),
    part("SignInRecord", "result"),
    edge("SignInRecord", "user", One, Bare, &[]),
    edge("Identity", "service", One, Bare, &[]),
    edge("Identity", "oneallUser", One, Bare, &[]),
    edge("Identity", "connections", Page, Whole, &[KEYRING, PUBLICIZE]),
    edge("Identity", "sameAs", About(1), Whole, &[KEYRING, USER]),
    edge("IdentityMatch", "identity", One, Part, &[]),
    part("Identity", "name"),
    part("Identity", "profile"),
    parts("Identity", "accounts"),
    parts("Identity", "emails"),
    parts("Identity", "photos"),
    parts("Identity", "urls"),
    edge("OneAllUser", "identities", About(5), Whole, &[]),
    edge("Service", "connections", Page, Whole, &[KEYRING, PUBLICIZE]),
    edge("Service", "identities", Page, Whole, &[KEYRING, USER]),
    edge("Site", "publicizeConnections", About(5), Whole, &[Read::Each("/sites/{id}/publicize-connections")]),
    part("Profile", "relationship"),
    parts("Profile", "addresses"),
    parts("Profile", "certifications"),
    parts("Profile", "educations"),
    parts("Profile", "interests"),
    parts("Profile", "languages"),
    parts("Profile", "locales"),
    parts("Profile", "organizations"),
    parts("Profile", "phoneNumbers"),
    parts("Profile", "recommendations"),
    edge("ConnectionConnection", "nodes", PageRows, Part, &[]),
    edge("ConnectionConnection", "edges", PageRows, Part, &[]),
    part("ConnectionConnection", "pageInfo"),
    parts("ConnectionConnection", "incomplete"),
    part("ConnectionEdge", "node"),
    edge("ApplicationConnection", "nodes", PageRows, Part, &[]),
    edge("ApplicationConnection", "edges", PageRows, Part, &[]),
    part("ApplicationConnection", "pageInfo"),
    parts("ApplicationConnection", "incomplete"),
    part("ApplicationEdge", "node"),
    edge("IdentityConnection", "nodes", PageRows, Part, &[]),
    edge("IdentityConnection", "edges", PageRows, Part, &[]),
    part("IdentityConnection", "pageInfo"),
    parts("IdentityConnection", "incomplete"),
    part("IdentityEdge", "node"),
    edge("ServiceConnection", "nodes", PageRows, Part, &[]),
    edge("ServiceConnection", "edges", PageRows, Part, &[]),
    part("ServiceConnection", "pageInfo"),
    parts("ServiceConnection", "incomplete"),
    part("ServiceEdge", "node"),
];

/// Fields without an object behind them that make reads all the same.
pub const LEAVES: &[Edge] = &[
    edge("HealthAction", "url", One, Part, &[KEYRING]),
    edge(
        "ConnectionDisconnectPayload",
        "deletedPublicizeConnectionIds",
        One,
        Part,
        &[Read::Each("/me/publicize-connections")],
    ),
    edge("Viewer", "needsAttentionCount", One, Part, &[KEYRING, PUBLICIZE]),
];

/// The nouns that are not always whole.
pub const OWN: &[Own] = &[
    Own {
        noun: "Connection",
        carried: &[
            "id",
            "provider",
            "providerId",
            "kind",
            "label",
            "shared",
            "createdAt",
            "expiresAt",
            "sites",
            "record",
            "additionalAccounts",
        ],
        batched: false,
        read: "/connections/{token}.json",
    },
    Own {
        noun: "SignInRecord",
        carried: &["connectionToken", "status", "callbackUrl"],
        batched: false,
        read: "/connections/{token}.json",
    },
    Own {
        noun: "Identity",
        carried: &["id", "provider", "providerId", "state", "createdAt", "updatedAt", "service", "oneallUser"],
        batched: false,
        read: "/identities/{token}.json",
    },
    Own { noun: "OneAllUser", carried: &["userToken"], batched: false, read: "/users/{token}.json" },
    Own {
        noun: "Service",
        carried: &["id", "key", "providers", "connections", "identities"],
        batched: true,
        read: "/meta/external-services",
    },
    Own { noun: "Site", carried: &["id", "siteId", "publicizeConnections"], batched: true, read: "/me/sites" },
];

/// Lists of unknown length that lead to a read for each row, and why that is borne: the operation's budget of calls
/// ends it as it runs.
pub const BORNE: &[(&str, &str, &str)] = &[
    ("Site", "publicizeConnections", "WordPress.com lists the connections of one site at a time"),
    ("Identity", "sameAs", "those found at OneAll belong to the one user whose identities were searched"),
    ("OneAllUser", "identities", "all of them belong to the one user, who is read once"),
];

type Table = HashMap<(&'static str, &'static str), &'static Edge>;

static TABLE: LazyLock<Table> =
    LazyLock::new(|| EDGES.iter().chain(LEAVES).map(|edge| ((edge.parent, edge.field), edge)).collect());

/// The edge of this field, if it is one.
pub fn find(parent: &str, field: &str) -> Option<&'static Edge> {
    TABLE.get(&(parent, field)).copied()
}

/// The read that a field of a bare thing needs, if any.
pub fn own_read(parent: &str, field: &str) -> Option<&'static Own> {
    OWN.iter().find(|own| own.noun == parent && !own.carried.contains(&field))
}

/// A list of all edges for a person to read: what each leads to, what it reads, and how that batches.
pub fn list() -> String {
    let mut text = format!("{:<38} {:<14} {:<24} reads\n", "edge", "rows", "batching");
    for edge in EDGES.iter().chain(LEAVES) {
        let rows = match edge.rows {
            One => "1".to_owned(),
            Page => "a page".to_owned(),
            PageRows => "first or last".to_owned(),
            Ids => "entries of ids".to_owned(),
            About(rows) => format!("about {rows}"),
        };
        let (batching, reads) = reading(edge);
        let name = format!("{}.{}", edge.parent, edge.field);
        let _ = writeln!(text, "{name:<38} {rows:<14} {batching:<24} {}", reads.join(", "));
    }
    text.push_str("\nspared by an argument:\n");
    text.push_str(&narrow::list());
    text.push_str("\nborne, ended by the operation's budget of calls:\n");
    for (parent, field, reason) in BORNE {
        let _ = writeln!(text, "{:<38} {reason}", format!("{parent}.{field}"));
    }
    text
}

fn reading(edge: &Edge) -> (&'static str, Vec<&'static str>) {
    let mut reads: Vec<_> = edge.reads.iter().map(|read| read.name()).collect();
    let each = edge.reads.iter().any(|read| matches!(read, Read::Each(_)));
    if let Some(own) = own_read(edge.parent, edge.field) {
        reads.push(own.read);
        return (if own.batched { "one list for all rows" } else { "one call a row, if bare" }, reads);
    }
    match (edge.reads, edge.rows, each) {
        (_, Ids, _) => ("one call an entry", vec!["the thing itself"]),
        ([], ..) if edge.brings == Part => ("comes with its row", reads),
        ([], ..) => ("free", reads),
        (_, _, true) => ("one call each time", reads),
        _ => ("once an operation", reads),
    }
}

impl Read {
    /// What is read.
    pub fn name(self) -> &'static str {
        match self {
            Read::Once(name) | Read::Each(name) => name,
        }
    }
}
