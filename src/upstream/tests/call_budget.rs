//! What an operation is charged for its reads: what was sent for it, and nothing else.

use std::time::Duration;

use futures_util::future::join_all;
use tokio::time::{sleep, timeout};

use super::fake_host::{Act, FRESH, NOW, TestError, TestUpstream};
use super::*;

const SPENT: TestError = TestError::NoReply(Error::BudgetExhausted);

#[tokio::test(start_paused = true)]
async fn each_attempt_is_charged_and_none_is_made_when_nothing_is_left() {
    let bench = bench();
    bench.script.play(vec![Act::Answer(NOW, 503, None); 5]);
    let budget = Budget::new(5);
    assert_eq!(bench.read("a", "one", &budget).await.0.attempts, 3);
    assert_eq!(budget.calls_started(), 3);
    let (call, answer) = bench.read("a", "two", &budget).await;
    assert_eq!((call.attempts, answer), (2, Err(TestError::Status(503, None))));
    assert_eq!((bench.read("a", "three", &budget).await.1, budget.calls_started()), (Err(SPENT), 5));
    assert_eq!(bench.script.calls(), 5);
}

#[tokio::test(start_paused = true)]
async fn what_is_refused_or_joined_or_never_sent_costs_nothing() {
    let bench = TestUpstream::new(|settings, _| settings.concurrent_max = 1, 0);
    bench.script.play([Act::Answer(Duration::from_secs(1), 429, Some(Duration::from_secs(9)))]);
    let budget = Budget::new(1);
    assert!(bench.read("a", "one", &budget).await.1.is_err() && budget.calls_started() == 1);

    let budget = Budget::new(2);
    let paths: Vec<_> = (0..10).map(|number| number.to_string()).collect();
    for path in &paths {
        assert!(matches!(bench.read("a", path, &budget).await.1, Err(TestError::NoReply(Error::Throttled(_)))));
    }
    assert_eq!(budget.calls_started(), 0);

    bench.script.play(vec![Act::Answer(Duration::from_secs(1), 200, None); 2]);
    let (mine, others) = (Budget::new(2), Budget::new(2));
    let all = join_all([&mine, &others].map(|budget| bench.read("b", "list", budget)));
    assert!(all.await.iter().all(|(_, answer)| answer.is_ok()));
    assert_eq!((mine.calls_started(), others.calls_started()), (1, 0));
    let both = async { tokio::join!(bench.read("b", "next", &mine), bench.read("b", "later", &others)) };
    assert!(timeout(Duration::from_millis(500), both).await.is_err());
    assert_eq!((mine.calls_started(), others.calls_started()), (2, 0), "the second had no turn when both left");
}

#[tokio::test(start_paused = true)]
async fn what_is_read_behind_a_stale_answer_costs_nobody_anything() {
    let bench = bench();
    bench.ask("a", "list").await.1.unwrap();
    sleep(FRESH).await;
    let budget = Budget::new(1);
    assert_eq!(bench.read("a", "list", &budget).await.0.verdict, Verdict::Stale);
    sleep(Duration::from_secs(1)).await;
    assert_eq!((bench.script.calls(), budget.calls_started()), (2, 0));
}

#[tokio::test(start_paused = true)]
async fn what_was_never_sent_earns_no_attempt() {
    let bench = TestUpstream::new(|settings, _| settings.breaker_calls_min = 1_000, 0);
    bench.script.play([Act::Answer(NOW, 429, Some(Duration::from_secs(9)))]);
    bench.ask("a", "first").await.1.unwrap_err();
    for number in 0..200 {
        bench.ask("a", &number.to_string()).await.1.unwrap_err();
    }
    bench.script.play(vec![Act::Answer(NOW, 503, None); 200]);
    let paths: Vec<_> = (0..50).map(|number| number.to_string()).collect();
    let previous = bench.script.calls();
    let budget = Budget::new(1_000);
    join_all(paths.iter().map(|path| bench.read("b", path, &budget))).await;
    // One a second for ten seconds, and a fifth of the 51 that were sent.
    assert_eq!(bench.script.calls() - previous, 50 + 10 + 10);
}
