//! Maps sign-ins: a row of `/connections.json`, or the complete sign-in of `/connections/<connection_token>.json`.
//!
//! The documentation has `date` and `plugin` inside `connection`. The service sends `date_creation`, and `plugin` next
//! to `connection`. Both are read. A failed sign-in or link is a connection in state FAILED, not an error: it happened,
//! and the person must act.

use std::sync::Arc;

use super::super::envelope::{Envelope, Meta, Status};
use super::super::payload::{self, ConnectionData, ConnectionEntry, ConnectionsData, MaybeEncrypted, Plugin, User};
use super::identity::{encrypted, readable};
use super::{date_field, is_requested, link, map_page};
use crate::model::key::slug;
use crate::model::{
    Connection, ConnectionHealth, ConnectionKey, ConnectionRecord, ConnectionToken, HealthAction, HealthActionKind,
    HealthState, Identity, IdentityToken, SignInPlugin, SignInRecord, SignInResult, UserToken,
};
use crate::provider::pages::ListPage;

/// The only outcome that `status` has ever had. Any other word is reported as text and decides nothing.
const SUCCEEDED: &str = "succeeded";

/// Maps a page of sign-ins. Each row has only its token, date, status and callback.
pub fn sign_in_list(payload: ConnectionsData) -> ListPage<Connection> {
    map_page(payload.connections, "connections", row, |connection| connection.key.clone())
}

fn row(entry: ConnectionEntry, invalid_dates: &mut Vec<&'static str>) -> Result<Connection, String> {
    let token = entry.connection_token.text().and_then(|text| ConnectionToken::parse(&text));
    let token = token.ok_or("connection_token: expected a token")?;
    let status = entry.status.text();
    // Only the complete sign-in has the outcome. Of the row's status, only success is reliable.
    let ok = status.as_deref() == Some(SUCCEEDED);
    let health = ok.then(|| health(HealthState::Ok, status.clone(), None));
    let record = SignInRecord { status, callback_url: link(entry.callback_uri), ..empty_record(token) };
    Ok(Connection {
        created_at: date_field(entry.date_creation, "date_creation", invalid_dates)
            .or_else(|| date_field(entry.date, "date", invalid_dates)),
        health,
        complete: false,
        ..empty_connection(record)
    })
}

/// Maps a sign-in that was read on its own. An error names the invalid field.
pub fn sign_in(
    token: ConnectionToken,
    envelope: Envelope<ConnectionData>,
    invalid_dates: &mut Vec<&'static str>,
) -> Result<Connection, String> {
    let Envelope { meta, result, data } = envelope;
    let failed = [&result, &Some(meta.status.clone())].into_iter().flatten().any(Status::is_error);
    let data = match data {
        Some(data) => data,
        None if failed => ConnectionData::default(),
        None => return Err("result.data: expected an object".to_owned()),
    };
    if !failed && data == ConnectionData::default() {
        return Err("result.data: expected a sign-in".to_owned());
    }
    let payload::ConnectionNode { action, plugin: outer_plugin, connection, user } = data.fields;
    let payload::Connection { connection_token, date, date_creation, callback_uri, status, plugin: inner_plugin } =
        connection.0.unwrap_or_default();
    if !is_requested(token.as_str(), &connection_token) {
        return Err("connection_token: the response is about another sign-in".to_owned());
    }
    let status = status.text();
    let plugin = PluginReport::new(outer_plugin, inner_plugin);
    let state = state(failed, result.as_ref(), status.as_deref(), plugin.status.as_deref());
    // The user in a failed link may be another owner of the account, so a failure shows no user.
    let (identity, user) = match state {
        HealthState::Failed => (None, None),
        _ => identity_and_user(&token, user, data.has_encrypted, invalid_dates),
    };
    let health = health(state, status.clone(), reason(result.as_ref(), &plugin, &meta));
    // A key that an ID cannot contain names no application. The record has it as received.
    let key = plugin.key.as_deref().and_then(slug);
    let record = SignInRecord {
        status,
        callback_url: link(callback_uri),
        plugin: plugin.record(),
        result: result.map(|status| outcome(status, state)),
        user,
        action: action.text(),
        ..empty_record(token)
    };
    Ok(Connection {
        created_at: date_field(date_creation, "date_creation", invalid_dates)
            .or_else(|| date_field(date, "date", invalid_dates)),
        health: Some(health),
        service: identity.as_ref().and_then(|identity| identity.service.clone()),
        identity: identity.map(Arc::new),
        plugin: key,
        ..empty_connection(record)
    })
}

/// The outcome of a sign-in. Any sign of failure overrides success, and an unknown word decides nothing.
fn state(failed: bool, result: Option<&Status>, status: Option<&str>, plugin: Option<&str>) -> HealthState {
    let succeeded = result.is_some_and(Status::is_success) || plugin == Some("success") || status == Some(SUCCEEDED);
    if failed || plugin == Some("error") {
        HealthState::Failed
    } else if succeeded && status.is_none_or(|word| word == SUCCEEDED) {
        HealthState::Ok
    } else {
        HealthState::Unknown
    }
}

/// The reason of a failure: the operation's, otherwise the plugin's, otherwise the request's.
///
/// The request's reason is never more specific than that the request could not be processed.
fn reason(result: Option<&Status>, plugin: &PluginReport, meta: &Meta) -> Option<String> {
    let info = |status: &Status| status.info.clone();
    result.and_then(info).or_else(|| plugin.reason.clone()).or_else(|| info(&meta.status))
}

fn health(state: HealthState, provider_status: Option<String>, reason: Option<String>) -> ConnectionHealth {
    let failed = state == HealthState::Failed;
    let reason = reason.filter(|_| failed);
    let action = failed.then_some(HealthAction { kind: HealthActionKind::ConnectAgain, url: None });
    ConnectionHealth { state, provider_status, reason, action, expires_at: None }
}

fn outcome(status: Status, state: HealthState) -> SignInResult {
    let Status { flag, code, info } = status;
    SignInResult { flag, code, info, succeeded: state == HealthState::Ok }
}

/// The identity that was used, and its user. After an unlink there may be no identity.
fn identity_and_user(
    token: &ConnectionToken,
    user: MaybeEncrypted<User>,
    has_encrypted: bool,
    invalid_dates: &mut Vec<&'static str>,
) -> (Option<Identity>, Option<UserToken>) {
    let (user, has_encrypted) = match user {
        MaybeEncrypted::Plain(user) => (user.fields, user.has_encrypted || has_encrypted),
        MaybeEncrypted::Encrypted => return (Some(encrypted(token.clone(), None)), None),
        MaybeEncrypted::Absent => (User::default(), has_encrypted),
    };
    let owner = user.user_token.text().or(user.uuid.text()).and_then(|text| UserToken::parse(&text));
    let identity = match user.identity {
        MaybeEncrypted::Plain(identity) => match identity.fields.identity_token.clone().text() {
            Some(text) => IdentityToken::parse(&text).map(|key| readable(key, identity, owner.clone(), invalid_dates)),
            None => Some(encrypted(token.clone(), owner.clone())),
        },
        MaybeEncrypted::Encrypted => Some(encrypted(token.clone(), owner.clone())),
        MaybeEncrypted::Absent => has_encrypted.then(|| encrypted(token.clone(), owner.clone())),
    };
    (identity, owner)
}

/// The report of a plugin, from the two nodes that may contain it.
struct PluginReport {
    key: Option<String>,
    action: Option<String>,
    operation: Option<String>,
    reason: Option<String>,
    status: Option<String>,
}

impl PluginReport {
    fn new(outer: Plugin, inner: Plugin) -> Self {
        let data = outer.data;
        let other = inner.data;
        PluginReport {
            key: outer.key.or(inner.key),
            action: data.action.text().or(other.action.text()),
            operation: data.operation.text().or(other.operation.text()),
            reason: data.reason.text().or(other.reason.text()),
            status: data.status.text().or(other.status.text()),
        }
    }

    fn record(self) -> Option<SignInPlugin> {
        let PluginReport { key, action, operation, reason, status } = self;
        key.map(|key| SignInPlugin { key, action, operation, reason, status })
    }
}

fn empty_record(token: ConnectionToken) -> SignInRecord {
    SignInRecord { token, status: None, callback_url: None, plugin: None, result: None, user: None, action: None }
}

fn empty_connection(record: SignInRecord) -> Connection {
    Connection::with_key(ConnectionKey::SignIn(record.token.clone()), ConnectionRecord::SignIn(record))
}
