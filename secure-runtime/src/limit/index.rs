//! From a policy to its quotas: what each request looks up.

use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use super::route::RouteLimits;
use crate::policy::Policy;

/// A power of two.
const CHAINS: usize = 256;

/// The quotas of each policy that was seen; grows only. A look waits for nobody and writes
/// nothing, so that workers on different processors do not slow each other down.
#[derive(Debug)]
pub(super) struct Index {
    chains: Box<[Chain]>,
    /// The slot that the next new quota gets; locked while a policy is added.
    next_slot: Mutex<u32>,
}

/// A list to whose end links are added.
type Chain = OnceLock<Box<Link>>;

#[derive(Debug)]
struct Link {
    /// The address of the policy, which is its identity: it is a static.
    policy: usize,
    route: Arc<RouteLimits>,
    next: Chain,
}

impl Index {
    pub(super) fn new() -> Self {
        Self {
            chains: (0..CHAINS).map(|_| Chain::new()).collect(),
            next_slot: Mutex::new(0),
        }
    }

    pub(super) fn get(&self, policy: &'static Policy) -> Option<&Arc<RouteLimits>> {
        let policy = address(policy);
        let mut chain = self.chain(policy)?;
        while let Some(link) = chain.get() {
            if link.policy == policy {
                return Some(&link.route);
            }
            chain = &link.next;
        }
        None
    }

    /// The same, after `make` has made what is missing, whose slots begin with the one that it is
    /// given. `None`: it has made nothing.
    #[cold]
    pub(super) fn add(
        &self,
        policy: &'static Policy,
        make: impl FnOnce(u32) -> Option<RouteLimits>,
    ) -> Option<&Arc<RouteLimits>> {
        let mut next_slot = self
            .next_slot
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        // Another thread may have been here: two sets of counts would double the quotas.
        if let Some(route) = self.get(policy) {
            return Some(route);
        }
        let route = Arc::new(make(*next_slot)?);
        // Policies are statics: there is no such number of quotas in a program.
        *next_slot += u32::try_from(route.limits.len()).unwrap_or(u32::MAX);
        let policy = address(policy);
        let mut end = self.chain(policy)?;
        while let Some(link) = end.get() {
            end = &link.next;
        }
        let link = Link {
            policy,
            route,
            next: Chain::new(),
        };
        // Nobody else adds meanwhile.
        Some(&end.get_or_init(|| Box::new(link)).route)
    }

    fn chain(&self, policy: usize) -> Option<&Chain> {
        // Statics of one type: their addresses differ in the lower bits, but for the lowest.
        self.chains.get(policy / align_of::<Policy>() % CHAINS)
    }
}

fn address(policy: &'static Policy) -> usize {
    std::ptr::from_ref(policy).addr()
}

#[cfg(test)]
mod tests {
    use std::{collections::HashSet, sync::Barrier, thread};

    use crate::limit::{
        tests::{Bench, policy, quota},
        *,
    };

    /// So many that each chain has several links, added by threads that meet at each.
    #[test]
    fn each_policy_has_quotas_of_its_own_and_each_only_once() {
        const THREADS: usize = 4;
        let policies: Vec<_> = (0..1_000)
            .map(|_| policy(vec![quota(1, 60, 1, Per::Ip), quota(2, 60, 2, Per::Ip)]))
            .collect();
        let bench = Bench::new(10);
        let barrier = Barrier::new(THREADS);
        let find = || -> Vec<_> {
            let found = policies.iter().map(|policy| {
                barrier.wait();
                Arc::clone(bench.limiter.route(policy).unwrap())
            });
            found.collect()
        };
        let found: Vec<_> = thread::scope(|scope| {
            let threads = [(); THREADS].map(|()| scope.spawn(find));
            threads.map(|thread| thread.join().unwrap()).into()
        });
        let mut seen = HashSet::new();
        for (place, route) in found[0].iter().enumerate() {
            assert!(found.iter().all(|found| Arc::ptr_eq(route, &found[place])));
            let mut slots = route.limits.iter().map(|limit| limit.slot);
            assert!(slots.all(|slot| seen.insert(slot)));
            let again = bench.limiter.route(policies[place]).unwrap();
            assert!(Arc::ptr_eq(route, again));
        }
        assert_eq!(seen.len(), 2_000);
    }
}
