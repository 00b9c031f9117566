//! Records without a bound and without a clock of their own: the rules, and nothing else.

use std::collections::HashMap;

use crate::login::{
    key::{Key, Subject},
    rules::{
        Accounts, Everybody, Marks, Network, Outcome, Records, Reservation, Rules, State, Streak,
        Verdict,
    },
};

#[derive(Default)]
pub(super) struct Book {
    marks: HashMap<u128, Marks>,
    streaks: HashMap<u128, Streak>,
    networks: HashMap<u128, Network>,
    passwords: HashMap<u128, Accounts>,
    everybody: Everybody,
}

fn find<V: Clone + Default>(values: &HashMap<u128, V>, key: Key) -> V {
    values.get(&key.0).cloned().unwrap_or_default()
}

impl Book {
    pub(super) fn reserve(&mut self, subject: &Subject, rules: &Rules, now: u64) -> Verdict {
        self.with(subject, |records| {
            records.reserve(subject.attempt(), rules, now)
        })
    }

    pub(super) fn settle(
        &mut self,
        subject: &Subject,
        rules: &Rules,
        reservation: &Reservation,
        outcome: Outcome,
        now: u64,
    ) {
        let limits = &rules.limits;
        self.with(subject, |records| {
            records.settle(subject.attempt(), limits, reservation, outcome, now);
        });
    }

    pub(super) fn forgive(&mut self, marks: Key, enable: bool, now: u64) {
        let known = self.marks.entry(marks.0).or_default();
        known.cleared = now;
        if enable {
            known.enabled = now;
        }
    }

    pub(super) fn state(&self, marks: Key, account: Key, rules: &Rules, now: u64) -> State {
        let mut records = Records {
            marks: find(&self.marks, marks),
            account: find(&self.streaks, account),
            ..Records::default()
        };
        records.state(rules, now)
    }

    fn with<T>(&mut self, subject: &Subject, change: impl FnOnce(&mut Records) -> T) -> T {
        let device = subject.device.map(|device| device.key);
        let mut records = Records {
            marks: find(&self.marks, subject.marks),
            account: find(&self.streaks, subject.account),
            pair: find(&self.streaks, subject.pair),
            device: device.map_or_else(Streak::default, |key| find(&self.streaks, key)),
            network: find(&self.networks, subject.network),
            password: subject
                .password
                .map_or_else(Accounts::default, |key| find(&self.passwords, key)),
            everybody: self.everybody.clone(),
        };
        let answer = change(&mut records);
        self.marks.insert(subject.marks.0, records.marks);
        self.streaks.insert(subject.account.0, records.account);
        self.streaks.insert(subject.pair.0, records.pair);
        if let Some(key) = device {
            self.streaks.insert(key.0, records.device);
        }
        self.networks.insert(subject.network.0, records.network);
        if let Some(key) = subject.password {
            self.passwords.insert(key.0, records.password);
        }
        self.everybody = records.everybody;
        answer
    }
}
