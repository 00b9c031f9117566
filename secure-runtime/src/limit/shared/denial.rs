//! Refusals by what is known here, without another question.

use crate::{
    limit::{
        Charges, bucket, no_caller, refuse_with,
        route::{Caller, Denied, Limit, RouteLimits},
        shared::{Inner, Shared},
    },
    policy::{Outage, Sharing},
    rejection::Rejection,
};

impl Shared {
    /// Refuses a request of which it is known already that the store would.
    pub(in crate::limit) fn look(
        &self,
        route: &RouteLimits,
        caller: Caller<'_>,
        now: u64,
        is_due: impl Fn(&Limit) -> bool,
    ) -> Result<(), Rejection> {
        match self.denying(route, caller, now, is_due) {
            None => Ok(()),
            Some(denying) => Err(self.refuse(route, caller, &[denying])),
        }
    }

    /// The first quota that the store is known to deny, and until when.
    pub(super) fn denying(
        &self,
        route: &RouteLimits,
        caller: Caller<'_>,
        now: u64,
        is_due: impl Fn(&Limit) -> bool,
    ) -> Option<(usize, u64)> {
        // As long as nobody is denied, this is all that it costs.
        if self.inner.held.denied.is_empty() {
            return None;
        }
        route.limits.iter().enumerate().find_map(|(place, limit)| {
            if !is_due(limit) {
                return None;
            }
            let until = self.inner.denied_until(limit, caller);
            (until > now).then_some((place, until))
        })
    }

    /// Takes everything back, and refuses for the sake of one quota; its wait begins at `at`.
    #[cold]
    pub(in crate::limit) fn deny(
        &self,
        route: &RouteLimits,
        charges: &mut Charges,
        caller: Caller<'_>,
        (place, denied): (usize, Denied),
        at: u64,
    ) -> Rejection {
        self.refund(route, charges, caller);
        match denied {
            Denied::NoCaller => no_caller(),
            Denied::Wait(wait) => {
                let until = at.saturating_add(wait);
                self.refuse(route, caller, &[(place, until)])
            }
        }
    }

    /// The refusal, after every charge was taken back. `denying` are the quotas that have just
    /// denied, and until when.
    ///
    /// All quotas of the policy are looked at, as far as this process knows how they stand: see
    /// [`refuse`](crate::limit::refuse).
    pub(super) fn refuse(
        &self,
        route: &RouteLimits,
        caller: Caller<'_>,
        denying: &[(usize, u64)],
    ) -> Rejection {
        let now = bucket::now(&self.inner.clock);
        let waits = route.limits.iter().enumerate().map(|(place, limit)| {
            let known = self.wait(route, limit, caller, now);
            let just = denying.iter().find(|(denying, _)| *denying == place);
            // Some of it may have gone by; that it was denied is true all the same.
            let just = just.map_or(0, |(_, until)| until.saturating_sub(now).max(1));
            (place, known.max(just))
        });
        refuse_with(route, waits)
    }

    /// For how long a quota admits no request, as far as it is known here.
    fn wait(&self, route: &RouteLimits, limit: &Limit, caller: Caller<'_>, now: u64) -> u64 {
        if limit.quota.sharing == Sharing::Local {
            return limit.wait(caller, route.cost, now);
        }
        let denied = self.inner.denied_until(limit, caller).saturating_sub(now);
        match (route.outage, self.presence.instances()) {
            (Outage::Local, Some(instances)) if self.presence.is_degraded() => {
                denied.max(limit.wait_share(caller, route.cost, instances, now))
            }
            _ => denied,
        }
    }
}

impl Inner {
    /// Until when the store is known to admit nothing.
    pub(super) fn denied_until(&self, limit: &Limit, caller: Caller<'_>) -> u64 {
        if limit.quota.sharing == Sharing::Local {
            return 0;
        }
        let until = self.held.denied.find(limit, caller, |until| *until);
        until.unwrap_or(0)
    }

    /// Remembers for how long it will admit nothing; what is known already holds.
    pub(super) fn keep_denied(&self, limit: &Limit, caller: Caller<'_>, now: u64, wait: u64) {
        if wait > 0 {
            let until = now.saturating_add(wait);
            let later = |known: Option<&u64>| ((), until.max(known.copied().unwrap_or(0)));
            // Without room the store is asked again.
            let _ = self.held.denied.replace(limit, caller, later);
        }
    }
}
