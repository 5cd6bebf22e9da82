//! Writes over a transport of the test's own: sent once or not at all, and everybody knows which.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::sync::Mutex;

use secrecy::SecretString;
use tokio::time::sleep;

use super::super::tests::bench::{Act, Bench, Trouble, operation};
use super::super::{Body, Credential, Settings};
use super::*;

const SECOND: Duration = Duration::from_secs(1);

fn bench() -> Bench {
    Bench::new(|_, _| {}, 0)
}

/// How the writes of a test ended, as whoever wants to know is told.
type Told = Arc<Mutex<Vec<Ended>>>;

async fn write(bench: &Bench, budget: &Budget, told: &Told) -> (Call, Result<Done, Trouble>) {
    let (token, told) = (SecretString::from("a"), told.clone());
    let write = Write {
        method: Method::Post,
        path: &["things", "secret", "do"],
        query: &[],
        masked: Some(1),
        credential: Credential::Bearer(&token),
        reader: None,
        body: Body::Form(&[("a b", "&"), ("c", "")]),
        shown: Shown { own: &[&["list"], &["things"]], common: &[&["common"]], about: &[] },
    };
    let judge = |reply: &Reply| {
        let result = match reply.status {
            200 => Ok(Done::Changed),
            404 => Ok(Done::Absent),
            299 => Err(Trouble::Status(200, None)),
            status => Err(Trouble::Status(status, reply.retry_after)),
        };
        Said { result, note: None }
    };
    let tell = move |ended| told.lock().unwrap().push(ended);
    let (call, _, done) = bench.upstream.send(&write, budget, judge, tell).await;
    (call, done)
}

fn ended(told: &Told) -> Vec<Ended> {
    told.lock().unwrap().clone()
}

/// Whether what was read for whoever writes is still given.
async fn is_kept(bench: &Bench) -> bool {
    bench.ask("a", "list").await.0.verdict == Verdict::Hit
}

#[tokio::test(start_paused = true)]
async fn a_write_is_sent_once_whatever_comes_of_it_and_what_is_not_certain_is_said_to_be_so() {
    let answer = |status| Act::Answer(Duration::ZERO, status, None);
    let lost = |error| Act::Fail(Duration::ZERO, error);
    for (act, result, how) in [
        (answer(200), Ok(Done::Changed), Ended::Done),
        (answer(404), Ok(Done::Absent), Ended::Absent),
        (answer(401), Err(Trouble::Status(401, None)), Ended::Refused),
        (answer(403), Err(Trouble::Status(403, None)), Ended::Refused),
        (answer(429), Err(Trouble::Status(429, None)), Ended::Refused),
        (answer(500), Err(Trouble::Uncertain), Ended::Uncertain),
        (answer(502), Err(Trouble::Uncertain), Ended::Uncertain),
        (answer(503), Err(Trouble::Uncertain), Ended::Uncertain),
        (answer(299), Err(Trouble::Uncertain), Ended::Uncertain),
        (lost(Error::Broken), Err(Trouble::Uncertain), Ended::Uncertain),
        (lost(Error::TimedOut), Err(Trouble::Uncertain), Ended::Uncertain),
        (lost(Error::TooLarge), Err(Trouble::Uncertain), Ended::Uncertain),
        (Act::Hang, Err(Trouble::Uncertain), Ended::Uncertain),
        (lost(Error::Unreachable), Err(Trouble::Wire(Error::Unreachable)), Ended::Unsent),
        (lost(Error::OutOfResources), Err(Trouble::Wire(Error::OutOfResources)), Ended::Unsent),
    ] {
        let (bench, told) = (bench(), Told::default());
        bench.ask("a", "list").await.1.unwrap();
        bench.script.play([act.clone()]);
        let (call, done) = write(&bench, &operation(), &told).await;
        assert_eq!((done, ended(&told), bench.script.calls()), (result, vec![how], 2), "{act:?}");
        assert_eq!(call.verdict == Verdict::Sent, how != Ended::Unsent, "{act:?}");
        // What may have changed is read anew, and what has not is not, unless the credential is not accepted any more.
        let stays = matches!(how, Ended::Refused | Ended::Unsent) && call.status != Some(401);
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
        let bench = Bench::new(|settings, _| settings.retries_max = 0, 0);
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
    assert_eq!(write(&bench, &Budget::calls(0), &told).await.1, Err(Trouble::Wire(Error::Spent)));
    let late = Budget::calls(1).until(Instant::now());
    assert_eq!(write(&bench, &late, &told).await.1, Err(Trouble::Wire(Error::TimedOut)));
    bench.script.play([Act::Answer(Duration::ZERO, 429, Some(60 * SECOND))]);
    let _ = bench.ask("a", "list").await;
    let (call, done) = write(&bench, &operation(), &told).await;
    assert_eq!(done, Err(Trouble::Wire(Error::ShutOut(60 * SECOND))));
    assert_eq!((call.verdict, call.attempts, call.method), (Verdict::Refused, 0, "POST"));
    let open = Bench::new(|settings, _| (settings.breaker_calls_min, settings.retries_max) = (1, 0), 0);
    open.script.play([Act::Answer(Duration::ZERO, 500, None)]);
    let _ = open.ask("b", "list").await;
    assert!(matches!(write(&open, &operation(), &told).await.1, Err(Trouble::Wire(Error::Open(_)))));
    assert_eq!((ended(&told), bench.script.calls(), open.script.calls()), (vec![Ended::Unsent; 4], 1, 1));
}

#[tokio::test(start_paused = true)]
async fn whoever_leaves_before_it_is_sent_has_sent_nothing() {
    let bench = Bench::new(|settings, _| settings.concurrent_max = 1, 0);
    let told = Told::default();
    bench.script.play([Act::Answer(SECOND, 200, None)]);
    let (budget, before) = (operation(), operation());
    let reading = bench.read("b", "list", &budget);
    let leaving = async {
        sleep(SECOND / 4).await;
        let left = tokio::time::timeout(SECOND / 4, write(&bench, &before, &told)).await;
        assert!(left.is_err());
    };
    let _ = futures_util::future::join(reading, leaving).await;
    let short = Budget::calls(1).until(Instant::now() + SECOND / 4);
    bench.script.play([Act::Answer(SECOND, 200, None)]);
    let reading = bench.read("b", "other", &budget);
    let waiting = write(&bench, &short, &told);
    let (_, (_, done)) = futures_util::future::join(reading, waiting).await;
    assert_eq!(done, Err(Trouble::Wire(Error::TimedOut)));
    sleep(SECOND).await;
    assert_eq!((ended(&told), bench.script.calls()), (vec![Ended::Unsent; 2], 2));
    assert_eq!((bench.upstream.host.room(), *bench.script.under_way.lock().unwrap()), ((1, 0), 0));
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
    assert_eq!((ended(&told), bench.script.calls()), (vec![Ended::Done], 2));
    assert!(!is_kept(&bench).await && bench.is_at_rest());

    // The operation's time is up: nobody waits, and nobody knows.
    let told = Told::default();
    assert!(is_kept(&bench).await);
    bench.script.play([Act::Answer(SECOND, 200, None)]);
    let short = Budget::calls(1).until(Instant::now() + SECOND / 2);
    assert_eq!(write(&bench, &short, &told).await.1, Err(Trouble::Uncertain));
    assert_eq!(ended(&told), []);
    assert!(!is_kept(&bench).await, "read again, it is told");
    sleep(SECOND).await;
    assert_eq!(ended(&told), [Ended::Done]);
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
    assert_eq!(done, Ok(Done::Changed));
    assert!(!is_kept(&later).await);
}

#[tokio::test(start_paused = true)]
async fn a_write_has_a_time_of_its_own_to_be_answered_in() {
    let Settings { attempt_timeout_ms: reads, write_timeout_ms: writes, .. } = Settings::default();
    for (ms, result) in [(reads + 1_000, Ok(Done::Changed)), (writes + 1, Err(Trouble::Uncertain))] {
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
    assert_eq!((bench.script.calls(), ended(&told)), (2, vec![Ended::Done; 2]));
}

#[tokio::test(start_paused = true)]
async fn no_record_of_a_write_shows_its_token_and_a_form_is_written_as_one() {
    let bench = bench();
    let (call, _) = write(&bench, &operation(), &Told::default()).await;
    assert!(call.target.starts_with("/things/~") && call.target.ends_with("/do"), "{}", call.target);
    let (media, bytes) = Body::Form(&[("a b", "&"), ("c", "")]).carried().unwrap();
    assert_eq!((media, &*bytes), ("application/x-www-form-urlencoded", b"a+b=%26&c=".as_slice()));
    assert_eq!(Body::Nothing.carried(), None);
}
