//! The sweep's other half: every mutation, asked by every kind of caller, of what is theirs, somebody else's and nobody's.
//!
//! A mutation that is refused makes no call; one of a thing that is not the caller's is answered, byte for byte and call for
//! call, like one of a thing that does not exist, and changes nothing.

use std::collections::{BTreeMap, BTreeSet};

use commongraph::auth::policy::{Access, access_to};
use serde_json::json;

use super::{Caller, Found, Owner, Sweep, blur};
use crate::harness::id;

/// Whether these are the fields of a mutation, or of what comes of one.
pub fn is_of_changes(kind: &str) -> bool {
    kind == "Mutation" || kind == "UserError" || kind.ends_with("Payload")
}

/// Whether a field says who the caller is, as the root's does.
pub fn is_viewer(kind: &str, field: &str) -> bool {
    kind.ends_with("Payload") && field == "viewer"
}

/// Whether fields of this kind are empty, without an error, where nothing was changed or nobody is known.
pub fn may_be_empty(kind: &str) -> bool {
    kind.ends_with("Payload")
}

/// A mutation: what it takes beside the ID, by what kind of ID, and the keys; what is unknown comes first.
struct Change {
    field: &'static str,
    kind: &'static str,
    more: &'static str,
    keys: &'static [(Owner, &'static str)],
}

const IDENTITIES: &[(Owner, &str)] = &[
    (Owner::Unknown, "5a4d0000-0000-4000-8002-000000000999"),
    (Owner::Other, "5a4d0000-0000-4000-8002-000000000001"),
    // Nobody's, as far as that is proved.
    (Owner::Other, "5a4d0000-0000-4000-8002-000000000019"),
    (Owner::Caller, "5a4d0000-0000-4000-8002-000000000004"),
];

/// Each has things of its own: what one caller deletes is not there for the next, who is told the same.
const CHANGES: &[Change] = &[
    Change {
        field: "applicationRevoke",
        kind: "application",
        more: "",
        keys: &[(Owner::Unknown, "999999"), (Owner::Other, "610001"), (Owner::Caller, "620001")],
    },
    Change {
        field: "connectionDisconnect",
        kind: "keyring",
        more: "",
        keys: &[(Owner::Unknown, "99999"), (Owner::Other, "61001"), (Owner::Caller, "51004")],
    },
    Change {
        field: "publicizeConnectionShare",
        kind: "publicize",
        more: "shared: true",
        keys: &[(Owner::Unknown, "3584907/99999"), (Owner::Other, "3584907/71001"), (Owner::Caller, "7700123/72001")],
    },
    Change { field: "identitySynchronize", kind: "identity", more: "", keys: IDENTITIES },
    Change {
        field: "identityRelink",
        kind: "identity",
        more: "userToken: \"5a4d0000-0000-4000-8001-000000000002\"",
        keys: IDENTITIES,
    },
    Change {
        field: "identityDelete",
        kind: "identity",
        more: "confirm: true",
        keys: &[
            (Owner::Unknown, "5a4d0000-0000-4000-8002-000000000999"),
            (Owner::Other, "5a4d0000-0000-4000-8002-000000000010"),
        ],
    },
];

impl Sweep {
    async fn change(&mut self, caller: &Caller, change: &Change) {
        self.fields.insert(("Mutation".to_owned(), change.field.to_owned()));
        let Some(Access::AnyOf(&[right])) = access_to("Mutation", change.field) else { panic!("{}", change.field) };
        let inner = self.types.everything_but(self.types.of_field("Mutation", change.field), 2, &BTreeSet::new());
        let mut unknown: Option<(String, BTreeMap<String, u64>)> = None;
        for (owner, key) in change.keys {
            let it = id(&format!("{}:{key}", change.kind));
            let query =
                format!("mutation {{ it: {}(input: {{ id: \"{it}\", {} }}){inner} }}", change.field, change.more);
            self.world.take_writes().await;
            let told = self.ask(caller, &query).await;
            let writes = self.world.writes().await;
            let context = format!("{}: {} {key}: {:.3000} {:?}", caller.name, change.field, told.text, told.calls);
            if let Err(code) = caller.holds(right) {
                assert_eq!(super::codes(&told.answer), [(code.to_owned(), "it".to_owned())], "{context}");
                assert_eq!(told.answer["data"], json!({ "it": null }), "{context}");
                assert!(told.calls.is_empty() && writes.is_empty(), "{context}");
                continue;
            }
            self.hold_answer(caller, &told, &mut Found::default());
            assert!(writes.iter().all(|row| row.2 == 1), "{context} {writes:?}");
            if *owner == Owner::Unknown || !caller.reaches(right, *owner) {
                assert!(writes.iter().all(|row| row.3 == 0), "{context} {writes:?}");
                let calls = told.calls.into_iter().map(|(path, calls)| (blur(&path, key), calls)).collect();
                let same = (told.text.replace(&it, "it"), calls);
                assert_eq!(*unknown.get_or_insert(same.clone()), same, "{context}");
            } else {
                // One without a credential of its own OneAll cannot synchronize.
                let errors = &told.answer["data"]["it"]["userErrors"];
                let is_done = *errors == json!([]) || errors[0]["code"] == "REFUSED";
                assert!(is_done && writes.len() == 1, "{context}");
            }
        }
    }
}

#[tokio::test]
async fn every_mutation_is_for_whom_the_table_says_and_for_nobody_else() {
    let (mut sweep, callers) = Sweep::start().await;
    for caller in &callers {
        for change in CHANGES {
            sweep.change(caller, change).await;
        }
    }
    let all: BTreeSet<_> = sweep.types.all().into_iter().filter(|(kind, _)| is_of_changes(kind)).collect();
    let not_asked: Vec<_> = all.difference(&sweep.fields).collect();
    assert!(not_asked.is_empty(), "no way of the sweep leads to {not_asked:?}");
    assert_eq!(sweep.asked, callers.len() * CHANGES.iter().map(|change| change.keys.len()).sum::<usize>());
}
