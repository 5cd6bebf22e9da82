//! What of a noun may be kept: all of it but the links that bear a one-time mark; and whom it is about.
//!
//! WordPress.com's links to renew a grant or to connect a service are made for one person and one visit. They go to whoever
//! asked while they are new, and what is kept says only that there was one; whoever asks for it then is given a new one.

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
        size_of_value(self)
    }

    fn references(&self, token: &str) -> bool {
        let user = match &self.record {
            ConnectionRecord::SignIn(record) if self.complete => &record.user,
            _ => return true,
        };
        is_user(user.as_ref(), token) || self.identity.as_ref().is_some_and(|identity| identity.references(token))
    }
}

impl Cacheable for Identity {
    fn redacted(&self) -> Option<Self> {
        None
    }

    fn memory_size(&self) -> usize {
        size_of_value(self)
    }

    fn references(&self, token: &str) -> bool {
        let is_it = match &self.key {
            IdentityKey::Token(key) => key.as_str() == token,
            IdentityKey::External(_) | IdentityKey::Encrypted(_) => true,
        };
        is_it || is_user(self.user.as_ref(), token)
    }
}

impl Cacheable for OneAllUser {
    fn redacted(&self) -> Option<Self> {
        None
    }

    fn memory_size(&self) -> usize {
        size_of_value(self)
    }

    fn references(&self, token: &str) -> bool {
        let is_whole = |entry: &OneAllUserEntry| entry.state == IdentityState::Readable && entry.skipped.is_empty();
        match self.entry.as_ref().filter(|entry| is_whole(entry)) {
            Some(entry) => self.key.as_str() == token || entry.identities.iter().any(|it| it.references(token)),
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
        size_of_value(self)
    }
}

/// Nouns without such a link.
macro_rules! impl_without_links {
    ($($noun:ty),*) => {
        $(impl Cacheable for $noun {
            fn redacted(&self) -> Option<Self> {
                None
            }

            fn memory_size(&self) -> usize {
                size_of_value(self)
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

fn is_user(user: Option<&UserToken>, token: &str) -> bool {
    user.is_some_and(|user| user.as_str() == token)
}

fn size_of_value<T: HeapSize>(value: &T) -> usize {
    size_of::<T>() + value.heap_size()
}

/// The same rows, each without its links; none if no row has one.
fn redact_rows<R: Clone, T: Cacheable>(
    rows: &[R],
    noun: impl Fn(&R) -> &Arc<T>,
    with: impl Fn(Arc<T>, &R) -> R,
) -> Option<Vec<R>> {
    let redacted: Vec<_> = rows.iter().map(|row| noun(row).redacted()).collect();
    if redacted.iter().all(Option::is_none) {
        return None;
    }
    let rows = rows.iter().zip(redacted).map(|(row, redacted)| match redacted {
        Some(noun) => with(Arc::new(noun), row),
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

    fn check<T: Cacheable + std::fmt::Debug>(noun: &T, marks: usize) {
        assert_eq!(format!("{noun:?}").matches("kr_nonce=").count(), marks, "{noun:?}");
        match noun.redacted() {
            Some(kept) => assert!(marks > 0 && !format!("{kept:?}").contains("nonce"), "{kept:?}"),
            None => assert_eq!(marks, 0),
        }
    }

    #[test]
    fn no_link_with_a_mark_is_kept_and_everything_else_is() {
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
        // A row that works bears its link once; one that has to be renewed says so twice.
        check(&list, 5);
        let kept = list.redacted().unwrap();
        for (kept, row) in kept.rows.iter().zip(&list.rows) {
            assert_eq!((&kept.key, &kept.label, kept.health.is_some()), (&row.key, &row.label, true));
            assert_eq!(kept.refresh_link().is_some(), row.refresh_link().is_some());
        }
        assert!(Arc::ptr_eq(&kept.rows[3], &list.rows[3]), "what has no link is not copied");

        let service = format!("{{\"ID\":\"facebook\",\"connect_URL\":\"{link}\"}}");
        check(&mapping::service(payload::decode(service.as_bytes()).unwrap()).unwrap(), 1);
        check(&mapping::service(payload::decode(b"{\"ID\":\"tumblr\"}").unwrap()).unwrap(), 0);
    }

    #[test]
    fn a_record_mentions_its_identities_and_its_user_and_what_is_not_whole_may_mention_anything() {
        let [it, other] = ["i-1", "i-2"].map(|token| IdentityToken::parse(token).unwrap());
        let user = UserToken::parse("u-1").unwrap();
        let blank = |key| Identity::with_key(Provider::OneAll, key);
        let identity = Identity { user: Some(user.clone()), ..blank(IdentityKey::Token(it)) };
        let sealed = blank(IdentityKey::Encrypted(ConnectionToken::parse("c-1").unwrap()));
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
        let (whole, veiled) = (IdentityState::Readable, IdentityState::Encrypted);
        let nouns: [(&dyn Cacheable, _); 8] = [
            (&identity, [true, true, false]),
            (&other, [false, false, false]),
            (&sealed, [true, true, true]),
            (&entry(whole, &identity), [true, true, false]),
            (&entry(whole, &other), [false, true, false]),
            (&entry(veiled, &other), [true, true, true]),
            (&page(&identity), [true, true, false]),
            (&page(&other), [false, false, false]),
        ];
        for (number, (noun, references)) in nouns.into_iter().enumerate() {
            assert_eq!(["i-1", "u-1", "i-3"].map(|token| noun.references(token)), references, "{number}");
        }
    }
}
