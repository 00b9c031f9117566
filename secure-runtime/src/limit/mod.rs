//! How often: quotas, counted in the memory of this process, or in a store that processes share.
//!
//! A quota is enforced by the generic cell rate algorithm (GCRA): with `T` the time in which one
//! unit becomes available and `B` the burst, in any window of length `W` at most `B + W / T` units
//! are taken, and a burst of `B` that was used up comes back one by one. A request takes one unit,
//! or the `cost` of its policy. So `10/min` admits 10 at once and then one every 6 seconds: 19 in
//! the first minute of a client who never pauses, 10 in each further one.
//!
//! # Several processes
//!
//! With a store (`[redis]`) the processes of a service count together: see `shared`. What follows
//! about quotas in memory is then true of those that are `local`, of shares while the store is
//! silent, and of refused tokens, which each process counts for itself.
//!
//! # Several quotas
//!
//! A request is charged to all quotas of its policy or to none, as of when it came. In memory, quotas
//! `per ip` are charged before the caller is known, the others after; each in the order of the
//! policy. The first that denies ends it, and what had been charged is taken back, that of the
//! earlier stage too. So between a charge and its refund another request can be refused for the sake
//! of one that is refused itself: more than a quota admits is never admitted, now and then for an
//! instant less is. A caller who is refused for another reason (401, 403) stays charged: guessing
//! costs.
//!
//! # After the fact
//!
//! What a request really costs may be known only when it was served. A [`Meter`] then charges the
//! quotas of its caller: they may go into debt, and the next request is refused until the debt is
//! paid back. It is at most one burst.
//!
//! # Memory
//!
//! Addresses cost a client nothing, so the number of keys has a bound, one for networks and one
//! for users: who floods the service from many addresses takes no room from users. When there is
//! no room, all new subjects of a quota are counted as one: the flood is refused, and newcomers
//! with it, until keys expire; those who are known keep their own count. A key of a network costs
//! at most 32 bytes in a full table of the default size. A key of a user costs 42 and keeps the
//! text of the identity. Keys expire when their quota is whole again, and are removed within a
//! second by a thread of the limiter's own.

mod bucket;
mod charges;
mod fields;
mod gcra;
mod index;
mod limits;
mod meter;
mod route;
#[cfg(feature = "redis")]
mod shared;
mod subject;
mod sweep;
mod table;
#[cfg(test)]
pub(crate) mod tests;

use std::{borrow::Cow, io, num::NonZeroUsize, slice, sync::Arc, time::Duration};

use actix_web::http::header::{HeaderName, HeaderValue};

#[cfg(feature = "redis")]
use self::shared::Due;
pub(crate) use self::{charges::Charges, subject::Identity};
use self::{
    charges::Source,
    index::Index,
    route::{Caller, Denied, RouteLimits},
    sweep::Sweeper,
    table::Table,
};
pub use self::{
    limits::Limits,
    meter::{Balance, Meter},
};
#[cfg(feature = "redis")]
use crate::policy::Sharing;
use crate::{
    address::{ClientAddress, Ipv6Prefix, Network},
    clock::Clock,
    policy::{Outage, Per, Policy, Quota},
    rejection::{Quotas, Refusal, Rejection},
    settings::RateLimitFields,
};

/// Most keys of each kind, unless configured.
pub(crate) const DEFAULT_MAX_KEYS: NonZeroUsize =
    const { NonZeroUsize::new(1_000_000).expect("it is not zero") };

/// How long a key that has expired may stay. Until then it takes the place of a new one.
const SWEEP_INTERVAL: Duration = Duration::from_secs(1);

/// Field that tells what the quotas are.
pub(crate) const RATELIMIT_POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");

/// Field that tells what is left of them.
pub(crate) const RATELIMIT: HeaderName = HeaderName::from_static("ratelimit");

/// Counts requests against the quotas of their policies.
///
/// One for a process, shared by its workers: each worker with its own would multiply the quotas.
#[derive(Debug)]
pub(crate) struct RateLimiter {
    tables: Arc<Tables>,
    routes: Index,
    clock: Clock,
    ipv6_prefix: Ipv6Prefix,
    told: RateLimitFields,
    #[cfg_attr(not(test), expect(dead_code, reason = "it is there to be dropped"))]
    sweeper: Sweeper,
    /// Where the quotas that are not local are counted instead.
    #[cfg(feature = "redis")]
    shared: Option<shared::Shared>,
}

/// The counts of all quotas that count by subject.
#[derive(Debug)]
struct Tables {
    networks: Arc<Table<Network>>,
    users: Arc<Table<Arc<str>>>,
    /// What is kept of the counts of a store.
    #[cfg(feature = "redis")]
    held: Option<Arc<shared::Held>>,
}

impl Tables {
    fn sweep(&self, now: u64, goes_on: impl Fn() -> bool) {
        self.networks.sweep(now, &goes_on);
        self.users.sweep(now, &goes_on);
        #[cfg(feature = "redis")]
        if let Some(held) = &self.held {
            held.sweep(now, &goes_on);
        }
    }
}

impl RateLimiter {
    /// A limiter that remembers at most `max_keys` networks and as many users.
    ///
    /// # Errors
    ///
    /// The system gives no thread.
    pub(crate) fn new(clock: Clock, max_keys: usize) -> io::Result<Self> {
        let tables = Tables {
            networks: Arc::new(Table::new(max_keys)),
            users: Arc::new(Table::new(max_keys)),
            #[cfg(feature = "redis")]
            held: None,
        };
        Self::with(clock, tables)
    }

    fn with(clock: Clock, tables: Tables) -> io::Result<Self> {
        let tables = Arc::new(tables);
        Ok(Self {
            sweeper: Sweeper::start(&tables, clock.clone(), SWEEP_INTERVAL)?,
            tables,
            routes: Index::new(),
            clock,
            #[cfg(feature = "redis")]
            shared: None,
            ipv6_prefix: Ipv6Prefix::default(),
            told: RateLimitFields::default(),
        })
    }

    /// The same, for quotas that processes count together in `store`. There are `instances` of
    /// them; without a number they count themselves.
    #[cfg(feature = "redis")]
    pub(crate) fn shared(
        clock: Clock,
        max_keys: usize,
        store: crate::store::Store,
        instances: Option<std::num::NonZeroU32>,
    ) -> io::Result<Self> {
        let shared = shared::Shared::start(store, clock.clone(), max_keys, instances);
        let tables = Tables {
            networks: Arc::new(Table::new(max_keys)),
            users: Arc::new(Table::new(max_keys)),
            held: Some(Arc::clone(shared.held())),
        };
        Ok(Self {
            shared: Some(shared),
            ..Self::with(clock, tables)?
        })
    }

    /// The same, which counts IPv6 addresses by so many bits.
    pub(crate) fn with_ipv6_prefix(mut self, prefix: Ipv6Prefix) -> Self {
        self.ipv6_prefix = prefix;
        self
    }

    /// The same, which tells callers of their quotas in these responses.
    pub(crate) fn with_fields(mut self, told: RateLimitFields) -> Self {
        self.told = told;
        self
    }

    /// Charges what is due before the caller is known: in memory, the quotas `per ip`. Where a
    /// store counts them, it is only looked whether this process knows that they are used up.
    pub(crate) fn charge_ip(
        &self,
        charges: &mut Charges,
        policy: &'static Policy,
        address: ClientAddress,
    ) -> Result<(), Rejection> {
        if policy.quotas.is_empty() {
            return Ok(());
        }
        let route = self.route(policy)?;
        charges.policy = Some(policy);
        charges.network = address.network(self.ipv6_prefix);
        charges.now = bucket::now(&self.clock);
        #[cfg(feature = "redis")]
        if let Some(shared) = self.shared_by(route) {
            shared.look(route, charges.caller(None), charges.now, |limit| {
                limit.quota.per == Per::Ip
            })?;
            let is_due = |quota: &Quota| quota.per == Per::Ip && quota.sharing == Sharing::Local;
            return self.charge(route, charges, None, is_due).map_err(|denied| {
                let caller = charges.caller(None);
                shared.deny(route, charges, caller, denied, charges.now)
            });
        }
        let is_due = |quota: &Quota| quota.per == Per::Ip;
        self.charge(route, charges, None, is_due).map_err(|denied| {
            // The clock was read a moment ago. That is exact enough for a wait, and not for what is
            // given back.
            let now = match charges.iter().next() {
                None => charges.now,
                Some(_) => bucket::now(&self.clock),
            };
            deny(route, charges, None, denied, now)
        })
    }

    /// Charges the rest of a request that is admitted as far as everything else is concerned; a
    /// denial takes back what was charged before. In memory this waits for nothing.
    pub(crate) async fn charge_admitted(
        &self,
        charges: &mut Charges,
        identity: Option<&Identity>,
        outage: Outage,
    ) -> Result<(), Rejection> {
        #[cfg(feature = "redis")]
        if let Some(route) = self.route_of(charges)
            && let Some(shared) = self.shared_by(route)
        {
            let caller = charges.caller(identity);
            let asked = shared.charge_held(route, charges, caller, Due::All)?;
            if asked.is_empty() {
                return Ok(());
            }
            // In a box, so that the future of a request that asks nobody stays small.
            let rest = shared.charge_asked(route, charges, caller, &asked, outage);
            return Box::pin(rest).await;
        }
        #[cfg(not(feature = "redis"))]
        let _ = outage;
        self.charge_caller(charges, identity)
    }

    /// Charges a request that is refused for another reason what it owes all the same, the quotas
    /// `per ip`; the refusal that counts.
    pub(crate) async fn charge_refused(
        &self,
        charges: &mut Charges,
        rejection: Rejection,
        outage: Outage,
    ) -> Rejection {
        #[cfg(feature = "redis")]
        if let Some(route) = self.route_of(charges)
            && let Some(shared) = self.shared_by(route)
        {
            let caller = charges.caller(None);
            let asked = match shared.charge_held(route, charges, caller, Due::PerIp) {
                Ok(asked) if asked.is_empty() => return rejection,
                Ok(asked) => asked,
                Err(denied) => return denied,
            };
            let rest = shared.charge_asked(route, charges, caller, &asked, outage);
            return Box::pin(rest).await.err().unwrap_or(rejection);
        }
        // It was charged when it came.
        let _ = (charges, outage);
        rejection
    }

    /// The values of `RateLimit-Policy` and `RateLimit`, for an answer that is not a refusal.
    pub(crate) fn fields(&self, charges: &Charges) -> Option<(HeaderValue, HeaderValue)> {
        let route = self.route_of(charges)?;
        if self.told == RateLimitFields::Scarce && !charges.are_scarce(route) {
            return None;
        }
        charges.fields(route)
    }

    /// The store's counts, where quotas of this route are among them.
    #[cfg(feature = "redis")]
    fn shared_by(&self, route: &RouteLimits) -> Option<&shared::Shared> {
        self.shared.as_ref().filter(|_| route.is_shared)
    }

    /// Charges the quotas `per user` and `per route` in memory.
    fn charge_caller(
        &self,
        charges: &mut Charges,
        identity: Option<&Identity>,
    ) -> Result<(), Rejection> {
        match self.route_of(charges) {
            Some(route) => self
                .charge(route, charges, identity, |quota| quota.per != Per::Ip)
                .map_err(|denied| {
                    // It may have taken long to find the caller.
                    deny(route, charges, identity, denied, bucket::now(&self.clock))
                }),
            None => Ok(()),
        }
    }

    /// Charges the quotas of a request that was admitted already, and tells how many nanoseconds
    /// from now the caller's next request will be admitted.
    async fn charge_later(&self, route: &RouteLimits, caller: Caller<'_>, units: u32) -> u64 {
        #[cfg(feature = "redis")]
        if let Some(shared) = self.shared.as_ref().filter(|_| route.is_shared) {
            return Box::pin(shared.charge_later(route, caller, units)).await;
        }
        let now = bucket::now(&self.clock);
        let waits = route.limits.iter().map(|limit| {
            limit.charge_later(caller, units, now);
            limit.wait(caller, route.cost, now)
        });
        waits.max().unwrap_or(0)
    }

    /// Makes the quotas of a policy ready before the first request, and finds what is wrong
    /// with them.
    pub(crate) fn prepare(&self, policy: &'static Policy) -> Result<(), Rejection> {
        self.route(policy).map(drop)
    }

    /// Charges one quota after the other; where one denies, its place and what it says.
    fn charge(
        &self,
        route: &RouteLimits,
        charges: &mut Charges,
        identity: Option<&Identity>,
        is_due: impl Fn(&Quota) -> bool,
    ) -> Result<(), (usize, Denied)> {
        let caller = charges.caller(identity);
        for (place, limit) in route.limits.iter().enumerate() {
            if !is_due(limit.quota) {
                continue;
            }
            match limit.charge(caller, route.cost, charges.now) {
                Ok(paid) => charges.push(place, paid, Source::Memory),
                Err(denied) => return Err((place, denied)),
            }
        }
        Ok(())
    }

    /// The quotas that a request is charged to; `None`: it is charged to none.
    fn route_of(&self, charges: &Charges) -> Option<&Arc<RouteLimits>> {
        self.routes.get(charges.policy?)
    }

    fn route(&self, policy: &'static Policy) -> Result<&Arc<RouteLimits>, Rejection> {
        let add = || {
            self.routes.add(policy, |slot| {
                RouteLimits::new(policy, slot, &self.tables, self.told)
            })
        };
        self.routes.get(policy).or_else(add).ok_or_else(|| {
            Rejection::new(
                Refusal::NotConfigured,
                "a quota or a cost that cannot be met",
            )
        })
    }
}

/// Takes back what the request was charged before one quota denied, and refuses.
#[cold]
fn deny(
    route: &RouteLimits,
    charges: &mut Charges,
    identity: Option<&Identity>,
    (place, denied): (usize, Denied),
    now: u64,
) -> Rejection {
    let caller = charges.caller(identity);
    charges.refund(route, caller, now);
    match denied {
        Denied::NoCaller => no_caller(),
        Denied::Wait(wait) => {
            // Of the wait, some has gone by; that it was denied is true all the same.
            let wait = wait.saturating_sub(now.saturating_sub(charges.now)).max(1);
            refuse(route, caller, (place, wait), now)
        }
    }
}

/// The refusal, after every charge was taken back.
///
/// All quotas of the policy are looked at, not only the one that denied: a caller who waits as
/// long as he is told is admitted, unless others use up what they share with him.
fn refuse(
    route: &RouteLimits,
    caller: Caller<'_>,
    (denying, its_wait): (usize, u64),
    now: u64,
) -> Rejection {
    // Mostly there is no other.
    if let [limit] = &*route.limits {
        let names = Cow::Borrowed(slice::from_ref(&limit.quota.name));
        let label = limit.label.as_ref();
        let told = label.map(|label| (label, 0, its_wait));
        let state = fields::state(told.into_iter(), route.longest_field);
        return refusal(route, names, its_wait, state, limit.quota.per != Per::Route);
    }
    let waits = route.limits.iter().enumerate().map(|(place, limit)| {
        // Another request may have given something back since the denial, and then this one
        // could have been admitted: it was not, and the answer says what was true then.
        match place == denying {
            true => (place, its_wait),
            false => (place, limit.wait(caller, route.cost, now)),
        }
    });
    refuse_with(route, waits)
}

fn no_caller() -> Rejection {
    Rejection::new(
        Refusal::NotConfigured,
        "a quota per user on a route without callers",
    )
}

/// The refusal by the quotas at these places that have to wait.
fn refuse_with(
    route: &RouteLimits,
    waits: impl DoubleEndedIterator<Item = (usize, u64)>,
) -> Rejection {
    let mut names = Cow::Borrowed([].as_slice());
    let mut longest = 0;
    let mut is_own = false;
    let violated = waits.filter_map(|(place, wait)| {
        if wait == 0 {
            return None;
        }
        // The places are those of the route.
        let limit = route.limits.get(place)?;
        match names.is_empty() {
            true => names = Cow::Borrowed(slice::from_ref(&limit.quota.name)),
            false => names.to_mut().push(limit.quota.name),
        }
        longest = longest.max(wait);
        is_own |= limit.quota.per != Per::Route;
        Some((limit.label.as_ref()?, 0, wait))
    });
    let state = fields::state(violated, route.longest_field);
    // It is written from its end.
    if names.len() > 1 {
        names.to_mut().reverse();
    }
    refusal(route, names, longest, state, is_own)
}

/// What a refusal by quotas of these names tells; `wait` is the longest.
fn refusal(
    route: &RouteLimits,
    names: Cow<'static, [&'static str]>,
    wait: u64,
    state: Option<HeaderValue>,
    is_own: bool,
) -> Rejection {
    Rejection::new(Refusal::QuotaExceeded, "a quota is used up")
        .with_quotas(Quotas {
            violated: names,
            policy: route.policy_field.clone(),
            state,
            is_own,
        })
        .with_retry_after(fields::seconds(wait).max(1))
}
