//! Many callers before one host: whose turn it is, who is refused, and that nobody fills another's place.

use std::time::Duration;

use futures_util::future::join_all;
use tokio::time::{Instant, timeout};

use super::fake_host::{Act, Answer, FRESH, TestError, TestUpstream, operation};
use super::*;

const EACH: Duration = Duration::from_millis(100);

fn is_crowded(answer: &Answer) -> bool {
    answer.1 == Err(TestError::NoReply(Error::QueueFull))
}

/// One caller asks for more than may wait; another asks for one thing. How many of the first were refused, and how long
/// the other waited.
async fn many_and_one(bench: &TestUpstream, many: (&str, &Budget), one: (&str, &Budget)) -> (usize, Duration) {
    bench.script.play(vec![Act::Answer(EACH, 200, None); 701]);
    let paths: Vec<_> = (0..700).map(|number| number.to_string()).collect();
    let crowd = join_all(paths.iter().map(|path| bench.read(many.0, path, many.1)));
    let start = Instant::now();
    let other = async {
        settle().await;
        bench.read(one.0, "list", one.1).await.1.unwrap();
        start.elapsed()
    };
    let (answers, waited) = tokio::join!(crowd, other);
    assert!(answers.iter().all(|answer| answer.1.is_ok() || is_crowded(answer)), "{answers:?}");
    assert!(bench.is_at_rest());
    (answers.iter().filter(|answer| is_crowded(answer)).count(), waited)
}

#[tokio::test(start_paused = true)]
async fn a_fan_out_of_one_credential_leaves_room_for_another() {
    let bench = bench();
    let budget = Budget::new(1_000);
    let (crowded, waited) = many_and_one(&bench, ("many", &budget), ("one", &operation())).await;
    assert_eq!(crowded, 700 - 16 - 512);
    assert!(waited <= EACH + Duration::from_millis(2), "{waited:?}");
}

#[tokio::test(start_paused = true)]
async fn where_all_share_one_credential_a_fan_out_of_one_payer_leaves_room_for_another() {
    let bench = TestUpstream::with(ConcurrencyScope::Caller(16), |_, _| {}, 0);
    let (many, one) = (Budget::new(1_000).with_caller(1), operation().with_caller(2));
    let (crowded, waited) = many_and_one(&bench, ("site", &many), ("site", &one)).await;
    assert_eq!(crowded, 700 - 16 - 512);
    assert!(waited <= EACH + Duration::from_millis(2), "{waited:?}");
}

#[tokio::test(start_paused = true)]
async fn where_each_has_a_credential_who_pays_gives_nobody_more_turns_with_it() {
    let bench = bench();
    bench.script.play(vec![Act::Answer(EACH, 200, None); 32]);
    let start = Instant::now();
    let budgets = [1, 2].map(|payer| operation().with_caller(payer));
    let paths: Vec<_> = (0..32).map(|number| number.to_string()).collect();
    let reads = paths.iter().enumerate().map(|(number, path)| bench.read("a", path, &budgets[number % 2]));
    assert!(join_all(reads).await.iter().all(|answer| answer.1.is_ok()));
    assert_eq!(start.elapsed(), EACH * 2);
}

#[tokio::test(start_paused = true)]
async fn the_stale_answers_of_one_leave_room_to_read_those_of_another_anew() {
    let bench = bench();
    let paths: Vec<_> = (0..50).map(|number| number.to_string()).collect();
    for path in &paths {
        bench.ask("many", path).await.1.unwrap();
    }
    bench.ask("one", "list").await.1.unwrap();
    sleep(FRESH).await;
    bench.script.play(vec![Act::Hang; 51]);
    let previous = bench.script.calls();
    for path in &paths {
        assert_eq!(bench.ask("many", path).await.0.verdict, Verdict::Stale);
    }
    assert_eq!(bench.ask("one", "list").await.0.verdict, Verdict::Stale);
    settle().await;
    let called: Vec<_> = bench.script.called.lock().unwrap()[previous..].iter().map(|call| call.0.clone()).collect();
    assert_eq!(called, ["many", "many", "many", "many", "one"]);
    sleep(Duration::from_secs(10)).await;
    assert!(bench.is_at_rest());
    bench.script.clear();
    assert_eq!(bench.ask("many", "0").await.0.verdict, Verdict::Stale);
    settle().await;
    assert_eq!(bench.ask("many", "0").await.0.verdict, Verdict::Hit, "what has ended leaves its place");
}

#[tokio::test(start_paused = true)]
async fn whoever_leaves_before_their_place_in_the_rate_is_due_leaves_it_to_the_next() {
    let slow = |settings: &mut Settings, _: &mut CacheSettings| {
        (settings.calls_per_second_max, settings.calls_burst_max) = (1, 1);
    };
    let bench = TestUpstream::new(slow, 0);
    bench.ask("a", "first").await.1.unwrap();
    let leaving = async {
        let budget = operation();
        let reads = join_all(["one", "two"].map(|path| bench.read("a", path, &budget)));
        assert!(timeout(Duration::from_millis(100), reads).await.is_err());
    };
    leaving.await;
    let start = Instant::now();
    bench.ask("a", "last").await.1.unwrap();
    assert_eq!(start.elapsed(), Duration::from_millis(900));
    assert!(bench.is_at_rest());
}

#[tokio::test(start_paused = true)]
async fn who_waits_is_refused_at_once_when_the_host_is_found_in_trouble_and_uses_up_no_rate() {
    let change = |settings: &mut Settings, _: &mut CacheSettings| {
        (settings.concurrent_max, settings.retries_max) = (1, 0);
        (settings.calls_per_second_max, settings.calls_burst_max) = (1, 20);
    };
    let bench = TestUpstream::new(change, 0);
    bench.script.play(vec![Act::Answer(EACH, 500, None); 20]);
    let paths: Vec<_> = (0..30).map(|number| number.to_string()).collect();
    let start = Instant::now();
    join_all(paths.iter().map(|path| bench.ask("a", path))).await;
    assert_eq!((start.elapsed(), bench.script.calls()), (EACH * 20, 20));
    assert_eq!(bench.upstream.circuit(), Circuit::Open);
}
