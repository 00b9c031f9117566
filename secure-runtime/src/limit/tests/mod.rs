//! Tests of the limiter, and what they share.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "a test fails where something is missing"
)]

mod costs;
mod gcra;
mod memory;
mod together;
mod told;

use std::{net::Ipv4Addr, sync::Arc, time::Duration};

use actix_web::{body::MessageBody, http::header::HeaderMap};

use super::*;
use crate::{
    clock::ClockHand,
    policy::{Access, Outage, Priority, Quota, Sharing},
};

pub(crate) const SECOND: u64 = 1_000_000_000;

/// A limiter with a clock that is moved by hand.
pub(super) struct Bench {
    pub(super) limiter: RateLimiter,
    pub(super) hand: ClockHand,
}

impl Bench {
    pub(super) fn new(max_keys: usize) -> Self {
        let (clock, hand) = Clock::manual();
        let limiter = RateLimiter::new(clock, max_keys).unwrap();
        Self { limiter, hand }
    }

    pub(super) fn now(&self) -> u64 {
        bucket::now(&self.limiter.clock)
    }

    pub(super) fn advance(&self, nanos: u64) {
        self.hand.advance(Duration::from_nanos(nanos));
    }

    /// The first stage.
    pub(super) fn charge_ip(
        &self,
        policy: &'static Policy,
        address: ClientAddress,
    ) -> Result<Charges, Rejection> {
        let mut charges = Charges::default();
        self.limiter.charge_ip(&mut charges, policy, address)?;
        Ok(charges)
    }

    /// Both stages.
    pub(super) fn request(
        &self,
        policy: &'static Policy,
        address: ClientAddress,
        user: Option<&Identity>,
    ) -> Result<Charges, Rejection> {
        let mut charges = self.charge_ip(policy, address)?;
        self.limiter.charge_caller(&mut charges, user)?;
        Ok(charges)
    }
}

pub(super) fn quota(limit: u32, period_seconds: u32, burst: u32, per: Per) -> Quota {
    let name = format!("{limit}/{period_seconds}s {per:?}").leak();
    Quota {
        name,
        limit,
        period_seconds,
        burst,
        per,
        sharing: Sharing::Exact,
    }
}

pub(crate) fn policy(quotas: Vec<Quota>) -> &'static Policy {
    costly(1, quotas)
}

/// A policy whose requests take `cost` units of each quota.
pub(super) fn costly(cost: u32, quotas: Vec<Quota>) -> &'static Policy {
    Box::leak(Box::new(Policy {
        handler: "tests::handler",
        file: file!(),
        line: line!(),
        access: Access::Public { reason: None },
        outage: Outage::Deny,
        quotas: quotas.leak(),
        cost,
        concurrency: None,
        priority: Priority::Normal,
        max_body: 0,
        body_timeout: Duration::ZERO,
        allow: None,
        login: None,
        inputs: &[],
    }))
}

pub(super) fn address(number: u32) -> ClientAddress {
    ClientAddress::Known(Ipv4Addr::from_bits(number).into())
}

pub(super) fn user(name: &str) -> Identity {
    Identity::new(Arc::from(name))
}

/// What the caller is told in a refusal.
pub(super) struct Told {
    pub(super) status: u16,
    pub(super) headers: HeaderMap,
    pub(super) problem: serde_json::Value,
}

impl Told {
    pub(super) fn by(rejection: &Rejection) -> Self {
        let response = rejection
            .cloned()
            .respond(crate::rejection::ProtectionSpace::UNNAMED);
        let status = response.status().as_u16();
        let headers = response.headers().clone();
        let body = response.into_body().try_into_bytes().unwrap();
        Self {
            status,
            headers,
            problem: serde_json::from_slice(&body).unwrap(),
        }
    }

    pub(super) fn field(&self, name: &str) -> Option<&str> {
        Some(self.headers.get(name)?.to_str().unwrap())
    }

    pub(super) fn retry_after(&self) -> u64 {
        self.field("retry-after").unwrap().parse().unwrap()
    }
}

/// SplitMix64: the same numbers in every run.
pub(crate) struct Random(pub(crate) u64);

impl Random {
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    pub(crate) fn below(&mut self, end: u64) -> u64 {
        self.next() % end
    }

    /// Small numbers as often as large ones.
    pub(crate) fn any_size(&mut self, end: u64) -> u64 {
        let bits = self.below(64);
        (self.next() >> bits) % end
    }
}

/// GCRA as the book has it (requirement L9), on its own numbers.
pub(super) struct Oracle {
    interval: i128,
    burst: i128,
    cost: i128,
    tat: i128,
}

impl Oracle {
    pub(super) fn new(quota: &Quota) -> Self {
        Self::of_cost(1, quota)
    }

    pub(super) fn of_cost(cost: u32, quota: &Quota) -> Self {
        let period = i128::from(quota.period_seconds) * i128::from(SECOND);
        Self {
            interval: (period / i128::from(quota.limit)).max(1),
            burst: i128::from(quota.burst),
            cost: i128::from(cost),
            tat: 0,
        }
    }

    /// Nanoseconds until a request is admitted.
    pub(super) fn wait(&self, now: u64) -> u64 {
        let now = i128::from(now);
        let new = self.tat.max(now) + self.cost * self.interval;
        (new - self.burst * self.interval - now).max(0) as u64
    }

    /// Charges beyond what is left, up to a debt of one burst.
    pub(super) fn charge_later(&mut self, units: u32, now: u64) {
        let now = i128::from(now);
        let new = self.tat.max(now) + i128::from(units) * self.interval;
        self.tat = new.min(now + 2 * self.burst * self.interval);
    }

    /// Units that remain, and nanoseconds until there is one more.
    pub(super) fn charge(&mut self, now: u64) -> (u32, u64) {
        assert_eq!(self.wait(now), 0);
        let now = i128::from(now);
        self.tat = self.tat.max(now) + self.cost * self.interval;
        let available = self.burst * self.interval - (self.tat - now);
        let remaining = available / self.interval;
        let next = (remaining + 1) * self.interval - available;
        (remaining as u32, next as u64)
    }
}
