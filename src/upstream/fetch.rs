//! A read that nothing kept answers: made of the host, or with whoever is making an equal one.
//!
//! A read that is shared ends with the time of whoever began it. Who joined late and has time left then begins another,
//! once: they are not told that the time is up because somebody else's is.

use std::sync::Arc;

use tokio::time::{Instant, timeout_at};
use tracing::Instrument;

use super::flight::Joined;
use super::until::Until;
use super::way::Landed;
use super::{
    Budget, Cacheable, Call, Credential, Error, Failure, Freshness, Judged, Outcome, Ready, Reply, Upstream, Verdict,
};

impl<E: Failure> Upstream<E> {
    /// Reads from the host, or with whoever is doing so, within the operation's budget.
    pub(super) async fn fetch<T: Cacheable>(
        self: &Arc<Self>,
        ready: &Ready,
        credential: Credential<'_>,
        budget: &Budget,
        judge: impl Fn(&Reply) -> Judged<T, E> + Send + Sync + 'static,
        call: &mut Call,
    ) -> Landed<E> {
        let own = Until::new(&self.settings, Instant::now(), budget.deadline());
        let judge = Arc::new(judge);
        let mut cut_short = None;
        let landed = loop {
            let now = Instant::now();
            let charge = match budget.take(now) {
                Ok(charge) => charge,
                Err(error) => break cut_short.unwrap_or_else(|| self.lost(error, 0)),
            };
            let (judge, until) = (judge.clone(), Until::new(&self.settings, now, Some(own.end())));
            let judge = move |reply: &Reply| judge(reply);
            let Joined { flight, until, is_anothers } = self.begin(ready, credential, budget, charge, until, judge);
            call.verdict = match (is_anothers, budget.freshness()) {
                (true, _) => Verdict::Shared,
                (false, Freshness::Kept) => Verdict::Miss,
                (false, Freshness::Live) => Verdict::Live,
            };
            let Ok(landed) = timeout_at(own.end(), flight).await else {
                break self.lost(Error::TimedOut, until.calls());
            };
            let now = Instant::now();
            let is_cut_short = landed.outcome == Outcome::Lost(Error::TimedOut) && until.is_over(now);
            if !is_anothers || cut_short.is_some() || !is_cut_short || own.is_over(now) {
                break landed;
            }
            cut_short = Some(landed);
        };
        call.landed(&landed);
        landed
    }

    /// Reads anew what was answered from what is kept, if there is room for that.
    pub(super) fn refresh<T: Cacheable>(
        self: &Arc<Self>,
        ready: &Ready,
        credential: Credential<'_>,
        budget: &Budget,
        judge: impl Fn(&Reply) -> Judged<T, E> + Send + Sync + 'static,
    ) {
        let now = Instant::now();
        let Some(place) = self.behind.take((ready.key.credential(), budget.payer())) else { return };
        let Ok(charge) = budget.take(now) else { return };
        let until = Until::new(&self.settings, now, budget.deadline());
        let Joined { flight, is_anothers, .. } = self.begin(ready, credential, budget, charge, until, judge);
        if !is_anothers {
            let (provider, target) = (self.provider, ready.target.clone());
            let reading = async move {
                let _place = place;
                let Landed { result, outcome, attempts, .. } = flight.await;
                if result.is_err() {
                    tracing::debug!(provider, target, ?outcome, attempts, "what is stale could not be read anew");
                }
            };
            tokio::spawn(reading.in_current_span());
        }
    }
}
