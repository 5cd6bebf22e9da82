//! The audit log: whose personal data an operation read, one line for each person's record, with the fields' names; and what
//! it changed, one line for each mutation.
//!
//! Personal is what identifies somebody outside: e-mail addresses, telephone numbers, the birthday, postal addresses. The
//! resolvers of these fields note what they give; a field that is refused, or empty, gives nothing. The lines are written
//! when the operation ends, however it ends, and never hold a value, a token or an ID: objects and people are aliases.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};

use async_graphql::ID;

use super::id::GlobalId;
use super::terms::Terms;
use crate::auth::Principal;
use crate::auth::pseudonym::Pseudonymizer;
use crate::model::{IdentityKey, WordPressUser};
use crate::upstream::Ended;

/// The target of the audit log's lines.
pub const TARGET: &str = "commongraph::audit";

/// How much of an operation's name is written, in bytes; the name is the client's own.
const NAME_LENGTH_MAX: usize = 100;

/// What an operation read of people.
#[derive(Clone)]
pub struct Audit(Arc<Book>);

struct Book {
    aliases: Arc<Pseudonymizer>,
    principal: Principal,
    request: Arc<str>,
    operation: Option<String>,
    read: Mutex<BTreeMap<Object, BTreeSet<&'static str>>>,
}

/// Whose record it is.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Object {
    kind: &'static str,
    /// The ID by which the graph or the provider knows it.
    id: String,
}

impl Audit {
    /// Begins the record of an operation of this name.
    pub(super) fn begin(terms: &Terms, principal: &Principal, operation: Option<&str>) -> Self {
        let shortened = |name: &str| name.get(..NAME_LENGTH_MAX).unwrap_or(name).to_owned();
        Self(Arc::new(Book {
            aliases: terms.aliases.clone(),
            principal: principal.clone(),
            request: terms.request.clone(),
            operation: operation.map(shortened),
            read: Mutex::default(),
        }))
    }

    /// Notes that a field of an identity was given; a line about nobody known is better than none.
    pub(super) fn of_identity(&self, key: Option<&IdentityKey>, field: &'static str) {
        let id = key.map(|key| ID::from(GlobalId::Identity(key.clone())).to_string());
        self.note(Object { kind: "Identity", id: id.unwrap_or_default() }, field);
    }

    /// Notes that a field of a WordPress.com user was given.
    pub(super) fn of_wordpress_user(&self, user: &WordPressUser, field: &'static str) {
        self.note(Object { kind: "WordPressUser", id: user.user_id.to_string() }, field);
    }

    /// Begins the line of a mutation of the thing with this ID, as the client gave it; it is written when the mutation has
    /// ended, also if that is after the operation.
    pub(super) fn deed(&self, field: &'static str, id: &ID) -> Deed {
        let ended = Mutex::new(Ended::Unsent);
        Deed(Arc::new(Line { book: self.0.clone(), field, id: id.to_string(), ended }))
    }

    fn note(&self, object: Object, field: &'static str) {
        let mut read = self.0.read.lock().unwrap_or_else(PoisonError::into_inner);
        read.entry(object).or_default().insert(field);
    }
}

/// A mutation under way; its line is written once, when the last is gone who could say how it ended.
pub(super) struct Deed(Arc<Line>);

struct Line {
    book: Arc<Book>,
    field: &'static str,
    id: String,
    ended: Mutex<Ended>,
}

impl Deed {
    /// Tells how it ended, wherever and whenever that turns out.
    pub(super) fn teller(&self) -> impl FnOnce(Ended) + Send + 'static {
        let line = self.0.clone();
        move |ended| *line.ended.lock().unwrap_or_else(PoisonError::into_inner) = ended
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        let Book { aliases, principal, request, operation, .. } = &*self.book;
        let ended = *self.ended.get_mut().unwrap_or_else(PoisonError::into_inner);
        tracing::info!(
            target: TARGET,
            caller = principal.kind(),
            name = aliases.for_principal(principal),
            field = self.field,
            object = aliases.pseudonym("object", &self.id),
            outcome = ended.as_str(),
            request = &**request,
            operation,
            "mutation"
        );
    }
}

impl Drop for Book {
    fn drop(&mut self) {
        let read = std::mem::take(self.read.get_mut().unwrap_or_else(PoisonError::into_inner));
        if read.is_empty() {
            return;
        }
        let (caller, name) = (self.principal.kind(), self.aliases.for_principal(&self.principal));
        for (Object { kind, id }, fields) in read {
            let fields: Vec<_> = fields.into_iter().collect();
            tracing::info!(
                target: TARGET,
                caller,
                name,
                kind,
                object = self.aliases.pseudonym("object", &id),
                fields = fields.join(","),
                request = &*self.request,
                operation = self.operation,
                "personal data read"
            );
        }
    }
}
