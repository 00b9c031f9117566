//! Leases: their bound, by simulation, and what they save.

use std::num::NonZeroU32;

use crate::{
    limit::{
        bucket::Shape,
        shared::leases::{LEASE, Lease, most},
        tests::{Random, SECOND, quota},
    },
    policy::{Per, Quota},
};

const LEASE_NANOS: u64 = LEASE.as_nanos() as u64;

/// The store: one count.
struct Model {
    shape: Shape,
    tat: u64,
}

impl Model {
    /// Whether so much was charged, and what is owed then.
    fn charge(&mut self, units: u64, now: u64) -> Option<u64> {
        let owed = self.tat.saturating_sub(now) + units * self.shape.interval;
        (owed <= self.shape.full).then(|| {
            self.tat = now + owed;
            owed
        })
    }
}

#[derive(Default)]
struct Process {
    lease: Lease,
    /// An answer on its way: when it comes, what it grants, when it was asked for, and the TAT.
    answer: Option<(u64, u32, u64, u64)>,
    calls: u32,
}

impl Process {
    fn request(
        &mut self,
        model: &mut Model,
        cost: u64,
        most: u32,
        now: u64,
        random: &mut Random,
    ) -> bool {
        if let Some((at, granted, asked_at, tat)) = self.answer
            && at <= now
        {
            self.answer = None;
            match granted {
                0 => self.lease.give_up(),
                granted => self.lease.answer(granted, asked_at, tat),
            }
        }
        let late = now + random.below(SECOND / 20);
        match self.lease.take(most, now) {
            Some(taken) => {
                if taken.wanted > 0 {
                    self.calls += 1;
                    assert!(self.answer.is_none(), "two ask at a time");
                    // The store charges at any time until the answer is there.
                    let granted = model.charge(u64::from(taken.wanted) * cost, now);
                    let granted = granted.map_or(0, |_| taken.wanted);
                    self.answer = Some((late, granted, now, model.tat));
                }
                true
            }
            None => {
                self.calls += 1;
                let beside = self.lease.miss(most, now);
                let whole = model.charge(u64::from(1 + beside) * cost, now).is_some();
                let admitted = whole || model.charge(cost, now).is_some();
                if beside > 0 {
                    assert!(self.answer.is_none(), "two ask at a time");
                    let granted = if whole { beside } else { 0 };
                    self.answer = Some((late, granted, now, model.tat));
                }
                admitted
            }
        }
    }
}

fn any_quota(random: &mut Random) -> Quota {
    let limit = 1 + random.any_size(2_000) as u32;
    let burst = 1 + random.any_size(2_000) as u32;
    // Half of them are whole again within a second, while leases are held.
    let period = 1 + random.below(2) * random.any_size(60);
    quota(limit, period as u32, burst, Per::User)
}

/// The formula of [`Sharing::Leased`](crate::Sharing::Leased), in units.
fn beyond(quota: &Quota, cost: u32, processes: u64) -> u64 {
    let most = u64::from(most(quota, NonZeroU32::new(cost).unwrap()));
    if most == 1 {
        return 0;
    }
    let held = processes * most * u64::from(cost);
    let second = LEASE_NANOS.div_ceil(quota.interval_nanos());
    held.min(second)
}

/// By how much what was taken in a window exceeds what comes back in it, in nanoseconds, for the
/// window in which that is most.
fn excess(admitted: &[u64], charged: u64) -> i128 {
    let mut least = i128::MAX;
    let mut most = 0;
    for (number, at) in (0_i128..).zip(admitted) {
        let charged = i128::from(charged);
        // Begins with this one, and ends with this one.
        least = least.min(number * charged - i128::from(*at));
        most = most.max((number + 1) * charged - i128::from(*at) - least);
    }
    most
}

/// In any window of length W at most B + W / T + min(n P, L / T).
#[test]
fn no_window_holds_more_than_the_stated_bound() {
    let mut random = Random(31);
    let mut exceeded_exact = 0;
    for _ in 0..300 {
        let quota = any_quota(&mut random);
        let cost = 1 + random.any_size(u64::from(quota.burst).min(8)) as u32;
        let most = most(&quota, NonZeroU32::new(cost).unwrap());
        let interval = quota.interval_nanos();
        let mut model = Model {
            shape: Shape {
                interval,
                full: interval * u64::from(quota.burst),
            },
            tat: 0,
        };
        let processes = 1 + random.below(8);
        let mut all: Vec<_> = (0..processes).map(|_| Process::default()).collect();
        let mut admitted = Vec::new();
        let mut now = SECOND;
        for _ in 0..4_000 {
            // Floods, breaks as long as a lease, and everything in between.
            now += match random.below(50) {
                0 => random.below(2 * LEASE_NANOS),
                1..10 => random.any_size(LEASE_NANOS),
                _ => random.any_size(interval * u64::from(cost)),
            };
            let process = &mut all[random.below(processes) as usize];
            if process.request(&mut model, u64::from(cost), most, now, &mut random) {
                admitted.push(now);
            }
        }
        let beyond = beyond(&quota, cost, processes);
        let excess = excess(&admitted, u64::from(cost) * interval);
        let stated = (u64::from(quota.burst) + beyond) * interval;
        assert!(
            excess <= i128::from(stated),
            "{quota:?} by {processes}, cost {cost}"
        );
        exceeded_exact += u32::from(excess > i128::from(model.shape.full));
    }
    // Or the test would say nothing about leases.
    assert!(exceeded_exact > 0);
}

#[test]
fn a_small_quota_is_exact() {
    for (burst, cost, requests) in [
        (1, 1, 1),
        (10, 1, 1),
        (19, 1, 1),
        (20, 1, 2),
        (1_000, 1, 100),
    ]
    .into_iter()
    .chain([(100, 5, 2), (100, 6, 1), (1_000, 1_000, 1)])
    {
        let cost = NonZeroU32::new(cost).unwrap();
        assert_eq!(most(&quota(1, 1, burst, Per::User), cost), requests);
    }
}

/// Of a steady stream most requests wait for nobody, and little is taken in vain.
#[test]
fn l14_most_requests_of_a_stream_ask_nobody() {
    for (per_second, most_calls_percent) in [(500, 5), (100, 10), (20, 25)] {
        let quota = quota(60_000, 60, 1_000, Per::User);
        let most = most(&quota, NonZeroU32::MIN);
        let interval = quota.interval_nanos();
        let mut model = Model {
            shape: Shape {
                interval,
                full: interval * 1_000,
            },
            tat: 0,
        };
        let mut process = Process::default();
        let mut random = Random(7);
        let mut now = SECOND;
        for _ in 0..10 * per_second {
            now += SECOND / per_second;
            assert!(process.request(&mut model, 1, most, now, &mut random));
        }
        let percent = process.calls * 100 / (10 * per_second as u32);
        assert!(percent <= most_calls_percent, "{per_second}/s: {percent} %");
    }
}

#[test]
fn nothing_is_held_beyond_its_time() {
    let mut lease = Lease::default();
    lease.answer(5, SECOND, 0);
    assert!(lease.take(100, SECOND + LEASE_NANOS - 1).is_some());
    assert!(lease.take(100, SECOND + LEASE_NANOS).is_none());
}

#[test]
fn what_another_quota_refused_is_there_again_but_no_longer_than_before() {
    let mut lease = Lease::default();
    lease.answer(1, SECOND, 0);
    let taken = lease.take(1, SECOND).unwrap();
    assert!(lease.take(1, SECOND).is_none());
    lease.give_back(taken.until);
    assert!(lease.take(1, SECOND).is_some());
    lease.give_back(taken.until);
    assert!(lease.take(1, SECOND + LEASE_NANOS).is_none());
}

/// L9: what was taken ahead pays for what is charged after the fact, once.
#[test]
fn l9_a_lease_pays_what_it_holds_and_no_more() {
    let mut lease = Lease::default();
    lease.answer(3, SECOND, 0);
    let later = SECOND + LEASE_NANOS / 2;
    let taken = lease.take(100, SECOND).unwrap();
    lease.answer(4, later, 0);
    // Two of the one part, one of the other.
    assert_eq!(lease.pay(3, later), 3);
    lease.give_back(taken.until);
    assert_eq!(lease.pay(1, later), 1);
    // What is no longer held pays nothing.
    lease.give_back(taken.until);
    assert_eq!(lease.pay(1_000, SECOND + LEASE_NANOS), 3);
    assert_eq!(lease.pay(1, SECOND + LEASE_NANOS), 0);
    assert!(lease.take(100, SECOND + LEASE_NANOS).is_none());
}

/// L9: who is in debt has no lease, whoever gives something back to it; who is not keeps his, for it
/// is paid.
#[test]
fn l9_nothing_is_left_of_a_lease_in_debt() {
    let shape = Shape {
        interval: SECOND,
        full: 100 * SECOND,
    };
    let now = SECOND + 2;
    let mut lease = Lease::default();
    lease.answer(3, SECOND, 0);
    let taken = lease.take(100, SECOND).unwrap();
    let ahead = lease.take(100, SECOND).unwrap();
    lease.answer(4, SECOND + 1, 0);
    assert_eq!(lease.settle(shape.full, shape, now), 5);
    lease.give_back(ahead.until);
    assert_eq!(lease.settle(shape.full, shape, now), 6);
    assert_eq!(lease.settle(shape.full + 1, shape, now), 0);
    lease.give_back(taken.until);
    assert_eq!(lease.settle(0, shape, now), 0);
    assert!(lease.take(100, now).is_none());
}
