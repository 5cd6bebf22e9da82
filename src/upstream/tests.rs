//! The paths of reads over a host in memory, on a paused clock.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod call_budget;
mod deadlines;
mod fairness;
pub mod fake_host;

use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::join_all;
use tokio::time::{Instant, sleep};

use self::fake_host::{Act, Answer, FRESH, NOW, TestError, TestUpstream, operation};
use super::*;

fn host() -> TestUpstream {
    TestUpstream::new(|_, _| {}, 0)
}

fn token_of(answer: &Answer) -> &str {
    &answer.1.as_ref().unwrap().as_ref().unwrap().token
}

async fn settle() {
    sleep(Duration::from_millis(1)).await;
}

#[tokio::test(start_paused = true)]
async fn equal_reads_share_one_call_but_only_within_a_credential() {
    let host = host();
    host.script.play(vec![Act::Answer(Duration::from_secs(1), 200, None); 2]);
    let tokens = ["a", "b"];
    let answers = join_all((0..200).map(|number| host.ask(tokens[number % 2], "list"))).await;
    assert_eq!(host.script.calls(), 2);
    for (number, answer) in answers.iter().enumerate() {
        assert_eq!(token_of(answer), tokens[number % 2]);
        assert_eq!(answer.0.verdict, if number < 2 { Verdict::Miss } else { Verdict::Shared });
    }
    assert!(host.is_at_rest());
}

#[tokio::test(start_paused = true)]
async fn a_response_is_cached_per_credential_and_redacted() {
    let host = host();
    assert!(host.ask("a", "list").await.1.unwrap().unwrap().link.is_some());
    let (call, cached) = host.ask("a", "list").await;
    assert_eq!((call.verdict, call.attempts, cached.unwrap().unwrap().link), (Verdict::Hit, 0, None));
    assert_eq!(token_of(&host.ask("b", "list").await), "b");
    assert_eq!(host.script.calls(), 2);
    let live = operation().with_cache_mode(CacheMode::Live);
    let (call, new) = host.read("a", "list", &live).await;
    assert_eq!((call.verdict, new.unwrap().unwrap().link.is_some(), host.script.calls()), (Verdict::Live, true, 3));
}

#[tokio::test(start_paused = true)]
async fn a_stale_response_is_served_while_it_is_revalidated() {
    let host = host();
    host.ask("a", "list").await.1.unwrap();
    sleep(FRESH).await;
    host.script.play([Act::Answer(Duration::from_secs(1), 200, None)]);
    let start = Instant::now();
    let answers = join_all((0..5).map(|_| host.ask("a", "list"))).await;
    assert!(answers.iter().all(|(call, _)| call.verdict == Verdict::Stale && call.age == Some(FRESH)));
    assert_eq!(start.elapsed(), Duration::ZERO);
    sleep(Duration::from_secs(2)).await;
    let (call, answer) = host.ask("a", "list").await;
    assert_eq!((call.verdict, answer.unwrap().unwrap().link, host.script.calls()), (Verdict::Hit, None, 2));
    assert!(host.is_at_rest());
}

#[tokio::test(start_paused = true)]
async fn a_stale_response_replaces_a_failure_but_never_a_refusal() {
    let old = FRESH + Duration::from_secs(100);
    for (act, is_stale_served) in [
        (Act::Answer(NOW, 500, None), true),
        (Act::Answer(NOW, 429, Some(FRESH)), true),
        (Act::Fail(NOW, Error::TimedOut), true),
        (Act::Hang, true),
        (Act::Answer(NOW, 401, None), false),
        (Act::Answer(NOW, 403, None), false),
        (Act::Answer(NOW, 404, None), false),
        (Act::Answer(NOW, 299, None), false),
        (Act::Fail(NOW, Error::TooLarge), false),
    ] {
        let host = host();
        host.ask("a", "list").await.1.unwrap();
        sleep(old).await;
        host.script.play([act.clone()]);
        let (call, answer) = host.ask("a", "list").await;
        assert_eq!(call.verdict == Verdict::StaleIfError, is_stale_served, "{act:?}");
        assert_eq!(matches!(answer, Ok(Some(_))), is_stale_served, "{act:?}");
        sleep(Duration::from_secs(300)).await;
        host.script.play([act.clone()]);
        assert!(!matches!(host.ask("a", "list").await.1, Ok(Some(_))), "{act:?} after stale-if-error");
    }
}

#[tokio::test(start_paused = true)]
async fn a_refused_credential_loses_its_cached_responses() {
    let host = host();
    for (token, path) in [("a", "one"), ("a", "two"), ("b", "one")] {
        host.ask(token, path).await.1.unwrap();
    }
    host.script.play([Act::Answer(NOW, 401, None)]);
    assert_eq!(host.ask("a", "three").await.1, Err(TestError::Status(401, None)));
    assert_eq!(host.ask("a", "one").await.0.verdict, Verdict::Miss);
    assert_eq!(host.ask("b", "one").await.0.verdict, Verdict::Hit);
}

#[tokio::test(start_paused = true)]
async fn after_a_write_nobody_is_served_the_state_before_it() {
    let host = host();
    let version = async |token, path| host.ask(token, path).await.1.unwrap().unwrap().version;
    assert_eq!((version("a", "list").await, version("b", "list").await, version("a", "other").await), (0, 0, 0));
    // One revalidation and one read are in flight during the change. Both return the state before it.
    sleep(FRESH).await;
    host.script.play(vec![Act::Answer(Duration::from_secs(1), 200, None); 2]);
    assert_eq!(host.ask("a", "list").await.0.verdict, Verdict::Stale);
    let mut earlier = Box::pin(host.ask("c", "list"));
    assert!(earlier.as_mut().now_or_never().is_none());
    settle().await;
    *host.script.version.lock().unwrap() = 1;
    host.change("somebody", &[], &["list"]);
    for token in ["a", "b", "c"] {
        assert_eq!(version(token, "list").await, 1, "{token}");
    }
    assert_eq!(earlier.await.1.unwrap().unwrap().version, 0, "a read from before the write may return the older state");
    sleep(Duration::from_secs(2)).await;
    for token in ["a", "b", "c"] {
        assert_eq!(version(token, "list").await, 1, "{token}");
    }
    assert_eq!(host.ask("a", "other").await.0.verdict, Verdict::Stale, "other paths stay cached");
}

#[tokio::test(start_paused = true)]
async fn no_response_from_before_a_write_replaces_a_failure_after_it() {
    let host = host();
    host.ask("a", "list").await.1.unwrap();
    sleep(FRESH + Duration::from_secs(100)).await;
    host.script.play([Act::Answer(Duration::from_secs(1), 500, None)]);
    let mut reading = Box::pin(host.ask("a", "list"));
    assert!(reading.as_mut().now_or_never().is_none());
    host.change("somebody", &[], &["list"]);
    assert_eq!(reading.await.1, Err(TestError::Status(500, None)));
}

#[tokio::test(start_paused = true)]
async fn errors_are_never_cached_and_not_found_only_briefly() {
    let host = host();
    host.script.play([404, 403, 299].map(|status| Act::Answer(NOW, status, None)));
    assert_eq!(host.ask("a", "none").await.1, Ok(None));
    assert!(host.ask("a", "denied").await.1.is_err() && host.ask("a", "garbled").await.1.is_err());
    assert_eq!(host.ask("a", "none").await.0.verdict, Verdict::Hit);
    assert_eq!(host.ask("a", "denied").await.0.verdict, Verdict::Miss);
    assert_eq!(host.ask("a", "garbled").await.0.verdict, Verdict::Miss);
    sleep(Duration::from_secs(5)).await;
    assert_eq!(host.ask("a", "none").await.0.verdict, Verdict::Miss);
}

#[tokio::test(start_paused = true)]
async fn not_found_evicts_the_entry_even_if_it_is_not_cached() {
    let host = TestUpstream::new(|_, cache| cache.absent_seconds = 0, 0);
    host.ask("a", "one").await.1.unwrap();
    sleep(FRESH).await;
    host.script.play([Act::Answer(NOW, 404, None)]);
    assert_eq!(host.ask("a", "one").await.0.verdict, Verdict::Stale);
    settle().await;
    let live = operation().with_cache_mode(CacheMode::Live);
    host.script.play([Act::Answer(NOW, 404, None)]);
    assert_eq!(host.ask("a", "one").await.1, Ok(None));
    host.ask("a", "two").await.1.unwrap();
    host.script.play([Act::Answer(NOW, 404, None)]);
    assert_eq!(host.read("a", "two", &live).await.1, Ok(None));
    host.script.play([Act::Answer(NOW, 500, None)]);
    assert_eq!(host.ask("a", "two").await.1, Err(TestError::Status(500, None)));
}

#[tokio::test(start_paused = true)]
async fn transient_failures_are_retried_within_the_deadline() {
    let wait = Some(Duration::from_secs(2));
    for (acts, calls, good) in [
        (vec![Act::Fail(NOW, Error::Unreachable), Act::Fail(NOW, Error::ConnectionLost)], 3, true),
        (vec![Act::Answer(NOW, 502, None), Act::Answer(NOW, 503, wait)], 3, true),
        (vec![Act::Answer(NOW, 429, wait)], 2, true),
        (vec![Act::Answer(NOW, 503, None); 3], 3, false),
        (vec![Act::Answer(NOW, 500, None)], 1, false),
        (vec![Act::Answer(NOW, 429, None)], 1, false),
        (vec![Act::Answer(NOW, 429, Some(FRESH))], 1, false),
        (vec![Act::Hang], 1, false),
    ] {
        let host = host();
        host.script.play(acts.clone());
        let start = Instant::now();
        let (call, answer) = host.ask("a", "list").await;
        assert_eq!((host.script.calls(), answer.is_ok()), (calls, good), "{acts:?}");
        assert_eq!(call.attempts as usize, calls, "{acts:?}");
        assert!(start.elapsed() <= Duration::from_secs(5) && host.is_at_rest(), "{acts:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_throttled_credential_is_not_used_and_others_are() {
    let host = host();
    host.script.play([Act::Answer(NOW, 429, Some(Duration::from_secs(60)))]);
    host.ask("a", "one").await.1.unwrap_err();
    sleep(Duration::from_secs(20)).await;
    let (call, answer) = host.ask("a", "two").await;
    let left = Error::Throttled(Duration::from_secs(40));
    assert_eq!((call.verdict, call.error, answer), (Verdict::Refused, Some(left), Err(TestError::NoReply(left))));
    assert_eq!(token_of(&host.ask("b", "two").await), "b");
    assert_eq!(host.script.calls(), 2);
    sleep(Duration::from_secs(40)).await;
    assert_eq!(token_of(&host.ask("a", "two").await), "a");
}

#[tokio::test(start_paused = true)]
async fn a_failing_host_opens_the_circuit_and_probes_close_it() {
    let host = TestUpstream::new(|settings, _| settings.retries_max = 0, 0);
    host.script.play(vec![Act::Answer(NOW, 500, None); 20]);
    for number in 0..20 {
        host.ask("a", &number.to_string()).await.1.unwrap_err();
    }
    assert_eq!(host.upstream.circuit(), Circuit::Open);
    let (call, answer) = host.ask("a", "more").await;
    assert_eq!(
        (call.verdict, answer),
        (Verdict::Refused, Err(TestError::NoReply(Error::CircuitOpen(policy::breaker::OPEN_FOR))))
    );
    assert_eq!(host.script.calls(), 20);
    sleep(policy::breaker::OPEN_FOR).await;
    let probes: Vec<_> = (0..3).map(|number| format!("probe {number}")).collect();
    assert!(join_all(probes.iter().map(|path| host.ask("a", path))).await.iter().all(|(_, answer)| answer.is_ok()));
    assert_eq!(host.upstream.circuit(), Circuit::Closed);
}

#[tokio::test(start_paused = true)]
async fn a_lack_of_own_resources_neither_opens_nor_closes_the_circuit() {
    let host = TestUpstream::new(|settings, _| (settings.retries_max, settings.breaker_calls_min) = (0, 20), 0);
    let lack = async |times: usize| {
        host.script.play(vec![Act::Fail(NOW, Error::OutOfResources); times]);
        for number in 0..times {
            let answer = host.ask("a", &number.to_string()).await.1;
            assert_eq!(answer, Err(TestError::NoReply(Error::OutOfResources)));
        }
        host.upstream.circuit()
    };
    assert_eq!(lack(100).await, Circuit::Closed);
    host.script.play(vec![Act::Answer(NOW, 500, None); 20]);
    for number in 0..20 {
        host.ask("a", &number.to_string()).await.1.unwrap_err();
    }
    assert_eq!(host.upstream.circuit(), Circuit::Open, "these calls are not counted at all");
    sleep(policy::breaker::OPEN_FOR).await;
    assert_eq!(lack(10).await, Circuit::HalfOpen);
    for number in 0..policy::breaker::PROBES {
        host.ask("a", &number.to_string()).await.1.unwrap();
    }
    assert_eq!(host.upstream.circuit(), Circuit::Closed);
}

#[tokio::test(start_paused = true)]
async fn throttling_and_an_open_circuit_survive_a_reload() {
    let host = host();
    host.script.play([Act::Answer(NOW, 429, Some(Duration::from_secs(60)))]);
    host.ask("a", "one").await.1.unwrap_err();
    let later = host.remade(|_, cache| cache.absent_seconds += 1);
    assert!(matches!(later.ask("a", "one").await.1, Err(TestError::NoReply(Error::Throttled(_)))));
    host.script.play(vec![Act::Answer(NOW, 500, None); 40]);
    for number in 0..20 {
        host.ask("b", &number.to_string()).await.1.unwrap_err();
    }
    let other = |settings: &mut Settings, _: &mut CacheSettings| settings.breaker_calls_min += 1;
    let [later, other] = [later.remade(|_, _| {}), later.remade(other)];
    assert_eq!((later.upstream.circuit(), other.upstream.circuit()), (Circuit::Open, Circuit::Closed));
    assert_eq!(other.ask("a", "two").await.0.error.map(|error| matches!(error, Error::Throttled(_))), Some(true));
}

#[tokio::test(start_paused = true)]
async fn a_cancelled_read_ends_its_call_unless_another_waits() {
    let host = host();
    host.script.play([Act::Hang]);
    let budget = operation();
    let mut alone = Box::pin(host.read("a", "list", &budget));
    assert!(alone.as_mut().now_or_never().is_none());
    settle().await;
    assert_eq!(*host.script.under_way.lock().unwrap(), 1);
    drop(alone);
    assert!(host.is_at_rest());

    host.script.play([Act::Answer(Duration::from_secs(1), 200, None)]);
    let mut leader = Box::pin(host.read("a", "list", &budget));
    assert!(leader.as_mut().now_or_never().is_none());
    let mut other = Box::pin(host.read("a", "list", &budget));
    assert!(other.as_mut().now_or_never().is_none());
    drop(leader);
    assert_eq!((token_of(&other.await), host.script.calls()), ("a", 2));
    assert!(host.is_at_rest());
}

#[tokio::test(start_paused = true)]
async fn an_operation_makes_no_call_after_its_deadline() {
    let host =
        TestUpstream::new(|settings, _| (settings.timeout_ms, settings.attempt_timeout_ms) = (60_000, 60_000), 0);
    host.script.play([Act::Hang]);
    let (start, budget) = (Instant::now(), operation());
    let timed_out = Err(TestError::NoReply(Error::TimedOut));
    assert_eq!(host.read("a", "one", &budget).await.1, timed_out);
    assert_eq!(start.elapsed(), Duration::from_secs(8));
    assert_eq!(host.read("a", "two", &budget).await.1, timed_out);
    assert_eq!((start.elapsed(), host.script.calls()), (Duration::from_secs(8), 1));
    assert!(host.is_at_rest());
}

#[tokio::test(start_paused = true)]
async fn a_fan_out_of_one_caller_does_not_starve_another() {
    let host = TestUpstream::new(|settings, _| settings.concurrent_max = 20, 0);
    host.script.play(vec![Act::Answer(Duration::from_millis(100), 200, None); 101]);
    let paths: Vec<_> = (0..100).map(|number| number.to_string()).collect();
    let budget = Budget::new(1_000);
    let crowd = join_all(paths.iter().map(|path| host.read("many", path, &budget)));
    let start = Instant::now();
    let other = async {
        settle().await;
        host.ask("one", "list").await.1.unwrap();
        start.elapsed()
    };
    let (answers, waited) = tokio::join!(crowd, other);
    assert!(answers.iter().all(|(_, answer)| answer.is_ok()));
    assert!(waited < Duration::from_millis(110), "{waited:?}");
    assert!(start.elapsed() > Duration::from_millis(600));
}

#[tokio::test(start_paused = true)]
async fn a_full_queue_refuses_at_once() {
    let host = TestUpstream::new(|settings, _| (settings.concurrent_max, settings.waiting_max) = (1, 2), 0);
    host.script.play(vec![Act::Answer(Duration::from_millis(100), 200, None); 3]);
    let paths: Vec<_> = (0..10).map(|number| number.to_string()).collect();
    let answers = join_all(paths.iter().map(|path| host.ask("a", path))).await;
    let crowded = answers.iter().filter(|(_, answer)| *answer == Err(TestError::NoReply(Error::QueueFull))).count();
    assert_eq!((crowded, host.script.calls()), (7, 3));
}

#[tokio::test(start_paused = true)]
async fn each_attempt_carries_the_trace_and_equal_reads_share_across_traces() {
    let host = TestUpstream::new(|settings, _| settings.retries_max = 1, 5);
    host.script.play([Act::Answer(NOW, 502, None), Act::Answer(Duration::from_secs(1), 200, None)]);
    let [mine, other] = [1, 2].map(|id| Trace::new(id, 9));
    let (first, second) = (operation().with_trace(mine), operation().with_trace(other));
    let (leader, follower) = tokio::join!(host.read("a", "list", &first), host.read("a", "list", &second));
    assert_eq!((leader.0.verdict, follower.0.verdict), (Verdict::Miss, Verdict::Shared));
    assert_eq!(
        *host.script.traces.lock().unwrap(),
        [mine.with_span(5), mine.with_span(5)],
        "the call carries the trace of its starter"
    );
    assert_eq!(host.read("a", "list", &second).await.0.verdict, Verdict::Hit);
}
