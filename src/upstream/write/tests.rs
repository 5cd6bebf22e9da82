//! Writes over a host in memory, on a paused clock: sent once or not at all, and the caller learns which.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::sync::Mutex;

use secrecy::SecretString;
use tokio::time::sleep;

use super::*;
use crate::upstream::tests::fake_host::{Act, TestError, TestUpstream, operation};
use crate::upstream::{Body, Credential, Settings};

const SECOND: Duration = Duration::from_secs(1);

fn host() -> TestUpstream {
    TestUpstream::new(|_, _| {}, 0)
}

/// The final statuses that `on_end` received.
type Statuses = Arc<Mutex<Vec<WriteStatus>>>;

async fn write(host: &TestUpstream, budget: &Budget, statuses: &Statuses) -> (Call, Result<WriteReply, TestError>) {
    let (token, statuses) = (SecretString::from("a"), statuses.clone());
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
    let interpret = |reply: &Reply| {
        let result = match reply.status {
            200 => Ok(WriteReply::Changed),
            404 => Ok(WriteReply::Absent),
            299 => Err(TestError::Status(200, None)),
            status => Err(TestError::Status(status, reply.retry_after)),
        };
        Interpreted { result, note: None }
    };
    let on_end = move |status| statuses.lock().unwrap().push(status);
    let (call, _, done) = host.upstream.write(&write, budget, interpret, on_end).await;
    (call, done)
}

fn statuses_of(statuses: &Statuses) -> Vec<WriteStatus> {
    statuses.lock().unwrap().clone()
}

/// Whether the writer's own response is still cached.
async fn is_cached(host: &TestUpstream) -> bool {
    host.ask("a", "list").await.0.verdict == Verdict::Hit
}

#[tokio::test(start_paused = true)]
async fn a_write_is_sent_once_and_an_unknown_result_is_reported() {
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
        let (host, statuses) = (host(), Statuses::default());
        host.ask("a", "list").await.1.unwrap();
        host.script.play([act.clone()]);
        let (call, done) = write(&host, &operation(), &statuses).await;
        assert_eq!((done, statuses_of(&statuses), host.script.calls()), (result, vec![how], 2), "{act:?}");
        assert_eq!(call.verdict == Verdict::Sent, how != WriteStatus::Unsent, "{act:?}");
        // What may have changed is read again. A rejected credential loses its entries too.
        let stays = matches!(how, WriteStatus::Refused | WriteStatus::Unsent) && call.status != Some(401);
        assert_eq!(is_cached(&host).await, stays, "{act:?}");
        assert!(host.is_at_rest(), "{act:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn others_lose_what_changed_and_keep_what_may_have_for_failures() {
    use Verdict::{Hit, Miss, StaleIfError};
    let answer = |status| Act::Answer(Duration::ZERO, status, None);
    for (act, own, others, common) in [
        (answer(200), Miss, StaleIfError, Miss),
        (answer(404), Miss, Hit, Hit),
        (answer(403), Hit, Hit, Hit),
        (answer(503), Miss, StaleIfError, StaleIfError),
        (Act::Hang, Miss, StaleIfError, StaleIfError),
    ] {
        let host = TestUpstream::new(|settings, _| settings.retries_max = 0, 0);
        for (token, path) in [("a", "list"), ("a", "common"), ("b", "list"), ("b", "common")] {
            host.ask(token, path).await.1.unwrap();
        }
        host.script.play([act.clone()]);
        let _ = write(&host, &operation(), &Statuses::default()).await;
        host.script.play(vec![answer(500); 4]);
        for (token, path, verdict) in
            [("a", "list", own), ("a", "common", own), ("b", "list", others), ("b", "common", common)]
        {
            let (call, answer) = host.ask(token, path).await;
            assert_eq!((call.verdict, answer.is_ok()), (verdict, verdict != Miss), "{act:?} {token} {path}");
        }
        host.script.clear();
        assert_eq!(host.ask("b", "list").await.0.verdict, if others == Hit { Hit } else { Miss }, "{act:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_write_that_a_policy_refuses_is_reported_as_unsent() {
    let (host, statuses) = (host(), Statuses::default());
    assert_eq!(write(&host, &Budget::new(0), &statuses).await.1, Err(TestError::NoReply(Error::BudgetExhausted)));
    let late = Budget::new(1).with_deadline(Instant::now());
    assert_eq!(write(&host, &late, &statuses).await.1, Err(TestError::NoReply(Error::TimedOut)));
    host.script.play([Act::Answer(Duration::ZERO, 429, Some(60 * SECOND))]);
    let _ = host.ask("a", "list").await;
    let (call, done) = write(&host, &operation(), &statuses).await;
    assert_eq!(done, Err(TestError::NoReply(Error::Throttled(60 * SECOND))));
    assert_eq!((call.verdict, call.attempts, call.method), (Verdict::Refused, 0, "POST"));
    let open = TestUpstream::new(|settings, _| (settings.breaker_calls_min, settings.retries_max) = (1, 0), 0);
    open.script.play([Act::Answer(Duration::ZERO, 500, None)]);
    let _ = open.ask("b", "list").await;
    assert!(matches!(write(&open, &operation(), &statuses).await.1, Err(TestError::NoReply(Error::CircuitOpen(_)))));
    assert_eq!(
        (statuses_of(&statuses), host.script.calls(), open.script.calls()),
        (vec![WriteStatus::Unsent; 4], 1, 1)
    );
}

#[tokio::test(start_paused = true)]
async fn a_write_cancelled_before_it_is_sent_is_never_sent() {
    let host = TestUpstream::new(|settings, _| settings.concurrent_max = 1, 0);
    let statuses = Statuses::default();
    host.script.play([Act::Answer(SECOND, 200, None)]);
    let (budget, cancelled) = (operation(), operation());
    let reading = host.read("b", "list", &budget);
    let leaving = async {
        sleep(SECOND / 4).await;
        let left = tokio::time::timeout(SECOND / 4, write(&host, &cancelled, &statuses)).await;
        assert!(left.is_err());
    };
    let _ = futures_util::future::join(reading, leaving).await;
    let short = Budget::new(1).with_deadline(Instant::now() + SECOND / 4);
    host.script.play([Act::Answer(SECOND, 200, None)]);
    let reading = host.read("b", "other", &budget);
    let waiting = write(&host, &short, &statuses);
    let (_, (_, done)) = futures_util::future::join(reading, waiting).await;
    assert_eq!(done, Err(TestError::NoReply(Error::TimedOut)));
    sleep(SECOND).await;
    assert_eq!((statuses_of(&statuses), host.script.calls()), (vec![WriteStatus::Unsent; 2], 2));
    assert_eq!((host.upstream.host.load(), *host.script.under_way.lock().unwrap()), ((1, 0), 0));
}

#[tokio::test(start_paused = true)]
async fn a_write_that_was_sent_is_not_cancelled() {
    let (host, statuses) = (host(), Statuses::default());
    host.ask("a", "list").await.1.unwrap();
    host.script.play([Act::Answer(SECOND, 200, None)]);
    let budget = operation();
    assert!(tokio::time::timeout(SECOND / 2, write(&host, &budget, &statuses)).await.is_err());
    assert_eq!((statuses_of(&statuses), *host.script.under_way.lock().unwrap()), (vec![], 1));
    sleep(SECOND).await;
    assert_eq!((statuses_of(&statuses), host.script.calls()), (vec![WriteStatus::Done], 2));
    assert!(!is_cached(&host).await && host.is_at_rest());

    // After the deadline nobody waits, and the result is unknown.
    let statuses = Statuses::default();
    assert!(is_cached(&host).await);
    host.script.play([Act::Answer(SECOND, 200, None)]);
    let short = Budget::new(1).with_deadline(Instant::now() + SECOND / 2);
    assert_eq!(write(&host, &short, &statuses).await.1, Err(TestError::Uncertain));
    assert_eq!(statuses_of(&statuses), []);
    assert!(!is_cached(&host).await, "it was read again");
    sleep(SECOND).await;
    assert_eq!(statuses_of(&statuses), [WriteStatus::Done]);
    assert!(!is_cached(&host).await && host.is_at_rest(), "what was read in between is invalid");
}

#[tokio::test(start_paused = true)]
async fn a_write_across_a_reload_invalidates_the_new_cache() {
    let (host, statuses) = (host(), Statuses::default());
    host.script.play([Act::Answer(SECOND, 200, None)]);
    let (later, budget) = (host.remade(|settings, _| settings.retries_max = 0), operation());
    let reading = async {
        sleep(SECOND / 2).await;
        later.ask("a", "list").await.1.unwrap();
        assert!(is_cached(&later).await);
    };
    let ((_, done), ()) = tokio::join!(write(&host, &budget, &statuses), reading);
    assert_eq!(done, Ok(WriteReply::Changed));
    assert!(!is_cached(&later).await);
}

#[tokio::test(start_paused = true)]
async fn a_write_has_its_own_timeout() {
    let Settings { attempt_timeout_ms: reads, write_timeout_ms: writes, .. } = Settings::default();
    for (ms, result) in [(reads + 1_000, Ok(WriteReply::Changed)), (writes + 1, Err(TestError::Uncertain))] {
        let (host, statuses) = (host(), Statuses::default());
        host.script.play([Act::Answer(Duration::from_millis(ms), 200, None)]);
        assert_eq!(write(&host, &operation(), &statuses).await.1, result, "{ms}");
        assert_eq!((host.script.calls(), host.is_at_rest()), (1, true), "{ms}");
    }
}

#[tokio::test(start_paused = true)]
async fn equal_writes_are_never_shared() {
    let (host, statuses) = (host(), Statuses::default());
    let budget = operation();
    let both = futures_util::future::join(write(&host, &budget, &statuses), write(&host, &budget, &statuses)).await;
    assert!(both.0.1.is_ok() && both.1.1.is_ok());
    assert_eq!((host.script.calls(), statuses_of(&statuses)), (2, vec![WriteStatus::Done; 2]));
}

#[tokio::test(start_paused = true)]
async fn a_record_masks_the_token_and_a_form_is_encoded() {
    let host = host();
    let (call, _) = write(&host, &operation(), &Statuses::default()).await;
    assert!(call.target.starts_with("/things/~") && call.target.ends_with("/do"), "{}", call.target);
    let (media, bytes) = Body::Form(&[("a b", "&"), ("c", "")]).encode().unwrap();
    assert_eq!((media, &*bytes), ("application/x-www-form-urlencoded", b"a+b=%26&c=".as_slice()));
    assert_eq!(Body::Empty.encode(), None);
}
