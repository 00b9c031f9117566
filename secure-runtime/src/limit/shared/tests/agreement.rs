//! The script against the counts in memory, on the same schedule.

use std::{num::NonZeroU32, time::Duration};

use crate::{
    limit::{
        bucket::Shape,
        charges::Charge,
        route::{Caller, RouteLimits},
        shared::question::{Answer, CHARGE, Question},
        tests::{Bench, Random, SECOND, address, costly, policy, quota},
    },
    policy::{Per, Policy, Quota},
    store::{Connection, Script, Server, Store, Target, server::Redis},
};

/// The script of production, with a clock that the test sets and counts that it removes itself.
fn script_by_hand() -> &'static Script {
    let source = include_str!("../charge.lua");
    let replaced = source
        .replace("redis.call('TIME')", "{ ARGV[#ARGV - 1], ARGV[#ARGV] }")
        .replace("string.format('%.0f', millis)", "600000");
    assert!(!replaced.contains("TIME") && !replaced.contains("', millis)"));
    Box::leak(Box::new(Script::new(replaced.leak())))
}

/// Seconds since 1970 at which the test's clock begins.
const BEGIN: u64 = 1_790_000_000;

/// A machine that does much else may be late, and is not what is tested.
const PATIENCE: Duration = Duration::from_secs(20);

struct ByHand {
    store: Store,
    connection: Connection,
    script: &'static Script,
    _redis: Redis,
}

impl ByHand {
    async fn start() -> Self {
        let redis = Redis::start();
        let store = Store::start(Target::parse(&redis.url()).unwrap(), "test").unwrap();
        Self {
            connection: store.server().connect(PATIENCE).await.unwrap(),
            store,
            script: script_by_hand(),
            _redis: redis,
        }
    }

    fn server(&self) -> &Server {
        self.store.server()
    }

    async fn charge(
        &self,
        case: &str,
        shapes: &[Shape],
        units: u64,
        beside: u64,
        debts: bool,
        now: u64,
    ) -> Answer {
        let mut question = Question::default();
        for (place, shape) in shapes.iter().enumerate() {
            let key = self.server().name(&format!("{case}:{place}"));
            question.add(key, *shape, units, beside);
        }
        question.arguments.insert(0, u64::from(debts));
        let micros = now % SECOND / 1_000;
        question.arguments.extend([BEGIN + now / SECOND, micros]);
        self.run(&question, self.script).await
    }

    async fn run(&self, question: &Question, script: &Script) -> Answer {
        let (keys, arguments) = (&question.keys, &question.arguments);
        let values: Vec<u64> = script
            .ask(&self.connection, keys, arguments, PATIENCE)
            .await
            .unwrap();
        Answer::read(&values, keys.len()).unwrap()
    }
}

fn any_quota(random: &mut Random) -> Quota {
    loop {
        let period = 1 + random.any_size(31 * 24 * 3_600) as u32;
        let limit = 1 + random.any_size(u64::from(period) * 1_000_000) as u32;
        let burst = 1 + random.any_size(u64::from(u32::MAX)) as u32;
        let quota = quota(limit, period, burst, Per::Ip);
        // As `units.rs` has it; some of them up to what the arithmetic bears.
        let most = [366 * 24 * 3_600 * SECOND, 1 << 62][random.below(2) as usize];
        let full = quota.interval_nanos().checked_mul(u64::from(burst));
        if full.is_some_and(|full| full <= most) {
            return quota;
        }
    }
}

fn route(bench: &Bench, policy: &'static Policy) -> std::sync::Arc<RouteLimits> {
    std::sync::Arc::clone(bench.limiter.route(policy).unwrap())
}

/// L9, L12, L13: the same decision, the same rest and the same wait, to the nanosecond.
#[tokio::test]
async fn l12_script_and_memory_agree() {
    let by_hand = ByHand::start().await;
    let mut random = Random(12);
    let (mut admitted, mut denied) = (0, 0);
    for case in 0..400 {
        let quotas: Vec<_> = (0..1 + random.below(4))
            .map(|_| any_quota(&mut random))
            .collect();
        let smallest = quotas.iter().map(|quota| quota.burst).min().unwrap();
        let cost = 1 + random.any_size(u64::from(smallest)) as u32;
        let policy = costly(cost, quotas);
        let bench = Bench::new(100);
        let route = route(&bench, policy);
        let shapes: Vec<_> = route.limits.iter().map(|limit| limit.shape).collect();
        let name = format!("case {case}");
        for _ in 0..50 {
            // As often as not around the time in which something comes back.
            let shape = shapes[random.below(shapes.len() as u64) as usize];
            let gap = match random.below(3) {
                0 => 0,
                1 => random.any_size(shape.interval.saturating_mul(3).min(1 << 58)),
                _ => shape.interval.min(1 << 58),
            };
            bench.advance(gap / 1_000 * 1_000);
            let now = bench.now();
            if now > 1 << 61 {
                break;
            }
            let charges = bench.charge_ip(policy, address(1));
            let mut charges = match charges {
                Ok(charges) => charges,
                Err(_) => {
                    denied += 1;
                    let answer = by_hand
                        .charge(&name, &shapes, u64::from(cost), 0, false, now)
                        .await;
                    assert!(!answer.charged, "{policy:?}");
                    let caller = Caller {
                        network: address(1).network(Default::default()),
                        identity: None,
                    };
                    for (limit, state) in route.limits.iter().zip(&answer.states) {
                        let wait = limit.wait(caller, route.cost, now);
                        assert_eq!(state.wait(limit.shape, route.cost), wait, "{policy:?}");
                    }
                    continue;
                }
            };
            admitted += 1;
            let answer = by_hand
                .charge(&name, &shapes, u64::from(cost), 0, false, now)
                .await;
            assert!(answer.charged, "{policy:?}");
            let paid: Vec<Charge> = charges.iter().copied().collect();
            for (charge, state) in paid.iter().zip(&answer.states) {
                let limit = &route.limits[charge.quota];
                let theirs = state.paid(limit.shape, u64::from(cost));
                assert_eq!(theirs.remaining, charge.paid.remaining, "{policy:?}");
                assert_eq!(
                    limit.shape.until_next(theirs),
                    limit.shape.until_next(charge.paid)
                );
            }
            // What it turned out to cost.
            if random.below(4) == 0 {
                let units = random.any_size(u64::from(u32::MAX)) as u32;
                let caller = charges.caller(None);
                for limit in &route.limits {
                    limit.charge_later(caller, units, now);
                }
                let answer = by_hand
                    .charge(&name, &shapes, u64::from(units), 0, true, now)
                    .await;
                assert!(answer.charged);
                for (limit, state) in route.limits.iter().zip(&answer.states) {
                    let owed = limit.shape.later(state.owed, u64::from(units));
                    let wait = limit.wait(caller, route.cost, now);
                    assert_eq!(limit.shape.wait(owed, route.cost), wait, "{policy:?}");
                }
                let _ = charges.later();
            }
        }
    }
    assert!(admitted > 1_000 && denied > 1_000, "{admitted}, {denied}");
}

/// What is wanted beside a request is charged as a whole, or not at all.
#[tokio::test]
async fn what_is_wanted_beside_never_costs_the_request() {
    let by_hand = ByHand::start().await;
    let shape = Shape {
        interval: SECOND,
        full: 10 * SECOND,
    };
    let cost = NonZeroU32::MIN;
    let charge = async |beside, now| {
        by_hand
            .charge("beside", &[shape], 1, beside, false, now)
            .await
    };
    let answer = charge(5, 0).await;
    assert!(answer.charged && answer.states[0].beside);
    // 4 of 10 are left: 1 and 5 do not fit.
    let answer = charge(5, 0).await;
    assert!(answer.charged && !answer.states[0].beside);
    assert_eq!(answer.states[0].owed, 6 * SECOND);
    let answer = charge(2, 0).await;
    assert!(answer.charged && answer.states[0].beside);
    let answer = charge(0, 0).await;
    assert!(!answer.charged);
    assert_eq!(answer.states[0].wait(shape, cost), SECOND);
    assert!(charge(0, SECOND).await.charged);
}

/// L2: a clock that is set back by a year, as after a failover, locks nobody out for longer than two
/// bursts take to come back; and who waits as long as he is told is admitted.
#[tokio::test]
async fn nobody_owes_more_than_can_be_owed() {
    let by_hand = ByHand::start().await;
    let shape = Shape {
        interval: SECOND,
        full: 2 * SECOND,
    };
    let year = 366 * 24 * 3_600 * SECOND;
    let charge = async |now| by_hand.charge("back", &[shape], 1, 0, false, now).await;
    assert!(charge(year).await.charged);
    let answer = charge(0).await;
    assert!(!answer.charged);
    assert_eq!(answer.states[0].owed, 2 * shape.full);
    let wait = answer.states[0].wait(shape, NonZeroU32::MIN);
    assert_eq!(wait, 3 * SECOND);
    // Asking meanwhile makes it no longer.
    let answer = charge(wait - 1_000).await;
    assert!(!answer.charged);
    assert_eq!(answer.states[0].wait(shape, NonZeroU32::MIN), 1_000);
    assert!(charge(wait).await.charged);
}

/// The same where another quota denies, and where the cost is known after the fact.
#[tokio::test]
async fn a_wait_ends_whoever_asked_first() {
    let by_hand = ByHand::start().await;
    let shape = Shape {
        interval: SECOND,
        full: 2 * SECOND,
    };
    let small = Shape {
        interval: SECOND,
        full: SECOND,
    };
    let year = 366 * 24 * 3_600 * SECOND;
    for debts in [false, true] {
        let case = format!("debts {debts}");
        let charge = async |now, debts| {
            let shapes = [shape, small];
            by_hand.charge(&case, &shapes, 1, 0, debts, now).await
        };
        assert!(charge(year, false).await.charged);
        assert_eq!(charge(0, debts).await.charged, debts);
        let later = charge(2 * SECOND, false).await;
        assert!(!later.charged);
        let owed = later.states.iter().map(|state| state.owed / SECOND);
        assert_eq!(owed.collect::<Vec<_>>(), [2, 0]);
        assert!(charge(3 * SECOND, false).await.charged);
    }
}

/// A rate that has a name keeps it when its amount is changed, but not what was owed to it.
#[tokio::test]
async fn a_new_amount_begins_with_nothing_used() {
    const DAY: u32 = 24 * 3_600;
    let by_hand = ByHand::start().await;
    let named = async |limit, period, burst| {
        let quota = Quota {
            name: "login",
            ..quota(limit, period, burst, Per::Ip)
        };
        let bench = Bench::new(100);
        let route = route(&bench, policy(vec![quota]));
        let limit = &route.limits[0];
        let shapes = [limit.shape];
        let answer = by_hand.charge(&limit.name, &shapes, u64::from(burst), 0, false, 0);
        answer.await.charged
    };
    assert!(named(100, DAY, 100).await);
    assert!(!named(100, DAY, 100).await, "it is used up");
    for (limit, period, burst) in [(5, 1, 5), (5, DAY, 100), (100, 1, 100), (100, DAY, 5)] {
        assert!(named(limit, period, burst).await);
    }
    assert!(!named(100, DAY, 100).await, "it is used up all the same");
}

/// L9: counts leave when their quota is whole again, and not before.
#[tokio::test]
async fn l9_a_count_is_kept_as_long_as_it_counts() {
    let by_hand = ByHand::start().await;
    let server = by_hand.server();
    let shape = Shape {
        interval: 1_500_000_001,
        full: 10 * SECOND,
    };
    for units in [1, 4] {
        let name = server.name(&format!("kept {units}"));
        let mut question = Question::default();
        question.add(name.clone(), shape, units, 0);
        question.arguments.insert(0, 0);
        assert!(by_hand.run(&question, &CHARGE).await.charged);
        let mut command = redis::cmd("PTTL");
        command.arg(name);
        let left = by_hand.connection.ask::<u64>(&command, PATIENCE).await;
        let left = left.unwrap();
        let exact = (shape.interval * units).div_ceil(1_000_000);
        assert!(left <= exact + 1, "{left}");
        // The question took some of it.
        assert!(left + 1_000 > exact, "{left}");
    }
}
