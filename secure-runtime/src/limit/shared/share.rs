//! The share of a quota that one of several processes enforces by itself, while the store is silent.

use std::{convert::Infallible, num::NonZeroU32};

use crate::limit::{
    bucket::{Bucket, Paid, Shape},
    subject::{Hashed, Subject},
};

impl<K: Subject> Bucket<K> {
    /// Charges the share of one of `instances` processes: units come back so many times slower, and
    /// so many times fewer may be taken at once, but at least those of one request.
    ///
    /// So all processes together admit no more than the quota, or one request each.
    pub(in crate::limit) fn charge_share(
        &self,
        subject: Hashed<'_, K>,
        cost: NonZeroU32,
        instances: NonZeroU32,
        now: u64,
    ) -> Result<Paid, u64> {
        let whole = self.shape;
        let share = whole.share(cost, instances);
        let (owed, shared) = self.replace(subject, |tat| {
            let owed = tat.unwrap_or(0).saturating_sub(now);
            match share.wait(owed, cost) {
                0 => {
                    let owed = owed + share.of(cost);
                    Ok((owed, now.saturating_add(owed)))
                }
                wait => Err(wait),
            }
        })?;
        let paid = share.paid(owed);
        // As if the whole quota had said it: see `until_next`.
        let owed = (share.until_next(paid) + whole.full)
            .saturating_sub(whole.interval)
            .saturating_sub(whole.interval.saturating_mul(u64::from(paid.remaining)));
        Ok(Paid {
            tat: now.saturating_add(owed),
            at: now,
            shared,
            ..paid
        })
    }

    /// Takes such a charge back, as [`Bucket::refund`] does.
    pub(in crate::limit) fn refund_share(
        &self,
        subject: Hashed<'_, K>,
        cost: NonZeroU32,
        instances: NonZeroU32,
        paid: Paid,
        now: u64,
    ) {
        let charged = self.shape.share(cost, instances).of(cost);
        self.give_back(subject, charged, paid, now);
    }

    /// Charges such a share units after the fact, as [`Bucket::charge_later`] does.
    pub(in crate::limit) fn charge_share_later(
        &self,
        subject: Hashed<'_, K>,
        units: u32,
        cost: NonZeroU32,
        instances: NonZeroU32,
        now: u64,
    ) {
        let share = self.shape.share(cost, instances);
        let charged = self.replace(subject, |tat| {
            let tat = share.tat_later(tat.unwrap_or(now), u64::from(units), now);
            Ok::<_, Infallible>(((), tat))
        });
        match charged {
            Ok(((), _)) => {}
        }
    }

    /// How long such a share has no `cost` units, as [`Bucket::wait`] says it of the whole quota.
    pub(in crate::limit) fn wait_share(
        &self,
        subject: Hashed<'_, K>,
        cost: NonZeroU32,
        instances: NonZeroU32,
        now: u64,
    ) -> u64 {
        let owed = self.tat(subject).unwrap_or(0).saturating_sub(now);
        self.shape.share(cost, instances).wait(owed, cost)
    }
}

impl Shape {
    /// That of one of `instances` processes.
    fn share(self, cost: NonZeroU32, instances: NonZeroU32) -> Self {
        let interval = self.interval.saturating_mul(u64::from(instances.get()));
        let burst = self.full / self.interval / u64::from(instances.get());
        Self {
            interval,
            full: interval.saturating_mul(burst.max(u64::from(cost.get()))),
        }
    }
}
