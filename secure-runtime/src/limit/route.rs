//! The quotas of one policy, made ready to be charged.

use std::{num::NonZeroU32, sync::Arc};

use actix_web::http::header::HeaderValue;

#[cfg(feature = "redis")]
use super::shared;
use super::{
    Tables,
    bucket::{Bucket, Paid, Shape},
    fields::{self, Label},
    subject::{EVERYBODY, Hashed, Identity},
};
#[cfg(feature = "redis")]
use crate::policy::{Outage, Sharing};
use crate::{
    address::Network,
    policy::{Per, Policy, Quota},
    settings::RateLimitFields,
};

/// All quotas of one policy, in its order.
#[derive(Debug)]
pub(super) struct RouteLimits {
    pub(super) limits: Box<[Limit]>,
    /// Units of each quota that a request takes.
    pub(super) cost: NonZeroU32,
    /// The value of `RateLimit-Policy`: it is the same for every request.
    pub(super) policy_field: Option<HeaderValue>,
    /// Bytes of the value of `RateLimit`, at most.
    pub(super) longest_field: usize,
    /// Whether some are counted by other processes too, where there is a store for that.
    #[cfg(feature = "redis")]
    pub(super) is_shared: bool,
    /// What happens where that store is silent.
    #[cfg(feature = "redis")]
    pub(super) outage: Outage,
}

/// One quota and its counts.
#[derive(Debug)]
pub(super) struct Limit {
    pub(super) quota: &'static Quota,
    /// How header fields name it; `None` if they do not.
    pub(super) label: Option<Label>,
    /// Its place in the tables that many quotas share.
    #[cfg(any(test, feature = "redis"))]
    pub(super) slot: u32,
    /// What the names of its counts in a store begin with.
    #[cfg(feature = "redis")]
    pub(super) name: String,
    /// How many requests a process may hold for one subject, if it is leased.
    #[cfg(feature = "redis")]
    pub(super) most_leased: u32,
    /// The quota as times.
    pub(super) shape: Shape,
    bucket: PerSubject,
}

#[derive(Debug)]
enum PerSubject {
    Ip(Bucket<Network>),
    Route(Bucket<()>),
    User(Bucket<Arc<str>>),
}

/// By whom requests are counted.
#[derive(Clone, Copy)]
pub(super) struct Caller<'a> {
    pub(super) network: Network,
    pub(super) identity: Option<&'a Identity>,
}

impl<'a> Caller<'a> {
    pub(super) fn network(&self) -> Hashed<'_, Network> {
        Hashed::new(&self.network)
    }

    pub(super) fn user(&self) -> Option<Hashed<'a, Arc<str>>> {
        self.identity.map(Identity::hashed)
    }
}

/// Why a request was not charged.
pub(super) enum Denied {
    /// The quota counts callers, and there is none.
    NoCaller,
    /// The quota admits such a request after so many nanoseconds.
    Wait(u64),
}

impl RouteLimits {
    /// The slots from `first_slot` on become those of this policy's quotas.
    ///
    /// `None`: a quota or the cost is zero or beyond all measure, or no request can ever pay.
    pub(super) fn new(
        policy: &'static Policy,
        first_slot: u32,
        tables: &Tables,
        told: RateLimitFields,
    ) -> Option<Self> {
        let cost = NonZeroU32::new(policy.cost)?;
        let mut limits: Box<[_]> = (first_slot..)
            .zip(policy.quotas)
            .map(|(slot, quota)| Limit::new(policy, quota, slot, tables))
            .collect::<Option<_>>()?;
        if told == RateLimitFields::Never {
            limits.iter_mut().for_each(|limit| limit.label = None);
        }
        let labels = limits.iter().filter_map(|limit| limit.label.as_ref());
        let longest_field = labels.map(Label::longest_item).sum();
        let policy_field = match told {
            RateLimitFields::Never => None,
            RateLimitFields::Always | RateLimitFields::Scarce => fields::policy(policy),
        };
        Some(Self {
            limits,
            cost,
            policy_field,
            longest_field,
            #[cfg(feature = "redis")]
            is_shared: policy
                .quotas
                .iter()
                .any(|quota| quota.sharing != Sharing::Local),
            #[cfg(feature = "redis")]
            outage: policy.outage,
        })
    }

    /// What so many requests cost.
    #[cfg(feature = "redis")]
    pub(super) fn units(&self, requests: u32) -> u64 {
        u64::from(self.cost.get()) * u64::from(requests)
    }
}

impl Limit {
    fn new(
        policy: &'static Policy,
        quota: &'static Quota,
        slot: u32,
        tables: &Tables,
    ) -> Option<Self> {
        // No request could ever pay.
        if quota.burst < policy.cost {
            return None;
        }
        let bucket = match quota.per {
            Per::Ip => {
                let table = Some(Arc::clone(&tables.networks));
                PerSubject::Ip(Bucket::new(quota, slot, table)?)
            }
            Per::Route => PerSubject::Route(Bucket::new(quota, slot, None)?),
            Per::User => {
                let table = Some(Arc::clone(&tables.users));
                PerSubject::User(Bucket::new(quota, slot, table)?)
            }
        };
        Some(Self {
            quota,
            label: fields::is_shown(quota).then(|| Label::new(quota.name)),
            #[cfg(any(test, feature = "redis"))]
            slot,
            #[cfg(feature = "redis")]
            name: count_name(policy, quota),
            #[cfg(feature = "redis")]
            most_leased: shared::most(quota, NonZeroU32::new(policy.cost)?),
            shape: Shape::new(quota)?,
            bucket,
        })
    }

    pub(super) fn charge(
        &self,
        caller: Caller<'_>,
        cost: NonZeroU32,
        now: u64,
    ) -> Result<Paid, Denied> {
        match &self.bucket {
            PerSubject::Ip(bucket) => bucket.charge(caller.network(), cost, now),
            PerSubject::Route(bucket) => bucket.charge(EVERYBODY, cost, now),
            PerSubject::User(bucket) => {
                bucket.charge(caller.user().ok_or(Denied::NoCaller)?, cost, now)
            }
        }
        .map_err(Denied::Wait)
    }

    /// Charges a request that was admitted already: it may leave a debt.
    pub(super) fn charge_later(&self, caller: Caller<'_>, units: u32, now: u64) {
        match &self.bucket {
            PerSubject::Ip(bucket) => bucket.charge_later(caller.network(), units, now),
            PerSubject::Route(bucket) => bucket.charge_later(EVERYBODY, units, now),
            PerSubject::User(bucket) => {
                if let Some(user) = caller.user() {
                    bucket.charge_later(user, units, now);
                }
            }
        }
    }

    pub(super) fn refund(&self, caller: Caller<'_>, cost: NonZeroU32, paid: Paid, now: u64) {
        match &self.bucket {
            PerSubject::Ip(bucket) => bucket.refund(caller.network(), cost, paid, now),
            PerSubject::Route(bucket) => bucket.refund(EVERYBODY, cost, paid, now),
            PerSubject::User(bucket) => {
                if let Some(user) = caller.user() {
                    bucket.refund(user, cost, paid, now);
                }
            }
        }
    }

    /// Nanoseconds after `now` at which the quota admits a request; zero if it does, or if it
    /// counts callers and there is none yet.
    pub(super) fn wait(&self, caller: Caller<'_>, cost: NonZeroU32, now: u64) -> u64 {
        match &self.bucket {
            PerSubject::Ip(bucket) => bucket.wait(caller.network(), cost, now),
            PerSubject::Route(bucket) => bucket.wait(EVERYBODY, cost, now),
            PerSubject::User(bucket) => {
                caller.user().map_or(0, |user| bucket.wait(user, cost, now))
            }
        }
    }
}

/// What the names of a quota's counts in a store begin with.
///
/// The amount is part of it, for a named rate keeps its name when its amount is changed: what is
/// owed to `100/day` is no debt of `5/s`. So a new amount begins with nothing used; and as long as
/// processes of both versions run, each version has its own.
#[cfg(feature = "redis")]
fn count_name(policy: &Policy, quota: &Quota) -> String {
    let Quota {
        name,
        limit,
        period_seconds,
        burst,
        ..
    } = quota;
    let handler = policy.handler;
    format!("limit:{handler}:{name}:{limit}:{period_seconds}:{burst}:")
}

/// What the store's counts need.
#[cfg(feature = "redis")]
impl Limit {
    /// Whether there is somebody to count.
    pub(super) fn has_subject(&self, caller: Caller<'_>) -> bool {
        match self.quota.per {
            Per::Ip | Per::Route => true,
            Per::User => caller.identity.is_some(),
        }
    }

    /// Charges the share of one of `instances` processes.
    pub(super) fn charge_share(
        &self,
        caller: Caller<'_>,
        cost: NonZeroU32,
        instances: NonZeroU32,
        now: u64,
    ) -> Result<Paid, Denied> {
        match &self.bucket {
            PerSubject::Ip(bucket) => bucket.charge_share(caller.network(), cost, instances, now),
            PerSubject::Route(bucket) => bucket.charge_share(EVERYBODY, cost, instances, now),
            PerSubject::User(bucket) => {
                let user = caller.user().ok_or(Denied::NoCaller)?;
                bucket.charge_share(user, cost, instances, now)
            }
        }
        .map_err(Denied::Wait)
    }

    pub(super) fn refund_share(
        &self,
        caller: Caller<'_>,
        cost: NonZeroU32,
        instances: NonZeroU32,
        paid: Paid,
        now: u64,
    ) {
        match &self.bucket {
            PerSubject::Ip(bucket) => {
                bucket.refund_share(caller.network(), cost, instances, paid, now);
            }
            PerSubject::Route(bucket) => bucket.refund_share(EVERYBODY, cost, instances, paid, now),
            PerSubject::User(bucket) => {
                if let Some(user) = caller.user() {
                    bucket.refund_share(user, cost, instances, paid, now);
                }
            }
        }
    }

    /// As [`charge_later`](Self::charge_later), to the share of one of `instances` processes.
    pub(super) fn charge_share_later(
        &self,
        caller: Caller<'_>,
        units: u32,
        cost: NonZeroU32,
        instances: NonZeroU32,
        now: u64,
    ) {
        match &self.bucket {
            PerSubject::Ip(bucket) => {
                bucket.charge_share_later(caller.network(), units, cost, instances, now);
            }
            PerSubject::Route(bucket) => {
                bucket.charge_share_later(EVERYBODY, units, cost, instances, now);
            }
            PerSubject::User(bucket) => {
                if let Some(user) = caller.user() {
                    bucket.charge_share_later(user, units, cost, instances, now);
                }
            }
        }
    }

    /// As [`wait`](Self::wait), of the share of one of `instances` processes.
    pub(super) fn wait_share(
        &self,
        caller: Caller<'_>,
        cost: NonZeroU32,
        instances: NonZeroU32,
        now: u64,
    ) -> u64 {
        match &self.bucket {
            PerSubject::Ip(bucket) => bucket.wait_share(caller.network(), cost, instances, now),
            PerSubject::Route(bucket) => bucket.wait_share(EVERYBODY, cost, instances, now),
            PerSubject::User(bucket) => caller
                .user()
                .map_or(0, |user| bucket.wait_share(user, cost, instances, now)),
        }
    }
}
