//! Without a fault of the store.

use std::time::Duration;

use super::process::{ANYBODY, Client, Process, assert_admitted, calls, flood_with, processes};
use crate::{
    instance::{eventually, pause},
    server::{Cluster, Redis},
};

const USERS: [&str; 16] = [
    "u0", "u1", "u2", "u3", "u4", "u5", "u6", "u7", "u8", "u9", "u10", "u11", "u12", "u13", "u14",
    "u15",
];

fn user(number: usize) -> Client<'static> {
    Client {
        address: u32::try_from(number).unwrap(),
        user: Some(USERS[number]),
        token: None,
    }
}

#[actix_web::test]
async fn l12_sixteen_clients_of_three_processes_admit_exactly_the_bound() {
    let redis = Redis::start();
    let all = processes(&redis.url(), 3).await;
    let answers = flood_with(&all, 16, 10, "/exact", user).await;
    assert_admitted(&answers, 50);
}

/// L13: who is refused by one quota is charged to none.
#[actix_web::test]
async fn l13_several_quotas_are_charged_together_or_not_at_all() {
    let redis = Redis::start();
    let all = processes(&redis.url(), 3).await;
    // Six users could take 5 each, and two pairs of them share an address with 6.
    let client = |number: usize| Client {
        address: u32::try_from(number.min(3)).unwrap(),
        ..user(number)
    };
    let answers = flood_with(&all, 6, 12, "/several", client).await;
    // 5 and 5 and 5 by themselves, and 6 of those who share an address.
    assert_admitted(&answers, 21);
    // 19 are left of the route, and what was refused took none of them.
    let answers = flood_with(&all, 8, 6, "/several", |number| user(number + 8)).await;
    assert_admitted(&answers, 19);
}

/// L14: of a flood the store sees the first, and what was on its way with it.
#[actix_web::test]
async fn l14_a_flood_of_a_denied_key_stays_in_the_process() {
    let redis = Redis::start();
    let all = processes(&redis.url(), 2).await;
    redis.ask(&["CONFIG", "RESETSTAT"]);
    let start = std::time::Instant::now();
    let mut answers = Vec::new();
    for _ in 0..2_000 {
        for process in &all {
            answers.push(process.get("/flood", ANYBODY).await);
        }
    }
    assert_admitted(&answers, 5);
    let undecided = answers
        .iter()
        .filter(|answer| answer.status.as_u16() == 503);
    let undecided = undecided.count() as u64;
    // 5 were admitted, each process was denied once, and gives a sign of life each second.
    let beats = 2 * (start.elapsed().as_secs() + 2);
    let calls = calls(&redis);
    println!("4000 requests, {calls} calls");
    assert!((7..=7 + beats + undecided).contains(&calls), "{calls}");
}

/// L2, L5: in real time, once.
#[actix_web::test]
async fn l02_who_waits_as_long_as_told_is_admitted() {
    let redis = Redis::start();
    let all = processes(&redis.url(), 2).await;
    // A machine that does much else answers 503 now and then.
    let decided = async |process: &Process| loop {
        let answer = process.get("/two-in-two-seconds", ANYBODY).await;
        if answer.status.as_u16() != 503 {
            break answer;
        }
    };
    for process in &all {
        let refused = loop {
            let answer = decided(process).await;
            if !answer.is_ok() {
                break answer;
            }
        };
        assert_eq!(refused.status.as_u16(), 429);
        pause(1_000 * refused.retry_after.unwrap()).await;
        assert!(decided(process).await.is_ok());
    }
}

/// L3: what is left is left for all processes together.
#[actix_web::test]
async fn l03_the_fields_tell_what_is_left_of_the_whole() {
    let redis = Redis::start();
    let all = processes(&redis.url(), 2).await;
    for left in (0..5).rev() {
        let answer = all[left % 2].get("/flood", ANYBODY).await;
        let told = answer.ratelimit.unwrap();
        let expected = format!(r#""5/h";r={left};t="#);
        assert!(told.starts_with(&expected), "{told}");
        let next: u64 = told[expected.len()..].parse().unwrap();
        assert!((700..=720).contains(&next), "{next}");
    }
    for process in &all {
        let answer = process.get("/flood", ANYBODY).await;
        let told = answer.ratelimit.unwrap();
        let wait = answer.retry_after.unwrap();
        assert_eq!(told, format!(r#""5/h";r=0;t={wait}"#));
        assert!((700..=720).contains(&wait), "{wait}");
    }
}

/// As with counts in memory: what others have used of a route is not told to who shows nothing.
#[actix_web::test]
async fn l06_a_quota_of_the_route_is_not_told_to_strangers() {
    let redis = Redis::start();
    let all = processes(&redis.url(), 1).await;
    let answers = flood_with(&all, 4, 20, "/exact", user).await;
    assert_admitted(&answers, 50);
    assert_eq!(all[0].get("/exact", user(9)).await.status.as_u16(), 429);
    let answer = all[0].get("/exact", ANYBODY).await;
    assert_eq!(answer.status.as_u16(), 401, "{answer:?}");
}

/// The order is that of the counts in memory: 429 wins over 401 and 403.
#[actix_web::test]
async fn a_guesser_learns_nothing_more_and_pays_for_each_try() {
    let redis = Redis::start();
    let all = processes(&redis.url(), 2).await;
    let wrong = Client {
        token: Some("no.token.atall"),
        ..ANYBODY
    };
    let role = Client {
        address: 2,
        user: Some("mallory"),
        token: None,
    };
    let nobody = Client {
        address: 3,
        ..ANYBODY
    };
    for (client, status) in [(wrong, 401), (role, 403), (nobody, 401)] {
        for turn in 0..3 {
            let answer = all[turn % 2].get("/admin", client).await;
            assert_eq!(answer.status.as_u16(), status, "{client:?} {turn}");
        }
        for process in &all {
            let answer = process.get("/admin", client).await;
            assert_eq!(answer.status.as_u16(), 429, "{client:?}");
        }
        // Whoever comes from there, and whatever is shown.
        let root = Client {
            user: Some("root"),
            token: None,
            ..client
        };
        assert_eq!(all[0].get("/admin", root).await.status.as_u16(), 429);
    }
    let root = Client {
        address: 4,
        user: Some("root"),
        token: None,
    };
    let answers = flood_with(&all, 1, 5, "/admin", |_| root).await;
    assert_admitted(&answers, 3);
}

#[actix_web::test]
async fn a_local_quota_is_counted_by_each_and_asks_nobody() {
    let redis = Redis::start();
    let all = processes(&redis.url(), 3).await;
    redis.ask(&["CONFIG", "RESETSTAT"]);
    let start = std::time::Instant::now();
    let answers = flood_with(&all, 3, 60, "/alone", |_| ANYBODY).await;
    assert_admitted(&answers, 12);
    assert!(calls(&redis) <= 3 * (start.elapsed().as_secs() + 2));
}

/// What a request turned out to cost is known everywhere.
#[actix_web::test]
async fn a_charge_after_the_fact_is_shared() {
    let redis = Redis::start();
    let all = processes(&redis.url(), 2).await;
    // 2 and 5, then 2 of the 3 that are left, and a debt of 4: 10 units come back in an hour.
    assert!(all[0].get("/metered", user(1)).await.is_ok());
    assert!(all[1].get("/metered", user(1)).await.is_ok());
    for process in &all {
        let answer = process.get("/metered", user(1)).await;
        assert_eq!(answer.status.as_u16(), 429);
        let wait = answer.retry_after.unwrap();
        assert!((2_100..=2_160).contains(&wait), "{wait}");
        assert!(process.get("/metered", user(2)).await.is_ok() || wait == 0);
    }
}

/// Scripts that are forgotten under load are sent again.
#[actix_web::test]
async fn noscript_is_survived() {
    let redis = Redis::start();
    let all = processes(&redis.url(), 2).await;
    let forget = async {
        for _ in 0..40 {
            redis.ask(&["SCRIPT", "FLUSH"]);
            pause(1).await;
        }
    };
    let requests = async {
        let mut answers = Vec::new();
        for _ in 0..20 {
            answers.extend(flood_with(&all, 8, 1, "/exact", user).await);
        }
        answers
    };
    let ((), answers) = futures_util::future::join(forget, requests).await;
    assert_admitted(&answers, 50);
    let facts = redis.ask(&["INFO", "errorstats"]);
    assert!(facts.contains("errorstat_NOSCRIPT"), "{facts}");
}

/// Neither names nor contents of counts tell who a caller is.
#[actix_web::test]
async fn no_identity_is_in_the_store() {
    let redis = Redis::start();
    let all = processes(&redis.url(), 1).await;
    assert!(all[0].get("/several", user(3)).await.is_ok());
    let names = redis.ask(&["KEYS", "*"]);
    assert!(names.contains("several:5/h:"), "{names}");
    assert!(
        !names.contains("u3") && !names.contains("issuer"),
        "{names}"
    );
}

/// L15: by their signs of life; one that is gone is missed in the store first.
#[actix_web::test]
async fn processes_count_each_other() {
    let redis = Redis::start();
    let mut all = processes(&redis.url(), 3).await;
    drop(all.pop());
    // The shares stay as they were for a minute, whatever is counted.
    let counted = || {
        redis.ask(&[
            "EVAL",
            "return redis.call('ZCARD', redis.call('KEYS', '*limit:instances')[1])",
            "0",
        ])
    };
    eventually("its signs are missed", || counted() == ":2\r\n").await;
    pause(1_200).await;
    for process in &all {
        process.wait(3).await;
    }
    let told = Process::with(&redis.url(), Some(7)).await;
    assert_eq!(told.security.limits().instances().unwrap().get(), 7);
    assert_eq!(told.security.limits().degraded(), Duration::ZERO);
}

#[actix_web::test]
async fn l12_a_cluster_of_three() {
    let cluster = Cluster::start();
    let all = processes(&cluster.url(), 2).await;
    let answers = flood_with(&all, 16, 5, "/exact", user).await;
    assert_admitted(&answers, 50);
    // Two kinds of quota have keys in one slot.
    assert!(all[0].get("/several", user(1)).await.is_ok());
}

/// L2: who waits as long as he is told is admitted, also where nobody is asked.
#[actix_web::test]
async fn l2_who_is_known_to_be_denied_is_told_of_local_quotas_too() {
    let redis = Redis::start();
    let process = &processes(&redis.url(), 1).await[0];
    assert!(process.get("/one-local", user(1)).await.is_ok());
    let refused = process.get("/one-local", user(1)).await;
    assert_eq!(refused.retry_after, Some(1));
    assert!(process.get("/one-local", user(2)).await.is_ok());
    assert!(process.get("/one-local", user(3)).await.is_ok());
    let refused = process.get("/one-local", user(1)).await;
    assert!(refused.retry_after > Some(1_000), "{refused:?}");
}

/// L13: what a quota that is counted here has denied is charged to none, and waits for none.
#[actix_web::test]
async fn l13_what_a_local_quota_denies_is_charged_nowhere() {
    let redis = Redis::start();
    let process = &processes(&redis.url(), 1).await[0];
    assert!(process.get("/local-denies", user(1)).await.is_ok());
    for _ in 0..4 {
        let refused = process.get("/local-denies", user(2)).await;
        assert_eq!(refused.status.as_u16(), 429);
        let wait = refused.retry_after.unwrap();
        assert!((3_500..=3_600).contains(&wait), "{wait}");
    }
}
