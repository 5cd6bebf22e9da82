//! What was changed at a host lately, so that no answer read before a change outlives it.
//!
//! A change names paths, and all that is at or below them has changed for everybody, whichever credential it is read
//! with. Each read takes a stamp of its address before it looks anywhere; a stamp that is no longer the same says that
//! the address may have changed since. Only the latest changes are remembered: to a read that began before those, every
//! address may have changed.

use std::collections::VecDeque;
use std::sync::{PoisonError, RwLock};

/// How many changed paths are remembered.
const REMEMBERED: usize = 256;

/// The changes of one host.
#[derive(Default)]
pub struct Changes(RwLock<Recent>);

/// Which state of the host a read sees at least: equal as long as no change touched its address.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Stamp(u64);

#[derive(Default)]
struct Recent {
    count: u64,
    /// The changed paths, the latest first, each with its number.
    paths: VecDeque<(u64, String)>,
    /// The number of the latest that is not remembered any more.
    forgotten: u64,
}

impl Changes {
    /// The stamp of an address, its path with the query, at this moment.
    pub fn stamp(&self, target: &str) -> Stamp {
        self.0.read().unwrap_or_else(PoisonError::into_inner).stamp(target)
    }

    /// Does this if the address still has this stamp, and lets no change come between.
    pub fn if_unchanged(&self, target: &str, stamp: Stamp, act: impl FnOnce()) {
        let recent = self.0.read().unwrap_or_else(PoisonError::into_inner);
        if recent.stamp(target) == stamp {
            act();
        }
    }

    /// All that is at or below these paths has changed.
    pub fn note(&self, paths: &[String]) {
        let mut recent = self.0.write().unwrap_or_else(PoisonError::into_inner);
        recent.count += 1;
        for path in paths {
            let number = recent.count;
            recent.paths.push_front((number, path.clone()));
        }
        while recent.paths.len() > REMEMBERED {
            recent.forgotten = recent.paths.pop_back().map_or(recent.forgotten, |(number, _)| number);
        }
    }
}

impl Recent {
    fn stamp(&self, target: &str) -> Stamp {
        let latest = self.paths.iter().find(|(_, path)| is_below(target, path));
        Stamp(latest.map_or(self.forgotten, |(number, _)| *number))
    }
}

/// Whether an address is at or below a path.
pub fn is_below(target: &str, path: &str) -> bool {
    let rest = target.strip_prefix(path.trim_end_matches('/'));
    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(['/', '?']))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn note(changes: &Changes, path: &str) {
        changes.note(&[path.to_owned()]);
    }

    #[test]
    fn a_path_holds_what_is_at_it_and_below_it_and_nothing_beside_it() {
        for (target, path, below) in [
            ("/me/sites", "/me/sites", true),
            ("/me/sites?fields=ID", "/me/sites", true),
            ("/me/sites/7", "/me/sites", true),
            ("/me/sites/7", "/me/sites/", true),
            ("/me/sites", "/", true),
            ("/me/sites7", "/me/sites", false),
            ("/me", "/me/sites", false),
            ("/users/me/sites", "/me/sites", false),
            ("/connections/a.json", "/connections/a", false),
        ] {
            assert_eq!(is_below(target, path), below, "{target} {path}");
        }
    }

    #[test]
    fn a_stamp_holds_until_its_address_changes() {
        let changes = Changes::default();
        let (mine, other) = (changes.stamp("/a/1"), changes.stamp("/b"));
        note(&changes, "/a");
        assert_ne!(changes.stamp("/a/1"), mine);
        assert_eq!(changes.stamp("/b"), other);
        let later = changes.stamp("/a/1");
        note(&changes, "/a/1");
        assert_ne!(changes.stamp("/a/1"), later);
        let mut acts = 0;
        changes.if_unchanged("/a/1", later, || acts += 1);
        changes.if_unchanged("/b", other, || acts += 10);
        assert_eq!(acts, 10);
    }

    #[test]
    fn a_change_that_is_remembered_no_more_has_changed_everything() {
        let changes = Changes::default();
        let [changed, other] = ["/a", "/b"].map(|target| changes.stamp(target));
        note(&changes, "/a");
        for number in 0..REMEMBERED {
            note(&changes, &format!("/c/{number}"));
        }
        assert!(changes.stamp("/a") != changed && changes.stamp("/b") != other);
        let recent = changes.0.read().map(|recent| recent.paths.len());
        assert!(recent.is_ok_and(|paths| paths == REMEMBERED));
    }
}
