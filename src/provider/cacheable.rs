//! [`Cacheable`] for the entities: their size, their one-time links, and the tokens that they refer to.
//!
//! WordPress.com makes links that refresh a grant or connect a service for one person and one visit. Only the caller of
//! the read may get such a link. The cached entity holds [`OneTimeLink::Redacted`] instead, which makes the next caller
//! request a new link.

use std::sync::Arc;

use crate::model::heap_size::HeapSize;
use crate::model::user::OneAllUserEntry;
use crate::model::{
    Application, Connection, ConnectionRecord, Identity, IdentityKey, IdentityState, OneAllUser, OneTimeLink,
    ServiceEntry, Site, UserToken, WordPressUser,
};
use crate::upstream::Cacheable;

use super::List;
use super::pages::{ListPage, Numbered};

impl Cacheable for Connection {
    fn redacted(&self) -> Option<Self> {
        let renewal = self.refresh_link().is_some_and(OneTimeLink::is_known);
        let action = self.health.as_ref().and_then(|health| health.action.as_ref());
        if !renewal && !action.and_then(|action| action.url.as_ref()).is_some_and(OneTimeLink::is_known) {
            return None;
        }
        let mut redacted = self.clone();
        let redact = |link: &mut Option<OneTimeLink<_>>| {
            if let Some(link) = link {
                *link = OneTimeLink::Redacted(self.key.clone());
            }
        };
        match &mut redacted.record {
            ConnectionRecord::Keyring(record) => redact(&mut record.refresh_url),
            ConnectionRecord::Publicize(record) => redact(&mut record.refresh_url),
            ConnectionRecord::SignIn(_) => {}
        }
        if let Some(action) = redacted.health.as_mut().and_then(|health| health.action.as_mut()) {
            redact(&mut action.url);
        }
        Some(redacted)
    }

    fn memory_size(&self) -> usize {
        size_with_heap(self)
    }

    fn references(&self, token: &str) -> bool {
        let user = match &self.record {
            ConnectionRecord::SignIn(record) if self.complete => &record.user,
            _ => return true,
        };
        has_user_token(user.as_ref(), token)
            || self.identity.as_ref().is_some_and(|identity| identity.references(token))
    }
}

impl Cacheable for Identity {
    fn redacted(&self) -> Option<Self> {
        None
    }

    fn memory_size(&self) -> usize {
        size_with_heap(self)
    }

    fn references(&self, token: &str) -> bool {
        let has_token = match &self.key {
            IdentityKey::Token(key) => key.as_str() == token,
            IdentityKey::External(_) | IdentityKey::Encrypted(_) => true,
        };
        has_token || has_user_token(self.user.as_ref(), token)
    }
}

impl Cacheable for OneAllUser {
    fn redacted(&self) -> Option<Self> {
        None
    }

    fn memory_size(&self) -> usize {
        size_with_heap(self)
    }

    fn references(&self, token: &str) -> bool {
        let is_complete = |entry: &OneAllUserEntry| entry.state == IdentityState::Readable && entry.skipped.is_empty();
        match self.entry.as_ref().filter(|entry| is_complete(entry)) {
            Some(entry) => {
                self.key.as_str() == token || entry.identities.iter().any(|identity| identity.references(token))
            }
            None => true,
        }
    }
}

impl Cacheable for ServiceEntry {
    fn redacted(&self) -> Option<Self> {
        let known = self.connect_url.as_ref().is_some_and(OneTimeLink::is_known);
        known.then(|| Self { connect_url: Some(OneTimeLink::Redacted(self.slug.clone())), ..self.clone() })
    }

    fn memory_size(&self) -> usize {
        size_with_heap(self)
    }
}

/// Implements [`Cacheable`] for entities without one-time links.
macro_rules! impl_without_links {
    ($($entity:ty),*) => {
        $(impl Cacheable for $entity {
            fn redacted(&self) -> Option<Self> {
                None
            }

            fn memory_size(&self) -> usize {
                size_with_heap(self)
            }
        })*
    };
}

impl_without_links!(Application, Site, WordPressUser);

impl<T: Cacheable + HeapSize> Cacheable for List<T> {
    fn redacted(&self) -> Option<Self> {
        let rows = redact_rows(&self.rows, |row| row, |row, _| row)?;
        Some(Self { rows, skipped: self.skipped.clone() })
    }

    fn memory_size(&self) -> usize {
        let Self { rows, skipped } = self;
        size_of::<Self>() + rows.heap_size() + skipped.heap_size()
    }
}

impl<T: Cacheable + HeapSize> Cacheable for ListPage<T> {
    fn redacted(&self) -> Option<Self> {
        let rows = redact_rows(&self.rows, |row| &row.value, |value, row| Numbered { number: row.number, value })?;
        Some(Self { rows, ..self.clone() })
    }

    fn memory_size(&self) -> usize {
        let Self { rows, skipped, entries: _, paging: _ } = self;
        size_of::<Self>() + rows.heap_size() + skipped.heap_size()
    }

    fn references(&self, token: &str) -> bool {
        !self.skipped.is_empty() || self.rows.iter().any(|row| row.value.references(token))
    }
}

impl<T: HeapSize> HeapSize for Numbered<T> {
    fn heap_size(&self) -> usize {
        self.value.heap_size()
    }
}

fn has_user_token(user: Option<&UserToken>, token: &str) -> bool {
    user.is_some_and(|user| user.as_str() == token)
}

fn size_with_heap<T: HeapSize>(value: &T) -> usize {
    size_of::<T>() + value.heap_size()
}

/// Returns the rows without their one-time links, or `None` if no row has such a link.
fn redact_rows<R: Clone, T: Cacheable>(
    rows: &[R],
    entity: impl Fn(&R) -> &Arc<T>,
    with: impl Fn(Arc<T>, &R) -> R,
) -> Option<Vec<R>> {
    let redacted: Vec<_> = rows.iter().map(|row| entity(row).redacted()).collect();
    if redacted.iter().all(Option::is_none) {
        return None;
    }
    let rows = rows.iter().zip(redacted).map(|(row, redacted)| match redacted {
        Some(entity) => with(Arc::new(entity), row),
        None => row.clone(),
    });
    Some(rows.collect())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use crate::model::{ConnectionToken, DateTime, IdentityToken, Provider};
    use crate::provider::wordpress::{mapping, payload};

    use super::*;

    fn check<T: Cacheable + std::fmt::Debug>(entity: &T, links: usize) {
        assert_eq!(format!("{entity:?}").matches("kr_nonce=").count(), links, "{entity:?}");
        match entity.redacted() {
            Some(redacted) => assert!(links > 0 && !format!("{redacted:?}").contains("nonce"), "{redacted:?}"),
            None => assert_eq!(links, 0),
        }
    }

    #[test]
    fn only_one_time_links_are_redacted() {
        let now = DateTime::parse("2026-05-10T12:00:00Z").unwrap();
        let link = "https://public-api.example/connect/?kr_nonce=x&nonce=y";
        let row = |id: u32, status: &str| {
            let part = if id == 3 { ",\"site_ID\":7,\"keyring_connection_ID\":1" } else { "" };
            let refresh = if id == 4 { String::new() } else { format!(",\"refresh_URL\":\"{link}\"") };
            format!("{{\"ID\":{id},\"label\":\"L{id}\",\"status\":\"{status}\"{refresh}{part}}}")
        };
        let rows = [row(1, "ok"), row(2, "broken"), row(3, "must_reauth"), row(4, "broken")].join(",");
        let list =
            mapping::keyring_list(payload::decode(format!("{{\"connections\":[{rows}]}}").as_bytes()).unwrap(), now);
        // A connection that works has the link once. One that must be refreshed has it also in its health.
        check(&list, 5);
        let redacted = list.redacted().unwrap();
        for (redacted, row) in redacted.rows.iter().zip(&list.rows) {
            assert_eq!((&redacted.key, &redacted.label, redacted.health.is_some()), (&row.key, &row.label, true));
            assert_eq!(redacted.refresh_link().is_some(), row.refresh_link().is_some());
        }
        assert!(Arc::ptr_eq(&redacted.rows[3], &list.rows[3]), "a row without a link is shared");

        let service = format!("{{\"ID\":\"facebook\",\"connect_URL\":\"{link}\"}}");
        check(&mapping::service(payload::decode(service.as_bytes()).unwrap()).unwrap(), 1);
        check(&mapping::service(payload::decode(b"{\"ID\":\"tumblr\"}").unwrap()).unwrap(), 0);
    }

    #[test]
    fn an_entity_references_its_tokens_and_any_token_if_incomplete() {
        let [it, other] = ["i-1", "i-2"].map(|token| IdentityToken::parse(token).unwrap());
        let user = UserToken::parse("u-1").unwrap();
        let blank = |key| Identity::with_key(Provider::OneAll, key);
        let identity = Identity { user: Some(user.clone()), ..blank(IdentityKey::Token(it)) };
        let encrypted = blank(IdentityKey::Encrypted(ConnectionToken::parse("c-1").unwrap()));
        let entry = |state, identity: &Identity| OneAllUser {
            key: user.clone(),
            entry: Some(OneAllUserEntry {
                state,
                created_at: None,
                last_login_at: None,
                login_count: None,
                identities: vec![Arc::new(identity.clone())],
                skipped: Vec::new(),
            }),
        };
        let page = |identity: &Identity| ListPage {
            rows: vec![Numbered { number: 0, value: Arc::new(identity.clone()) }],
            skipped: Vec::new(),
            entries: 1,
            paging: None,
        };
        let other = blank(IdentityKey::Token(other));
        let readable = IdentityState::Readable;
        let encrypted_state = IdentityState::Encrypted;
        let entities: [(&dyn Cacheable, _); 8] = [
            (&identity, [true, true, false]),
            (&other, [false, false, false]),
            (&encrypted, [true, true, true]),
            (&entry(readable, &identity), [true, true, false]),
            (&entry(readable, &other), [false, true, false]),
            (&entry(encrypted_state, &other), [true, true, true]),
            (&page(&identity), [true, true, false]),
            (&page(&other), [false, false, false]),
        ];
        for (number, (entity, references)) in entities.into_iter().enumerate() {
            assert_eq!(["i-1", "u-1", "i-3"].map(|token| entity.references(token)), references, "{number}");
        }
    }
}
