//! The scripts against the reference: one schedule, two stores, the same answers.
//!
//! Time is a parameter of every operation, so that weeks pass here too; only for the keys'
//! own expiry, which comes later than any that is decided on, the server goes by its clock.

use std::time::Instant;

use super::*;
use crate::{
    store::{Store, Target, chance::Chance, server::Redis},
    tokens::refresh::Proof,
};

async fn store(redis: &Redis, prefix: &str) -> Store {
    let store = Store::start(Target::parse(&redis.url()).unwrap(), prefix).unwrap();
    let start = Instant::now();
    while store.server().connection().is_err() {
        assert!(start.elapsed() < Duration::from_secs(15), "no connection");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    store
}

const LIMITS: Limits = Limits {
    idle: 1_800_000,
    absolute: 5_400_000,
    grace: 10_000,
    max_sessions: 8,
    max_per_subject: 3,
};

fn session(id: u64, subject: u64, now: u64) -> Session {
    let mut bytes = [0; 16];
    // In no order that has to do with time.
    bytes[..8].copy_from_slice(&id.wrapping_mul(0x9e37_79b9_7f4a_7c15).to_be_bytes());
    let subject = Subject::new(format!("subject \"{subject}\" é"), "web")
        .role("customer")
        .scope("orders:read")
        .authenticated_by("pwd");
    Session {
        id: SessionId(bytes),
        subject: Arc::new(subject),
        auth_time: now / 1000,
        opened_at: now,
        renewed_at: now,
        generation: 0,
        proof: Proof([id as u8; 32]),
    }
}

/// One of the last.
fn pick(known: &[Session], chance: &mut Chance) -> Option<Session> {
    let place = known.len().checked_sub(1 + chance.below(6) as usize)?;
    Some(known[place].clone())
}

/// Everything that can be seen of a session.
fn seen(session: &Session) -> String {
    let subject = &session.subject;
    format!(
        "{session:?} {} {} {:?} {:?} {:?} {:?}",
        subject.name,
        subject.client_id,
        subject.roles,
        subject.scopes,
        subject.methods,
        session.proof.0
    )
}

#[tokio::test]
async fn both_stores_answer_alike() {
    let redis = Redis::start();
    let mut chance = Chance(0x5eed_2026);
    let (mut rotated, mut reused, mut expired, mut full, mut ended) = (0, 0, 0, 0, 0);
    for round in 0..25 {
        let store = store(&redis, &format!("round-{round}")).await;
        let [memory, redis] = [
            Sessions::in_memory(LIMITS),
            Sessions::patient_in_redis(Arc::clone(store.server()), LIMITS).await,
        ];
        let mut known: Vec<Session> = Vec::new();
        let mut now = 1_800_000_000_000;
        for step in 0..120 {
            let context = format!("round {round}, step {step}");
            now += match chance.below(12) {
                0 => chance.below(2_000_000),
                1 => chance.below(400_000),
                2..6 => chance.below(12_000),
                _ => chance.below(2),
            };
            match chance.below(10) {
                0..3 => {
                    let session = session(round * 1000 + step, chance.below(4), now);
                    let [here, there] = [
                        memory.open(session.clone(), now).await,
                        redis.open(session.clone(), now).await,
                    ];
                    assert_eq!(kind(here.clone()), kind(there.clone()), "{context}");
                    full += u32::from(here.is_err());
                    if let (Ok(here), Ok(there)) = (here, there) {
                        assert_eq!(here, there, "{context}");
                        ended += u32::from(here.is_some());
                    }
                    known.push(session);
                }
                3..8 => {
                    let Some(session) = pick(&known, &mut chance) else {
                        continue;
                    };
                    let newest = memory.find(session.id).await.unwrap();
                    let newest = newest.map_or(1, |session| session.generation);
                    let back = [0, 0, 0, 0, 1, 1, 2][chance.below(7) as usize];
                    let generation = (newest + u32::from(chance.one_in(30))).saturating_sub(back);
                    let proof = match chance.below(30) {
                        0 => Proof([255; 32]),
                        _ => session.proof,
                    };
                    let [here, there] = [
                        memory.present(&session, generation, &proof, now).await,
                        redis.present(&session, generation, &proof, now).await,
                    ]
                    .map(Result::unwrap);
                    assert_eq!(here.0, there.0, "{context}");
                    let [here_is, there_is] =
                        [&here.1, &there.1].map(|session| session.as_ref().map(seen));
                    assert_eq!(here_is, there_is, "{context}");
                    rotated += u32::from(here.0 == Outcome::Rotated);
                    reused += u32::from(here.0 == Outcome::Reused);
                    expired += u32::from(here.0 == Outcome::Expired);
                }
                8 => {
                    let Some(session) = pick(&known, &mut chance) else {
                        continue;
                    };
                    let subject = match chance.below(5) {
                        0 => "somebody else",
                        _ => &session.subject.name,
                    };
                    let [here, there] = [
                        memory.end(session.id, subject).await,
                        redis.end(session.id, subject).await,
                    ]
                    .map(Result::unwrap);
                    assert_eq!(here, there, "{context}");
                }
                _ => {
                    let Some(session) = pick(&known, &mut chance) else {
                        continue;
                    };
                    let keep = (chance.one_in(2)).then_some(session.id);
                    let subject = &session.subject.name;
                    let [mut here, mut there] = [
                        memory.end_all(subject, keep).await,
                        redis.end_all(subject, keep).await,
                    ]
                    .map(Result::unwrap);
                    here.sort();
                    there.sort();
                    assert_eq!(here, there, "{context}");
                }
            }
            let counts = [memory.count().await, redis.count().await].map(Result::unwrap);
            assert_eq!(counts[0], counts[1], "{context}");
            if let Some(session) = pick(&known, &mut chance) {
                let found = [memory.find(session.id).await, redis.find(session.id).await]
                    .map(|found| found.unwrap().as_ref().map(seen));
                assert_eq!(found[0], found[1], "{context}");
                let subject = &session.subject.name;
                let [mut here, mut there] = [
                    memory.list(subject, now).await,
                    redis.list(subject, now).await,
                ]
                .map(Result::unwrap);
                here.sort_by_key(|session| session.id);
                there.sort_by_key(|session| session.id);
                let [here, there] =
                    [here, there].map(|list| list.iter().map(seen).collect::<Vec<_>>());
                assert_eq!(here, there, "{context}");
            }
        }
    }
    // The schedule has come to everything that there is.
    for (count, what) in [
        (rotated, "rotated"),
        (reused, "reused"),
        (expired, "expired"),
        (full, "full"),
        (ended, "ended for room"),
    ] {
        assert!(count > 20, "{what}: {count}");
    }
}

/// A server that is short of memory may have dropped it: a logout is one all the same.
#[tokio::test]
async fn r01_a_session_ends_though_the_list_of_its_subject_was_lost() {
    let redis = Redis::start();
    let store = store(&redis, "lost").await;
    let sessions = Sessions::patient_in_redis(Arc::clone(store.server()), LIMITS).await;
    let now = 1_800_000_000_000;
    let opened = session(1, 1, now);
    sessions.open(opened.clone(), now).await.unwrap();
    let names = redis.ask(&["KEYS", "*sessions:of:*"]);
    let name = names.lines().find(|line| line.contains("sessions:of:"));
    assert!(redis.ask(&["DEL", name.unwrap()]).starts_with(":1"));
    assert!(!sessions.end(opened.id, "somebody else").await.unwrap());
    let subject = &opened.subject.name;
    assert!(sessions.end(opened.id, subject).await.unwrap());
    assert!(sessions.find(opened.id).await.unwrap().is_none());
    assert_eq!(sessions.count().await.unwrap(), 0);
}

/// What the server keeps is gone by itself when nobody comes any more.
#[tokio::test]
async fn every_session_expires_by_itself() {
    let redis = Redis::start();
    let store = store(&redis, "expiry").await;
    let sessions = Sessions::patient_in_redis(Arc::clone(store.server()), LIMITS).await;
    let now = 1_800_000_000_000;
    let opened = session(1, 1, now);
    sessions.open(opened.clone(), now).await.unwrap();
    let outcome = sessions
        .present(&opened, 0, &opened.proof, now + 1000)
        .await;
    assert_eq!(outcome.unwrap().0, Outcome::Rotated);
    let ask = async |command: &[&str]| {
        let mut asked = ::redis::cmd(command[0]);
        asked.arg(&command[1..]);
        let limit = Duration::from_secs(5);
        store
            .server()
            .ask::<::redis::Value>(&asked, limit)
            .await
            .unwrap()
    };
    let ::redis::Value::Array(names) = ask(&["KEYS", "*"]).await else {
        panic!("no list");
    };
    let mut lived = Vec::new();
    for name in names {
        let name: String = ::redis::from_redis_value(name).unwrap();
        // No name of a subject, in any form that can be read.
        assert!(!name.contains("subject"), "{name}");
        let ::redis::Value::Int(lives) = ask(&["PTTL", &name]).await else {
            panic!("no number");
        };
        if lives > 0 {
            lived.push(lives);
        }
    }
    lived.sort_unstable();
    // The session, and the list of its subject. The list of all is what the bound counts.
    let [short, long] = lived[..] else {
        panic!("{lived:?}");
    };
    let slack = 600_000;
    let is_near = |lives: i64, expected: u64| (0..10_000).contains(&(expected as i64 - lives));
    assert!(is_near(short, LIMITS.idle + slack), "{short}");
    assert!(is_near(long, LIMITS.absolute + slack), "{long}");
}
