//! The scripts in Redis say what the rules say: the same schedules, attempt by attempt.

use std::time::Duration;

use super::{book::Book, key, subject, usual, with_device, with_password};
use crate::{
    clock::Clock,
    login::{
        memory::Memory,
        rules::{Limits, Outcome, Rules, Verdict},
        shared::Shared,
    },
    store::{Store, Target, chance::Chance, server},
};

/// Small numbers, so that every rule is met often.
fn rules(chance: &mut Chance) -> Rules {
    Rules {
        attempts: 1 + chance.below(6) as usize,
        window: 1 + chance.below(1_000_000),
        lock: 1 + chance.below(3_000_000),
        limits: Limits {
            free_failures: 1 + chance.below(3) as u32,
            delay: 1 + chance.below(5_000),
            max_delay: 5_000 + chance.below(4_000_000),
            disable_after: 3 + chance.below(12) as u32,
            network_failures: 1 + chance.below(12) as usize,
            network_accounts: 1 + chance.below(5) as usize,
            password_accounts: 1 + chance.below(4) as usize,
            global_failures: 1 + chance.below(20) as usize,
            network_ban: 1 + chance.below(100_000),
            max_network_ban: 100_000 + chance.below(4_000_000),
            device_max_age: 1 + chance.below(200_000),
        },
    }
}

/// How far time moves: seldom for days, often not at all.
fn pause(chance: &mut Chance) -> u64 {
    match chance.below(40) {
        0..=9 => 0,
        10..=15 => chance.below(2_000),
        16..=29 => chance.below(70_000),
        30..=38 => chance.below(4_000_000),
        _ => chance.below(40) * 86_400_000,
    }
}

#[actix_web::test]
async fn g5_the_shared_store_judges_as_this_one_does() {
    const SCHEDULES: u64 = 2_000;
    let redis = server::Redis::start();
    let store = Store::start(Target::parse(&redis.url()).unwrap(), "test").unwrap();
    let shared = Shared::patient(store).await;
    let seed = std::env::var("REDIS_TEST_SEED").ok();
    let seed = seed.and_then(|seed| seed.parse().ok()).unwrap_or(0x10_6175);
    let mut chance = Chance(seed);
    let (mut verdicts, mut refusals) = (0, std::collections::BTreeMap::<String, u32>::new());
    for schedule in 0..SCHEDULES {
        redis.ask(&["FLUSHALL"]);
        let rules = rules(&mut chance);
        let (clock, hand) = Clock::manual();
        let memory = Memory::new(clock.clone(), rules.limits, 100_000);
        let mut book = Book::default();
        // By how much the store's clock was set back, all in all. That of the memory never is.
        let mut back = 0;
        let is_set_back = schedule % 2 == 0;
        let mut open = Vec::new();
        for step in 0..chance.below(60) {
            let place = format!("schedule {schedule}, step {step}, seed {seed}, {rules:?}");
            hand.advance(Duration::from_millis(pause(&mut chance)));
            if is_set_back && chance.one_in(20) {
                back += pause(&mut chance);
            }
            let time = clock.unix_millis() - back;
            let now = Some(time);
            if chance.one_in(30) {
                let (marks, enable) = (key(1, chance.below(4)), chance.one_in(2));
                memory.forgive(marks, enable);
                book.forgive(marks, enable, time);
                shared.forgive(marks, enable, now).await.unwrap();
            }
            if chance.one_in(3) && !open.is_empty() {
                let place = chance.below(open.len() as u64) as usize;
                let (subject, reservation) = open.swap_remove(place);
                let outcome = match chance.one_in(3) {
                    true => Outcome::Success,
                    false => Outcome::Neither,
                };
                memory.settle(&subject, &reservation, outcome);
                book.settle(&subject, &rules, &reservation, outcome, time);
                let settled = shared.settle(&subject, &rules, &reservation, outcome, now);
                settled.await.unwrap();
                continue;
            }
            let account = chance.below(4);
            let network = chance.below(3);
            let mut subject = subject(account, network);
            subject.is_bannable = network != 2;
            if chance.one_in(3) {
                // Some by a clock that is ahead.
                let age = chance.below(110_000);
                let issued = time + 10_000 - age;
                subject = with_device(subject, account, chance.below(2), issued);
            }
            if chance.one_in(2) {
                subject = with_password(subject, chance.below(2));
            }
            let expected = book.reserve(&subject, &rules, time);
            let in_memory = memory.reserve(&subject, &rules);
            assert!(
                is_set_back || in_memory == expected,
                "{in_memory:?}, not {expected:?}: {place}"
            );
            let found = shared.reserve(&subject, &rules, now).await.unwrap();
            assert_eq!(found, expected, "{place}");
            verdicts += 1;
            match expected {
                Verdict::Admitted(reservation) => open.push((subject, reservation)),
                Verdict::Refused(reason) => {
                    let name = format!("{reason:?}");
                    let name = name.split(' ').next().unwrap().to_owned();
                    *refusals.entry(name).or_default() += 1;
                }
            }
            // Of any account: that of the attempt has been set back by now.
            let account = chance.below(4);
            let (marks, account) = (key(1, account), key(2, account));
            let expected = book.state(marks, account, &rules, time);
            let in_memory = memory.state(marks, account, &rules);
            assert!(
                is_set_back || in_memory == expected,
                "{in_memory:?}, not {expected:?}: {place}"
            );
            let found = shared.state(marks, account, &rules, now).await.unwrap();
            assert_eq!(found, expected, "{place}");
        }
    }
    // Every rule was met, and none was all there was.
    assert!(verdicts > 20_000, "{verdicts}");
    assert_eq!(refusals.len(), 5, "{refusals:?}");
    assert!(refusals.values().all(|count| *count > 100), "{refusals:?}");
}

/// With the server's own time, and what it keeps for how long.
#[actix_web::test]
async fn the_servers_time_counts_and_every_key_expires() {
    let redis = server::Redis::start();
    let store = Store::start(Target::parse(&redis.url()).unwrap(), "test").unwrap();
    let shared = Shared::patient(store).await;
    let rules = usual();
    let now = Clock::system().unix_millis();
    let device = with_device(subject(1, 1), 1, 1, now - 1000);
    for subject in [with_password(subject(1, 1), 1), device] {
        assert!(matches!(
            shared.reserve(&subject, &rules, None).await,
            Ok(Verdict::Admitted(_))
        ));
    }
    shared.forgive(key(1, 1), true, None).await.unwrap();
    let answer = redis.ask(&["KEYS", "*"]);
    let keys: Vec<&str> = answer
        .lines()
        .filter(|line| line.starts_with('{'))
        .collect();
    assert_eq!(keys.len(), 7, "{answer}");
    for key in keys {
        let time_to_live: i64 = redis.ask(&["TTL", key]).trim()[1..].parse().unwrap();
        assert!(
            (600..=367 * 86_400).contains(&time_to_live),
            "{key} {time_to_live}"
        );
    }
}
