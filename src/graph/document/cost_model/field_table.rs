//! The cost of each field.
//!
//! Every field that returns an object has an entry; a test compares the table with the schema. A field without an entry
//! costs nothing.

use std::collections::HashMap;
use std::sync::LazyLock;

use super::field_cost::Completeness::{self, Complete, Embedded, Partial};
use super::field_cost::ProviderCall::{PerOperation, PerRow};
use super::field_cost::RowCount::{self, Assumed, Ids, One, Page, PageRows};
use super::field_cost::{DetailCall, FieldCost, ProviderCall, UnbatchedList};

const KEYRING: ProviderCall = PerOperation("/me/keyring-connections");
const PUBLICIZE: ProviderCall = PerOperation("/me/publicize-connections");
const APPLICATIONS: ProviderCall = PerOperation("/me/connected-applications");
const SERVICES: ProviderCall = PerOperation("/meta/external-services");
const USER: ProviderCall = PerOperation("/users/{token}.json");
const BY_ID: &[ProviderCall] = &[PerRow("the object itself")];

const fn cost(
    parent: &'static str,
    field: &'static str,
    rows: RowCount,
    completeness: Completeness,
    calls: &'static [ProviderCall],
) -> FieldCost {
    FieldCost { parent, field, rows, completeness, calls }
}

/// An object that its parent contains.
const fn embedded(parent: &'static str, field: &'static str) -> FieldCost {
    cost(parent, field, One, Embedded, &[])
}

/// A list that its parent contains.
const fn embedded_list(parent: &'static str, field: &'static str) -> FieldCost {
    cost(parent, field, Assumed(5), Embedded, &[])
}

/// The fields that return objects.
pub(in crate::graph::document) const OBJECT_FIELDS: &[FieldCost] = &[
    cost("Query", "node", One, Complete, BY_ID),
    cost("Query", "nodes", Ids, Complete, &[]),
    cost("Query", "viewer", One, Complete, &[]),
    cost("Query", "connection", One, Complete, BY_ID),
    cost("Query", "connections", Page, Partial, &[KEYRING, PUBLICIZE, PerRow("/connections.json")]),
    cost("Query", "application", One, Complete, BY_ID),
    cost("Query", "applications", Page, Complete, &[APPLICATIONS]),
    cost("Query", "identity", One, Complete, BY_ID),
    cost("Query", "identities", Page, Partial, &[KEYRING, PerRow("/identities.json")]),
    cost("Query", "service", One, Complete, BY_ID),
    cost("Query", "services", Page, Partial, &[SERVICES]),
    cost("Query", "providers", Assumed(2), Embedded, &[]),
    embedded("Query", "rateLimit"),
    cost("Mutation", "applicationRevoke", One, Embedded, &[PerRow("POST /me/connected-applications/{id}/delete")]),
    cost("Mutation", "connectionDisconnect", One, Embedded, &[PerRow("POST /me/keyring-connections/{id}/delete")]),
    cost(
        "Mutation",
        "publicizeConnectionShare",
        One,
        Embedded,
        &[PerRow("POST /sites/{id}/publicize-connections/{id}")],
    ),
    cost(
        "Mutation",
        "identitySynchronize",
        One,
        Embedded,
        &[PerRow("/identities/{token}.json"), PerRow("PUT /identities/{token}/synchronize.json")],
    ),
    cost("Mutation", "identityRelink", One, Embedded, &[PerRow("PUT /identities/{token}/link.json")]),
    cost("Mutation", "identityDelete", One, Embedded, &[PerRow("DELETE /identities/{token}.json")]),
    cost("ApplicationRevokePayload", "viewer", One, Complete, &[]),
    embedded_list("ApplicationRevokePayload", "userErrors"),
    cost("ConnectionDisconnectPayload", "viewer", One, Complete, &[]),
    embedded_list("ConnectionDisconnectPayload", "userErrors"),
    cost("PublicizeConnectionSharePayload", "connection", One, Complete, BY_ID),
    cost("PublicizeConnectionSharePayload", "viewer", One, Complete, &[]),
    embedded_list("PublicizeConnectionSharePayload", "userErrors"),
    cost("IdentitySynchronizePayload", "identity", One, Complete, BY_ID),
    cost("IdentitySynchronizePayload", "viewer", One, Complete, &[]),
    embedded_list("IdentitySynchronizePayload", "userErrors"),
    cost("IdentityRelinkPayload", "identity", One, Complete, BY_ID),
    cost("IdentityRelinkPayload", "viewer", One, Complete, &[]),
    embedded_list("IdentityRelinkPayload", "userErrors"),
    cost("IdentityDeletePayload", "viewer", One, Complete, &[]),
    embedded_list("IdentityDeletePayload", "userErrors"),
    cost("Viewer", "wordpressUser", One, Complete, &[PerOperation("/me")]),
    cost("Viewer", "oneallUser", One, Partial, &[]),
    cost("Viewer", "connections", Page, Complete, &[KEYRING, PUBLICIZE]),
    cost("Viewer", "applications", Page, Complete, &[APPLICATIONS]),
    cost("Viewer", "identities", Page, Complete, &[KEYRING, USER]),
    cost("WordPressUser", "primarySite", One, Partial, &[]),
    cost("WordPressUser", "sites", Assumed(20), Complete, &[PerOperation("/me/sites")]),
    cost("Application", "site", One, Partial, &[]),
    embedded("Application", "access"),
    embedded_list("Application", "permissions"),
    cost("Connection", "application", One, Complete, &[]),
    cost("Connection", "identity", One, Complete, &[]),
    cost("Connection", "service", One, Partial, &[]),
    cost("Connection", "sites", Assumed(2), Partial, &[]),
    embedded("Connection", "health"),
    embedded("Connection", "record"),
    embedded_list("Connection", "additionalAccounts"),
    embedded("ConnectionHealth", "action"),
    cost("PublicizeRecord", "keyringConnection", One, Complete, &[KEYRING]),
    cost("PublicizeRecord", "site", One, Partial, &[]),
    embedded("SignInRecord", "plugin"),
    embedded("SignInRecord", "result"),
    cost("SignInRecord", "user", One, Partial, &[]),
    cost("Identity", "service", One, Partial, &[]),
    cost("Identity", "oneallUser", One, Partial, &[]),
    cost("Identity", "connections", Page, Complete, &[KEYRING, PUBLICIZE]),
    cost("Identity", "sameAs", Assumed(1), Complete, &[KEYRING, USER]),
    cost("IdentityMatch", "identity", One, Embedded, &[]),
    embedded("Identity", "name"),
    embedded("Identity", "profile"),
    embedded_list("Identity", "accounts"),
    embedded_list("Identity", "emails"),
    embedded_list("Identity", "photos"),
    embedded_list("Identity", "urls"),
    cost("OneAllUser", "identities", Assumed(5), Complete, &[]),
    cost("Service", "connections", Page, Complete, &[KEYRING, PUBLICIZE]),
    cost("Service", "identities", Page, Complete, &[KEYRING, USER]),
    cost("Site", "publicizeConnections", Assumed(5), Complete, &[PerRow("/sites/{id}/publicize-connections")]),
    embedded("Profile", "relationship"),
    embedded_list("Profile", "addresses"),
    embedded_list("Profile", "certifications"),
    embedded_list("Profile", "educations"),
    embedded_list("Profile", "interests"),
    embedded_list("Profile", "languages"),
    embedded_list("Profile", "locales"),
    embedded_list("Profile", "organizations"),
    embedded_list("Profile", "phoneNumbers"),
    embedded_list("Profile", "recommendations"),
    cost("ConnectionConnection", "nodes", PageRows, Embedded, &[]),
    cost("ConnectionConnection", "edges", PageRows, Embedded, &[]),
    embedded("ConnectionConnection", "pageInfo"),
    embedded_list("ConnectionConnection", "incomplete"),
    embedded("ConnectionEdge", "node"),
    cost("ApplicationConnection", "nodes", PageRows, Embedded, &[]),
    cost("ApplicationConnection", "edges", PageRows, Embedded, &[]),
    embedded("ApplicationConnection", "pageInfo"),
    embedded_list("ApplicationConnection", "incomplete"),
    embedded("ApplicationEdge", "node"),
    cost("IdentityConnection", "nodes", PageRows, Embedded, &[]),
    cost("IdentityConnection", "edges", PageRows, Embedded, &[]),
    embedded("IdentityConnection", "pageInfo"),
    embedded_list("IdentityConnection", "incomplete"),
    embedded("IdentityEdge", "node"),
    cost("ServiceConnection", "nodes", PageRows, Embedded, &[]),
    cost("ServiceConnection", "edges", PageRows, Embedded, &[]),
    embedded("ServiceConnection", "pageInfo"),
    embedded_list("ServiceConnection", "incomplete"),
    embedded("ServiceEdge", "node"),
];

/// The fields that return scalars and make calls.
pub(in crate::graph::document) const SCALAR_FIELDS: &[FieldCost] = &[
    cost("HealthAction", "url", One, Embedded, &[KEYRING]),
    cost(
        "ConnectionDisconnectPayload",
        "deletedPublicizeConnectionIds",
        One,
        Embedded,
        &[PerRow("/me/publicize-connections")],
    ),
    cost("Viewer", "needsAttentionCount", One, Embedded, &[KEYRING, PUBLICIZE]),
];

/// The types whose list rows have few fields.
pub(in crate::graph::document) const DETAIL_CALLS: &[DetailCall] = &[
    DetailCall {
        type_name: "Connection",
        list_fields: &[
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
        is_batched: false,
        path: "/connections/{token}.json",
    },
    DetailCall {
        type_name: "SignInRecord",
        list_fields: &["connectionToken", "status", "callbackUrl"],
        is_batched: false,
        path: "/connections/{token}.json",
    },
    DetailCall {
        type_name: "Identity",
        list_fields: &["id", "provider", "providerId", "state", "createdAt", "updatedAt", "service", "oneallUser"],
        is_batched: false,
        path: "/identities/{token}.json",
    },
    DetailCall { type_name: "OneAllUser", list_fields: &["userToken"], is_batched: false, path: "/users/{token}.json" },
    DetailCall {
        type_name: "Service",
        list_fields: &["id", "key", "providers", "connections", "identities"],
        is_batched: true,
        path: "/meta/external-services",
    },
    DetailCall {
        type_name: "Site",
        list_fields: &["id", "siteId", "publicizeConnections"],
        is_batched: true,
        path: "/me/sites",
    },
];

/// The lists of unknown length whose rows need a call each.
pub(in crate::graph::document) const UNBATCHED_LISTS: &[UnbatchedList] = &[
    UnbatchedList {
        parent: "Site",
        field: "publicizeConnections",
        reason: "WordPress.com lists the connections of one site at a time",
    },
    UnbatchedList {
        parent: "Identity",
        field: "sameAs",
        reason: "matches at OneAll belong to the one user whose identities were searched",
    },
    UnbatchedList {
        parent: "OneAllUser",
        field: "identities",
        reason: "all of them belong to one user, who is read once",
    },
];

static INDEX: LazyLock<HashMap<(&'static str, &'static str), &'static FieldCost>> =
    LazyLock::new(|| OBJECT_FIELDS.iter().chain(SCALAR_FIELDS).map(|cost| ((cost.parent, cost.field), cost)).collect());

/// The cost of a field. `None` when the field costs nothing and returns no object.
pub(in crate::graph::document) fn cost_of(parent: &str, field: &str) -> Option<&'static FieldCost> {
    INDEX.get(&(parent, field)).copied()
}

/// The call that a field of a partial object requires, if any.
pub(in crate::graph::document) fn detail_call(parent: &str, field: &str) -> Option<&'static DetailCall> {
    DETAIL_CALLS.iter().find(|detail| detail.type_name == parent && !detail.list_fields.contains(&field))
}
