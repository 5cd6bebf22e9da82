//! Invalidation: the recent writes at a host, so that no value read before a write outlives it.
//!
//! A value remembers the version at which its read started, and is compared with the writes since. So a write costs no
//! scan of the cache, and writing with an invented credential takes nothing from others.
//!
//! After a write, however it ended, its caller never receives older values that it may have changed. Other callers lose
//! what certainly changed. What only may have changed is still served to them if the host fails, so that one caller's
//! failed write cannot empty the caches of others. Only the latest writes are remembered; values older than those are
//! invalid.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{PoisonError, RwLock};

use crate::upstream::cache::key::{CacheOwner, Key};
use crate::upstream::outcome::WriteStatus;
use crate::upstream::reply::Cacheable;

/// How many invalidations are remembered.
const REMEMBERED_MAX: usize = 1_024;

/// How many paths, or references, the merged invalidation of absent objects may name.
const NAMED_MAX: usize = 16;

/// The path at or below which every target is.
const EVERYWHERE: &str = "";

/// The recent invalidations of one host.
#[derive(Debug, Default)]
pub struct InvalidationLog {
    count: AtomicU64,
    recent: RwLock<Recent>,
}

/// The number of invalidations at an instant.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Version(u64);

/// A write that changed something, or may have. Paths are absolute.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Invalidation {
    /// Who wrote.
    pub writer: CacheOwner,
    /// Paths at and below which each caller sees an object of their own.
    pub per_caller: Vec<String>,
    /// Paths at and below which all callers see the changed object itself.
    pub shared: Vec<String>,
    /// Only values that reference one of these tokens have changed. If empty, all have.
    pub references: Vec<String>,
    /// How the write ended.
    pub status: WriteStatus,
}

/// What a value from before an invalidation may be used for, worst first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Validity {
    /// Nothing.
    Invalid,
    /// It is served only if the host fails.
    StaleIfError,
    /// It is valid.
    Valid,
}

#[derive(Debug, Default)]
struct Recent {
    /// The latest first, each with its number.
    invalidations: VecDeque<(u64, Invalidation)>,
    /// The number of the latest one that is not remembered any more.
    forgotten: u64,
}

impl InvalidationLog {
    /// Returns the current version.
    pub fn version(&self) -> Version {
        Version(self.count.load(Ordering::Acquire))
    }

    /// Returns the validity of a value whose read started at `since`. Without the value, the least that it can be.
    pub fn validity(&self, key: &Key, since: Version, value: Option<&dyn Cacheable>) -> Validity {
        if self.version() == since {
            return Validity::Valid;
        }
        let recent = self.recent.read().unwrap_or_else(PoisonError::into_inner);
        if recent.forgotten > since.0 {
            return Validity::Invalid;
        }
        let later = recent.invalidations.iter().take_while(|(number, _)| *number > since.0);
        later.map(|(_, invalidation)| invalidation.validity(key, value)).min().unwrap_or(Validity::Valid)
    }

    /// Records a write, unless it certainly changed nothing.
    pub fn record(&self, invalidation: Invalidation) {
        if matches!(invalidation.status, WriteStatus::Refused | WriteStatus::Unsent) {
            return;
        }
        let mut recent = self.recent.write().unwrap_or_else(PoisonError::into_inner);
        let number = self.count.load(Ordering::Relaxed) + 1;
        let invalidation = recent.merge_absent(invalidation);
        // The latest of equal ones is enough, so repeating a write does not push out those of others.
        recent.invalidations.retain(|(_, other)| *other != invalidation);
        recent.invalidations.push_front((number, invalidation));
        if recent.invalidations.len() > REMEMBERED_MAX {
            recent.forgotten = recent.invalidations.pop_back().map_or(recent.forgotten, |(number, _)| number);
        }
        self.count.store(number, Ordering::Release);
    }
}

impl Recent {
    /// Merges the write of an absent object with the writer's earlier ones.
    ///
    /// Such writes concern the writer alone, who can invent any number of objects. Merged, they take one place.
    fn merge_absent(&mut self, invalidation: Invalidation) -> Invalidation {
        if invalidation.status != WriteStatus::Absent {
            return invalidation;
        }
        let is_alike =
            |other: &Invalidation| other.status == WriteStatus::Absent && other.writer == invalidation.writer;
        let index = self.invalidations.iter().position(|(_, other)| is_alike(other));
        match index.and_then(|index| self.invalidations.remove(index)) {
            Some((_, other)) => invalidation.merge(other),
            None => invalidation,
        }
    }
}

impl Invalidation {
    /// Returns an invalidation that covers at least both, for their one writer.
    fn merge(self, other: Self) -> Self {
        let covers_all = self.references.is_empty() || other.references.is_empty();
        let references =
            if covers_all { Vec::new() } else { union([self.references, other.references]).unwrap_or_default() };
        let paths = union([self.per_caller, self.shared, other.per_caller, other.shared]);
        let per_caller = paths.unwrap_or_else(|| vec![EVERYWHERE.to_owned()]);
        Self { per_caller, shared: Vec::new(), references, ..self }
    }

    /// Returns the validity of an older value. An unknown or absent value may be what was changed.
    fn validity(&self, key: &Key, value: Option<&dyn Cacheable>) -> Validity {
        let is_at = |paths: &[String]| paths.iter().any(|path| is_at_or_below(key.target(), path));
        let is_shared = is_at(&self.shared);
        let is_referenced = |value: &dyn Cacheable| {
            self.references.is_empty() || self.references.iter().any(|token| value.references(token))
        };
        if !(is_shared || is_at(&self.per_caller)) || !value.is_none_or(is_referenced) {
            return Validity::Valid;
        }
        match self.status {
            _ if key.owner() == self.writer => Validity::Invalid,
            WriteStatus::Done if is_shared => Validity::Invalid,
            WriteStatus::Done | WriteStatus::Uncertain => Validity::StaleIfError,
            WriteStatus::Absent | WriteStatus::Refused | WriteStatus::Unsent => Validity::Valid,
        }
    }
}

/// Returns the union without duplicates, or `None` if it exceeds [`NAMED_MAX`].
fn union<const N: usize>(lists: [Vec<String>; N]) -> Option<Vec<String>> {
    let mut all = Vec::new();
    for item in lists.into_iter().flatten() {
        if !all.contains(&item) {
            all.push(item);
        }
    }
    (all.len() <= NAMED_MAX).then_some(all)
}

/// Whether a target is at or below a path.
fn is_at_or_below(target: &str, path: &str) -> bool {
    let rest = target.strip_prefix(path.trim_end_matches('/'));
    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(['/', '?']))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use secrecy::SecretString;

    use super::*;
    use crate::upstream::Credential;
    use crate::upstream::cache::key::Fingerprinter;

    /// A value that references one token.
    struct Referencing(&'static str);

    impl Cacheable for Referencing {
        fn redacted(&self) -> Option<Self> {
            None
        }

        fn memory_size(&self) -> usize {
            size_of::<Self>()
        }

        fn references(&self, token: &str) -> bool {
            self.0 == token
        }
    }

    fn fingerprint(token: &str, fingerprinter: &Fingerprinter) -> crate::upstream::cache::key::Fingerprint {
        fingerprinter.credential(Credential::Bearer(&SecretString::from(token)))
    }

    struct Fixture {
        fingerprinter: Fingerprinter,
        log: InvalidationLog,
    }

    impl Fixture {
        fn new() -> Self {
            Self { fingerprinter: Fingerprinter::new().unwrap(), log: InvalidationLog::default() }
        }

        fn key(&self, (token, reader): (&str, Option<&str>), target: &str) -> Key {
            let reader = reader.map(|reader| self.fingerprinter.reader(reader));
            Key::new::<Referencing>(
                "provider",
                "origin".into(),
                target.into(),
                fingerprint(token, &self.fingerprinter),
                reader,
            )
        }

        fn invalidation(&self, owner: (&str, Option<&str>), status: WriteStatus) -> Invalidation {
            let paths = |path: &str| vec![path.to_owned()];
            let writer = self.key(owner, "/").owner();
            Invalidation { writer, per_caller: paths("/own"), shared: paths("/common"), references: Vec::new(), status }
        }

        /// The validity of a value of this owner from before all invalidations.
        fn validity_of(&self, owner: (&str, Option<&str>), target: &str, value: Option<&dyn Cacheable>) -> Validity {
            self.log.validity(&self.key(owner, target), Version::default(), value)
        }
    }

    const A: (&str, Option<&str>) = ("a", None);
    const B: (&str, Option<&str>) = ("b", None);

    #[test]
    fn a_path_covers_itself_and_what_is_below_it() {
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
            assert_eq!(is_at_or_below(target, path), below, "{target} {path}");
        }
    }

    #[test]
    fn validity_depends_on_the_write_status_and_the_owner() {
        use Validity::{Invalid, StaleIfError, Valid};
        for (ended, own, others, common) in [
            (WriteStatus::Done, Invalid, StaleIfError, Invalid),
            (WriteStatus::Uncertain, Invalid, StaleIfError, StaleIfError),
            (WriteStatus::Absent, Invalid, Valid, Valid),
            (WriteStatus::Refused, Valid, Valid, Valid),
            (WriteStatus::Unsent, Valid, Valid, Valid),
        ] {
            let fixture = Fixture::new();
            fixture.log.record(fixture.invalidation(A, ended));
            let left = |owner, target| fixture.validity_of(owner, target, None);
            assert_eq!((left(A, "/own/1"), left(A, "/common?x=y")), (own, own), "{ended:?}");
            assert_eq!((left(B, "/own/1"), left(B, "/common?x=y")), (others, common), "{ended:?}");
            assert_eq!(left(("a", Some("reader")), "/own"), others, "{ended:?}, with a reader");
            assert_eq!((left(A, "/other"), left(B, "/other")), (Valid, Valid), "{ended:?}");
        }
    }

    #[test]
    fn a_value_without_a_reference_to_the_object_stays_valid() {
        let fixture = Fixture::new();
        fixture.log.record(Invalidation {
            references: vec!["x".to_owned(), "y".to_owned()],
            ..fixture.invalidation(A, WriteStatus::Done)
        });
        for (value, left) in [
            (Some(&Referencing("x") as &dyn Cacheable), Validity::Invalid),
            (Some(&Referencing("y")), Validity::Invalid),
            (Some(&Referencing("z")), Validity::Valid),
            (None, Validity::Invalid),
        ] {
            assert_eq!(fixture.validity_of(A, "/own/1", value), left);
        }
    }

    #[test]
    fn the_worst_of_the_later_invalidations_decides() {
        let fixture = Fixture::new();
        let (previous, key) = (fixture.log.version(), fixture.key(B, "/own"));
        fixture.log.record(fixture.invalidation(A, WriteStatus::Uncertain));
        let between = fixture.log.version();
        fixture.log.record(fixture.invalidation(B, WriteStatus::Done));
        fixture.log.record(fixture.invalidation(A, WriteStatus::Absent));
        let left = |since| fixture.log.validity(&key, since, None);
        assert_eq!(
            (left(previous), left(between), left(fixture.log.version())),
            (Validity::Invalid, Validity::Invalid, Validity::Valid)
        );
        fixture.log.record(fixture.invalidation(A, WriteStatus::Uncertain));
        assert_eq!(left(previous), Validity::Invalid, "a later equal invalidation does not hide the one between");
    }

    #[test]
    fn writes_of_absent_objects_take_nothing_from_others() {
        let fixture = Fixture::new();
        for number in 0..2 * REMEMBERED_MAX {
            let (shared, references) = (vec![format!("/common/{number}")], vec![number.to_string()]);
            fixture.log.record(Invalidation { shared, references, ..fixture.invalidation(A, WriteStatus::Absent) });
            let (own, there) =
                (fixture.validity_of(A, "/own", None), fixture.validity_of(A, &format!("/common/{number}/1"), None));
            assert_eq!((own, there), (Validity::Invalid, Validity::Invalid), "{number}");
            assert_eq!(fixture.validity_of(B, "/common", None), Validity::Valid, "{number}");
        }
        fixture.log.record(fixture.invalidation(B, WriteStatus::Absent));
        assert_eq!(
            (fixture.validity_of(A, "/other", None), fixture.validity_of(B, "/other", None)),
            (Validity::Invalid, Validity::Valid)
        );
        assert_eq!(fixture.log.recent.read().unwrap().invalidations.len(), 2);
    }

    #[test]
    fn only_the_latest_invalidations_are_remembered() {
        let fixture = Fixture::new();
        let change = |number: usize| Invalidation {
            per_caller: vec![format!("/c/{number}")],
            ..fixture.invalidation(A, WriteStatus::Done)
        };
        let (first, key) = (fixture.log.version(), fixture.key(B, "/other"));
        let left = |since| fixture.log.validity(&key, since, None);
        for number in 0..REMEMBERED_MAX {
            fixture.log.record(change(number));
            fixture.log.record(change(0));
        }
        assert_eq!(left(first), Validity::Valid, "all are still remembered");
        let since = fixture.log.version();
        fixture.log.record(change(REMEMBERED_MAX));
        assert_eq!((left(first), left(since)), (Validity::Invalid, Validity::Valid));
        assert_eq!(fixture.log.recent.read().unwrap().invalidations.len(), REMEMBERED_MAX);
    }
}
