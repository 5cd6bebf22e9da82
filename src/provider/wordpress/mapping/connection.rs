//! Maps Keyring and Publicize connections, and the external account of each.
//!
//! The fields decide which of the two a connection is, not the path of the request. The documented sample of
//! `/me/keyring-connections/$ID` is a Publicize connection. A connection with a site or a Keyring connection is
//! Publicize.

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
use super::{
    EXPECTED_ID, MapContext, Mapped, count, display_id, link, map_list, map_one, map_rows, object, required_id,
};

/// Maps `/me/keyring-connections` and v2 `/me/connections`. The fields of each item decide its kind.
pub fn keyring_list(payload: payload::ConnectionList, now: DateTime) -> List<Connection> {
    map_list("connections", payload.connections, |context, _, item| {
        let kind = kind_of(&item);
        map(context, item, kind, now)
    })
}

/// Maps a `publicize-connections` list. Each item is Publicize, even without a site.
pub fn publicize_list(payload: payload::ConnectionList, now: DateTime) -> List<Connection> {
    map_list("connections", payload.connections, |context, _, item| map(context, item, ConnectionKind::Publicize, now))
}

/// Maps a connection that was read on its own. Its fields decide its kind. An error names the invalid field.
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
    let listed_sites = map_rows(context, "sites", std::mem::take(&mut item.sites), |_, _, site: Scalar| {
        site.id().map(SiteId).ok_or_else(|| EXPECTED_ID.to_owned())
    });
    let additional_accounts =
        map_rows(context, "additional_external_users", std::mem::take(&mut item.additional_external_users), {
            |_, _, user| object(user).map(additional_account)
        });
    let identity = identity(&mut item, &key).map(Arc::new);
    let created_at = context.date("issued", &item.issued);
    let expires_at = context.optional_date("expires", &item.expires);
    let refresh_url = link(std::mem::take(&mut item.refresh_url));
    let record = if publicize { publicize_record } else { keyring_record };
    Ok(Connection {
        created_at,
        expires_at: expires_at.unwrap_or_default(),
        shared: if publicize { item.shared.boolean() } else { None },
        additional_accounts,
        health: Some(health(std::mem::take(&mut item.status).text(), expires_at, refresh_url.clone(), now)),
        label: std::mem::take(&mut item.label).text(),
        service: std::mem::take(&mut item.service).text(),
        identity,
        sites: distinct(site.into_iter().chain(listed_sites)),
        ..Connection::with_key(key, record(id, item, refresh_url))
    })
}

/// The sites without duplicates, in their order.
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

/// The external account, or `None` if the row has no data about it.
fn identity(item: &mut payload::Connection, key: &ConnectionKey) -> Option<Identity> {
    let subject = std::mem::take(&mut item.external_id).subject();
    let name = std::mem::take(&mut item.external_name).text();
    let display = std::mem::take(&mut item.external_display).text();
    let profile_url = link(std::mem::take(&mut item.external_profile_url));
    let picture_url = link(std::mem::take(&mut item.external_profile_picture));
    let is_named = subject.is_some() || name.is_some() || display.is_some();
    if !is_named && profile_url.is_none() && picture_url.is_none() {
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

/// The user name in `external_name`, if it is one.
///
/// Some services send the handle (`Automattic`, displayed as `@automattic`; `@heron@fen.example`; `heron.example`),
/// others the person's name (`Ada Reed`, displayed as the same). A name that differs from the display name is a user
/// name. A name that equals it is one only if it looks like a handle: a single word with a leading at sign or an inner
/// dot.
fn username(name: Option<&str>, display: Option<&str>) -> Option<String> {
    let name = name?;
    let differs = display.is_some_and(|display| display != name);
    let is_word = !name.contains(char::is_whitespace);
    let is_handle = is_word && (name.starts_with('@') || name.trim_matches('.').contains('.'));
    (differs || is_handle).then(|| name.to_owned())
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
