//! One flight's way to the host: its attempts, what each has to pass, and what becomes of the answer.
//!
//! An attempt passes the credential's standing, the breaker and a turn before it is sent. What it holds on the way it
//! gives back however it ends, also when nobody waits for it any more.

use std::any::Any;
use std::sync::Arc;
use std::time::Duration;

use secrecy::SecretString;
use tokio::time::{Instant, sleep, timeout_at};
use url::Url;

use super::budget::Charge;
use super::cache::{self, Era, Noun};
use super::key::Key;
use super::line::Line;
use super::retry::{self, Attempt};
use super::standing::Standing;
use super::until::Until;
use super::{Cacheable, Credential, Error, Failure, Fresh, Judged, Outcome, Reply, Trace, Upstream};
use crate::metrics::Metrics;

/// How a flight ended.
#[derive(Clone)]
pub struct Landed<E> {
    /// What the provider made of it.
    pub result: Result<Option<Noun>, E>,
    /// What it is to the policies.
    pub outcome: Outcome,
    /// How often the host was called.
    pub attempts: u32,
    /// The status of the last answer, if one began.
    pub status: Option<u16>,
    /// How large the answer was, in bytes.
    pub bytes: usize,
    /// What the provider's envelope said of it.
    pub note: Option<String>,
}

/// A credential that a flight carries for itself.
pub enum Carried {
    /// An OAuth token.
    Bearer(SecretString),
    /// A name and a password.
    Basic(SecretString, SecretString),
    /// A parameter of the query, by its name.
    Parameter(String, SecretString),
}

/// A call that was sent; it is counted when it ends, also if nobody waits for it any more.
pub struct Sent<'a> {
    /// Where it is counted.
    pub metrics: &'a Metrics,
    /// Whose host it was sent to.
    pub provider: &'static str,
    /// When it was sent.
    pub began: Instant,
    /// What it came to.
    pub outcome: &'static str,
}

impl Drop for Sent<'_> {
    fn drop(&mut self) {
        self.metrics.call(self.provider, self.outcome, self.began.elapsed());
    }
}

/// What a flight needs to know.
pub struct Way<'a, E: Clone> {
    /// The host.
    pub upstream: &'a Upstream<E>,
    /// The address that is read.
    pub url: &'a Url,
    /// What it is shown.
    pub credential: &'a Carried,
    /// How that stands with the host.
    pub standing: &'a Arc<Standing>,
    /// The turns of whoever began it.
    pub own: &'a Line,
    /// Under what the answer is kept.
    pub key: &'a Key,
    /// Who pays for its calls, if that is known.
    pub payer: Option<u64>,
    /// The trace that its calls belong to.
    pub trace: Option<Trace>,
    /// Until when it goes on.
    pub until: &'a Until,
    /// What its calls are charged to.
    pub charge: &'a Charge,
}

impl<E: Failure> Way<'_, E> {
    /// Attempts until one decides or the time is up. Tells also for how long the noun is fresh.
    pub async fn fly<T: Cacheable>(&self, judge: impl Fn(&Reply) -> Judged<T, E>) -> (Landed<E>, Option<Duration>) {
        let mut last = None;
        let mut number = 1;
        loop {
            let tried = match self.attempt(number, &judge).await {
                Ok(tried) => tried,
                // Not sent. What the attempt before came to says more than that there was no turn for another.
                Err(error) => {
                    let earlier = last.filter(|_| matches!(error, Error::Crowded | Error::TimedOut));
                    return earlier.unwrap_or_else(|| (self.upstream.lost(error, number - 1), None));
                }
            };
            let Some(wait) = self.again(number, tried.0.outcome) else { return tried };
            sleep(wait).await;
            last = Some(tried);
            number += 1;
        }
    }

    /// How long to wait before the next attempt, if there is to be one: whoever could not send it does not spend what
    /// the host allows for it.
    fn again(&self, number: u32, outcome: Outcome) -> Option<Duration> {
        let Upstream { settings, host, dice, metrics, provider, .. } = self.upstream;
        let now = Instant::now();
        let attempt = Attempt { number, outcome, now, last_call: self.until.last_call() };
        let wait = retry::next(attempt, settings.retries_max, dice())?;
        let then = now + wait;
        let is_open = self.standing.check(then).is_err() || host.check(then).is_err();
        let may = !is_open && self.charge.hold() && host.spend(now);
        may.then(|| {
            metrics.retry(provider);
            wait
        })
    }

    /// One attempt: the credential's standing, the breaker, a turn, the transport.
    ///
    /// # Errors
    /// Why nothing was sent.
    async fn attempt<T: Cacheable>(
        &self,
        number: u32,
        judge: impl Fn(&Reply) -> Judged<T, E>,
    ) -> Result<(Landed<E>, Option<Duration>), Error> {
        let Upstream { settings, host, transport, metrics, provider, .. } = self.upstream;
        self.standing.check(Instant::now())?;
        host.check(Instant::now())?;
        let turn = host.turn(self.own, self.until).await?;
        // While this waited for its turn, another may have found the host in trouble or the credential shut out.
        self.standing.check(Instant::now())?;
        let began = Instant::now();
        let admitted = host.admit(self.key.credential(), self.payer, began)?;
        self.charge.sent();
        self.until.called();
        if number == 1 {
            host.earn(began);
        }
        let trace = self.trace.map(|trace| trace.call((self.upstream.dice)()));
        let mut sent = Sent { metrics, provider, began, outcome: "given_up" };
        let call = transport.get(self.url, self.credential.show(), trace);
        let call = timeout_at(began + Duration::from_millis(settings.attempt_timeout_ms), call);
        let reply = self.until.before_end(call).await;
        drop(turn);
        let was_cut_short = reply.is_none();
        let (landed, lasts) = self.judge(number, reply.and_then(Result::ok).unwrap_or(Err(Error::TimedOut)), judge);
        let now = Instant::now();
        sent.outcome = landed.outcome.as_str();
        drop(sent);
        if let Outcome::Throttled(wait) = landed.outcome {
            self.standing.shut_out(wait, now);
        }
        match was_cut_short {
            true => admitted.cut_short(now),
            false => admitted.report(landed.outcome, now),
        }
        Ok((landed, lasts))
    }

    /// What an attempt came to.
    fn judge<T: Cacheable>(
        &self,
        attempts: u32,
        reply: Result<Reply, Error>,
        judge: impl Fn(&Reply) -> Judged<T, E>,
    ) -> (Landed<E>, Option<Duration>) {
        let reply = match reply {
            Ok(reply) => reply,
            Err(error) => return (self.upstream.lost(error, attempts), None),
        };
        let Judged { result, note } = judge(&reply);
        let (status, bytes) = (Some(reply.status), reply.body.len());
        let (result, outcome, lasts) = match result {
            Ok(Some(Fresh { noun, lasts })) => (Ok(Some(Arc::new(noun) as Noun)), Outcome::Good, lasts),
            Ok(None) => (Ok(None), Outcome::Absent, None),
            Err(error) => {
                let outcome = error.outcome();
                (Err(error), outcome, None)
            }
        };
        (Landed { result, outcome, attempts, status, bytes, note }, lasts)
    }

    /// Keeps what was read, without what must not be kept; puts out what counts no more.
    pub fn keep<T: Cacheable>(&self, landed: &Landed<E>, lasts: Option<Duration>, era: Era) {
        let cache = &self.upstream.cache;
        let (noun, lasts) = match (&landed.result, landed.outcome) {
            (Ok(None), _) => (None, Duration::ZERO),
            (Ok(Some(noun)), _) => match lasts {
                Some(lasts) => (Some(noun), lasts),
                None => return,
            },
            (Err(_), Outcome::Refused) => return cache.forget(self.key, self.standing),
            (Err(_), Outcome::Denied) => return cache.remove(self.key),
            (Err(_), _) => return,
        };
        let noun = noun.map(|noun| match (&**noun as &dyn Any).downcast_ref::<T>().and_then(Cacheable::redacted) {
            Some(redacted) => Arc::new(redacted) as Noun,
            None => noun.clone(),
        });
        let weight = noun.as_ref().map_or(0, |noun| noun.memory_size());
        let (standing, now) = (self.standing.clone(), Instant::now());
        cache.put(self.key.clone(), cache::Read { noun, weight, lasts, era, standing, now });
    }
}

impl Carried {
    /// What a host is shown of it.
    pub fn show(&self) -> Credential<'_> {
        match self {
            Carried::Bearer(token) => Credential::Bearer(token),
            Carried::Basic(name, password) => Credential::Basic(name, password),
            Carried::Parameter(name, token) => Credential::Parameter(name, token),
        }
    }
}

impl From<Credential<'_>> for Carried {
    fn from(credential: Credential<'_>) -> Self {
        match credential {
            Credential::Bearer(token) => Carried::Bearer(token.clone()),
            Credential::Basic(name, password) => Carried::Basic(name.clone(), password.clone()),
            Credential::Parameter(name, token) => Carried::Parameter(name.to_owned(), token.clone()),
        }
    }
}
