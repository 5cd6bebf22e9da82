//! People who ask at the same time, for the same IDs, never see one another's data.

use std::ops::Range;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use futures_util::{StreamExt, stream};
use serde_json::{Value, json};

use crate::harness::{Asker, World, as_shipped};

/// People by their JWT and token, Olga by the shop's key with her token beside, and a service by its key alone.
const PEOPLE: [&str; 7] = ["olga", "ada", "ben", "cleo", "finn", "gus", "report"];

/// How many requests are sent, and how many of them are under way at once.
const REQUESTS: usize = 3_000;
const UNDER_WAY: usize = 64;

/// One request in so many is given up before its answer.
const LEAVES_ONE_IN: u32 = 12;

/// What everybody asks, word for word the same.
fn operations() -> Vec<String> {
    let record = "record { ... on KeyringRecord { userId refreshUrl } ... on PublicizeRecord { userId refreshUrl } }";
    let id = |plain: &str| URL_SAFE_NO_PAD.encode(plain);
    vec![
        "{ viewer { wordpressUser { userId displayName email primarySite { siteId } } } }".to_owned(),
        "{ viewer { oneallUser { userToken loginCount identities { id displayName } } } }".to_owned(),
        format!("{{ viewer {{ connections(first: 3) {{ totalCount nodes {{ id {record} }} }} }} }}"),
        "{ viewer { identities(first: 4) { nodes { id displayName username } } } }".to_owned(),
        "{ applications(first: 2) { totalCount nodes { id name } } }".to_owned(),
        // Shared between two people, each with marks of their own in its links.
        format!("{{ node(id: \"{}\") {{ id ... on Connection {{ {record} }} }} }}", id("publicize:7700123/88001")),
        format!("{{ connection(by: {{ keyringConnectionId: 51001 }}) {{ id label {record} }} }}"),
        format!(
            "{{ a: connection(by: {{ keyringConnectionId: 51002 }}) {{ id {record} }}
                b: connection(by: {{ keyringConnectionId: 53001 }}) {{ id {record} }} }}"
        ),
        "{ service(key: \"facebook\") { key connectUrl } }".to_owned(),
        format!("{{ node(id: \"{}\") {{ ... on Site {{ name publicizeConnections {{ id {record} }} }} }} }}", id("site:7700123")),
        "{ connection(by: { connectionToken: \"5a4d0000-0000-4000-8000-000000000002\" }) { id identity { displayName } } }".to_owned(),
        "{ identity(by: { identityToken: \"5a4d0000-0000-4000-8002-000000000005\" }) { id username } }".to_owned(),
        "{ connections(first: 2) { totalCount nodes { id } incomplete { provider code } } }".to_owned(),
    ]
}

/// What each person is answered to each operation when nobody else asks.
async fn alone(world: &World, operations: &[String]) -> Vec<Vec<Value>> {
    let mut answers = Vec::new();
    for person in PEOPLE {
        let mut own = Vec::new();
        for operation in operations {
            let answer = world.ask(person, operation).await;
            for other in PEOPLE.iter().filter(|other| **other != person) {
                assert!(!answer.to_string().contains(&format!("n-{other}-")), "{person} sees a mark of {other}");
            }
            own.push(answer);
        }
        answers.push(own);
    }
    answers
}

/// Numbers that look random and are the same in every run (Knuth's MMIX constants).
struct Dice(u64);

impl Dice {
    fn below(&mut self, range: Range<u32>) -> u32 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        range.start + u32::try_from(self.0 >> 33).unwrap() % range.len() as u32
    }
}

/// One request of the crowd.
struct Move {
    person: usize,
    operation: usize,
    /// After how many turns of the scheduler the client leaves, if it does.
    leaves: Option<u32>,
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_crowd_is_answered_as_each_would_be_alone() {
    crowd(World::start().await).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_crowd_is_answered_so_from_what_is_kept_too() {
    crowd(World::with(Default::default(), as_shipped).await).await;
}

async fn crowd(world: World) {
    let operations = operations();
    let expected = alone(&world, &operations).await;
    for (number, operation) in operations.iter().enumerate() {
        let answers = expected.iter().map(|own| &own[number]);
        assert!(answers.clone().any(|answer| *answer != expected[0][number]), "the same for all: {operation}");
        assert!(answers.clone().any(|answer| answer["errors"].is_null()), "an error for all: {operation}");
    }
    let shared = |person: &str| expected[PEOPLE.iter().position(|name| *name == person).unwrap()][5].to_string();
    assert!(shared("ada").contains("n-ada-88001") && shared("gus").contains("n-gus-88001"));

    // The shared row comes late, so that those who ask for it do meet.
    world.fault(json!({ "path": "*88001", "latency_ms": 5 })).await;
    let mut dice = Dice(20_260_821);
    let moves: Vec<Move> = (0..REQUESTS)
        .map(|_| Move {
            person: dice.below(0..PEOPLE.len() as u32) as usize,
            operation: dice.below(0..operations.len() as u32) as usize,
            leaves: (dice.below(0..LEAVES_ONE_IN) == 0).then(|| dice.below(0..200)),
        })
        .collect();
    let (world, operations, expected) = (&world, &operations, &expected);
    let answered = stream::iter(moves)
        .map(|each| async move {
            let (person, operation) = (PEOPLE[each.person], &operations[each.operation]);
            let asking = world.ask(person, operation);
            let mut answer = match each.leaves {
                None => Some(asking.await),
                Some(turns) => unless_left(asking, turns).await,
            };
            // An answer from what is kept may say that it is older; it says nothing else by the way.
            if let Some(extensions) = answer.as_mut().and_then(|answer| answer.as_object_mut()?.remove("extensions")) {
                assert!(extensions.as_object().unwrap().keys().all(|name| name == "gateway"), "{extensions}");
            }
            let expected = &expected[each.person][each.operation];
            assert!(answer.as_ref().is_none_or(|answer| answer == expected), "{person}: {operation}: {answer:?}");
            answer.is_some()
        })
        .buffer_unordered(UNDER_WAY)
        .fold(0, async |answered, came| answered + usize::from(came))
        .await;
    assert!((REQUESTS * 9 / 10..REQUESTS).contains(&answered), "{answered} of {REQUESTS} were answered");
}

/// The answer, unless the client leaves before: after so many turns of the scheduler.
async fn unless_left<T>(asking: impl Future<Output = T>, turns: u32) -> Option<T> {
    let leaving = async {
        for _ in 0..turns {
            tokio::task::yield_now().await;
        }
    };
    tokio::select! {
        answer = asking => Some(answer),
        () = leaving => None,
    }
}

#[test]
fn the_dice_reach_every_number() {
    let mut dice = Dice(7);
    let mut seen = [false; 13];
    (0..400).for_each(|_| seen[dice.below(0..13) as usize] = true);
    assert_eq!(seen, [true; 13]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_who_share_a_connection_at_the_same_moment_see_their_own_marks() {
    let world = World::start().await;
    world.fault(json!({ "path": "*88001", "latency_ms": 30 })).await;
    let query = format!(
        "{{ node(id: \"{}\") {{ ... on Connection {{ record {{ ... on PublicizeRecord {{ refreshUrl }} }} }} }} }}",
        URL_SAFE_NO_PAD.encode("publicize:7700123/88001")
    );
    let asks = ["ada", "gus", "olga"].map(|person| (person, Asker::person(person)));
    let answers = futures_util::future::join_all(
        (0..60)
            .map(|turn| &asks[turn % asks.len()])
            .map(async |(person, asker)| (person, world.gateway.ask(asker, &query, json!({})).await)),
    )
    .await;
    for (person, answer) in answers {
        let url = answer["data"]["node"]["record"]["refreshUrl"].as_str();
        match *person {
            // The site is not hers.
            "olga" => assert_eq!(answer["data"], json!({ "node": null })),
            _ => assert!(url.unwrap().contains(&format!("kr_nonce=n-{person}-88001&")), "{person}: {url:?}"),
        }
    }
}
