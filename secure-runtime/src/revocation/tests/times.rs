//! Tokens and cut-offs that are close together, and clocks that differ.

use super::*;

/// 12:00:00.7 logout, 12:00:00.9 login.
#[tokio::test]
async fn r07_a_login_in_the_second_of_the_logout() {
    let rig = Rig::new();
    let whole = rig.clock.unix_seconds();
    let at = |millis: u64| (whole * 1000 + millis) as f64 / 1000.0;
    let before = rig.caller(&rig.token().claim("iat", at(699)));
    rig.advance(700);
    rig.list.revoke_subject(ISSUER, SUBJECT).await.unwrap();
    let same_instant = rig.caller(&rig.token().claim("iat", at(700)));
    rig.advance(200);
    rig.assert_revoked(&before);
    rig.assert_revoked(&same_instant);
    // An issuer with fractions is not affected.
    rig.assert_good(&rig.caller(&rig.token().claim("iat", at(701))));
    rig.assert_good(&rig.caller(&rig.token().claim("iat", at(900))));
    // One without says that the new token is as old as the second.
    rig.assert_revoked(&rig.caller(&rig.token().claim("iat", whole)));
    rig.advance(100);
    rig.assert_good(&rig.caller(&rig.token().claim("iat", whole + 1)));
}

/// A token of an issuer whose clock is ahead does not outlive a cut-off.
#[tokio::test]
async fn an_issuer_whose_clock_is_ahead() {
    for revoke in 0..3 {
        let rig = Rig::new();
        let now = rig.clock.unix_seconds();
        let ahead = rig.caller(&rig.token().claim("iat", now + 30));
        rig.assert_good(&ahead);
        match revoke {
            0 => rig.list.revoke_subject(ISSUER, SUBJECT).await,
            1 => rig.list.revoke_issuer(ISSUER).await,
            _ => rig.list.revoke_all().await,
        }
        .unwrap();
        rig.assert_revoked(&ahead);
        // The next one of the same clock is later.
        rig.assert_good(&rig.caller(&rig.token().claim("iat", now + 31)));
    }
    // Other issuers have their own clocks.
    let rig = Rig::new();
    let now = rig.clock.unix_seconds();
    rig.assert_good(&rig.caller(&rig.token().claim("iat", now + 30)));
    rig.list
        .revoke_subject("https://other.test", SUBJECT)
        .await
        .unwrap();
    let entries = rig.list.list().await.unwrap();
    assert_eq!(
        entries[0].cut_off,
        Some(UNIX_EPOCH + Duration::from_secs(now))
    );
}

/// Nor does one that was let in before our own clock was put back: it was ahead of nothing then.
#[tokio::test]
async fn a_token_of_before_our_clock_was_put_back() {
    let rig = Rig::new();
    rig.advance(60_000);
    let issued_at = rig.clock.unix_seconds() - 5;
    let token = rig.token().claim("iat", issued_at).sign();
    let before = rig.authenticate(&token).unwrap();
    rig.assert_good(&before);
    // By 30 seconds, which is less than the leeway: the token is taken as ever.
    let back = Duration::from_secs(30);
    let wraps = u64::MAX - u64::try_from(back.as_nanos()).unwrap() + 1;
    rig.hand.advance(Duration::from_nanos(wraps));
    assert_eq!(rig.clock.unix_seconds(), issued_at + 5 - 30);
    rig.assert_good(&rig.authenticate(&token).unwrap());
    rig.list.revoke_subject(ISSUER, SUBJECT).await.unwrap();
    rig.assert_revoked(&rig.authenticate(&token).unwrap());
}

/// What one list found good, another does not take for good.
#[tokio::test]
async fn a_principal_is_found_good_by_one_list_only() {
    let rig = Rig::new();
    let caller = rig.caller(&rig.token());
    let other = RevocationList::open(rig.clock.clone(), options()).unwrap();
    other.revoke(&caller).await.unwrap();
    for _ in 0..3 {
        rig.assert_good(&caller);
        assert!(judge(&other, &caller).is_some());
    }
    // As many changes here as there.
    rig.list.revoke_subject(ISSUER, "bob").await.unwrap();
    rig.assert_good(&caller);
    assert!(judge(&other, &caller).is_some());
}

/// Who asks while another revokes: once `revoke` has returned, nobody is let in.
#[test]
fn no_request_after_a_revocation_is_let_in() {
    let rig = Rig::new();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    for _ in 0..100 {
        let caller = rig.caller(&rig.token());
        let returned = std::sync::atomic::AtomicBool::new(false);
        std::thread::scope(|scope| {
            for _ in 0..2 {
                scope.spawn(|| {
                    loop {
                        let known = returned.load(Ordering::SeqCst);
                        match (known, rig.judge(&caller)) {
                            (true, None) => panic!("let in after the revocation"),
                            (true, Some(_)) => return,
                            (false, _) => {}
                        }
                    }
                });
            }
            runtime.block_on(rig.list.revoke(&caller)).unwrap();
            returned.store(true, Ordering::SeqCst);
        });
    }
}
