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
