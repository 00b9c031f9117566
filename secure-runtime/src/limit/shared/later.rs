//! Charges that are known only after the fact.

use crate::{
    limit::{
        bucket,
        route::{Caller, Limit, RouteLimits},
        shared::{
            Shared,
            question::{Question, key},
        },
    },
    policy::Sharing,
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
        let counted = |limit: &&Limit| limit.quota.sharing != Sharing::Local;
        let mut question = Question::default();
        for limit in route.limits.iter().filter(counted) {
            let key = key(&inner.server, limit, caller);
            question.add(key, limit.shape, u64::from(units), 0);
        }
        let now = bucket::now(&inner.clock);
        let in_memory = |limit: &Limit| {
            limit.charge_later(caller, units, now);
            limit.wait(caller, route.cost, now)
        };
        let local = route.limits.iter().filter(|limit| !counted(limit));
        let local = local.map(in_memory).max().unwrap_or(0);
        let shared = match question.ask(&inner.server, true).await {
            Ok(answer) => {
                let limits = route.limits.iter().filter(counted);
                let waits = limits.zip(&answer.states).map(|(limit, state)| {
                    let owed = limit.shape.later(state.owed, u64::from(units));
                    limit.shape.wait(owed, route.cost)
                });
                waits.max()
            }
            // At least this process knows.
            Err(_) => {
                self.presence.begin();
                route.limits.iter().filter(counted).map(in_memory).max()
            }
        };
        local.max(shared.unwrap_or(0))
    }
}
