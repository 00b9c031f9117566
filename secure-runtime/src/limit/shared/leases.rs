//! Leases: requests that were charged in the store ahead of their time.
//!
//! Sizes are counted in requests. A process holds at most [`most`] of them for a subject, those
//! included that it has just asked for; and each for [`LEASE`] at most, counted from before it
//! asked. A lease begins with nothing ahead, and may double each time it is renewed, but never to
//! more than was wanted in the last [`LEASE`]: who comes seldom leaves nothing unused.
//!
//! What is charged after the fact is paid from the lease first, so that it is charged once; and who
//! is in debt all the same, by other processes too, loses the rest of his lease.
//!
//! What nobody wanted in time is not given back. By then some of it has come back by itself, and
//! who gives back must be believed; leases are small instead.

use std::{mem, num::NonZeroU32, time::Duration};

use crate::{
    limit::{bucket::Shape, table::Passing},
    policy::Quota,
};

/// How long a process may hold what it took.
pub(super) const LEASE: Duration = Duration::from_secs(1);

const LEASE_NANOS: u64 = LEASE.as_nanos() as u64;

/// A process holds at most this part of a burst.
const PART_OF_BURST: u32 = 10;

/// Requests of so many units that a process may hold for one subject; with one it holds none.
pub(in crate::limit) fn most(quota: &Quota, cost: NonZeroU32) -> u32 {
    (quota.burst / PART_OF_BURST / cost).max(1)
}

/// What a process holds for one subject of one quota.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Lease {
    current: Part,
    /// What was taken ahead, while some of the current one was left.
    next: Part,
    /// How many requests it was made for.
    size: u32,
    /// Requests since it was made.
    spent: u32,
    /// When it was made, or asked for.
    since: u64,
    /// The store is being asked for more.
    is_asking: bool,
    /// When the subject would be whole again, as the store has said last.
    tat: u64,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Part {
    left: u32,
    until: u64,
}

/// A request that was admitted against a lease.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Taken {
    /// Until when it could have been held; tells its part from others.
    pub(super) until: u64,
    /// What is left, in requests.
    pub(super) left: u32,
    /// When the subject would be whole again, as the store has said last.
    pub(super) tat: u64,
    /// How many to ask for ahead.
    pub(super) wanted: u32,
}

impl Part {
    fn left(&self, now: u64) -> u32 {
        if self.until > now { self.left } else { 0 }
    }
}

impl Lease {
    fn left(&self, now: u64) -> u32 {
        self.current.left(now) + self.next.left(now)
    }

    /// Admits one request, if there is something left.
    pub(super) fn take(&mut self, most: u32, now: u64) -> Option<Taken> {
        if self.current.left(now) == 0 && self.next.left(now) > 0 {
            self.current = mem::take(&mut self.next);
        }
        if self.current.left(now) == 0 {
            return None;
        }
        self.current.left -= 1;
        self.spent = self.spent.saturating_add(1);
        let left = self.left(now);
        Some(Taken {
            until: self.current.until,
            left,
            tat: self.tat,
            // Few: until the answer is there, somebody may want the other half.
            wanted: if left < self.size / 2 {
                self.ask(most, now, 0)
            } else {
                0
            },
        })
    }

    /// A request that nothing is left for: how many to ask for beside it.
    pub(super) fn miss(&mut self, most: u32, now: u64) -> u32 {
        self.spent = self.spent.saturating_add(1);
        self.ask(most, now, 1)
    }

    /// How many to ask for beside so many; none while somebody else is asking. Who is told of some
    /// must say how it went, by [`answer`](Self::answer) or [`give_up`](Self::give_up).
    fn ask(&mut self, most: u32, now: u64, beside: u32) -> u32 {
        let elapsed = now.saturating_sub(self.since);
        if self.is_asking && elapsed < LEASE_NANOS {
            return 0;
        }
        // As many as in the last second, if it goes on like this.
        let rate = u128::from(self.spent) * u128::from(LEASE_NANOS) / u128::from(elapsed.max(1));
        let rate = u32::try_from(rate).unwrap_or(u32::MAX);
        let doubled = self.size.saturating_mul(2);
        self.size = rate.min(doubled).clamp(1, most);
        self.since = now;
        self.spent = 0;
        // INVARIANT: what is left and what is asked for is at most `size`, which is at most `most`.
        let wanted = self.size.saturating_sub(self.left(now) + beside);
        self.is_asking = wanted > 0;
        wanted
    }

    /// The store's answer: how many more there are, asked for at `asked_at`; and when the subject
    /// would be whole.
    pub(super) fn answer(&mut self, granted: u32, asked_at: u64, tat: u64) {
        self.is_asking = false;
        self.tat = self.tat.max(tat);
        let part = Part {
            left: granted,
            until: asked_at.saturating_add(LEASE_NANOS),
        };
        // Of two parts the older tells for how long: nothing is held longer than it may be.
        match (self.current.left(asked_at), self.next.left(asked_at)) {
            (0, 0) => self.current = part,
            (0, _) => self.current = mem::replace(&mut self.next, part),
            (_, more) => {
                self.current.left += more;
                self.next = part;
            }
        }
    }

    /// There is no answer, or nothing was granted: what is left is used up before it is asked for
    /// again.
    pub(super) fn give_up(&mut self) {
        self.size = self.size.min(1);
        self.is_asking = false;
    }

    /// Pays for so many requests, or for as many as are left: they were charged already.
    pub(super) fn pay(&mut self, requests: u32, now: u64) -> u32 {
        let mut due = requests;
        for part in [&mut self.current, &mut self.next] {
            let paid = part.left(now).min(due);
            part.left -= paid;
            due -= paid;
        }
        let paid = requests - due;
        self.spent = self.spent.saturating_add(paid);
        paid
    }

    /// What is left where so much is owed to the store, what is left among it. In debt that is
    /// nothing, and nothing can be given back.
    pub(super) fn settle(&mut self, owed: u64, shape: Shape, now: u64) -> u32 {
        if owed > shape.full {
            self.current = Part::default();
            self.next = Part::default();
        }
        self.left(now)
    }

    /// Takes a request back that was refused for another reason.
    pub(super) fn give_back(&mut self, until: u64) {
        for part in [&mut self.current, &mut self.next] {
            if part.until == until {
                part.left += 1;
                return;
            }
        }
    }
}

/// It has passed when nothing is left, and when enough time went by that the next one begins anew.
impl Passing for Lease {
    fn has_passed(&self, now: u64) -> bool {
        self.left(now) == 0 && now.saturating_sub(self.since) > 2 * LEASE_NANOS
    }
}
