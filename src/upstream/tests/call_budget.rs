//! The call budget: an operation is charged for what was sent for it, and for nothing else.

use std::time::Duration;

use futures_util::future::join_all;
use tokio::time::{sleep, timeout};

use super::fake_host::{Act, FRESH, NOW, TestError, TestUpstream};
use super::*;

const SPENT: TestError = TestError::NoReply(Error::BudgetExhausted);

#[tokio::test(start_paused = true)]
async fn each_attempt_is_charged_until_the_budget_is_exhausted() {
    let host = host();
    host.script.play(vec![Act::Answer(NOW, 503, None); 5]);
    let budget = Budget::new(5);
    assert_eq!(host.read("a", "one", &budget).await.0.attempts, 3);
    assert_eq!(budget.calls_started(), 3);
    let (call, answer) = host.read("a", "two", &budget).await;
    assert_eq!((call.attempts, answer), (2, Err(TestError::Status(503, None))));
    assert_eq!((host.read("a", "three", &budget).await.1, budget.calls_started()), (Err(SPENT), 5));
    assert_eq!(host.script.calls(), 5);
}

#[tokio::test(start_paused = true)]
async fn refused_shared_and_unsent_reads_cost_nothing() {
    let host = TestUpstream::new(|settings, _| settings.concurrent_max = 1, 0);
    host.script.play([Act::Answer(Duration::from_secs(1), 429, Some(Duration::from_secs(9)))]);
    let budget = Budget::new(1);
    assert!(host.read("a", "one", &budget).await.1.is_err() && budget.calls_started() == 1);

    let budget = Budget::new(2);
    let paths: Vec<_> = (0..10).map(|number| number.to_string()).collect();
    for path in &paths {
        assert!(matches!(host.read("a", path, &budget).await.1, Err(TestError::NoReply(Error::Throttled(_)))));
    }
    assert_eq!(budget.calls_started(), 0);

    host.script.play(vec![Act::Answer(Duration::from_secs(1), 200, None); 2]);
    let (mine, others) = (Budget::new(2), Budget::new(2));
    let all = join_all([&mine, &others].map(|budget| host.read("b", "list", budget)));
    assert!(all.await.iter().all(|(_, answer)| answer.is_ok()));
    assert_eq!((mine.calls_started(), others.calls_started()), (1, 0));
    let both = async { tokio::join!(host.read("b", "next", &mine), host.read("b", "later", &others)) };
    assert!(timeout(Duration::from_millis(500), both).await.is_err());
    assert_eq!(
        (mine.calls_started(), others.calls_started()),
        (2, 0),
        "the second had no permit when both were cancelled"
    );
}

#[tokio::test(start_paused = true)]
async fn a_background_revalidation_costs_no_budget() {
    let host = host();
    host.ask("a", "list").await.1.unwrap();
    sleep(FRESH).await;
    let budget = Budget::new(1);
    assert_eq!(host.read("a", "list", &budget).await.0.verdict, Verdict::Stale);
    sleep(Duration::from_secs(1)).await;
    assert_eq!((host.script.calls(), budget.calls_started()), (2, 0));
}

#[tokio::test(start_paused = true)]
async fn unsent_calls_earn_no_retries() {
    let host = TestUpstream::new(|settings, _| settings.breaker_calls_min = 1_000, 0);
    host.script.play([Act::Answer(NOW, 429, Some(Duration::from_secs(9)))]);
    host.ask("a", "first").await.1.unwrap_err();
    for number in 0..200 {
        host.ask("a", &number.to_string()).await.1.unwrap_err();
    }
    host.script.play(vec![Act::Answer(NOW, 503, None); 200]);
    let paths: Vec<_> = (0..50).map(|number| number.to_string()).collect();
    let calls_before = host.script.calls();
    let budget = Budget::new(1_000);
    join_all(paths.iter().map(|path| host.read("b", path, &budget))).await;
    // One retry per second for ten seconds, and a fifth of the 51 calls.
    assert_eq!(host.script.calls() - calls_before, 50 + 10 + 10);
}
