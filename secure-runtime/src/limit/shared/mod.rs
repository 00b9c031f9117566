//! Quotas that processes count together, in Redis.
//!
//! The store is asked once about a request, by one script that charges all of its quotas or none,
//! with the server's time and the arithmetic of the counts in memory, nanosecond for nanosecond.
//! It is asked when everything else has been checked. A request that was refused by then is
//! charged its quotas `per ip` all the same, in one call, and where these deny, the answer is 429
//! as it is in memory: who guesses learns nothing more.
//!
//! # When it is not asked
//!
//! - Who was denied is denied here until the time has come that the store has told him. So a flood
//!   costs the store one call each such time, and one for each request that was on its way.
//! - A quota that is `leased` is paid from what this process took ahead: see [`Sharing::Leased`]
//!   for the bound.
//! - A quota that is `local` is counted in memory.
//!
//! [`Sharing::Leased`]: crate::Sharing::Leased
//!
//! # When it does not answer
//!
//! A question has 50 ms. Without an answer a route with `outage = "deny"` refuses with 503. One
//! with `outage = "local"` goes on with a share: its quotas divided by the number of processes, at
//! least one request each, counted in memory and beginning with nothing used. The number is
//! `limits.instances`, or that of the processes that gave a sign of life within three seconds, as
//! the store has counted them: the largest of the last minute in which it answered. So one that
//! came back empty, or that others could not reach for less than a minute, makes no share larger.
//! Where no number is known the answer is 503 too, also in the first seconds of a process: what it
//! hears first may be too little. So for all processes together the begin of an outage is worth at
//! most one more burst, and its end another one where the store comes back empty: counts need not
//! be kept on disk, and an eviction of a count is worth one burst of its subject. A process that is
//! started during an outage has counted nothing: with `limits.instances` each start is worth one
//! more burst of its share; without, it admits nothing.
//!
//! # When its clock is set
//!
//! Forward: what is owed came back by as much sooner. Back: what is owed is more by as much, but
//! never more than two bursts; and where it was more, that is written down even if nothing is
//! charged, so that who waits as long as he is told is admitted.

mod counted;
mod denial;
mod held;
mod later;
mod leases;
mod presence;
mod question;
mod share;
#[cfg(test)]
mod tests;

use std::{fmt, num::NonZeroU32, sync::Arc, time::Duration};

pub(super) use self::{held::Held, leases::most};
use self::{
    leases::Taken,
    presence::Presence,
    question::{CHARGE, Question, key},
};
use super::{
    Charges, bucket,
    charges::Source,
    route::{Caller, Denied, Limit, RouteLimits},
};
use crate::{
    clock::Clock,
    policy::{Outage, Per, Sharing},
    rejection::{Refusal, Rejection},
    store::{Server, Store},
};

/// How long a question may take.
const QUESTION: Duration = Duration::from_millis(50);

/// When to come back after the store was silent, in seconds.
const RETRY_AFTER: u64 = 2;

/// The counts of the store, as requests and the background see them.
pub(super) struct Shared {
    store: Store,
    inner: Arc<Inner>,
    presence: Arc<Presence>,
}

/// What a task in the background needs too. Holds no handle on the store.
struct Inner {
    server: Arc<Server>,
    clock: Clock,
    held: Arc<Held>,
}

/// Which quotas a request is charged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Due {
    /// Those of a request that is admitted as far as everything else is concerned.
    All,
    /// Those of one that is refused.
    PerIp,
}

impl Due {
    fn has(self, limit: &Limit) -> bool {
        match (self, limit.quota.per) {
            (_, Per::Ip) | (Self::All, _) => true,
            (Self::PerIp, Per::Route | Per::User) => false,
        }
    }
}

/// Places of the quotas that the store must be asked about, and what is wanted beside a request.
pub(super) type Asked = Vec<(usize, u32)>;

impl Shared {
    pub(super) fn start(
        store: Store,
        clock: Clock,
        max_keys: usize,
        instances: Option<NonZeroU32>,
    ) -> Self {
        let server = Arc::clone(store.server());
        server.keep(&CHARGE);
        let presence = Arc::new(Presence::new(clock.clone(), instances));
        store.spawn(presence::beat(
            Arc::clone(&server),
            Arc::downgrade(&presence),
        ));
        Self {
            store,
            inner: Arc::new(Inner {
                server,
                clock,
                held: Arc::new(Held::new(max_keys)),
            }),
            presence,
        }
    }

    pub(super) fn held(&self) -> &Arc<Held> {
        &self.inner.held
    }

    pub(super) fn degraded(&self) -> Duration {
        self.presence.degraded()
    }

    pub(super) fn is_degraded(&self) -> bool {
        self.presence.is_degraded()
    }

    pub(super) fn instances(&self) -> Option<NonZeroU32> {
        self.presence.instances()
    }

    /// Charges what can be charged without the store, and says what cannot. What was charged is
    /// taken back with a refusal.
    pub(super) fn charge_held(
        &self,
        route: &Arc<RouteLimits>,
        charges: &mut Charges,
        caller: Caller<'_>,
        due: Due,
    ) -> Result<Asked, Rejection> {
        let now = charges.now;
        // It was looked at the quotas `per ip` when the request came.
        let denying = self.denying(route, caller, now, |limit| {
            due.has(limit) && limit.quota.per != Per::Ip
        });
        let charged = match denying {
            Some((place, until)) => Err((place, Denied::Wait(until.saturating_sub(now)))),
            None => self.charge_each(route, charges, caller, due),
        };
        charged.map_err(|denied| self.deny(route, charges, caller, denied, now))
    }

    /// Charges one quota after the other; where one denies, its place and what it says.
    fn charge_each(
        &self,
        route: &Arc<RouteLimits>,
        charges: &mut Charges,
        caller: Caller<'_>,
        due: Due,
    ) -> Result<Asked, (usize, Denied)> {
        let now = charges.now;
        let mut asked = Asked::new();
        for (place, limit) in route.limits.iter().enumerate() {
            match limit.quota.sharing {
                _ if !due.has(limit) => {}
                // Charged before the caller was known.
                Sharing::Local if limit.quota.per == Per::Ip => {}
                Sharing::Local => {
                    let paid = limit.charge(caller, route.cost, now);
                    let paid = paid.map_err(|denied| (place, denied))?;
                    charges.push(place, paid, Source::Memory);
                }
                Sharing::Exact | Sharing::Leased if !limit.has_subject(caller) => {
                    return Err((place, Denied::NoCaller));
                }
                Sharing::Leased if limit.most_leased > 1 => {
                    match self.take(route, place, caller, now) {
                        Ok(taken) => {
                            let held = limit.shape.interval * route.units(taken.left);
                            let owed = taken.tat.saturating_sub(now).saturating_sub(held);
                            let source = Source::Lease { until: taken.until };
                            charges.push(place, limit.shape.paid(owed), source);
                        }
                        Err(beside) => asked.push((place, beside)),
                    }
                }
                Sharing::Exact | Sharing::Leased => asked.push((place, 0)),
            }
        }
        Ok(asked)
    }

    /// A request from the lease of a quota; or how many to ask for beside it.
    fn take(
        &self,
        route: &Arc<RouteLimits>,
        place: usize,
        caller: Caller<'_>,
        now: u64,
    ) -> Result<Taken, u32> {
        // The place is one of the route.
        let limit = route.limits.get(place).ok_or(0_u32)?;
        let leases = &self.inner.held.leases;
        let taken = leases.change(limit, caller, |lease| {
            let most = limit.most_leased;
            lease.take(most, now).ok_or_else(|| lease.miss(most, now))
        });
        // Where there is no room for a lease, the store is asked each time.
        let taken = taken.unwrap_or(Err(0))?;
        if taken.wanted > 0 {
            self.refill(route, place, caller, taken.wanted);
        }
        Ok(taken)
    }

    /// Takes requests ahead in the background.
    #[cold]
    fn refill(&self, route: &Arc<RouteLimits>, place: usize, caller: Caller<'_>, wanted: u32) {
        let inner = Arc::clone(&self.inner);
        let route = Arc::clone(route);
        let network = caller.network;
        let identity = caller.identity.cloned();
        self.store.spawn(async move {
            let caller = Caller {
                network,
                identity: identity.as_ref(),
            };
            inner.refill(&route, place, caller, wanted).await;
        });
    }

    /// Charges the rest, which only the store can.
    pub(super) async fn charge_asked(
        &self,
        route: &RouteLimits,
        charges: &mut Charges,
        caller: Caller<'_>,
        asked: &Asked,
        outage: Outage,
    ) -> Result<(), Rejection> {
        let limits = || {
            asked.iter().filter_map(|&(place, beside)| {
                // The places are those of the route.
                Some((place, route.limits.get(place)?, beside))
            })
        };
        let inner = &*self.inner;
        let mut question = Question::default();
        for (_, limit, beside) in limits() {
            let key = key(&inner.server, limit, caller);
            question.add(key, limit.shape, route.units(1), route.units(beside));
        }
        let asked_at = bucket::now(&inner.clock);
        let Ok(answer) = question.ask(&inner.server, false).await else {
            self.presence.begin();
            for (_, limit, beside) in limits() {
                inner.answer_lease(limit, caller, beside, |lease| lease.give_up());
            }
            let limits = limits().map(|(place, limit, _)| (place, limit));
            return self.charge_shares(route, charges, caller, limits, outage);
        };
        let now = bucket::now(&inner.clock);
        let mut denying = Vec::new();
        for ((place, limit, beside), state) in limits().zip(&answer.states) {
            let shape = limit.shape;
            if answer.charged {
                let granted = if state.beside { beside } else { 0 };
                let paid = state.paid(shape, route.units(1));
                charges.push(place, paid, Source::Store);
                let taken = shape.interval * route.units(granted);
                let tat = now.saturating_add(paid.tat).saturating_add(taken);
                inner.answer_lease(limit, caller, beside, |lease| match granted {
                    0 => lease.give_up(),
                    granted => lease.answer(granted, asked_at, tat),
                });
                continue;
            }
            inner.answer_lease(limit, caller, beside, |lease| lease.give_up());
            let wait = state.wait(shape, route.cost);
            // From now on, not from when it was asked: who waits that long is not too early.
            inner.keep_denied(limit, caller, now, wait);
            if wait > 0 {
                denying.push((place, now.saturating_add(wait)));
            }
        }
        if answer.charged {
            return Ok(());
        }
        self.refund(route, charges, caller);
        Err(self.refuse(route, caller, &denying))
    }

    /// What happens without the store.
    fn charge_shares<'a>(
        &self,
        route: &RouteLimits,
        charges: &mut Charges,
        caller: Caller<'_>,
        limits: impl Iterator<Item = (usize, &'a Limit)>,
        outage: Outage,
    ) -> Result<(), Rejection> {
        let detail = match (outage, self.presence.instances()) {
            (Outage::Local, Some(instances)) => {
                let now = bucket::now(&self.inner.clock);
                for (place, limit) in limits {
                    match limit.charge_share(caller, route.cost, instances, now) {
                        Ok(paid) => charges.push(place, paid, Source::Share { instances }),
                        Err(denied) => {
                            return Err(self.deny(route, charges, caller, (place, denied), now));
                        }
                    }
                }
                return Ok(());
            }
            (Outage::Local, None) => "the shared store was not heard of yet",
            (Outage::Deny, _) => "the shared store does not answer",
        };
        self.refund(route, charges, caller);
        Err(silent(detail))
    }

    /// Takes everything back.
    fn refund(&self, route: &RouteLimits, charges: &mut Charges, caller: Caller<'_>) {
        let now = bucket::now(&self.inner.clock);
        for charge in charges.iter() {
            let Some(limit) = route.limits.get(charge.quota) else {
                continue;
            };
            match charge.source {
                // The store is asked last, so nobody refuses after it.
                Source::Memory | Source::Store => {}
                Source::Lease { until } => {
                    let leases = &self.inner.held.leases;
                    leases.find(limit, caller, |lease| lease.give_back(until));
                }
                Source::Share { instances } => {
                    limit.refund_share(caller, route.cost, instances, charge.paid, now);
                }
            }
        }
        charges.refund(route, caller, now);
    }
}

impl Inner {
    /// Takes requests ahead, where enough is left for all of them.
    async fn refill(&self, route: &RouteLimits, place: usize, caller: Caller<'_>, wanted: u32) {
        // The place is one of the route.
        let Some(limit) = route.limits.get(place) else {
            return;
        };
        let units = route.units(wanted);
        let mut question = Question::default();
        question.add(key(&self.server, limit, caller), limit.shape, units, 0);
        let asked_at = bucket::now(&self.clock);
        let answer = question.ask(&self.server, false).await;
        let now = bucket::now(&self.clock);
        self.answer_lease(limit, caller, wanted, |lease| match &answer {
            Ok(answer) if answer.charged => {
                let owed = answer.states.first().map_or(0, |state| state.owed);
                let taken = limit.shape.interval * units;
                lease.answer(wanted, asked_at, now.saturating_add(owed + taken));
            }
            _ => lease.give_up(),
        });
    }

    /// Only who was told to ask for more says how it went.
    fn answer_lease(
        &self,
        limit: &Limit,
        caller: Caller<'_>,
        wanted: u32,
        answer: impl FnOnce(&mut leases::Lease),
    ) {
        if wanted > 0 {
            self.held.leases.find(limit, caller, answer);
        }
    }
}

fn silent(detail: &'static str) -> Rejection {
    Rejection::new(Refusal::Undecided, detail).with_retry_after(RETRY_AFTER)
}

impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shared").finish_non_exhaustive()
    }
}
