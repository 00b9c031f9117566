//! How many connections each client has, and how many it may have.
//!
//! `server.max_connections` bounds them all. Without a bound for each, one address could hold every
//! place and keep everybody else out.

use std::{
    collections::{HashMap, hash_map::Entry},
    num::NonZeroUsize,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use crate::address::Network;

/// What a client may have of all places, unless configured: three others as greedy still fit in,
/// and a load balancer that nobody has named in the settings hardly notices.
const PART: usize = 4;

/// What a client may always have, unless configured: an office behind one address, on a machine with
/// few descriptors.
const LEAST: usize = 100;

/// How many connections a client may have, where the settings do not say it and there are so many
/// places.
pub(super) fn default_most(places: usize) -> NonZeroUsize {
    // INVARIANT: `LEAST` is not zero.
    NonZeroUsize::new((places / PART).max(LEAST)).unwrap_or(NonZeroUsize::MIN)
}

/// The open connections of each client; cheap to clone, one for the workers of a server.
///
/// There is an entry for each client that has any, so no more than there are connections.
#[derive(Clone, Debug)]
pub(super) struct PerClient(Arc<Parts>);

#[derive(Debug)]
struct Parts {
    most: NonZeroUsize,
    open: Mutex<HashMap<Network, usize>>,
}

/// One open connection of a client. It ends when this is dropped.
#[derive(Debug)]
pub(super) struct Open {
    client: Network,
    of: PerClient,
}

impl PerClient {
    pub(super) fn new(most: NonZeroUsize) -> Self {
        Self(Arc::new(Parts {
            most,
            open: Mutex::default(),
        }))
    }

    /// One more connection of a client; `None` where it has as many as it may.
    pub(super) fn open(&self, client: Network) -> Option<Open> {
        match self.counts().entry(client) {
            Entry::Occupied(mut count) if *count.get() < self.0.most.get() => {
                *count.get_mut() += 1;
            }
            Entry::Occupied(_) => return None,
            Entry::Vacant(none) => {
                none.insert(1);
            }
        }
        let of = self.clone();
        Some(Open { client, of })
    }

    fn close(&self, client: Network) {
        if let Entry::Occupied(mut count) = self.counts().entry(client) {
            match count.get().checked_sub(1) {
                Some(0) | None => {
                    count.remove();
                }
                Some(left) => *count.get_mut() = left,
            }
        }
    }

    /// Held for as long as it takes to count; nothing there can panic.
    fn counts(&self) -> MutexGuard<'_, HashMap<Network, usize>> {
        self.0.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.of.close(self.client);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::address::{ClientAddress, Ipv6Prefix};

    fn client(address: &str) -> Network {
        let address = ClientAddress::Known(address.parse().unwrap());
        address.network(Ipv6Prefix::default())
    }

    fn most(most: usize) -> PerClient {
        PerClient::new(NonZeroUsize::new(most).unwrap())
    }

    #[test]
    fn a_client_has_so_many_at_a_time_and_another_when_one_ends() {
        let (clients, ann) = (most(2), client("192.0.2.1"));
        let first = clients.open(ann).unwrap();
        let _second = clients.open(ann).unwrap();
        assert!(clients.open(ann).is_none());
        assert!(clients.open(ann).is_none());
        drop(first);
        let _third = clients.open(ann).unwrap();
        assert!(clients.open(ann).is_none());
    }

    #[test]
    fn clients_are_counted_as_quotas_count_them() {
        let clients = most(1);
        let _of_v4 = clients.open(client("192.0.2.1")).unwrap();
        assert!(clients.open(client("::ffff:192.0.2.1")).is_none());
        let _other = clients.open(client("192.0.2.2")).unwrap();
        let _of_v6 = clients.open(client("2001:db8::1")).unwrap();
        assert!(clients.open(client("2001:db8:0:ff::2")).is_none());
        let _next = clients.open(client("2001:db8:0:100::1")).unwrap();
        // Nobody knows whom these are of.
        let _nobody = clients.open(Network::default()).unwrap();
        assert!(clients.open(client("0.0.0.0")).is_none());
    }

    #[test]
    fn nothing_is_left_of_clients_that_have_gone() {
        let clients = most(2);
        let open: Vec<_> = (0..1000_u32)
            .map(|n| client(&std::net::Ipv4Addr::from_bits(0x0a00_0000 | n).to_string()))
            .flat_map(|client| {
                [
                    clients.open(client),
                    clients.open(client),
                    clients.open(client),
                ]
            })
            .collect();
        assert_eq!(open.iter().flatten().count(), 2000);
        assert_eq!(clients.counts().len(), 1000);
        drop(open);
        assert!(clients.counts().is_empty());
    }

    #[test]
    fn the_default_leaves_places_for_others_and_does_not_shut_an_office_out() {
        for (places, expected) in [
            (0, 100),
            (30, 100),
            (400, 100),
            (404, 101),
            (50_000, 12_500),
            (usize::MAX, usize::MAX / 4),
        ] {
            assert_eq!(default_most(places).get(), expected, "{places}");
        }
    }

    proptest! {
        /// Whatever opens and ends in whichever order.
        #[test]
        fn no_client_has_more_than_the_bound(
            steps in prop::collection::vec((0_u32..4, any::<bool>(), any::<prop::sample::Index>()), 0..200),
            bound in 1_usize..5,
        ) {
            let clients = most(bound);
            let networks = ["192.0.2.1", "192.0.2.2", "2001:db8::", "2001:db8:1::"].map(client);
            let mut open: Vec<(Network, Open)> = Vec::new();
            for (who, opens, which) in steps {
                let who = networks[who as usize];
                if opens {
                    let had = open.iter().filter(|(client, _)| *client == who).count();
                    let got = clients.open(who);
                    prop_assert_eq!(got.is_some(), had < bound);
                    open.extend(got.map(|one| (who, one)));
                } else if !open.is_empty() {
                    open.swap_remove(which.index(open.len()));
                }
                let known: usize = clients.counts().values().sum();
                prop_assert_eq!(known, open.len());
            }
        }
    }
}
