//! The bound on entries, and what they take.

use std::{hint::black_box, process::Command, time::Instant};

use super::*;
use crate::revocation::target::Key;

#[tokio::test]
async fn beyond_the_bound_a_revocation_fails_and_none_is_dropped() {
    let rig = Rig::with(RevocationOptions {
        max_entries: 3,
        ..options()
    });
    let early = rig.caller(&rig.token());
    rig.list.revoke(&early).await.unwrap();
    rig.list.revoke_subject(ISSUER, "bob").await.unwrap();
    rig.list.revoke_subject(ISSUER, "cal").await.unwrap();
    let late = rig.caller(&rig.token());
    let outcome = rig.list.revoke(&late).await;
    assert!(matches!(
        outcome,
        Err(RevocationError::Full { max_entries: 3 })
    ));
    rig.assert_revoked(&early);
    rig.assert_good(&late);
    // What is there already needs no room.
    rig.advance(1000);
    rig.list.revoke_subject(ISSUER, "bob").await.unwrap();
    // What has expired makes room, without waiting for the sweep.
    rig.advance(11 * 60_000);
    let later = rig.caller(&rig.token());
    rig.list.revoke(&later).await.unwrap();
    rig.assert_revoked(&later);
    assert!(rig.list.revoke_subject(ISSUER, "dan").await.is_err());
    // And so does a lift.
    let bob = RevocationTarget::Subject {
        issuer: ISSUER.into(),
        subject: "bob".into(),
    };
    assert!(rig.list.lift(&bob).await.unwrap());
    rig.list.revoke_subject(ISSUER, "dan").await.unwrap();
}

const RETENTION: Retention = Retention {
    leeway: 60_000,
    max_lifetime: 24 * 3_600_000,
    max_session: 0,
};

/// Entries go in any order, and the others are still found.
#[test]
fn the_table_loses_nothing_when_others_go() {
    let (entries, mut writer) = Entries::new(RETENTION, 100_000);
    let key = |name: &'static str| Key {
        level: Level::Token,
        issuer: ISSUER,
        name,
    };
    let names: Vec<&'static str> = (0..20_000)
        .map(|n| &*Box::leak(format!("token-{n}").into_boxed_str()))
        .collect();
    for (n, name) in names.iter().enumerate() {
        writer.insert(key(name), n as u64).unwrap();
    }
    assert_eq!(entries.count(Level::Token), 20_000);
    // Those with a time below 15,000 are over.
    let now = 15_000 + RETENTION.leeway + 5 * 60_000 - 1;
    assert_eq!(writer.sweep(now), 15_000);
    for (n, name) in names.iter().enumerate().filter(|(n, _)| n % 3 == 0) {
        assert_eq!(writer.remove(key(name)), n >= 15_000);
    }
    let mut left = Vec::new();
    entries
        .each(|key, time| {
            assert_eq!(key.name, format!("token-{time}"));
            left.push(time);
            Ok::<(), ()>(())
        })
        .unwrap();
    left.sort_unstable();
    let expected: Vec<u64> = (15_000..20_000).filter(|n| n % 3 != 0).collect();
    assert_eq!(left, expected);
    assert_eq!(entries.len(), expected.len());
}

/// Starts this test program anew for one ignored test, and returns what it reports.
pub(super) fn alone(test: &str) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args([test, "--exact", "--ignored", "--nocapture"]);
    command
}

/// In a process of its own, whose memory is measured by the system.
#[cfg(target_os = "linux")]
#[test]
fn a_million_entries_take_less_than_100_bytes_each() {
    let output = alone("revocation::tests::memory::a_million_entries")
        .output()
        .unwrap();
    let report = String::from_utf8_lossy(&output.stderr).into_owned();
    println!("{report}");
    let bytes: f64 = report
        .lines()
        .find_map(|line| line.strip_prefix("bytes an entry: "))
        .unwrap_or_else(|| panic!("{report}"))
        .parse()
        .unwrap();
    assert!(bytes < 100.0, "{bytes} bytes an entry");
}

#[cfg(target_os = "linux")]
#[test]
#[ignore = "started by the one before, alone in a process"]
fn a_million_entries() {
    fn resident() -> usize {
        let status = fs::read_to_string("/proc/self/status").unwrap();
        let line = status.lines().find(|line| line.starts_with("RssAnon:"));
        let kib = line.unwrap().split_whitespace().nth(1).unwrap();
        kib.parse::<usize>().unwrap() * 1024
    }
    const MILLION: usize = 1_000_000;

    let rig = Rig::new();
    let callers: Vec<_> = (0..1000)
        .map(|n| {
            let token = rig.tokens.token(&format!("good-{n}"));
            rig.caller(&token.claim("sid", format!("{n:036}")))
        })
        .collect();
    let (entries, mut writer) = Entries::new(RETENTION, MILLION);
    let before = resident();
    for n in 0..MILLION {
        // As long as a UUID.
        let name = format!(
            "{n:08x}-0000-4000-8000-{:012x}",
            n.wrapping_mul(0x9e37_79b9)
        );
        let level = match n % 10 {
            0 => Level::Session,
            1..4 => Level::Subject,
            _ => Level::Token,
        };
        let key = Key {
            level,
            issuer: ISSUER,
            name: &name,
        };
        writer.insert(key, u64::MAX / 2).unwrap();
    }
    let bytes = (resident() - before) as f64 / MILLION as f64;
    assert_eq!(entries.len(), MILLION);
    eprintln!("bytes an entry: {bytes:.1}");

    // Not asserted: it depends on the machine and on how this was compiled.
    let rounds = 200;
    let started = Instant::now();
    for _ in 0..rounds {
        for caller in &callers {
            assert!(black_box(&entries).revoked(black_box(caller)).is_none());
        }
    }
    let checks = (rounds * callers.len()) as f64;
    let nanos = started.elapsed().as_nanos() as f64 / checks;
    eprintln!("nanoseconds to look into three levels: {nanos:.0}");
    let started = Instant::now();
    for _ in 0..rounds {
        for caller in &callers {
            black_box(&rig.list)
                .check(black_box(caller), WITHIN)
                .unwrap();
        }
    }
    let nanos = started.elapsed().as_nanos() as f64 / checks;
    eprintln!("nanoseconds where nothing was revoked since: {nanos:.0}");
}
