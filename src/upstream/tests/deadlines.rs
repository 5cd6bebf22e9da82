//! What a read does with its time: until when it goes on, and what it says of the host when it is cut short.

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
async fn an_attempt_that_nobody_could_profit_from_is_not_waited_for() {
    let bench = bench();
    let down = TestError::Status(503, Some(SECOND * 2));
    bench.script.play([Act::Answer(NOW, 503, Some(SECOND * 2)), Act::Answer(SECOND, 502, None)]);
    let start = Instant::now();
    assert_eq!(bench.read("a", "one", &within(SECOND)).await.1, Err(down));
    assert_eq!((start.elapsed(), bench.script.calls()), (NOW, 1));
    // 250 ms have to be left for an answer.
    let (start, budget) = (Instant::now(), within(SECOND + Duration::from_millis(299)));
    assert_eq!(bench.read("a", "two", &budget).await.1, Err(TestError::Status(502, None)));
    assert_eq!((start.elapsed(), bench.script.calls()), (SECOND, 2));
}

#[tokio::test(start_paused = true)]
async fn whoever_joins_a_read_and_has_more_time_gets_what_a_later_attempt_brings() {
    let bench = bench();
    bench.script.play([Act::Answer(SECOND, 503, Some(SECOND)), Act::Answer(SECOND, 200, None)]);
    let (short, long) = (within(SECOND * 2), within(SECOND * 8));
    let (first, second) = tokio::join!(bench.read("a", "list", &short), bench.read("a", "list", &long));
    assert_eq!((first.1, says(&second)), (Err(TestError::NoReply(TIMED_OUT)), "a"));
    assert_eq!(bench.script.calls(), 2);
}

#[tokio::test(start_paused = true)]
async fn whoever_joins_a_read_whose_time_is_up_begins_another_and_shares_that_too() {
    let bench = bench();
    let late = Act::Answer(SECOND * 2, 503, Some(SECOND * 2));
    bench.script.play([late, Act::Hang, Act::Answer(SECOND, 200, None)]);
    let (budget, start) = (within(SECOND * 20), Instant::now());
    let leader = bench.read("a", "list", &budget);
    let joiners = async {
        sleep(SECOND * 4 + SECOND / 2).await;
        tokio::join!(bench.read("a", "list", &budget), bench.read("a", "list", &budget))
    };
    let (leader, (first, second)) = tokio::join!(leader, joiners);
    assert_eq!((leader.1, leader.0.attempts), (Err(TestError::NoReply(TIMED_OUT)), 2));
    assert_eq!((says(&first), says(&second)), ("a", "a"));
    let verdicts = [first.0.verdict, second.0.verdict];
    assert!(verdicts.contains(&Verdict::Miss) && verdicts.contains(&Verdict::Shared), "{verdicts:?}");
    assert_eq!((bench.script.calls(), start.elapsed()), (3, SECOND * 6));
    assert!(bench.is_at_rest());
}

#[tokio::test(start_paused = true)]
async fn whoever_joins_a_read_that_got_no_answer_though_there_was_time_has_none_either() {
    let bench = bench();
    bench.script.play([Act::Hang]);
    let budget = within(SECOND * 20);
    let joiner = async {
        sleep(SECOND).await;
        bench.read("a", "list", &budget).await
    };
    let (leader, joiner) = tokio::join!(bench.read("a", "list", &budget), joiner);
    assert_eq!((leader.1, joiner.1), (Err(TestError::NoReply(TIMED_OUT)), Err(TestError::NoReply(TIMED_OUT))));
    assert_eq!(bench.script.calls(), 1);
}

#[tokio::test(start_paused = true)]
async fn of_a_read_that_is_not_waited_for_to_its_end_it_is_told_how_often_it_called_by_then() {
    let bench = TestUpstream::new(|settings, _| settings.concurrent_max = 1, 0);
    bench.script.play([Act::Answer(SECOND * 2, 200, None), Act::Answer(SECOND * 2, 200, None)]);
    let (long, short) = (within(SECOND * 20), within(SECOND));
    let others = async { tokio::join!(bench.read("a", "one", &long), bench.read("a", "two", &long)) };
    let waits = async {
        settle().await;
        let waits = bench.read("a", "two", &short).await.0;
        sleep(SECOND + SECOND / 2).await;
        (waits, bench.read("a", "two", &within(SECOND)).await.0)
    };
    let ((one, two), (waits, called)) = tokio::join!(others, waits);
    assert!(one.1.is_ok() && two.1.is_ok());
    assert_eq!((waits.verdict, waits.attempts, waits.error), (Verdict::Refused, 0, Some(TIMED_OUT)));
    assert_eq!((called.verdict, called.attempts, called.error), (Verdict::Shared, 1, Some(TIMED_OUT)));
}

#[tokio::test(start_paused = true)]
async fn a_turn_that_comes_too_late_for_an_answer_is_not_used() {
    let bench = TestUpstream::new(|settings, _| settings.concurrent_max = 1, 0);
    bench.script.play([Act::Answer(Duration::from_millis(1_800), 200, None)]);
    let budget = within(SECOND * 2);
    let start = Instant::now();
    let (first, second) = tokio::join!(bench.read("a", "one", &budget), bench.read("a", "two", &budget));
    assert_eq!((says(&first), second.1), ("a", Err(TestError::NoReply(TIMED_OUT))));
    assert_eq!((start.elapsed().as_millis(), bench.script.calls()), (1_800, 1));
    assert!(bench.is_at_rest());
}

/// How the host stands after twenty calls to it that hang and are cut short after this time.
async fn after_hanging(cut: impl AsyncFn(&TestUpstream, &str)) -> Circuit {
    let bench = bench();
    bench.script.play(vec![Act::Hang; 20]);
    let paths: Vec<_> = (0..20).map(|number| number.to_string()).collect();
    // Not more at once than have a turn, so that each is sent.
    for some in paths.chunks(10) {
        join_all(some.iter().map(|path| cut(&bench, path))).await;
    }
    assert_eq!(bench.script.calls(), 20);
    assert!(bench.is_at_rest());
    bench.upstream.circuit()
}

#[tokio::test(start_paused = true)]
async fn a_call_that_is_cut_short_says_something_of_its_host_only_if_it_has_lasted() {
    for (lasted, circuit) in [(1_200, Circuit::Closed), (1_300, Circuit::Open)] {
        let lasted = Duration::from_millis(lasted);
        let deadline = async |bench: &TestUpstream, path: &str| {
            assert_eq!(bench.read("a", path, &within(lasted)).await.1, Err(TestError::NoReply(TIMED_OUT)));
        };
        assert_eq!(after_hanging(deadline).await, circuit, "by the operation's deadline after {lasted:?}");
        let leavers = async |bench: &TestUpstream, path: &str| {
            assert!(timeout(lasted, bench.ask(path, path)).await.is_err());
        };
        assert_eq!(after_hanging(leavers).await, circuit, "by clients that leave after {lasted:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn that_one_caller_never_waits_for_long_opens_it_for_nobody() {
    let lasted = Duration::from_millis(1_300);
    let by_credential = async |bench: &TestUpstream, path: &str| {
        assert!(timeout(lasted, bench.ask("a", path)).await.is_err());
    };
    assert_eq!(after_hanging(by_credential).await, Circuit::Closed);
    let by_payer = async |bench: &TestUpstream, path: &str| {
        assert!(timeout(lasted, bench.read(path, path, &operation().with_caller(1))).await.is_err());
    };
    assert_eq!(after_hanging(by_payer).await, Circuit::Closed);
}
