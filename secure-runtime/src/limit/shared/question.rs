//! What the store is asked, and its answer.

use std::num::NonZeroU32;

use aws_lc_rs::digest::{SHA256, digest};

use crate::{
    limit::{
        bucket::{Paid, Shape},
        route::{Caller, Limit},
    },
    policy::Per,
    store::{Script, Server, Silent},
};

use super::QUESTION;

pub(super) static CHARGE: Script = Script::new(include_str!("charge.lua"));

const NANOS_PER_SECOND: u64 = 1_000_000_000;

/// Letters of the name of a caller: 128 bits.
const NAME_LENGTH: usize = 32;

/// Several quotas that are charged together.
#[derive(Debug, Default)]
pub(super) struct Question {
    pub(super) keys: Vec<String>,
    pub(super) arguments: Vec<u64>,
    shapes: Vec<Shape>,
}

/// How the quotas stood, in their order.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Answer {
    /// Whether all of them were charged; else none was.
    pub(super) charged: bool,
    pub(super) states: Vec<State>,
}

#[derive(Debug, PartialEq, Eq)]
pub(super) struct State {
    /// Nanoseconds until the quota would have been whole, before the charge.
    pub(super) owed: u64,
    /// Whether what was wanted beside was charged too.
    pub(super) beside: bool,
}

impl Question {
    /// Adds `cost` units of a quota, and some `beside` them if there are enough.
    pub(super) fn add(&mut self, key: String, shape: Shape, cost: u64, beside: u64) {
        self.keys.push(key);
        let units = |units: u64| shape.interval.saturating_mul(units);
        for nanos in [units(cost), units(beside), shape.full] {
            let seconds = nanos / NANOS_PER_SECOND;
            self.arguments.extend([seconds, nanos % NANOS_PER_SECOND]);
        }
        self.shapes.push(shape);
    }

    /// Charges all of them or none; with `debts`, whether there is enough or not.
    pub(super) async fn ask(mut self, server: &Server, debts: bool) -> Result<Answer, Silent> {
        self.arguments.insert(0, u64::from(debts));
        let values: Vec<u64> = server
            .run(&CHARGE, &self.keys, &self.arguments, QUESTION)
            .await?;
        Answer::read(&values, self.shapes.len()).ok_or(Silent)
    }
}

impl Answer {
    pub(super) fn read(values: &[u64], quotas: usize) -> Option<Self> {
        let (charged, states) = values.split_first()?;
        let states = states.chunks(3).map(|state| match *state {
            [seconds, nanos, beside] => Some(State {
                owed: seconds.checked_mul(NANOS_PER_SECOND)?.checked_add(nanos)?,
                beside: beside == 1,
            }),
            _ => None,
        });
        let states = states.collect::<Option<Vec<_>>>()?;
        (states.len() == quotas).then_some(Self {
            charged: *charged == 1,
            states,
        })
    }
}

impl State {
    /// What is left after a charge of `units`.
    pub(super) fn paid(&self, shape: Shape, units: u64) -> Paid {
        shape.paid(self.owed + shape.interval.saturating_mul(units))
    }

    /// How long a request of `cost` units has to wait.
    pub(super) fn wait(&self, shape: Shape, cost: NonZeroU32) -> u64 {
        shape.wait(self.owed, cost)
    }
}

/// The name of a count. Of a caller it holds a hash, of an address the network as text.
///
/// The hash has no key: it is there so that a name has one length and one alphabet whatever an
/// issuer calls its subjects, and that no list of them can be read off the server. Whoever may read
/// the server and can guess an identity can find it.
pub(super) fn key(server: &Server, limit: &Limit, caller: Caller<'_>) -> String {
    let mut key = server.name(&limit.name);
    match limit.quota.per {
        Per::Ip => key += &caller.network.to_string(),
        Per::Route => {}
        Per::User => {
            let identity = caller.identity.map_or("", |identity| identity.text());
            let hash = digest(&SHA256, identity.as_bytes());
            let letters = hash.as_ref().iter().map(|byte| format!("{byte:02x}"));
            key.extend(letters.take(NAME_LENGTH / 2));
        }
    }
    key
}
