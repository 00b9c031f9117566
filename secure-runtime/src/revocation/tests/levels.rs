//! The greatest cut-off counts.

use super::*;
use crate::revocation::target::Key;

const CUT_OFFS: [(Level, &str, &str); 5] = [
    (Level::Everybody, "", ""),
    (Level::Issuer, ISSUER, ""),
    (Level::Client, ISSUER, CLIENT),
    (Level::Subject, ISSUER, SUBJECT),
    (Level::Session, ISSUER, SESSION),
];

/// Every sequence without repetition of the numbers below `n`, the empty one among them.
fn sequences(n: usize) -> Vec<Vec<usize>> {
    let mut all = vec![vec![]];
    let mut from = 0;
    while from < all.len() {
        for next in 0..n {
            if !all[from].contains(&next) {
                let mut longer = all[from].clone();
                longer.push(next);
                all.push(longer);
            }
        }
        from += 1;
    }
    all
}

/// Every subset of the five levels, in every order of their cut-offs, made in every order of
/// time; and tokens from before, at and after each cut-off.
#[test]
fn r07_every_subset_of_levels_in_every_order() {
    let rig = Rig::new();
    let start = rig.clock.unix_millis();
    let step = 1000;
    // Tokens at each cut-off, and halfway between two.
    let callers: Vec<_> = (0..=2 * CUT_OFFS.len() as u64)
        .map(|n| {
            let issued_at = (start + n * step / 2) as f64 / 1000.0;
            rig.caller(&rig.token().claim("iat", issued_at))
        })
        .collect();
    let retention = Retention {
        leeway: 60_000,
        max_lifetime: 24 * 3_600_000,
        max_session: 0,
    };
    let all = sequences(CUT_OFFS.len());
    assert_eq!(all.len(), 326);
    for ranks in &all {
        // Which cut-off is the greater one is one order; which was made first is another.
        for made in sequences(ranks.len())
            .iter()
            .filter(|made| made.len() == ranks.len())
        {
            let (entries, mut writer) = Entries::new(retention, 10);
            for place in made {
                let (level, issuer, name) = CUT_OFFS[ranks[*place]];
                let key = Key {
                    level,
                    issuer,
                    name,
                };
                writer.insert(key, start + *place as u64 * step).unwrap();
            }
            let greatest = ranks.len().checked_sub(1).map(|n| start + n as u64 * step);
            for caller in &callers {
                let expected =
                    greatest.is_some_and(|greatest| caller.issued_at_millis() <= greatest);
                let found = entries.revoked(caller);
                assert_eq!(found.is_some(), expected, "{ranks:?} {made:?} {found:?}");
            }
        }
    }
}

/// The same through the interface, where later calls have later cut-offs; with the token itself.
#[tokio::test]
async fn r07_every_subset_through_the_interface() {
    for order in sequences(6) {
        // All orders of up to three levels, and of all six.
        if (4..6).contains(&order.len()) {
            continue;
        }
        if order.len() == 6 && order[0] != 0 {
            continue;
        }
        let rig = Rig::new();
        let own = rig.caller(&rig.token());
        let other = rig.caller(
            &rig.tokens
                .token("bob")
                .claim("client_id", "other")
                .claim("sid", "session-2"),
        );
        let mut everybody = false;
        for level in &order {
            rig.advance(1000);
            let list = &rig.list;
            match level {
                0 => list.revoke_all().await,
                1 => list.revoke_issuer(ISSUER).await,
                2 => list.revoke_client(ISSUER, CLIENT).await,
                3 => list.revoke_subject(ISSUER, SUBJECT).await,
                4 => list.revoke_session(ISSUER, SESSION).await,
                _ => list.revoke(&own).await,
            }
            .unwrap();
            everybody |= *level < 2;
            rig.assert_revoked(&own);
            assert_eq!(rig.judge(&other).is_some(), everybody, "{order:?}");
            // In the same second as the cut-off; then in the next one.
            let cut_off_level = *level < 5;
            let same = rig.caller(&rig.token());
            assert_eq!(rig.judge(&same).is_some(), cut_off_level, "{order:?}");
            rig.advance(1000);
            rig.assert_good(&rig.caller(&rig.token()));
        }
    }
}

#[tokio::test]
async fn the_reason_says_which_level() {
    let rig = Rig::new();
    let caller = rig.caller(&rig.token());
    let list = &rig.list;
    list.revoke(&caller).await.unwrap();
    assert_eq!(rig.judge(&caller).unwrap(), "token: revoked");
    list.revoke_session(ISSUER, SESSION).await.unwrap();
    assert_eq!(
        rig.judge(&caller).unwrap(),
        "token: revoked with its session"
    );
    list.revoke_subject(ISSUER, SUBJECT).await.unwrap();
    assert_eq!(
        rig.judge(&caller).unwrap(),
        "token: revoked with its subject"
    );
    list.revoke_client(ISSUER, CLIENT).await.unwrap();
    assert_eq!(
        rig.judge(&caller).unwrap(),
        "token: revoked with its client"
    );
    list.revoke_issuer(ISSUER).await.unwrap();
    assert_eq!(
        rig.judge(&caller).unwrap(),
        "token: revoked with its issuer"
    );
    list.revoke_all().await.unwrap();
    assert_eq!(
        rig.judge(&caller).unwrap(),
        "token: revoked with every token"
    );
}

/// Names belong to an issuer and to a level.
#[tokio::test]
async fn names_are_not_mixed_up() {
    let rig = Rig::new();
    let caller = rig.caller(&rig.token());
    let list = &rig.list;
    for issuer in [
        "https://other.test",
        "https://issuer.tes",
        "https://issuer.test/",
    ] {
        list.revoke_issuer(issuer).await.unwrap();
        list.revoke_subject(issuer, SUBJECT).await.unwrap();
        list.revoke_session(issuer, SESSION).await.unwrap();
        list.revoke_client(issuer, CLIENT).await.unwrap();
    }
    for name in [SUBJECT, SESSION, CLIENT, caller.token_id()] {
        if name != SUBJECT {
            list.revoke_subject(ISSUER, name).await.unwrap();
        }
        if name != SESSION {
            list.revoke_session(ISSUER, name).await.unwrap();
        }
        if name != CLIENT {
            list.revoke_client(ISSUER, name).await.unwrap();
        }
    }
    rig.assert_good(&caller);
    for name in ["", "a\nb", &"x".repeat(513)] {
        for outcome in [
            list.revoke_subject(ISSUER, name).await,
            list.revoke_subject(name, SUBJECT).await,
            list.revoke_client(ISSUER, name).await,
            list.revoke_session(ISSUER, name).await,
            list.revoke_issuer(name).await,
        ] {
            assert!(matches!(outcome, Err(RevocationError::Identifier)));
        }
    }
    rig.assert_good(&caller);
}

#[tokio::test]
async fn what_is_lifted_is_good_again() {
    let rig = Rig::new();
    let caller = rig.caller(&rig.token());
    rig.assert_good(&caller);
    rig.list.revoke(&caller).await.unwrap();
    rig.list.revoke_subject(ISSUER, SUBJECT).await.unwrap();
    rig.assert_revoked(&caller);
    let entries = rig.list.list().await.unwrap();
    let targets: Vec<_> = entries.iter().map(|entry| &entry.target).collect();
    let subject = RevocationTarget::Subject {
        issuer: ISSUER.into(),
        subject: SUBJECT.into(),
    };
    let token = RevocationTarget::Token {
        issuer: ISSUER.into(),
        token_id: caller.token_id().into(),
    };
    assert!(targets == [&subject, &token]);
    assert!(entries[0].cut_off.is_some() && entries[1].cut_off.is_none());
    assert!(rig.list.lift(&subject).await.unwrap());
    rig.assert_revoked(&caller);
    assert!(rig.list.lift(&token).await.unwrap());
    rig.assert_good(&caller);
    assert!(!rig.list.lift(&token).await.unwrap());
    assert!(!rig.list.lift(&RevocationTarget::Everybody).await.unwrap());
    assert_eq!(
        rig.list.counts().await.unwrap(),
        RevocationCounts::default()
    );
}

#[tokio::test]
async fn entries_are_counted_once() {
    let rig = Rig::new();
    let caller = rig.caller(&rig.token());
    for _ in 0..3 {
        rig.list.revoke(&caller).await.unwrap();
        rig.list.revoke_subject(ISSUER, SUBJECT).await.unwrap();
        rig.list.revoke_subject(ISSUER, "bob").await.unwrap();
        rig.list.revoke_client(ISSUER, CLIENT).await.unwrap();
        rig.list.revoke_session(ISSUER, SESSION).await.unwrap();
        rig.list.revoke_issuer(ISSUER).await.unwrap();
        rig.list.revoke_all().await.unwrap();
    }
    assert_eq!(
        rig.list.counts().await.unwrap(),
        RevocationCounts {
            clients: 1,
            everybody: true,
            issuers: 1,
            sessions: 1,
            subjects: 2,
            tokens: 1,
        }
    );
    assert_eq!(rig.list.list().await.unwrap().len(), 7);
}
