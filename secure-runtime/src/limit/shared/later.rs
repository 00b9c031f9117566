//! Charges that are known only after the fact.
//!
//! A lease was paid for ahead, so it pays first: the store is charged the rest. Who is in debt then
//! is denied here, as one whom the store has denied, and has no lease.
//!
//! What the store does not hear, it never knows. With `outage = "local"` it is charged to the share of
//! this process, for as long as the outage lasts. With `"deny"` there is no share, and nobody is
//! admitted meanwhile but from a lease; then it is free, unless what this process alone has missed of
//! a caller is more than a burst: so long he is denied here. To tell the store when it is back would
//! take a list that callers make grow.

use crate::{
    limit::{
        bucket,
        route::{Caller, Limit, RouteLimits},
        shared::{
            Inner, Shared,
            question::{Question, key},
        },
    },
    policy::{Outage, Sharing},
};

impl Shared {
    /// Charges a request that was admitted already, and tells how many nanoseconds from now the
    /// caller's next one will be admitted.
    pub(in crate::limit) async fn charge_later(
        &self,
        route: &RouteLimits,
        caller: Caller<'_>,
        units: u32,
    ) -> u64 {
        let inner = &*self.inner;
        let now = bucket::now(&inner.clock);
        let in_memory = |limit: &Limit, units| {
            limit.charge_later(caller, units, now);
            limit.wait(caller, route.cost, now)
        };
        let mut longest = 0;
        let mut question = Question::default();
        let mut asked = Vec::new();
        for limit in &route.limits {
            if limit.quota.sharing == Sharing::Local {
                longest = longest.max(in_memory(limit, units));
                continue;
            }
            let rest = inner.pay_ahead(route, limit, caller, units, now);
            let key = key(&inner.server, limit, caller);
            question.add(key, limit.shape, u64::from(rest), 0);
            asked.push((limit, rest));
        }
        match question.ask(&inner.server, true).await {
            Ok(answer) => {
                let now = bucket::now(&inner.clock);
                for ((limit, rest), state) in asked.into_iter().zip(&answer.states) {
                    let owed = limit.shape.later(state.owed, u64::from(rest));
                    longest = longest.max(inner.settle(route, limit, caller, owed, now));
                }
            }
            // At least this process knows.
            Err(_) => {
                self.presence.begin();
                let instances = match route.outage {
                    Outage::Local => self.presence.instances(),
                    Outage::Deny => None,
                };
                for (limit, rest) in asked {
                    let wait = match instances {
                        Some(instances) => {
                            limit.charge_share_later(caller, rest, route.cost, instances, now);
                            limit.wait_share(caller, route.cost, instances, now)
                        }
                        // Without a share no request is charged to this count: it holds what was
                        // missed, and the store would deny for as long at least.
                        None => {
                            let wait = in_memory(limit, rest);
                            inner.keep_denied(limit, caller, bucket::now(&inner.clock), wait);
                            wait
                        }
                    };
                    longest = longest.max(wait);
                }
            }
        }
        longest
    }
}

impl Inner {
    /// What of `units` the lease of a quota has not paid.
    fn pay_ahead(
        &self,
        route: &RouteLimits,
        limit: &Limit,
        caller: Caller<'_>,
        units: u32,
        now: u64,
    ) -> u32 {
        if limit.quota.sharing != Sharing::Leased {
            return units;
        }
        let requests = units / route.cost;
        let leases = &self.held.leases;
        let paid = leases.find(limit, caller, |lease| lease.pay(requests, now));
        // INVARIANT: at most `requests` were paid.
        units - paid.unwrap_or(0) * route.cost.get()
    }

    /// Who owes so much to the store: how long his next request has to wait, from `now` on.
    fn settle(
        &self,
        route: &RouteLimits,
        limit: &Limit,
        caller: Caller<'_>,
        owed: u64,
        now: u64,
    ) -> u64 {
        let leases = &self.held.leases;
        let left = leases.find(limit, caller, |lease| lease.settle(owed, limit.shape, now));
        if left.is_some_and(|left| left > 0) {
            // It is paid already.
            return 0;
        }
        let wait = limit.shape.wait(owed, route.cost);
        self.keep_denied(limit, caller, now, wait);
        // What is known already to be denied for longer stays so.
        wait.max(self.denied_until(limit, caller).saturating_sub(now))
    }
}
