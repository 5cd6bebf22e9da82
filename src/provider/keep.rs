//! What of a noun may be kept: all of it but the links that bear a one-time mark.
//!
//! WordPress.com's links to renew a grant or to connect a service are made for one person and one visit. They go to whoever
//! asked while they are new, and what is kept says only that there was one; whoever asks for it then is given a new one.

use std::sync::Arc;

use crate::model::{Application, Connection, Identity, Link, OneAllUser, Record, ServiceEntry, Site, WordPressUser};
use crate::upstream::Keep;

use super::List;
use super::span::{Numbered, Page};

impl Keep for Connection {
    fn withheld(&self) -> Option<Self> {
        let renewal = self.renewal().is_some_and(Link::is_known);
        let action = self.health.as_ref().and_then(|health| health.action.as_ref());
        if !renewal && !action.and_then(|action| action.url.as_ref()).is_some_and(Link::is_known) {
            return None;
        }
        let mut kept = self.clone();
        let withhold = |link: &mut Option<Link<_>>| {
            if let Some(link) = link {
                *link = Link::Withheld(self.key.clone());
            }
        };
        match &mut kept.record {
            Record::Keyring(record) => withhold(&mut record.refresh_url),
            Record::Publicize(record) => withhold(&mut record.refresh_url),
            Record::SignIn(_) => {}
        }
        if let Some(action) = kept.health.as_mut().and_then(|health| health.action.as_mut()) {
            withhold(&mut action.url);
        }
        Some(kept)
    }
}

impl Keep for ServiceEntry {
    fn withheld(&self) -> Option<Self> {
        let known = self.connect_url.as_ref().is_some_and(Link::is_known);
        known.then(|| Self { connect_url: Some(Link::Withheld(self.slug.clone())), ..self.clone() })
    }
}

/// Nouns without such a link.
macro_rules! kept_whole {
    ($($noun:ty),*) => {
        $(impl Keep for $noun {
            fn withheld(&self) -> Option<Self> {
                None
            }
        })*
    };
}

kept_whole!(Application, Identity, OneAllUser, Site, WordPressUser);

impl<T: Keep> Keep for List<T> {
    fn withheld(&self) -> Option<Self> {
        let rows = all(&self.rows, |row| row, |row, _| row)?;
        Some(Self { rows, skipped: self.skipped.clone() })
    }
}

impl<T: Keep> Keep for Page<T> {
    fn withheld(&self) -> Option<Self> {
        let rows = all(&self.rows, |row| &row.value, |value, row| Numbered { number: row.number, value })?;
        Some(Self { rows, ..self.clone() })
    }
}

/// The same rows, each without its links; none if no row has one.
fn all<R: Clone, T: Keep>(rows: &[R], noun: impl Fn(&R) -> &Arc<T>, with: impl Fn(Arc<T>, &R) -> R) -> Option<Vec<R>> {
    let withheld: Vec<_> = rows.iter().map(|row| noun(row).withheld()).collect();
    if withheld.iter().all(Option::is_none) {
        return None;
    }
    let rows = rows.iter().zip(withheld).map(|(row, withheld)| match withheld {
        Some(noun) => with(Arc::new(noun), row),
        None => row.clone(),
    });
    Some(rows.collect())
}
