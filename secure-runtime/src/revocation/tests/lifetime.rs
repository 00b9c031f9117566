//! For how long entries are kept.

use super::*;

/// Until the last instant at which the token would be valid, whatever was swept meanwhile.
#[tokio::test]
async fn r06_a_token_is_refused_until_exp_and_leeway() {
    for (exp, valid_millis) in [(300.0, 360_000), (300.9, 360_900), (0.5, 60_500)] {
        let rig = Rig::new();
        let start = rig.clock.unix_seconds();
        let token = rig.token().claim("exp", start as f64 + exp).sign();
        let caller = rig.authenticate(&token).unwrap();
        rig.list.revoke(&caller).await.unwrap();
        for millis in [1, valid_millis - 1001, 999] {
            rig.advance(millis);
            rig.sweep().await;
            assert!(rig.authenticate(&token).is_ok(), "not expired yet");
            rig.assert_revoked(&caller);
        }
        rig.advance(1);
        assert!(rig.authenticate(&token).is_err(), "expired");
    }
}

/// The longest token that is taken, issued in the last instant before the cut-off.
#[tokio::test]
async fn r06_a_cut_off_is_kept_until_no_token_from_before_is_valid() {
    for level in 0..5 {
        let rig = Rig::new();
        rig.advance(250);
        let day = 24.0 * 3600.0;
        let issued_at = rig.clock.unix_millis() as f64 / 1000.0;
        let token = rig
            .token()
            .claim("iat", issued_at)
            .claim("exp", issued_at + day)
            .sign();
        let caller = rig.authenticate(&token).unwrap();
        let list = &rig.list;
        match level {
            0 => list.revoke_all().await,
            1 => list.revoke_issuer(ISSUER).await,
            2 => list.revoke_client(ISSUER, CLIENT).await,
            3 => list.revoke_subject(ISSUER, SUBJECT).await,
            _ => list.revoke_session(ISSUER, SESSION).await,
        }
        .unwrap();
        for millis in [1, (24 * 3600 + 60) * 1000 - 2] {
            rig.advance(millis);
            rig.sweep().await;
            assert!(rig.authenticate(&token).is_ok(), "not expired yet");
            rig.assert_revoked(&caller);
        }
        rig.advance(1);
        assert!(rig.authenticate(&token).is_err(), "expired");
    }
}

#[tokio::test]
async fn what_refuses_nothing_is_forgotten() {
    let rig = Rig::new();
    let minutes = |minutes: u64| rig.advance(minutes * 60_000);
    let caller = rig.caller(&rig.token());
    rig.list.revoke(&caller).await.unwrap();
    rig.list.revoke_subject(ISSUER, SUBJECT).await.unwrap();
    // Five minutes of life, one of leeway, and five for a clock that is put back.
    minutes(11);
    assert_eq!(rig.sweep().await, 1);
    let counts = rig.list.counts().await.unwrap();
    assert_eq!((counts.tokens, counts.subjects), (0, 1));
    minutes(24 * 60 - 5);
    assert_eq!(rig.sweep().await, 1);
    assert_eq!(
        rig.list.counts().await.unwrap(),
        RevocationCounts::default()
    );
    assert!(rig.list.list().await.unwrap().is_empty());
}

/// A second revocation of the same thing makes it last longer, never shorter.
#[tokio::test]
async fn a_later_cut_off_takes_the_place_of_an_earlier_one() {
    let rig = Rig::new();
    rig.list.revoke_subject(ISSUER, SUBJECT).await.unwrap();
    rig.advance(2000);
    let between = rig.caller(&rig.token());
    rig.assert_good(&between);
    rig.advance(2000);
    rig.list.revoke_subject(ISSUER, SUBJECT).await.unwrap();
    rig.assert_revoked(&between);
    let entries = rig.list.list().await.unwrap();
    assert_eq!(entries.len(), 1);
    let cut_off = UNIX_EPOCH + Duration::from_millis(rig.clock.unix_millis());
    assert_eq!(entries[0].cut_off, Some(cut_off));
    assert_eq!(
        entries[0].needed_until,
        cut_off + Duration::from_secs(24 * 3600 + 60)
    );
}
