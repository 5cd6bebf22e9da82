//! Writes over a transport of the test's own: sent once or not at all, and everybody knows which.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::sync::Mutex;

use secrecy::SecretString;
use tokio::time::sleep;

use super::*;
use crate::upstream::tests::fake_host::{Act, TestError, TestUpstream, operation};
use crate::upstream::{Body, Credential, Settings};

const SECOND: Duration = Duration::from_secs(1);

fn bench() -> TestUpstream {
    TestUpstream::new(|_, _| {}, 0)
}

/// How the writes of a test ended, as whoever wants to know is told.
type Told = Arc<Mutex<Vec<WriteStatus>>>;

async fn write(bench: &TestUpstream, budget: &Budget, told: &Told) -> (Call, Result<WriteReply, TestError>) {
    let (token, told) = (SecretString::from("a"), told.clone());
    let write = Write {
        method: Method::Post,
        path: &["things", "secret", "do"],
        query: &[],
        masked: Some(1),
        credential: Credential::Bearer(&token),
        reader: None,
        body: Body::Form(&[("a b", "&"), ("c", "")]),
        affects: AffectedPaths { per_caller: &[&["list"], &["things"]], shared: &[&["common"]], references: &[] },
    };
    let judge = |reply: &Reply| {
        let result = match reply.status {
            200 => Ok(WriteReply::Changed),
            404 => Ok(WriteReply::Absent),
            299 => Err(TestError::Status(200, None)),
            status => Err(TestError::Status(status, reply.retry_after)),
        };
        Interpreted { result, note: None }
    };
    let tell = move |ended| told.lock().unwrap().push(ended);
    let (call, _, done) = bench.upstream.write(&write, budget, judge, tell).await;
    (call, done)
}

fn ended(told: &Told) -> Vec<WriteStatus> {
    told.lock().unwrap().clone()
}

/// Whether what was read for whoever writes is still given.
async fn is_kept(bench: &TestUpstream) -> bool {
    bench.ask("a", "list").await.0.verdict == Verdict::Hit
}

#[tokio::test(start_paused = true)]
async fn a_write_is_sent_once_whatever_comes_of_it_and_what_is_not_certain_is_said_to_be_so() {
    let answer = |status| Act::Answer(Duration::ZERO, status, None);
    let lost = |error| Act::Fail(Duration::ZERO, error);
    for (act, result, how) in [
        (answer(200), Ok(WriteReply::Changed), WriteStatus::Done),
        (answer(404), Ok(WriteReply::Absent), WriteStatus::Absent),
        (answer(401), Err(TestError::Status(401, None)), WriteStatus::Refused),
        (answer(403), Err(TestError::Status(403, None)), WriteStatus::Refused),
        (answer(429), Err(TestError::Status(429, None)), WriteStatus::Refused),
        (answer(500), Err(TestError::Uncertain), WriteStatus::Uncertain),
        (answer(502), Err(TestError::Uncertain), WriteStatus::Uncertain),
        (answer(503), Err(TestError::Uncertain), WriteStatus::Uncertain),
        (answer(299), Err(TestError::Uncertain), WriteStatus::Uncertain),
        (lost(Error::ConnectionLost), Err(TestError::Uncertain), WriteStatus::Uncertain),
        (lost(Error::TimedOut), Err(TestError::Uncertain), WriteStatus::Uncertain),
        (lost(Error::TooLarge), Err(TestError::Uncertain), WriteStatus::Uncertain),
        (Act::Hang, Err(TestError::Uncertain), WriteStatus::Uncertain),
        (lost(Error::Unreachable), Err(TestError::NoReply(Error::Unreachable)), WriteStatus::Unsent),
        (lost(Error::OutOfResources), Err(TestError::NoReply(Error::OutOfResources)), WriteStatus::Unsent),
    ] {
        let (bench, told) = (bench(), Told::default());
        bench.ask("a", "list").await.1.unwrap();
        bench.script.play([act.clone()]);
        let (call, done) = write(&bench, &operation(), &told).await;
        assert_eq!((done, ended(&told), bench.script.calls()), (result, vec![how], 2), "{act:?}");
        assert_eq!(call.verdict == Verdict::Sent, how != WriteStatus::Unsent, "{act:?}");
        // What may have changed is read anew, and what has not is not, unless the credential is not accepted any more.
        let stays = matches!(how, WriteStatus::Refused | WriteStatus::Unsent) && call.status != Some(401);
        assert_eq!(is_kept(&bench).await, stays, "{act:?}");
        assert!(bench.is_at_rest(), "{act:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn others_lose_what_was_changed_and_keep_what_may_not_have_been_for_when_the_host_is_in_trouble() {
    use Verdict::{Hit, Miss, StaleIfError};
    let answer = |status| Act::Answer(Duration::ZERO, status, None);
    for (act, own, others, common) in [
        (answer(200), Miss, StaleIfError, Miss),
        (answer(404), Miss, Hit, Hit),
        (answer(403), Hit, Hit, Hit),
        (answer(503), Miss, StaleIfError, StaleIfError),
        (Act::Hang, Miss, StaleIfError, StaleIfError),
    ] {
        let bench = TestUpstream::new(|settings, _| settings.retries_max = 0, 0);
        for (token, path) in [("a", "list"), ("a", "common"), ("b", "list"), ("b", "common")] {
            bench.ask(token, path).await.1.unwrap();
        }
        bench.script.play([act.clone()]);
        let _ = write(&bench, &operation(), &Told::default()).await;
        bench.script.play(vec![answer(500); 4]);
        for (token, path, verdict) in
            [("a", "list", own), ("a", "common", own), ("b", "list", others), ("b", "common", common)]
        {
            let (call, answer) = bench.ask(token, path).await;
            assert_eq!((call.verdict, answer.is_ok()), (verdict, verdict != Miss), "{act:?} {token} {path}");
        }
        bench.script.clear();
        assert_eq!(bench.ask("b", "list").await.0.verdict, if others == Hit { Hit } else { Miss }, "{act:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_stands_in_the_way_of_a_write_is_no_doubt_about_it() {
    let (bench, told) = (bench(), Told::default());
    assert_eq!(write(&bench, &Budget::new(0), &told).await.1, Err(TestError::NoReply(Error::BudgetExhausted)));
    let late = Budget::new(1).with_deadline(Instant::now());
    assert_eq!(write(&bench, &late, &told).await.1, Err(TestError::NoReply(Error::TimedOut)));
    bench.script.play([Act::Answer(Duration::ZERO, 429, Some(60 * SECOND))]);
    let _ = bench.ask("a", "list").await;
    let (call, done) = write(&bench, &operation(), &told).await;
    assert_eq!(done, Err(TestError::NoReply(Error::Throttled(60 * SECOND))));
    assert_eq!((call.verdict, call.attempts, call.method), (Verdict::Refused, 0, "POST"));
    let open = TestUpstream::new(|settings, _| (settings.breaker_calls_min, settings.retries_max) = (1, 0), 0);
    open.script.play([Act::Answer(Duration::ZERO, 500, None)]);
    let _ = open.ask("b", "list").await;
    assert!(matches!(write(&open, &operation(), &told).await.1, Err(TestError::NoReply(Error::CircuitOpen(_)))));
    assert_eq!((ended(&told), bench.script.calls(), open.script.calls()), (vec![WriteStatus::Unsent; 4], 1, 1));
}

#[tokio::test(start_paused = true)]
async fn whoever_leaves_before_it_is_sent_has_sent_nothing() {
    let bench = TestUpstream::new(|settings, _| settings.concurrent_max = 1, 0);
    let told = Told::default();
    bench.script.play([Act::Answer(SECOND, 200, None)]);
    let (budget, previous) = (operation(), operation());
    let reading = bench.read("b", "list", &budget);
    let leaving = async {
        sleep(SECOND / 4).await;
        let left = tokio::time::timeout(SECOND / 4, write(&bench, &previous, &told)).await;
        assert!(left.is_err());
    };
    let _ = futures_util::future::join(reading, leaving).await;
    let short = Budget::new(1).with_deadline(Instant::now() + SECOND / 4);
    bench.script.play([Act::Answer(SECOND, 200, None)]);
    let reading = bench.read("b", "other", &budget);
    let waiting = write(&bench, &short, &told);
    let (_, (_, done)) = futures_util::future::join(reading, waiting).await;
    assert_eq!(done, Err(TestError::NoReply(Error::TimedOut)));
    sleep(SECOND).await;
    assert_eq!((ended(&told), bench.script.calls()), (vec![WriteStatus::Unsent; 2], 2));
    assert_eq!((bench.upstream.host.load(), *bench.script.under_way.lock().unwrap()), ((1, 0), 0));
}

#[tokio::test(start_paused = true)]
async fn whoever_leaves_once_it_is_sent_does_not_break_it_off() {
    let (bench, told) = (bench(), Told::default());
    bench.ask("a", "list").await.1.unwrap();
    bench.script.play([Act::Answer(SECOND, 200, None)]);
    let budget = operation();
    assert!(tokio::time::timeout(SECOND / 2, write(&bench, &budget, &told)).await.is_err());
    assert_eq!((ended(&told), *bench.script.under_way.lock().unwrap()), (vec![], 1));
    sleep(SECOND).await;
    assert_eq!((ended(&told), bench.script.calls()), (vec![WriteStatus::Done], 2));
    assert!(!is_kept(&bench).await && bench.is_at_rest());

    // The operation's time is up: nobody waits, and nobody knows.
    let told = Told::default();
    assert!(is_kept(&bench).await);
    bench.script.play([Act::Answer(SECOND, 200, None)]);
    let short = Budget::new(1).with_deadline(Instant::now() + SECOND / 2);
    assert_eq!(write(&bench, &short, &told).await.1, Err(TestError::Uncertain));
    assert_eq!(ended(&told), []);
    assert!(!is_kept(&bench).await, "read again, it is told");
    sleep(SECOND).await;
    assert_eq!(ended(&told), [WriteStatus::Done]);
    assert!(!is_kept(&bench).await && bench.is_at_rest(), "what was read meanwhile counts no more");
}

#[tokio::test(start_paused = true)]
async fn what_is_written_while_another_takes_over_is_held_against_what_that_one_keeps() {
    let (bench, told) = (bench(), Told::default());
    bench.script.play([Act::Answer(SECOND, 200, None)]);
    let (later, budget) = (bench.remade(|settings, _| settings.retries_max = 0), operation());
    let reading = async {
        sleep(SECOND / 2).await;
        later.ask("a", "list").await.1.unwrap();
        assert!(is_kept(&later).await);
    };
    let ((_, done), ()) = tokio::join!(write(&bench, &budget, &told), reading);
    assert_eq!(done, Ok(WriteReply::Changed));
    assert!(!is_kept(&later).await);
}

#[tokio::test(start_paused = true)]
async fn a_write_has_a_time_of_its_own_to_be_answered_in() {
    let Settings { attempt_timeout_ms: reads, write_timeout_ms: writes, .. } = Settings::default();
    for (ms, result) in [(reads + 1_000, Ok(WriteReply::Changed)), (writes + 1, Err(TestError::Uncertain))] {
        let (bench, told) = (bench(), Told::default());
        bench.script.play([Act::Answer(Duration::from_millis(ms), 200, None)]);
        assert_eq!(write(&bench, &operation(), &told).await.1, result, "{ms}");
        assert_eq!((bench.script.calls(), bench.is_at_rest()), (1, true), "{ms}");
    }
}

#[tokio::test(start_paused = true)]
async fn two_equal_writes_are_two() {
    let (bench, told) = (bench(), Told::default());
    let budget = operation();
    let both = futures_util::future::join(write(&bench, &budget, &told), write(&bench, &budget, &told)).await;
    assert!(both.0.1.is_ok() && both.1.1.is_ok());
    assert_eq!((bench.script.calls(), ended(&told)), (2, vec![WriteStatus::Done; 2]));
}

#[tokio::test(start_paused = true)]
async fn no_record_of_a_write_shows_its_token_and_a_form_is_written_as_one() {
    let bench = bench();
    let (call, _) = write(&bench, &operation(), &Told::default()).await;
    assert!(call.target.starts_with("/things/~") && call.target.ends_with("/do"), "{}", call.target);
    let (media, bytes) = Body::Form(&[("a b", "&"), ("c", "")]).encode().unwrap();
    assert_eq!((media, &*bytes), ("application/x-www-form-urlencoded", b"a+b=%26&c=".as_slice()));
    assert_eq!(Body::Empty.encode(), None);
}
