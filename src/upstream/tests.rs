//! The whole path over a transport of the test's own and a clock that only moves when nothing else can.

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

fn bench() -> TestUpstream {
    TestUpstream::new(|_, _| {}, 0)
}

fn says(answer: &Answer) -> &str {
    &answer.1.as_ref().unwrap().as_ref().unwrap().says
}

async fn settle() {
    sleep(Duration::from_millis(1)).await;
}

#[tokio::test(start_paused = true)]
async fn equal_reads_share_one_call_and_other_credentials_never() {
    let bench = bench();
    bench.script.play(vec![Act::Answer(Duration::from_secs(1), 200, None); 2]);
    let tokens = ["a", "b"];
    let answers = join_all((0..200).map(|number| bench.ask(tokens[number % 2], "list"))).await;
    assert_eq!(bench.script.calls(), 2);
    for (number, answer) in answers.iter().enumerate() {
        assert_eq!(says(answer), tokens[number % 2]);
        assert_eq!(answer.0.verdict, if number < 2 { Verdict::Miss } else { Verdict::Shared });
    }
    assert!(bench.is_at_rest());
}

#[tokio::test(start_paused = true)]
async fn what_was_read_is_kept_for_its_credential_alone_and_without_its_link() {
    let bench = bench();
    assert!(bench.ask("a", "list").await.1.unwrap().unwrap().link.is_some());
    let (call, kept) = bench.ask("a", "list").await;
    assert_eq!((call.verdict, call.attempts, kept.unwrap().unwrap().link), (Verdict::Hit, 0, None));
    assert_eq!(says(&bench.ask("b", "list").await), "b");
    assert_eq!(bench.script.calls(), 2);
    let live = operation().with_cache_mode(CacheMode::Live);
    let (call, new) = bench.read("a", "list", &live).await;
    assert_eq!((call.verdict, new.unwrap().unwrap().link.is_some(), bench.script.calls()), (Verdict::Live, true, 3));
}

#[tokio::test(start_paused = true)]
async fn what_is_no_longer_fresh_is_answered_at_once_and_read_anew_behind_it() {
    let bench = bench();
    bench.ask("a", "list").await.1.unwrap();
    sleep(FRESH).await;
    bench.script.play([Act::Answer(Duration::from_secs(1), 200, None)]);
    let start = Instant::now();
    let answers = join_all((0..5).map(|_| bench.ask("a", "list"))).await;
    assert!(answers.iter().all(|(call, _)| call.verdict == Verdict::Stale && call.age == Some(FRESH)));
    assert_eq!(start.elapsed(), Duration::ZERO);
    sleep(Duration::from_secs(2)).await;
    let (call, answer) = bench.ask("a", "list").await;
    assert_eq!((call.verdict, answer.unwrap().unwrap().link, bench.script.calls()), (Verdict::Hit, None, 2));
    assert!(bench.is_at_rest());
}

#[tokio::test(start_paused = true)]
async fn what_is_kept_stands_in_for_a_host_in_trouble_and_never_for_a_refusal() {
    let old = FRESH + Duration::from_secs(100);
    for (act, stands_in) in [
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
        let bench = bench();
        bench.ask("a", "list").await.1.unwrap();
        sleep(old).await;
        bench.script.play([act.clone()]);
        let (call, answer) = bench.ask("a", "list").await;
        assert_eq!(call.verdict == Verdict::StaleIfError, stands_in, "{act:?}");
        assert_eq!(matches!(answer, Ok(Some(_))), stands_in, "{act:?}");
        sleep(Duration::from_secs(300)).await;
        bench.script.play([act.clone()]);
        assert!(!matches!(bench.ask("a", "list").await.1, Ok(Some(_))), "{act:?} for too long");
    }
}

#[tokio::test(start_paused = true)]
async fn a_refused_credential_loses_what_was_kept_for_it() {
    let bench = bench();
    for (token, path) in [("a", "one"), ("a", "two"), ("b", "one")] {
        bench.ask(token, path).await.1.unwrap();
    }
    bench.script.play([Act::Answer(NOW, 401, None)]);
    assert_eq!(bench.ask("a", "three").await.1, Err(TestError::Status(401, None)));
    assert_eq!(bench.ask("a", "one").await.0.verdict, Verdict::Miss);
    assert_eq!(bench.ask("b", "one").await.0.verdict, Verdict::Hit);
}

#[tokio::test(start_paused = true)]
async fn after_a_change_nobody_is_told_of_the_state_before_it() {
    let bench = bench();
    let world = async |token, path| bench.ask(token, path).await.1.unwrap().unwrap().world;
    assert_eq!((world("a", "list").await, world("b", "list").await, world("a", "other").await), (0, 0, 0));
    // One refresh and one read are under way while the world changes, and both saw it as it was.
    sleep(FRESH).await;
    bench.script.play(vec![Act::Answer(Duration::from_secs(1), 200, None); 2]);
    assert_eq!(bench.ask("a", "list").await.0.verdict, Verdict::Stale);
    let mut previous = Box::pin(bench.ask("c", "list"));
    assert!(previous.as_mut().now_or_never().is_none());
    settle().await;
    *bench.script.world.lock().unwrap() = 1;
    bench.change("somebody", &[], &["list"]);
    for token in ["a", "b", "c"] {
        assert_eq!(world(token, "list").await, 1, "{token}");
    }
    assert_eq!(previous.await.1.unwrap().unwrap().world, 0, "who asked previous may be told of previous");
    sleep(Duration::from_secs(2)).await;
    for token in ["a", "b", "c"] {
        assert_eq!(world(token, "list").await, 1, "{token}");
    }
    assert_eq!(bench.ask("a", "other").await.0.verdict, Verdict::Stale, "what did not change is kept");
}

#[tokio::test(start_paused = true)]
async fn what_stood_before_a_change_stands_in_for_no_trouble_after_it() {
    let bench = bench();
    bench.ask("a", "list").await.1.unwrap();
    sleep(FRESH + Duration::from_secs(100)).await;
    bench.script.play([Act::Answer(Duration::from_secs(1), 500, None)]);
    let mut reading = Box::pin(bench.ask("a", "list"));
    assert!(reading.as_mut().now_or_never().is_none());
    bench.change("somebody", &[], &["list"]);
    assert_eq!(reading.await.1, Err(TestError::Status(500, None)));
}

#[tokio::test(start_paused = true)]
async fn errors_are_not_kept_and_that_nothing_is_there_for_a_short_while() {
    let bench = bench();
    bench.script.play([404, 403, 299].map(|status| Act::Answer(NOW, status, None)));
    assert_eq!(bench.ask("a", "none").await.1, Ok(None));
    assert!(bench.ask("a", "denied").await.1.is_err() && bench.ask("a", "garbled").await.1.is_err());
    assert_eq!(bench.ask("a", "none").await.0.verdict, Verdict::Hit);
    assert_eq!(bench.ask("a", "denied").await.0.verdict, Verdict::Miss);
    assert_eq!(bench.ask("a", "garbled").await.0.verdict, Verdict::Miss);
    sleep(Duration::from_secs(5)).await;
    assert_eq!(bench.ask("a", "none").await.0.verdict, Verdict::Miss);
}

#[tokio::test(start_paused = true)]
async fn what_is_gone_is_gone_also_where_that_is_not_believed_for_any_time() {
    let bench = TestUpstream::new(|_, cache| cache.absent_seconds = 0, 0);
    bench.ask("a", "one").await.1.unwrap();
    sleep(FRESH).await;
    bench.script.play([Act::Answer(NOW, 404, None)]);
    assert_eq!(bench.ask("a", "one").await.0.verdict, Verdict::Stale);
    settle().await;
    let live = operation().with_cache_mode(CacheMode::Live);
    bench.script.play([Act::Answer(NOW, 404, None)]);
    assert_eq!(bench.ask("a", "one").await.1, Ok(None));
    bench.ask("a", "two").await.1.unwrap();
    bench.script.play([Act::Answer(NOW, 404, None)]);
    assert_eq!(bench.read("a", "two", &live).await.1, Ok(None));
    bench.script.play([Act::Answer(NOW, 500, None)]);
    assert_eq!(bench.ask("a", "two").await.1, Err(TestError::Status(500, None)));
}

#[tokio::test(start_paused = true)]
async fn what_may_pass_is_tried_again_within_the_time() {
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
        let bench = bench();
        bench.script.play(acts.clone());
        let start = Instant::now();
        let (call, answer) = bench.ask("a", "list").await;
        assert_eq!((bench.script.calls(), answer.is_ok()), (calls, good), "{acts:?}");
        assert_eq!(call.attempts as usize, calls, "{acts:?}");
        assert!(start.elapsed() <= Duration::from_secs(5) && bench.is_at_rest(), "{acts:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_credential_that_was_asked_to_slow_down_is_left_alone_and_no_other() {
    let bench = bench();
    bench.script.play([Act::Answer(NOW, 429, Some(Duration::from_secs(60)))]);
    bench.ask("a", "one").await.1.unwrap_err();
    sleep(Duration::from_secs(20)).await;
    let (call, answer) = bench.ask("a", "two").await;
    let left = Error::Throttled(Duration::from_secs(40));
    assert_eq!((call.verdict, call.error, answer), (Verdict::Refused, Some(left), Err(TestError::NoReply(left))));
    assert_eq!(says(&bench.ask("b", "two").await), "b");
    assert_eq!(bench.script.calls(), 2);
    sleep(Duration::from_secs(40)).await;
    assert_eq!(says(&bench.ask("a", "two").await), "a");
}

#[tokio::test(start_paused = true)]
async fn a_host_in_trouble_is_left_alone_and_found_well_again() {
    let bench = TestUpstream::new(|settings, _| settings.retries_max = 0, 0);
    bench.script.play(vec![Act::Answer(NOW, 500, None); 20]);
    for number in 0..20 {
        bench.ask("a", &number.to_string()).await.1.unwrap_err();
    }
    assert_eq!(bench.upstream.circuit(), Circuit::Open);
    let (call, answer) = bench.ask("a", "more").await;
    assert_eq!(
        (call.verdict, answer),
        (Verdict::Refused, Err(TestError::NoReply(Error::CircuitOpen(policy::breaker::OPEN_FOR))))
    );
    assert_eq!(bench.script.calls(), 20);
    sleep(policy::breaker::OPEN_FOR).await;
    let probes: Vec<_> = (0..3).map(|number| format!("probe {number}")).collect();
    assert!(join_all(probes.iter().map(|path| bench.ask("a", path))).await.iter().all(|(_, answer)| answer.is_ok()));
    assert_eq!(bench.upstream.circuit(), Circuit::Closed);
}

#[tokio::test(start_paused = true)]
async fn what_the_gateway_lacks_neither_opens_the_breaker_nor_closes_it() {
    let bench = TestUpstream::new(|settings, _| (settings.retries_max, settings.breaker_calls_min) = (0, 20), 0);
    let lack = async |times: usize| {
        bench.script.play(vec![Act::Fail(NOW, Error::OutOfResources); times]);
        for number in 0..times {
            let answer = bench.ask("a", &number.to_string()).await.1;
            assert_eq!(answer, Err(TestError::NoReply(Error::OutOfResources)));
        }
        bench.upstream.circuit()
    };
    assert_eq!(lack(100).await, Circuit::Closed);
    bench.script.play(vec![Act::Answer(NOW, 500, None); 20]);
    for number in 0..20 {
        bench.ask("a", &number.to_string()).await.1.unwrap_err();
    }
    assert_eq!(bench.upstream.circuit(), Circuit::Open, "it did not count among the calls either");
    sleep(policy::breaker::OPEN_FOR).await;
    assert_eq!(lack(10).await, Circuit::HalfOpen);
    for number in 0..policy::breaker::PROBES {
        bench.ask("a", &number.to_string()).await.1.unwrap();
    }
    assert_eq!(bench.upstream.circuit(), Circuit::Closed);
}

#[tokio::test(start_paused = true)]
async fn whoever_takes_over_knows_who_is_shut_out_and_that_the_host_is_left_alone() {
    let bench = bench();
    bench.script.play([Act::Answer(NOW, 429, Some(Duration::from_secs(60)))]);
    bench.ask("a", "one").await.1.unwrap_err();
    let later = bench.remade(|_, cache| cache.absent_seconds += 1);
    assert!(matches!(later.ask("a", "one").await.1, Err(TestError::NoReply(Error::Throttled(_)))));
    bench.script.play(vec![Act::Answer(NOW, 500, None); 40]);
    for number in 0..20 {
        bench.ask("b", &number.to_string()).await.1.unwrap_err();
    }
    let other = |settings: &mut Settings, _: &mut CacheSettings| settings.breaker_calls_min += 1;
    let [later, other] = [later.remade(|_, _| {}), later.remade(other)];
    assert_eq!((later.upstream.circuit(), other.upstream.circuit()), (Circuit::Open, Circuit::Closed));
    assert_eq!(other.ask("a", "two").await.0.error.map(|error| matches!(error, Error::Throttled(_))), Some(true));
}

#[tokio::test(start_paused = true)]
async fn who_leaves_ends_the_call_unless_another_waits_for_it() {
    let bench = bench();
    bench.script.play([Act::Hang]);
    let budget = operation();
    let mut alone = Box::pin(bench.read("a", "list", &budget));
    assert!(alone.as_mut().now_or_never().is_none());
    settle().await;
    assert_eq!(*bench.script.under_way.lock().unwrap(), 1);
    drop(alone);
    assert!(bench.is_at_rest());

    bench.script.play([Act::Answer(Duration::from_secs(1), 200, None)]);
    let mut leader = Box::pin(bench.read("a", "list", &budget));
    assert!(leader.as_mut().now_or_never().is_none());
    let mut other = Box::pin(bench.read("a", "list", &budget));
    assert!(other.as_mut().now_or_never().is_none());
    drop(leader);
    assert_eq!((says(&other.await), bench.script.calls()), ("a", 2));
    assert!(bench.is_at_rest());
}

#[tokio::test(start_paused = true)]
async fn an_operation_gets_no_answer_after_its_deadline_and_makes_no_call() {
    let bench =
        TestUpstream::new(|settings, _| (settings.timeout_ms, settings.attempt_timeout_ms) = (60_000, 60_000), 0);
    bench.script.play([Act::Hang]);
    let (start, budget) = (Instant::now(), operation());
    let timed_out = Err(TestError::NoReply(Error::TimedOut));
    assert_eq!(bench.read("a", "one", &budget).await.1, timed_out);
    assert_eq!(start.elapsed(), Duration::from_secs(8));
    assert_eq!(bench.read("a", "two", &budget).await.1, timed_out);
    assert_eq!((start.elapsed(), bench.script.calls()), (Duration::from_secs(8), 1));
    assert!(bench.is_at_rest());
}

#[tokio::test(start_paused = true)]
async fn a_fan_out_of_one_does_not_starve_another() {
    let bench = TestUpstream::new(|settings, _| settings.concurrent_max = 20, 0);
    bench.script.play(vec![Act::Answer(Duration::from_millis(100), 200, None); 101]);
    let paths: Vec<_> = (0..100).map(|number| number.to_string()).collect();
    let budget = Budget::new(1_000);
    let crowd = join_all(paths.iter().map(|path| bench.read("many", path, &budget)));
    let start = Instant::now();
    let other = async {
        settle().await;
        bench.ask("one", "list").await.1.unwrap();
        start.elapsed()
    };
    let (answers, waited) = tokio::join!(crowd, other);
    assert!(answers.iter().all(|(_, answer)| answer.is_ok()));
    assert!(waited < Duration::from_millis(110), "{waited:?}");
    assert!(start.elapsed() > Duration::from_millis(600));
}

#[tokio::test(start_paused = true)]
async fn a_full_queue_refuses_at_once() {
    let bench = TestUpstream::new(|settings, _| (settings.concurrent_max, settings.waiting_max) = (1, 2), 0);
    bench.script.play(vec![Act::Answer(Duration::from_millis(100), 200, None); 3]);
    let paths: Vec<_> = (0..10).map(|number| number.to_string()).collect();
    let answers = join_all(paths.iter().map(|path| bench.ask("a", path))).await;
    let crowded = answers.iter().filter(|(_, answer)| *answer == Err(TestError::NoReply(Error::QueueFull))).count();
    assert_eq!((crowded, bench.script.calls()), (7, 3));
}

#[tokio::test(start_paused = true)]
async fn each_attempt_bears_its_operations_trace_and_no_trace_parts_equal_reads() {
    let bench = TestUpstream::new(|settings, _| settings.retries_max = 1, 5);
    bench.script.play([Act::Answer(NOW, 502, None), Act::Answer(Duration::from_secs(1), 200, None)]);
    let [mine, other] = [1, 2].map(|id| Trace::new(id, 9));
    let (first, second) = (operation().with_trace(mine), operation().with_trace(other));
    let (leader, follower) = tokio::join!(bench.read("a", "list", &first), bench.read("a", "list", &second));
    assert_eq!((leader.0.verdict, follower.0.verdict), (Verdict::Miss, Verdict::Shared));
    assert_eq!(*bench.script.traces.lock().unwrap(), [mine.with_span(5), mine.with_span(5)], "who begins it names it");
    assert_eq!(bench.read("a", "list", &second).await.0.verdict, Verdict::Hit);
}
