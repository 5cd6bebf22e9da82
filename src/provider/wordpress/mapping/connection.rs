//! Keyring and Publicize connections, and the outside account that they name.
//!
//! The two are told apart by their fields, not by the address they came from: the documented sample of
//! `/me/keyring-connections/$ID` is a Publicize connection. One that names a site or a Keyring connection is Publicize.

use std::collections::HashSet;
use std::sync::Arc;

use crate::model::{
    AdditionalAccount, Connection, ConnectionKey, ConnectionKind, ConnectionRecord, DateTime, Identity, IdentityKey,
    KeyringId, KeyringRecord, OneTimeLink, Provider, PublicizeId, PublicizeRecord, SiteId, Url,
};
use crate::provider::List;
use crate::provider::lenient::Scalar;

use super::super::payload;
use super::health::health;
use super::{MapContext, Mapped, NO_NUMBER, count, display_id, link, map_list, map_one, map_rows, object, required_id};

/// Maps the answer of `/me/keyring-connections` or v2 `/me/connections`; each item is what its fields say.
pub fn keyring_list(payload: payload::ConnectionList, now: DateTime) -> List<Connection> {
    map_list("connections", payload.connections, |context, _, item| {
        let kind = kind_of(&item);
        map(context, item, kind, now)
    })
}

/// Maps the answer of a `publicize-connections` list; each item is Publicize, even one that names no site.
pub fn publicize_list(payload: payload::ConnectionList, now: DateTime) -> List<Connection> {
    map_list("connections", payload.connections, |context, _, item| map(context, item, ConnectionKind::Publicize, now))
}

/// Maps one connection, Keyring or Publicize as its fields say; an error names the field that makes it unusable.
pub fn connection(payload: payload::Connection, now: DateTime) -> Result<Mapped<Connection>, String> {
    let kind = kind_of(&payload);
    map_one("connection", |context| map(context, payload, kind, now))
}

fn kind_of(item: &payload::Connection) -> ConnectionKind {
    let publicize = item.site_id.id().is_some() || item.keyring_connection_id.id().is_some();
    if publicize { ConnectionKind::Publicize } else { ConnectionKind::Keyring }
}

fn map(
    context: &mut MapContext,
    mut item: payload::Connection,
    kind: ConnectionKind,
    now: DateTime,
) -> Result<Connection, String> {
    let id = required_id("ID", &item.id)?;
    let site = item.site_id.id().map(SiteId);
    let key = match kind {
        ConnectionKind::Publicize => ConnectionKey::Publicize(PublicizeId { site, id }),
        _ => ConnectionKey::Keyring(KeyringId(id)),
    };
    let publicize = matches!(key, ConnectionKey::Publicize(_));
    let named = map_rows(context, "sites", std::mem::take(&mut item.sites), |_, _, site: Scalar| {
        site.id().map(SiteId).ok_or_else(|| NO_NUMBER.to_owned())
    });
    let others = map_rows(context, "additional_external_users", std::mem::take(&mut item.additional_external_users), {
        |_, _, user| object(user).map(additional_account)
    });
    let identity = identity(&mut item, &key).map(Arc::new);
    let created_at = context.date("issued", &item.issued);
    let ends = context.optional_date("expires", &item.expires);
    let refresh_url = link(std::mem::take(&mut item.refresh_url));
    let record = if publicize { publicize_record } else { keyring_record };
    Ok(Connection {
        created_at,
        expires_at: ends.unwrap_or_default(),
        shared: if publicize { item.shared.boolean() } else { None },
        additional_accounts: others,
        health: Some(health(std::mem::take(&mut item.status).text(), ends, refresh_url.clone(), now)),
        label: std::mem::take(&mut item.label).text(),
        service: std::mem::take(&mut item.service).text(),
        identity,
        sites: distinct(site.into_iter().chain(named)),
        ..Connection::with_key(key, record(id, item, refresh_url))
    })
}

/// Each site once, where it first stood.
fn distinct(sites: impl Iterator<Item = SiteId>) -> Vec<SiteId> {
    let mut seen = HashSet::new();
    sites.filter(|site| seen.insert(*site)).collect()
}

fn keyring_record(id: u64, item: payload::Connection, refresh_url: Option<Url>) -> ConnectionRecord {
    ConnectionRecord::Keyring(KeyringRecord {
        keyring_connection_id: Some(id.to_string().into()),
        user_id: display_id(&item.user_id),
        kind: item.kind.text(),
        refresh_url: refresh_url.map(OneTimeLink::Known),
        show_linkedin_warning: item.show_linkedin_warning.boolean(),
    })
}

fn publicize_record(id: u64, item: payload::Connection, refresh_url: Option<Url>) -> ConnectionRecord {
    let links = item.meta.0.unwrap_or_default().links.0.unwrap_or_default();
    ConnectionRecord::Publicize(PublicizeRecord {
        publicize_connection_id: id.to_string().into(),
        site_id: display_id(&item.site_id),
        user_id: display_id(&item.user_id),
        keyring_connection_id: display_id(&item.keyring_connection_id),
        keyring_user_id: display_id(&item.keyring_connection_user_id),
        refresh_url: refresh_url.map(OneTimeLink::Known),
        help_url: link(links.help),
        self_url: link(links.own),
        site: item.site_id.id().map(SiteId),
        keyring: item.keyring_connection_id.id().map(KeyringId),
    })
}

/// The outside account; none where the row names none.
fn identity(item: &mut payload::Connection, key: &ConnectionKey) -> Option<Identity> {
    let subject = std::mem::take(&mut item.external_id).subject();
    let name = std::mem::take(&mut item.external_name).text();
    let display = std::mem::take(&mut item.external_display).text();
    let profile_url = link(std::mem::take(&mut item.external_profile_url));
    let picture_url = link(std::mem::take(&mut item.external_profile_picture));
    let named = subject.is_some() || name.is_some() || display.is_some();
    if !named && profile_url.is_none() && picture_url.is_none() {
        return None;
    }
    Some(Identity {
        service: item.service.clone().text(),
        service_label: item.label.clone().text(),
        subject,
        username: username(name.as_deref(), display.as_deref()),
        display_name: display.or(name),
        profile_url,
        picture_url,
        follower_count: count(&item.external_follower_count),
        ..Identity::with_key(Provider::WordPress, IdentityKey::External(key.clone()))
    })
}

/// What of `external_name` is a user name.
///
/// Some services put the handle there (`Automattic`, shown as `@automattic`; `@heron@fen.example`; `heron.example`),
/// others the person's name (`Ada Reed`, shown as the same). So a name that differs from what is shown counts, as the
/// provider found it worth a field of its own; one that is shown anyway counts only where it looks like a handle: one
/// word that starts with an at sign or has a dot inside.
fn username(name: Option<&str>, display: Option<&str>) -> Option<String> {
    let name = name?;
    let different = display.is_some_and(|display| display != name);
    let word = !name.contains(char::is_whitespace);
    let handle = word && (name.starts_with('@') || name.trim_matches('.').contains('.'));
    (different || handle).then(|| name.to_owned())
}

fn additional_account(user: payload::ExternalUser) -> AdditionalAccount {
    AdditionalAccount {
        subject: user.external_id.subject(),
        name: user.external_name.text(),
        picture_url: link(user.external_profile_picture),
        description: user.external_description.text(),
        category: user.external_category.text(),
    }
}

#[cfg(test)]
mod tests;
