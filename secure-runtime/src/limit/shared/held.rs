//! What a process keeps of the store's counts: who is denied, and the leases.

use std::sync::Arc;

use crate::{
    address::Network,
    limit::{
        route::{Caller, Limit},
        shared::leases::Lease,
        subject::EVERYBODY,
        table::{Passing, Table},
    },
    policy::Per,
};

/// Both have the bound of the counts in memory.
#[derive(Debug)]
pub(in crate::limit) struct Held {
    /// Until when the store admits nothing.
    pub(super) denied: Subjects<u64>,
    pub(super) leases: Subjects<Lease>,
}

/// Something for each subject of each quota. As with the counts in memory, one kind of subject
/// takes no room from another.
#[derive(Debug)]
pub(super) struct Subjects<V> {
    networks: Table<Network, V>,
    routes: Table<(), V>,
    users: Table<Arc<str>, V>,
}

impl Held {
    pub(super) fn new(max_keys: usize) -> Self {
        Self {
            denied: Subjects::new(max_keys),
            leases: Subjects::new(max_keys),
        }
    }

    pub(in crate::limit) fn sweep(&self, now: u64, goes_on: impl Fn() -> bool) {
        self.denied.sweep(now, &goes_on);
        self.leases.sweep(now, &goes_on);
    }
}

impl<V: Passing> Subjects<V> {
    fn new(max_keys: usize) -> Self {
        Self {
            networks: Table::new(max_keys),
            routes: Table::new(max_keys),
            users: Table::new(max_keys),
        }
    }

    fn sweep(&self, now: u64, goes_on: impl Fn() -> bool) {
        self.networks.sweep(now, &goes_on);
        self.routes.sweep(now, &goes_on);
        self.users.sweep(now, &goes_on);
    }

    pub(super) fn is_empty(&self) -> bool {
        self.networks.is_empty() && self.routes.is_empty() && self.users.is_empty()
    }

    /// Lets `visit` see and change what there is for the subject of a quota.
    pub(super) fn find<T>(
        &self,
        limit: &Limit,
        caller: Caller<'_>,
        visit: impl FnOnce(&mut V) -> T,
    ) -> Option<T> {
        match limit.quota.per {
            Per::Ip => self.networks.find(limit.slot, caller.network(), visit),
            Per::Route => self.routes.find(limit.slot, EVERYBODY, visit),
            Per::User => self.users.find(limit.slot, caller.user()?, visit),
        }
    }

    /// Lets `change` change what there is, or the default. `None`: there is no room.
    pub(super) fn change<T>(
        &self,
        limit: &Limit,
        caller: Caller<'_>,
        change: impl Fn(&mut V) -> T,
    ) -> Option<T>
    where
        V: Copy + Default,
    {
        self.find(limit, caller, &change).or_else(|| {
            self.replace(limit, caller, |value| {
                let mut value = value.copied().unwrap_or_default();
                (change(&mut value), value)
            })
        })
    }

    /// Lets `change` make something new of what there is. `None`: there is no room.
    pub(super) fn replace<T>(
        &self,
        limit: &Limit,
        caller: Caller<'_>,
        change: impl FnOnce(Option<&V>) -> (T, V),
    ) -> Option<T> {
        let change = |value: Option<&V>| Ok::<_, std::convert::Infallible>(change(value));
        let Ok(answer) = match limit.quota.per {
            Per::Ip => self
                .networks
                .measure_and_replace(limit.slot, caller.network(), change),
            Per::Route => self
                .routes
                .measure_and_replace(limit.slot, EVERYBODY, change),
            Per::User => self
                .users
                .measure_and_replace(limit.slot, caller.user()?, change),
        }?;
        Some(answer)
    }
}
