//! What is wrong with the addresses that requests bring along: counted each time, and logged
//! now and then. Who floods the service with it does not flood the log.

use std::{
    fmt,
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

use super::{ForwardingHeader, Network};
use crate::clock::Clock;

/// Most often that one kind of notice is logged.
const INTERVAL: Duration = Duration::from_secs(60);

/// How often something was wrong with an address since the start; see
/// [`ClientAddresses::counts`](super::ClientAddresses::counts).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct AddressCounts {
    /// Connections that were closed before TLS because their client is banned.
    pub connections_banned: u64,
    /// Connections that were closed because their client had `server.max_connections_per_client`
    /// of them already.
    pub connections_in_excess: u64,
    /// Connections that were closed because no trusted proxy told in a PROXY protocol header
    /// where they come from.
    pub connections_refused: u64,
    /// Requests through a trusted proxy whose two forwarding headers name different clients. The
    /// configured one was believed.
    pub headers_conflicting: u64,
    /// Requests with a forwarding header whose sender is no trusted proxy. It was ignored.
    pub headers_ignored: u64,
    /// Requests through a trusted proxy that did not tell an address: they count as one client.
    pub unknown: u64,
}

/// One counter for each kind.
#[derive(Debug)]
pub(super) struct Notices {
    clock: Clock,
    connections_banned: AtomicU64,
    connections_in_excess: Notice,
    connections_refused: Notice,
    headers_conflicting: Notice,
    headers_ignored: Notice,
    unknown: Notice,
}

impl Notices {
    pub(super) fn new(clock: Clock) -> Self {
        Self {
            clock,
            connections_banned: AtomicU64::new(0),
            connections_in_excess: Notice::default(),
            connections_refused: Notice::default(),
            headers_conflicting: Notice::default(),
            headers_ignored: Notice::default(),
            unknown: Notice::default(),
        }
    }

    pub(super) fn counts(&self) -> AddressCounts {
        AddressCounts {
            connections_banned: self.connections_banned.load(Ordering::Relaxed),
            connections_in_excess: self.connections_in_excess.count(),
            connections_refused: self.connections_refused.count(),
            headers_conflicting: self.headers_conflicting.count(),
            headers_ignored: self.headers_ignored.count(),
            unknown: self.unknown.count(),
        }
    }

    /// The list of bans logs it.
    pub(super) fn connection_banned(&self) {
        self.connections_banned.fetch_add(1, Ordering::Relaxed);
    }

    /// With the latest client: a proxy that nobody has named shows by its address.
    pub(super) fn connection_in_excess(&self, client: Network) {
        if let Some(count) = self.connections_in_excess.due(&self.clock) {
            tracing::warn!(
                code = "client_connections_excessive",
                count,
                %client,
                "connections were closed: their client has `server.max_connections_per_client` of \
                 them already; if it is your proxy, add its address to \
                 `client_address.trusted_proxies`"
            );
        }
    }

    pub(super) fn connection_refused(&self, reason: &dyn fmt::Display) {
        if let Some(count) = self.connections_refused.due(&self.clock) {
            tracing::warn!(
                code = "proxy_header_refused",
                count,
                %reason,
                "connections were closed: `server.proxy_protocol` is set, and no trusted proxy \
                 told where they come from"
            );
        }
    }

    pub(super) fn headers_conflict(&self, believed: ForwardingHeader) {
        if let Some(count) = self.headers_conflicting.due(&self.clock) {
            tracing::warn!(
                code = "forwarding_headers_conflict",
                count,
                believed = %believed.name(),
                ignored = %believed.other().name(),
                "a trusted proxy sent two forwarding headers that name different clients"
            );
        }
    }

    pub(super) fn header_ignored(&self, header: ForwardingHeader) {
        if let Some(count) = self.headers_ignored.due(&self.clock) {
            tracing::warn!(
                code = "forwarding_header_ignored",
                count,
                header = %header.name(),
                "a peer that is no trusted proxy sent a forwarding header; \
                 if it is your proxy, add its address to `client_address.trusted_proxies`"
            );
        }
    }

    pub(super) fn unknown(&self, header: ForwardingHeader) {
        if let Some(count) = self.unknown.due(&self.clock) {
            tracing::warn!(
                code = "client_address_unknown",
                count,
                header = %header.name(),
                "a trusted proxy did not tell the address of its client; such requests count as \
                 one client"
            );
        }
    }
}

/// Counts something that may happen often, and says when it is time to log it.
#[derive(Debug, Default)]
pub(crate) struct Notice {
    count: AtomicU64,
    /// How many were told of.
    told: AtomicU64,
    /// Before this time nothing is told, in nanoseconds of the clock.
    quiet_until: AtomicU64,
}

impl Notice {
    fn count(&self) -> u64 {
        self.count.load(Ordering::Relaxed)
    }

    /// Counts one more; how many there were since the last time, where that is to be logged now.
    pub(crate) fn due(&self, clock: &Clock) -> Option<u64> {
        let count = self.count.fetch_add(1, Ordering::Relaxed) + 1;
        let now = clock.monotonic_nanos();
        let quiet_until = self.quiet_until.load(Ordering::Relaxed);
        if now < quiet_until {
            return None;
        }
        self.claim(quiet_until, now).then(|| {
            let told = self.told.swap(count, Ordering::Relaxed);
            count.saturating_sub(told)
        })
    }

    /// Ends the silence that was seen, and begins the next; `false` where another thread did.
    fn claim(&self, seen: u64, now: u64) -> bool {
        let interval = u64::try_from(INTERVAL.as_nanos()).unwrap_or(u64::MAX);
        let next = now.saturating_add(interval);
        self.quiet_until
            .compare_exchange(seen, next, Ordering::Relaxed, Ordering::Relaxed)
            .is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn p4_each_is_counted_and_one_a_minute_is_told() {
        let (clock, hand) = Clock::manual();
        let notice = Notice::default();
        assert_eq!(notice.due(&clock), Some(1));
        for _ in 0..1000 {
            assert_eq!(notice.due(&clock), None);
        }
        hand.advance(INTERVAL - Duration::from_nanos(1));
        assert_eq!(notice.due(&clock), None);
        hand.advance(Duration::from_nanos(1));
        assert_eq!(notice.due(&clock), Some(1002));
        assert_eq!(notice.due(&clock), None);
        assert_eq!(notice.count(), 1004);
    }

    /// Both have seen that it is time.
    #[test]
    fn p4_of_two_threads_one_tells() {
        let notice = Notice::default();
        assert!(notice.claim(0, 5));
        assert!(!notice.claim(0, 5));
    }
}
