//! The shares of processes that are alone (L15).

use std::{num::NonZeroU32, sync::Arc};

use crate::{
    clock::Clock,
    limit::{
        bucket::Bucket,
        shared::presence::Presence,
        subject::EVERYBODY,
        table::Table,
        tests::{Random, SECOND, quota},
    },
    policy::Per,
};

/// All of them together admit no more than the quota, or one request each.
#[test]
fn l15_the_shares_together_are_the_quota() {
    let mut random = Random(15);
    for _ in 0..300 {
        let burst = 1 + random.any_size(50) as u32;
        let quota = quota(
            1 + random.any_size(50) as u32,
            1 + random.any_size(60) as u32,
            burst,
            Per::User,
        );
        let cost = NonZeroU32::new(1 + random.below(u64::from(burst)) as u32).unwrap();
        let instances = NonZeroU32::new(1 + random.below(6) as u32).unwrap();
        let buckets: Vec<_> = (0..instances.get())
            .map(|_| Bucket::new(&quota, 0, Some(Arc::new(Table::new(10)))).unwrap())
            .collect();
        let interval = quota.interval_nanos();
        let mut now = 0;
        let mut units = 0;
        for _ in 0..500 {
            now += random.any_size(3 * interval);
            let bucket = &buckets[random.below(u64::from(instances.get())) as usize];
            match bucket.charge_share(EVERYBODY, cost, instances, now) {
                Ok(paid) => {
                    units += u64::from(cost.get());
                    // Now and then it is refused for the sake of another quota.
                    if random.below(5) == 0 {
                        bucket.refund_share(EVERYBODY, cost, instances, paid, now);
                        units -= u64::from(cost.get());
                    }
                }
                Err(wait) => {
                    // L2: after the wait it is admitted, and not before.
                    let early = bucket.charge_share(EVERYBODY, cost, instances, now + wait - 1);
                    assert!(early.is_err());
                    now += wait;
                    assert!(bucket.charge_share(EVERYBODY, cost, instances, now).is_ok());
                    units += u64::from(cost.get());
                }
            }
        }
        let at_once = burst.max(cost.get() * instances.get());
        assert!(units <= u64::from(at_once) + now / interval, "{quota:?}");
    }
}

#[test]
fn one_process_alone_has_the_whole_quota() {
    let quota = quota(10, 60, 10, Per::User);
    let bucket = Bucket::new(&quota, 0, Some(Arc::new(Table::new(10)))).unwrap();
    let one = NonZeroU32::MIN;
    for left in (0..10).rev() {
        let paid = bucket.charge_share(EVERYBODY, one, one, SECOND).unwrap();
        assert_eq!(paid.remaining, left);
        assert_eq!(bucket.shape.until_next(paid), 6 * SECOND);
    }
    assert_eq!(
        bucket.charge_share(EVERYBODY, one, one, SECOND),
        Err(6 * SECOND)
    );
}

/// L3: what a share says is left is what it would admit, and when there is more.
#[test]
fn l3_a_share_says_what_is_left_of_it() {
    let quota = quota(9, 9, 9, Per::User);
    let bucket = Bucket::new(&quota, 0, Some(Arc::new(Table::new(10)))).unwrap();
    let three = NonZeroU32::new(3).unwrap();
    let paid = bucket
        .charge_share(EVERYBODY, NonZeroU32::MIN, three, SECOND)
        .unwrap();
    assert_eq!(
        (paid.remaining, bucket.shape.until_next(paid)),
        (2, 3 * SECOND)
    );
}

/// L15: what is charged after the fact is charged to the share, which owes one burst of its own more
/// at most.
#[test]
fn l15_a_share_may_go_into_debt() {
    let quota = quota(100, 100, 100, Per::User);
    let bucket = Bucket::new(&quota, 0, Some(Arc::new(Table::new(10)))).unwrap();
    let (one, ten) = (NonZeroU32::MIN, NonZeroU32::new(10).unwrap());
    let now = SECOND;
    let wait = || bucket.wait_share(EVERYBODY, one, ten, now);
    bucket
        .charge_share(EVERYBODY, one, ten, now)
        .expect("10 are left");
    bucket.charge_share_later(EVERYBODY, 8, one, ten, now);
    assert_eq!(wait(), 0);
    bucket.charge_share_later(EVERYBODY, 1, one, ten, now);
    // One comes back in ten seconds.
    assert_eq!(wait(), 10 * SECOND);
    bucket.charge_share_later(EVERYBODY, 3, one, ten, now);
    assert_eq!(wait(), 40 * SECOND);
    bucket.charge_share_later(EVERYBODY, 1_000, one, ten, now);
    assert_eq!(wait(), 110 * SECOND);
    let denied = bucket.charge_share(EVERYBODY, one, ten, now);
    assert_eq!(denied, Err(110 * SECOND));
}

#[test]
fn the_time_without_the_store_is_counted() {
    let (clock, hand) = Clock::manual();
    let presence = Presence::new(clock, None);
    let seconds = std::time::Duration::from_secs;
    hand.advance(seconds(5));
    assert_eq!(presence.degraded(), seconds(0));
    presence.begin();
    hand.advance(seconds(2));
    presence.begin();
    hand.advance(seconds(1));
    assert!(presence.is_degraded());
    assert_eq!(presence.degraded(), seconds(3));
    presence.end();
    hand.advance(seconds(9));
    assert!(!presence.is_degraded());
    assert_eq!(presence.degraded(), seconds(3));
    presence.begin();
    hand.advance(seconds(1));
    presence.end();
    presence.end();
    assert_eq!(presence.degraded(), seconds(4));
}

/// L15: a store that came back empty, or that others cannot reach, makes no share larger.
#[test]
fn l15_fewer_processes_are_believed_after_a_minute_of_signs() {
    let presence = Presence::new(Clock::manual().0, None);
    let known = || presence.instances().map(NonZeroU32::get);
    let hear = |times: u32, instances| (0..times).for_each(|_| presence.hear(instances));
    hear(5, 4);
    assert_eq!(known(), Some(4));
    presence.miss();
    hear(2, 1);
    assert_eq!(known(), Some(4));
    presence.miss();
    assert_eq!(known(), Some(4));
    // Each time it is silent, the minute begins anew.
    for _ in 0..3 {
        hear(59, 1);
        assert_eq!(known(), Some(4));
        presence.miss();
    }
    // So it does where they are seen again.
    hear(30, 1);
    hear(1, 4);
    hear(59, 1);
    assert_eq!(known(), Some(4));
    // The most of the minute.
    hear(1, 2);
    assert_eq!(known(), Some(2));
    hear(60, 1);
    assert_eq!(known(), Some(1));
    // More are believed at once.
    hear(1, 7);
    assert_eq!(known(), Some(7));
    hear(59, 3);
    presence.begin();
    presence.end();
    hear(1, 3);
    assert_eq!(known(), Some(3), "a request without an answer says nothing");
}

/// L15: what a process hears first may be too little: until each other one that lives has given a
/// sign, it knows nothing.
#[test]
fn l15_the_first_number_is_believed_when_all_have_given_a_sign() {
    let presence = Presence::new(Clock::manual().0, None);
    let known = || presence.instances().map(NonZeroU32::get);
    for row in [&[1, 2, 3][..], &[1, 1, 1, 1]] {
        for instances in row {
            presence.hear(*instances);
        }
        assert_eq!(known(), None);
        presence.miss();
    }
    for instances in [1, 2, 4, 3] {
        presence.hear(instances);
    }
    assert_eq!(known(), None);
    presence.hear(3);
    assert_eq!(known(), Some(4));

    let told = Presence::new(Clock::manual().0, NonZeroU32::new(7));
    told.hear(9);
    assert_eq!(told.instances().map(NonZeroU32::get), Some(7));
}
