//! Deadlines: how long a read goes on, and what a call that is cut short token about the host.

use std::time::Duration;

use futures_util::future::join_all;
use tokio::time::{Instant, sleep, timeout};

use super::fake_host::{Act, NOW, TestError, TestUpstream};
use super::*;

const SECOND: Duration = Duration::from_secs(1);
const TIMED_OUT: Error = Error::TimedOut;

fn within(time: Duration) -> Budget {
    Budget::new(150).with_deadline(Instant::now() + time)
}

#[tokio::test(start_paused = true)]
async fn no_retry_is_awaited_that_would_end_after_the_deadline() {
    let host = host();
    let down = TestError::Status(503, Some(SECOND * 2));
    host.script.play([Act::Answer(NOW, 503, Some(SECOND * 2)), Act::Answer(SECOND, 502, None)]);
    let start = Instant::now();
    assert_eq!(host.read("a", "one", &within(SECOND)).await.1, Err(down));
    assert_eq!((start.elapsed(), host.script.calls()), (NOW, 1));
    // At least 250 ms must be left for a reply.
    let (start, budget) = (Instant::now(), within(SECOND + Duration::from_millis(299)));
    assert_eq!(host.read("a", "two", &budget).await.1, Err(TestError::Status(502, None)));
    assert_eq!((start.elapsed(), host.script.calls()), (SECOND, 2));
}

#[tokio::test(start_paused = true)]
async fn a_joiner_with_more_time_gets_the_result_of_a_later_attempt() {
    let host = host();
    host.script.play([Act::Answer(SECOND, 503, Some(SECOND)), Act::Answer(SECOND, 200, None)]);
    let (short, long) = (within(SECOND * 2), within(SECOND * 8));
    let (first, second) = tokio::join!(host.read("a", "list", &short), host.read("a", "list", &long));
    assert_eq!((first.1, token_of(&second)), (Err(TestError::NoReply(TIMED_OUT)), "a"));
    assert_eq!(host.script.calls(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_joiner_of_a_read_that_timed_out_starts_another_and_shares_it() {
    let host = host();
    let late = Act::Answer(SECOND * 2, 503, Some(SECOND * 2));
    host.script.play([late, Act::Hang, Act::Answer(SECOND, 200, None)]);
    let (budget, start) = (within(SECOND * 20), Instant::now());
    let leader = host.read("a", "list", &budget);
    let joiners = async {
        sleep(SECOND * 4 + SECOND / 2).await;
        tokio::join!(host.read("a", "list", &budget), host.read("a", "list", &budget))
    };
    let (leader, (first, second)) = tokio::join!(leader, joiners);
    assert_eq!((leader.1, leader.0.attempts), (Err(TestError::NoReply(TIMED_OUT)), 2));
    assert_eq!((token_of(&first), token_of(&second)), ("a", "a"));
    let verdicts = [first.0.verdict, second.0.verdict];
    assert!(verdicts.contains(&Verdict::Miss) && verdicts.contains(&Verdict::Shared), "{verdicts:?}");
    assert_eq!((host.script.calls(), start.elapsed()), (3, SECOND * 6));
    assert!(host.is_at_rest());
}

#[tokio::test(start_paused = true)]
async fn a_joiner_shares_an_attempt_timeout() {
    let host = host();
    host.script.play([Act::Hang]);
    let budget = within(SECOND * 20);
    let joiner = async {
        sleep(SECOND).await;
        host.read("a", "list", &budget).await
    };
    let (leader, joiner) = tokio::join!(host.read("a", "list", &budget), joiner);
    assert_eq!((leader.1, joiner.1), (Err(TestError::NoReply(TIMED_OUT)), Err(TestError::NoReply(TIMED_OUT))));
    assert_eq!(host.script.calls(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_read_left_early_records_the_calls_sent_so_far() {
    let host = TestUpstream::new(|settings, _| settings.concurrent_max = 1, 0);
    host.script.play([Act::Answer(SECOND * 2, 200, None), Act::Answer(SECOND * 2, 200, None)]);
    let (long, short) = (within(SECOND * 20), within(SECOND));
    let others = async { tokio::join!(host.read("a", "one", &long), host.read("a", "two", &long)) };
    let waits = async {
        settle().await;
        let waits = host.read("a", "two", &short).await.0;
        sleep(SECOND + SECOND / 2).await;
        (waits, host.read("a", "two", &within(SECOND)).await.0)
    };
    let ((one, two), (waits, called)) = tokio::join!(others, waits);
    assert!(one.1.is_ok() && two.1.is_ok());
    assert_eq!((waits.verdict, waits.attempts, waits.error), (Verdict::Refused, 0, Some(TIMED_OUT)));
    assert_eq!((called.verdict, called.attempts, called.error), (Verdict::Shared, 1, Some(TIMED_OUT)));
}

#[tokio::test(start_paused = true)]
async fn a_permit_that_comes_too_late_for_a_reply_is_not_used() {
    let host = TestUpstream::new(|settings, _| settings.concurrent_max = 1, 0);
    host.script.play([Act::Answer(Duration::from_millis(1_800), 200, None)]);
    let budget = within(SECOND * 2);
    let start = Instant::now();
    let (first, second) = tokio::join!(host.read("a", "one", &budget), host.read("a", "two", &budget));
    assert_eq!((token_of(&first), second.1), ("a", Err(TestError::NoReply(TIMED_OUT))));
    assert_eq!((start.elapsed().as_millis(), host.script.calls()), (1_800, 1));
    assert!(host.is_at_rest());
}

/// The state of the circuit after twenty calls that hang and are cut short.
async fn after_hanging(cut: impl AsyncFn(&TestUpstream, &str)) -> Circuit {
    let host = host();
    host.script.play(vec![Act::Hang; 20]);
    let paths: Vec<_> = (0..20).map(|number| number.to_string()).collect();
    // At most as many at once as there are permits, so that each is sent.
    for some in paths.chunks(10) {
        join_all(some.iter().map(|path| cut(&host, path))).await;
    }
    assert_eq!(host.script.calls(), 20);
    assert!(host.is_at_rest());
    host.upstream.circuit()
}

#[tokio::test(start_paused = true)]
async fn a_call_that_is_cut_short_counts_as_a_failure_only_if_it_was_slow() {
    for (lasted, circuit) in [(1_200, Circuit::Closed), (1_300, Circuit::Open)] {
        let lasted = Duration::from_millis(lasted);
        let deadline = async |host: &TestUpstream, path: &str| {
            assert_eq!(host.read("a", path, &within(lasted)).await.1, Err(TestError::NoReply(TIMED_OUT)));
        };
        assert_eq!(after_hanging(deadline).await, circuit, "by the operation's deadline after {lasted:?}");
        let leavers = async |host: &TestUpstream, path: &str| {
            assert!(timeout(lasted, host.ask(path, path)).await.is_err());
        };
        assert_eq!(after_hanging(leavers).await, circuit, "by clients that leave after {lasted:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn one_impatient_caller_does_not_open_the_circuit() {
    let lasted = Duration::from_millis(1_300);
    let by_credential = async |host: &TestUpstream, path: &str| {
        assert!(timeout(lasted, host.ask("a", path)).await.is_err());
    };
    assert_eq!(after_hanging(by_credential).await, Circuit::Closed);
    let by_payer = async |host: &TestUpstream, path: &str| {
        assert!(timeout(lasted, host.read(path, path, &operation().with_caller(1))).await.is_err());
    };
    assert_eq!(after_hanging(by_payer).await, Circuit::Closed);
}
