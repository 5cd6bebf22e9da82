//! What was changed at a host lately, so that no answer read before a change outlives it.
//!
//! An answer remembers how many changes there were when its read began, and is held against those that came since: so a
//! change costs no search through what is kept, and a credential that nobody else shows takes nothing from anybody else.
//! What was read before counts for nothing any more to whoever made the change, however that ended. To everybody else it
//! does as long as nothing says that there was a change; if there may have been one, it stands in for an answer that the
//! host cannot give, so that nobody's failed write robs others of that. Only the latest changes are remembered: what was
//! read before those counts for nothing.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{PoisonError, RwLock};

use super::Cacheable;
use super::key::{Key, Whose};
use super::write::Ended;

/// How many changes are remembered.
const REMEMBERED: usize = 1_024;

/// How many paths, or things, those changes of one writer name together that were of nothing.
const NAMED_MAX: usize = 16;

/// The path at or below which every address is.
const EVERYWHERE: &str = "";

/// The changes of one host.
#[derive(Debug, Default)]
pub struct Changes {
    count: AtomicU64,
    recent: RwLock<Recent>,
}

/// How many changes there were at an instant.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Moment(u64);

/// One change, or what may be one. Paths are whole, as in an address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// Whose it is.
    pub writer: Whose,
    /// At and below these each is shown what is their own.
    pub own: Vec<String>,
    /// At and below these others are shown the very thing that is changed.
    pub common: Vec<String>,
    /// Of what is there, only what mentions one of these has changed; all of it, if there is none.
    pub about: Vec<String>,
    /// How it ended.
    pub ended: Ended,
}

/// What is left of an answer that was read before a change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Left {
    /// Nothing.
    Nothing,
    /// It stands in for an answer that the host cannot give.
    InTrouble,
    /// All.
    All,
}

#[derive(Debug, Default)]
struct Recent {
    /// The latest first, each with its number.
    changes: VecDeque<(u64, Change)>,
    /// The number of the latest that is not remembered any more.
    forgotten: u64,
}

impl Changes {
    /// This moment.
    pub fn moment(&self) -> Moment {
        Moment(self.count.load(Ordering::Acquire))
    }

    /// What is left of what began to be read at this moment; without the noun, of whatever may be in the answer.
    pub fn left(&self, key: &Key, since: Moment, noun: Option<&dyn Cacheable>) -> Left {
        if self.moment() == since {
            return Left::All;
        }
        let recent = self.recent.read().unwrap_or_else(PoisonError::into_inner);
        if recent.forgotten > since.0 {
            return Left::Nothing;
        }
        let later = recent.changes.iter().take_while(|(number, _)| *number > since.0);
        later.map(|(_, change)| change.leaves(key, noun)).min().unwrap_or(Left::All)
    }

    /// Notes a change, if it may be one.
    pub fn note(&self, change: Change) {
        if matches!(change.ended, Ended::Refused | Ended::Unsent) {
            return;
        }
        let mut recent = self.recent.write().unwrap_or_else(PoisonError::into_inner);
        let number = self.count.load(Ordering::Relaxed) + 1;
        let change = recent.with_others_of_nothing(change);
        // Of equal changes the latest says all: whoever repeats theirs does not push those of others out.
        recent.changes.retain(|(_, other)| *other != change);
        recent.changes.push_front((number, change));
        if recent.changes.len() > REMEMBERED {
            recent.forgotten = recent.changes.pop_back().map_or(recent.forgotten, |(number, _)| number);
        }
        self.count.store(number, Ordering::Release);
    }
}

impl Recent {
    /// A change, and if it was of nothing, with what its writer did of that kind before: that concerns the writer alone, who may
    /// make up as many such things as they like, so that together these take one place.
    fn with_others_of_nothing(&mut self, change: Change) -> Change {
        let is_alike = |other: &Change| other.ended == Ended::Absent && other.writer == change.writer;
        let found = self.changes.iter().position(|(_, other)| change.ended == Ended::Absent && is_alike(other));
        match found.and_then(|at| self.changes.remove(at)) {
            Some((_, other)) => change.and(other),
            None => change,
        }
    }
}

impl Change {
    /// One that says at least what both say of their one writer.
    fn and(self, other: Self) -> Self {
        let is_of_all = self.about.is_empty() || other.about.is_empty();
        let about = if is_of_all { Vec::new() } else { joined([self.about, other.about]).unwrap_or_default() };
        let own = joined([self.own, self.common, other.own, other.common]);
        Self { own: own.unwrap_or_else(|| vec![EVERYWHERE.to_owned()]), common: Vec::new(), about, ..self }
    }

    /// What is left of an answer from before. What is not known, or not there, may be what was changed.
    fn leaves(&self, key: &Key, noun: Option<&dyn Cacheable>) -> Left {
        let is_at = |paths: &[String]| paths.iter().any(|path| is_below(key.target(), path));
        let is_common = is_at(&self.common);
        let references =
            |noun: &dyn Cacheable| self.about.is_empty() || self.about.iter().any(|token| noun.references(token));
        if !(is_common || is_at(&self.own)) || !noun.is_none_or(references) {
            return Left::All;
        }
        match self.ended {
            _ if key.whose() == self.writer => Left::Nothing,
            Ended::Done if is_common => Left::Nothing,
            Ended::Done | Ended::Uncertain => Left::InTrouble,
            Ended::Absent | Ended::Refused | Ended::Unsent => Left::All,
        }
    }
}

/// Each once; none, if these are too many.
fn joined<const N: usize>(lists: [Vec<String>; N]) -> Option<Vec<String>> {
    let mut all = Vec::new();
    for one in lists.into_iter().flatten() {
        if !all.contains(&one) {
            all.push(one);
        }
    }
    (all.len() <= NAMED_MAX).then_some(all)
}

/// Whether an address is at or below a path.
fn is_below(target: &str, path: &str) -> bool {
    let rest = target.strip_prefix(path.trim_end_matches('/'));
    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(['/', '?']))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use secrecy::SecretString;

    use super::super::Credential;
    use super::super::key::Fingerprints;
    use super::*;

    /// A noun that mentions one token.
    struct About(&'static str);

    impl Cacheable for About {
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

    fn print(token: &str, prints: &Fingerprints) -> super::super::key::Fingerprint {
        prints.of(Credential::Bearer(&SecretString::from(token)))
    }

    struct Bench {
        prints: Fingerprints,
        changes: Changes,
    }

    impl Bench {
        fn new() -> Self {
            Self { prints: Fingerprints::random().unwrap(), changes: Changes::default() }
        }

        fn key(&self, (token, reader): (&str, Option<&str>), target: &str) -> Key {
            let reader = reader.map(|reader| self.prints.of_reader(reader));
            Key::new::<About>("provider", "origin".into(), target.into(), print(token, &self.prints), reader)
        }

        fn change(&self, whose: (&str, Option<&str>), ended: Ended) -> Change {
            let paths = |path: &str| vec![path.to_owned()];
            let writer = self.key(whose, "/").whose();
            Change { writer, own: paths("/own"), common: paths("/common"), about: Vec::new(), ended }
        }

        /// What is left of an answer to this reader from before all that was noted.
        fn left(&self, whose: (&str, Option<&str>), target: &str, noun: Option<&dyn Cacheable>) -> Left {
            self.changes.left(&self.key(whose, target), Moment::default(), noun)
        }
    }

    const A: (&str, Option<&str>) = ("a", None);
    const B: (&str, Option<&str>) = ("b", None);

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
    fn what_a_change_leaves_depends_on_how_it_ended_and_whose_the_answer_is() {
        use Left::{All, InTrouble, Nothing};
        for (ended, own, others, common) in [
            (Ended::Done, Nothing, InTrouble, Nothing),
            (Ended::Uncertain, Nothing, InTrouble, InTrouble),
            (Ended::Absent, Nothing, All, All),
            (Ended::Refused, All, All, All),
            (Ended::Unsent, All, All, All),
        ] {
            let bench = Bench::new();
            bench.changes.note(bench.change(A, ended));
            let left = |whose, target| bench.left(whose, target, None);
            assert_eq!((left(A, "/own/1"), left(A, "/common?x=y")), (own, own), "{ended:?}");
            assert_eq!((left(B, "/own/1"), left(B, "/common?x=y")), (others, common), "{ended:?}");
            assert_eq!(left(("a", Some("reader")), "/own"), others, "{ended:?}, of a reader of their own");
            assert_eq!((left(A, "/other"), left(B, "/other")), (All, All), "{ended:?}");
        }
    }

    #[test]
    fn what_does_not_mention_the_changed_thing_has_not_changed() {
        let bench = Bench::new();
        bench.changes.note(Change { about: vec!["x".to_owned(), "y".to_owned()], ..bench.change(A, Ended::Done) });
        for (noun, left) in [
            (Some(&About("x") as &dyn Cacheable), Left::Nothing),
            (Some(&About("y")), Left::Nothing),
            (Some(&About("z")), Left::All),
            (None, Left::Nothing),
        ] {
            assert_eq!(bench.left(A, "/own/1", noun), left);
        }
    }

    #[test]
    fn what_is_read_after_a_change_counts_and_after_several_the_worst_does() {
        let bench = Bench::new();
        let (before, key) = (bench.changes.moment(), bench.key(B, "/own"));
        bench.changes.note(bench.change(A, Ended::Uncertain));
        let between = bench.changes.moment();
        bench.changes.note(bench.change(B, Ended::Done));
        bench.changes.note(bench.change(A, Ended::Absent));
        let left = |since| bench.changes.left(&key, since, None);
        assert_eq!(
            (left(before), left(between), left(bench.changes.moment())),
            (Left::Nothing, Left::Nothing, Left::All)
        );
        bench.changes.note(bench.change(A, Ended::Uncertain));
        assert_eq!(left(before), Left::Nothing, "an equal change later does not hide what came between");
    }

    #[test]
    fn whoever_changes_what_is_not_there_takes_nothing_from_others_however_often() {
        let bench = Bench::new();
        for number in 0..2 * REMEMBERED {
            let (common, about) = (vec![format!("/common/{number}")], vec![number.to_string()]);
            bench.changes.note(Change { common, about, ..bench.change(A, Ended::Absent) });
            let (own, there) = (bench.left(A, "/own", None), bench.left(A, &format!("/common/{number}/1"), None));
            assert_eq!((own, there), (Left::Nothing, Left::Nothing), "{number}");
            assert_eq!(bench.left(B, "/common", None), Left::All, "{number}");
        }
        bench.changes.note(bench.change(B, Ended::Absent));
        assert_eq!((bench.left(A, "/other", None), bench.left(B, "/other", None)), (Left::Nothing, Left::All));
        assert_eq!(bench.changes.recent.read().unwrap().changes.len(), 2);
    }

    #[test]
    fn only_the_latest_are_remembered_and_what_was_read_after_the_others_counts_all_the_same() {
        let bench = Bench::new();
        let change = |number: usize| Change { own: vec![format!("/c/{number}")], ..bench.change(A, Ended::Done) };
        let (first, key) = (bench.changes.moment(), bench.key(B, "/other"));
        let left = |since| bench.changes.left(&key, since, None);
        for number in 0..REMEMBERED {
            bench.changes.note(change(number));
            bench.changes.note(change(0));
        }
        assert_eq!(left(first), Left::All, "no more than are remembered");
        let since = bench.changes.moment();
        bench.changes.note(change(REMEMBERED));
        assert_eq!((left(first), left(since)), (Left::Nothing, Left::All));
        assert_eq!(bench.changes.recent.read().unwrap().changes.len(), REMEMBERED);
    }
}
