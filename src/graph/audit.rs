//! The audit log: which personal data an operation read, and what it changed.
//!
//! Personal data are e-mail addresses, phone numbers, birthdays and postal addresses. Their resolvers record each field that
//! returns a value. The log gets one line per person and operation, with the field names, and one line per mutation. The
//! lines are written when the operation ends, for whatever reason. They never contain a value, a token or an ID: callers
//! and objects appear under pseudonyms.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};

use async_graphql::ID;

use super::execution::ExecutionContext;
use super::id::GlobalId;
use crate::auth::Principal;
use crate::auth::pseudonym::Pseudonymizer;
use crate::model::{IdentityKey, WordPressUser};
use crate::upstream::WriteStatus;

/// The tracing target of the audit log.
pub const TARGET: &str = "commongraph::audit";

/// The maximum length of a logged operation name, in bytes. Clients choose the name.
const NAME_LENGTH_MAX: usize = 100;

/// The personal data that one operation has read.
#[derive(Clone)]
pub struct AuditRecord(Arc<Inner>);

struct Inner {
    aliases: Arc<Pseudonymizer>,
    principal: Principal,
    request_id: Arc<str>,
    operation: Option<String>,
    reads: Mutex<BTreeMap<AuditedObject, BTreeSet<&'static str>>>,
}

/// An object whose personal data were read.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct AuditedObject {
    kind: &'static str,
    /// Its ID in the API or at the provider. Only its pseudonym is logged.
    id: String,
}

impl AuditRecord {
    /// A record for an operation of this name.
    pub(super) fn new(context: &ExecutionContext, principal: &Principal, operation: Option<&str>) -> Self {
        let shortened = |name: &str| name.get(..NAME_LENGTH_MAX).unwrap_or(name).to_owned();
        Self(Arc::new(Inner {
            aliases: context.aliases.clone(),
            principal: principal.clone(),
            request_id: context.request_id.clone(),
            operation: operation.map(shortened),
            reads: Mutex::default(),
        }))
    }

    /// Records that a field of an identity was returned. Without a key the object is unknown, but the read is still logged.
    pub(super) fn record_identity_read(&self, key: Option<&IdentityKey>, field: &'static str) {
        let id = key.map(|key| ID::from(GlobalId::Identity(key.clone())).to_string());
        self.record_read(AuditedObject { kind: "Identity", id: id.unwrap_or_default() }, field);
    }

    /// Records that a field of a WordPress.com user was returned.
    pub(super) fn record_wordpress_user_read(&self, user: &WordPressUser, field: &'static str) {
        self.record_read(AuditedObject { kind: "WordPressUser", id: user.user_id.to_string() }, field);
    }

    /// Starts the record of a mutation of the object with this ID, as the client sent it. Its line is written when the
    /// mutation has ended, even if the operation ended before.
    pub(super) fn start_mutation(&self, field: &'static str, id: &ID) -> AuditHandle {
        let ended = Mutex::new(WriteStatus::Unsent);
        AuditHandle(Arc::new(MutationRecord { operation: self.0.clone(), field, id: id.to_string(), ended }))
    }

    fn record_read(&self, object: AuditedObject, field: &'static str) {
        let mut reads = self.0.reads.lock().unwrap_or_else(PoisonError::into_inner);
        reads.entry(object).or_default().insert(field);
    }
}

/// A handle to the record of a running mutation. The line is written once, when the last handle is dropped.
#[derive(Clone)]
pub(super) struct AuditHandle(Arc<MutationRecord>);

struct MutationRecord {
    operation: Arc<Inner>,
    field: &'static str,
    id: String,
    ended: Mutex<WriteStatus>,
}

impl AuditHandle {
    /// Sets how the mutation ended.
    fn complete(&self, ended: WriteStatus) {
        *self.0.ended.lock().unwrap_or_else(PoisonError::into_inner) = ended;
    }

    /// A callback that completes the record. The write calls it when it ends, even if the operation was cancelled before.
    pub(super) fn on_end(&self) -> impl FnOnce(WriteStatus) + Send + 'static {
        let handle = self.clone();
        move |ended| handle.complete(ended)
    }
}

impl Drop for MutationRecord {
    fn drop(&mut self) {
        let Inner { aliases, principal, request_id, operation, .. } = &*self.operation;
        let ended = *self.ended.get_mut().unwrap_or_else(PoisonError::into_inner);
        tracing::info!(
            target: TARGET,
            caller = principal.kind(),
            name = aliases.for_principal(principal),
            field = self.field,
            object = aliases.pseudonym("object", &self.id),
            outcome = ended.as_str(),
            request = &**request_id,
            operation,
            "mutation"
        );
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        let reads = std::mem::take(self.reads.get_mut().unwrap_or_else(PoisonError::into_inner));
        if reads.is_empty() {
            return;
        }
        let caller = self.principal.kind();
        let name = self.aliases.for_principal(&self.principal);
        for (AuditedObject { kind, id }, fields) in reads {
            let fields: Vec<_> = fields.into_iter().collect();
            tracing::info!(
                target: TARGET,
                caller,
                name,
                kind,
                object = self.aliases.pseudonym("object", &id),
                fields = fields.join(","),
                request = &*self.request_id,
                operation = self.operation,
                "personal data read"
            );
        }
    }
}
