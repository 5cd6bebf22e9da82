//! Fairness: callers of one host share its permits, queue and rate limit.

use std::time::Duration;

use futures_util::future::join_all;
use tokio::time::{Instant, timeout};

use super::fake_host::{Act, Answer, FRESH, TestError, TestUpstream, operation};
use super::*;

const EACH: Duration = Duration::from_millis(100);

fn is_queue_full(answer: &Answer) -> bool {
    answer.1 == Err(TestError::NoReply(Error::QueueFull))
}

/// One caller sends more reads than may wait; another sends one. Returns how many of the first were refused, and how
/// long the other waited.
async fn many_and_one(host: &TestUpstream, many: (&str, &Budget), one: (&str, &Budget)) -> (usize, Duration) {
    host.script.play(vec![Act::Answer(EACH, 200, None); 701]);
    let paths: Vec<_> = (0..700).map(|number| number.to_string()).collect();
    let crowd = join_all(paths.iter().map(|path| host.read(many.0, path, many.1)));
    let start = Instant::now();
    let other = async {
        settle().await;
        host.read(one.0, "list", one.1).await.1.unwrap();
        start.elapsed()
    };
    let (answers, waited) = tokio::join!(crowd, other);
    assert!(answers.iter().all(|answer| answer.1.is_ok() || is_queue_full(answer)), "{answers:?}");
    assert!(host.is_at_rest());
    (answers.iter().filter(|answer| is_queue_full(answer)).count(), waited)
}

#[tokio::test(start_paused = true)]
async fn a_fan_out_of_one_credential_leaves_room_for_another() {
    let host = host();
    let budget = Budget::new(1_000);
    let (refused, waited) = many_and_one(&host, ("many", &budget), ("one", &operation())).await;
    assert_eq!(refused, 700 - 16 - 512);
    assert!(waited <= EACH + Duration::from_millis(2), "{waited:?}");
}

#[tokio::test(start_paused = true)]
async fn with_a_shared_credential_one_callers_fan_out_leaves_room_for_others() {
    let host = TestUpstream::with(ConcurrencyScope::Caller(16), |_, _| {}, 0);
    let (many, one) = (Budget::new(1_000).with_caller(1), operation().with_caller(2));
    let (refused, waited) = many_and_one(&host, ("site", &many), ("site", &one)).await;
    assert_eq!(refused, 700 - 16 - 512);
    assert!(waited <= EACH + Duration::from_millis(2), "{waited:?}");
}

#[tokio::test(start_paused = true)]
async fn with_own_credentials_the_caller_adds_no_permits() {
    let host = host();
    host.script.play(vec![Act::Answer(EACH, 200, None); 32]);
    let start = Instant::now();
    let budgets = [1, 2].map(|payer| operation().with_caller(payer));
    let paths: Vec<_> = (0..32).map(|number| number.to_string()).collect();
    let reads = paths.iter().enumerate().map(|(number, path)| host.read("a", path, &budgets[number % 2]));
    assert!(join_all(reads).await.iter().all(|answer| answer.1.is_ok()));
    assert_eq!(start.elapsed(), EACH * 2);
}

#[tokio::test(start_paused = true)]
async fn revalidations_of_one_caller_leave_room_for_those_of_another() {
    let host = host();
    let paths: Vec<_> = (0..50).map(|number| number.to_string()).collect();
    for path in &paths {
        host.ask("many", path).await.1.unwrap();
    }
    host.ask("one", "list").await.1.unwrap();
    sleep(FRESH).await;
    host.script.play(vec![Act::Hang; 51]);
    let calls_before = host.script.calls();
    for path in &paths {
        assert_eq!(host.ask("many", path).await.0.verdict, Verdict::Stale);
    }
    assert_eq!(host.ask("one", "list").await.0.verdict, Verdict::Stale);
    settle().await;
    let called: Vec<_> = host.script.called.lock().unwrap()[calls_before..].iter().map(|call| call.0.clone()).collect();
    assert_eq!(called, ["many", "many", "many", "many", "one"]);
    sleep(Duration::from_secs(10)).await;
    assert!(host.is_at_rest());
    host.script.clear();
    assert_eq!(host.ask("many", "0").await.0.verdict, Verdict::Stale);
    settle().await;
    assert_eq!(host.ask("many", "0").await.0.verdict, Verdict::Hit, "a finished revalidation releases its permit");
}

#[tokio::test(start_paused = true)]
async fn a_cancelled_wait_for_the_rate_limit_releases_its_slot() {
    let slow = |settings: &mut Settings, _: &mut CacheSettings| {
        (settings.calls_per_second_max, settings.calls_burst_max) = (1, 1);
    };
    let host = TestUpstream::new(slow, 0);
    host.ask("a", "first").await.1.unwrap();
    let leaving = async {
        let budget = operation();
        let reads = join_all(["one", "two"].map(|path| host.read("a", path, &budget)));
        assert!(timeout(Duration::from_millis(100), reads).await.is_err());
    };
    leaving.await;
    let start = Instant::now();
    host.ask("a", "last").await.1.unwrap();
    assert_eq!(start.elapsed(), Duration::from_millis(900));
    assert!(host.is_at_rest());
}

#[tokio::test(start_paused = true)]
async fn an_open_circuit_refuses_waiting_calls_at_once_and_uses_no_slots() {
    let change = |settings: &mut Settings, _: &mut CacheSettings| {
        (settings.concurrent_max, settings.retries_max) = (1, 0);
        (settings.calls_per_second_max, settings.calls_burst_max) = (1, 20);
    };
    let host = TestUpstream::new(change, 0);
    host.script.play(vec![Act::Answer(EACH, 500, None); 20]);
    let paths: Vec<_> = (0..30).map(|number| number.to_string()).collect();
    let start = Instant::now();
    join_all(paths.iter().map(|path| host.ask("a", path))).await;
    assert_eq!((start.elapsed(), host.script.calls()), (EACH * 20, 20));
    assert_eq!(host.upstream.circuit(), Circuit::Open);
}
