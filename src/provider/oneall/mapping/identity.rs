//! Maps identities: the complete Portable Contacts profile, a row of a list, or an encrypted identity.
//!
//! An encrypted identity is still an identity, in state ENCRYPTED. Its absence would mean that there was no sign-in. The
//! encryption is not documented, and its key is sent only to the callback of the sign-in.

use std::mem::take;

use super::super::payload::{
    self, Account as AccountNode, EncryptionAware, IdentitiesData, IdentityData, MaybeEncrypted, Name,
};
use super::profile::profile;
use super::{date_field, is_requested, link, map_page, slug};
use crate::model::{
    Account, ConnectionToken, EmailEntry, Identity, IdentityKey, IdentityState, IdentityToken, PersonName, Photo,
    Provider, UrlEntry, UserToken, catalogue,
};
use crate::provider::lenient::Rows;
use crate::provider::pages::ListPage;

/// Maps an identity that was read on its own. An error names the invalid field.
pub fn identity(
    token: IdentityToken,
    payload: IdentityData,
    invalid_dates: &mut Vec<&'static str>,
) -> Result<Identity, String> {
    match payload.fields.identity {
        MaybeEncrypted::Plain(node) if !is_requested(token.as_str(), &node.fields.identity_token) => {
            Err("identity_token: the response is about another identity".to_owned())
        }
        MaybeEncrypted::Plain(node) if node.fields.identity_token.clone().text().is_some() => {
            Ok(readable(token, node, None, invalid_dates))
        }
        MaybeEncrypted::Absent if !payload.has_encrypted => Err("identity: expected an object".to_owned()),
        MaybeEncrypted::Plain(_) | MaybeEncrypted::Encrypted | MaybeEncrypted::Absent => {
            let provider_id = Some(token.to_string());
            Ok(Identity { provider_id, state: IdentityState::Encrypted, ..blank(IdentityKey::Token(token), None) })
        }
    }
}

/// Maps a page of identities. Each row has only its token, service, dates and owner.
pub fn identity_list(payload: IdentitiesData) -> ListPage<Identity> {
    map_page(payload.identities, "identities", row, |identity| identity.key.clone())
}

fn row(
    node: EncryptionAware<payload::IdentityEntry>,
    invalid_dates: &mut Vec<&'static str>,
) -> Result<Identity, String> {
    let EncryptionAware { fields: entry, has_encrypted } = node;
    let token = entry.identity_token.text().and_then(|text| IdentityToken::parse(&text));
    let token = token.ok_or("identity_token: expected a token")?;
    let user = entry.user_token.text().and_then(|text| UserToken::parse(&text));
    let source = entry.source.0.unwrap_or_default();
    Ok(Identity {
        provider_id: Some(token.to_string()),
        state: state(has_encrypted),
        service: slug(entry.provider).or(slug(source.key)),
        service_label: source.name.text(),
        created_at: date_field(entry.date_creation, "date_creation", invalid_dates),
        updated_at: date_field(entry.date_last_update, "date_last_update", invalid_dates),
        complete: false,
        ..blank(IdentityKey::Token(token), user)
    })
}

/// The identity of a sign-in with encrypted data. Its only key is the token of the sign-in.
pub(super) fn encrypted(token: ConnectionToken, user: Option<UserToken>) -> Identity {
    Identity { state: IdentityState::Encrypted, ..blank(IdentityKey::Encrypted(token), user) }
}

/// An identity with a verified key. Its owner is the user around it, or the user that it names.
pub(super) fn readable(
    key: IdentityToken,
    node: EncryptionAware<payload::Identity>,
    owner: Option<UserToken>,
    invalid_dates: &mut Vec<&'static str>,
) -> Identity {
    let EncryptionAware { fields: mut node, has_encrypted } = node;
    let complete = !is_reference(&node);
    let user = owner.or_else(|| take(&mut node.user_token).text().and_then(|text| UserToken::parse(&text)));
    let source = take(&mut node.source).0.unwrap_or_default();
    let service = slug(take(&mut node.provider)).or(slug(source.key));
    let accounts = accounts(take(&mut node.accounts));
    let own = own_account(service.as_deref(), &accounts);
    let subject = own.and_then(|account| account.user_id.clone());
    let handle = own.and_then(|account| account.username.clone());
    let urls = urls(take(&mut node.urls));
    let photos = photos(take(&mut node.photos));
    let profile_page =
        urls.iter().find(|entry| entry.kind.as_deref() == Some("profile")).map(|entry| entry.url.clone());
    let thumbnail = photos.iter().find(|photo| photo.kind.as_deref() == Some("thumbnail"));
    let thumbnail = thumbnail.map(|photo| photo.url.clone());
    let name = take(&mut node.name).0.and_then(person_name);
    let full_name = name.as_ref().and_then(|name| name.display_name.clone().or_else(|| name.formatted.clone()));
    Identity {
        provider_id: Some(key.to_string()),
        state: state(has_encrypted),
        service,
        service_label: source.name.text(),
        subject,
        provider_account_uid: take(&mut node.provider_identity_uid).text(),
        display_name: take(&mut node.display_name).text().or(full_name),
        username: take(&mut node.preferred_username).text().or(handle),
        name,
        profile_url: link(take(&mut node.profile_url)).or(profile_page),
        picture_url: link(take(&mut node.picture_url)),
        thumbnail_url: link(take(&mut node.thumbnail_url)).or(thumbnail),
        photos,
        account_url: link(take(&mut node.id)),
        created_at: date_field(take(&mut node.date_creation), "date_creation", invalid_dates),
        updated_at: date_field(take(&mut node.date_last_update), "date_last_update", invalid_dates),
        emails: Some(emails(take(&mut node.emails))),
        urls,
        accounts,
        profile: Some(profile(IdentityKey::Token(key.clone()), node)),
        complete,
        ..blank(IdentityKey::Token(key), user)
    }
}

/// The state of an identity. Next to encrypted data, plain fields are shown and the state is ENCRYPTED.
pub(super) fn state(has_encrypted: bool) -> IdentityState {
    if has_encrypted { IdentityState::Encrypted } else { IdentityState::Readable }
}

/// Whether this is a short reference: a token and a service, as in users and sign-ins.
fn is_reference(node: &payload::Identity) -> bool {
    let identity_token = node.identity_token.clone();
    let provider = node.provider.clone();
    *node == payload::Identity { identity_token, provider, ..payload::Identity::default() }
}

/// The account at the identity's own service, or the only account.
fn own_account<'a>(service: Option<&str>, accounts: &'a [Account]) -> Option<&'a Account> {
    if let [only] = accounts {
        return Some(only);
    }
    let key = catalogue::key_for(Provider::OneAll, service?);
    accounts.iter().find(|account| catalogue::is_domain_of(&key, account.domain.as_deref().unwrap_or_default()))
}

fn person_name(name: Name) -> Option<PersonName> {
    let name = PersonName {
        formatted: name.formatted.text(),
        given_name: name.given_name.text(),
        middle_name: name.middle_name.text(),
        family_name: name.family_name.text(),
        nickname: name.nick_name.text(),
        honorific_prefix: name.honorific_prefix.text(),
        honorific_suffix: name.honorific_suffix.text(),
        display_name: name.display_name.text(),
    };
    (name != PersonName::default()).then_some(name)
}

fn accounts(rows: Rows<AccountNode>) -> Vec<Account> {
    let accounts = rows.readable().map(|row| Account {
        domain: row.domain.text(),
        user_id: row.userid.subject(),
        username: row.username.text(),
    });
    accounts.filter(|row| row.domain.is_some() || row.user_id.is_some() || row.username.is_some()).collect()
}

fn emails(rows: Rows<payload::Email>) -> Vec<EmailEntry> {
    let entry = |row: payload::Email| {
        let verified = row.is_verified.boolean();
        row.value.text().map(|value| EmailEntry { value, verified })
    };
    rows.readable().filter_map(entry).collect()
}

fn urls(rows: Rows<payload::Valued>) -> Vec<UrlEntry> {
    rows.readable().filter_map(|row| Some(UrlEntry { url: link(row.value)?, kind: row.kind.text() })).collect()
}

fn photos(rows: Rows<payload::Valued>) -> Vec<Photo> {
    let photo =
        |row: payload::Valued| Some(Photo { url: link(row.value)?, kind: row.kind.text(), size: row.size.text() });
    rows.readable().filter_map(photo).collect()
}

fn blank(key: IdentityKey, user: Option<UserToken>) -> Identity {
    Identity { user, ..Identity::with_key(Provider::OneAll, key) }
}
