//! Ending sessions, listing them, and how many there may be.

use super::*;

async fn caller(rig: &Rig, tokens: &IssuedTokens) -> Principal {
    rig.caller(tokens).await.unwrap()
}

/// R1: logged out here, and only here.
#[actix_web::test]
async fn r01_ending_a_session_ends_its_tokens_and_no_others() {
    let rig = rig();
    let (phone, laptop) = (rig.open().await, rig.open().await);
    let refreshed = rig.issuer.refresh(phone.refresh_token()).await.unwrap();
    let holder = caller(&rig, &refreshed).await;
    rig.issuer.end_session(&holder).await.unwrap();
    for tokens in [&phone, &refreshed] {
        assert!(!rig.is_good(tokens).await);
        let outcome = rig.issuer.refresh(tokens.refresh_token()).await;
        assert_eq!(kind(outcome), "invalid");
    }
    assert!(rig.is_good(&laptop).await);
    assert_eq!(kind(rig.issuer.refresh(laptop.refresh_token()).await), "ok");
    // Once more is no error.
    rig.issuer.end_session(&holder).await.unwrap();
}

/// R2: all sessions of a subject end, whichever they are; who logs in again is in.
#[actix_web::test]
async fn r02_ending_the_sessions_of_a_subject_ends_them_all() {
    let rig = rig();
    let mine = [rig.open().await, rig.open().await, rig.open().await];
    let other = rig.issuer.open_session(Subject::new("bob", "web")).await;
    let other = other.unwrap();
    rig.issuer.end_sessions("ann").await.unwrap();
    for tokens in &mine {
        assert!(!rig.is_good(tokens).await);
        assert_eq!(
            kind(rig.issuer.refresh(tokens.refresh_token()).await),
            "invalid"
        );
    }
    assert!(rig.is_good(&other).await);
    let again = rig.open().await;
    assert!(rig.is_good(&again).await);
    assert_eq!(kind(rig.issuer.refresh(again.refresh_token()).await), "ok");
}

/// R3: all but the one that is in use.
#[actix_web::test]
async fn r03_ending_the_others_keeps_this_one() {
    let rig = rig();
    let others = [rig.open().await, rig.open().await];
    let mine = rig.open().await;
    let holder = caller(&rig, &mine).await;
    assert_eq!(rig.issuer.end_other_sessions(&holder).await.unwrap(), 2);
    for tokens in &others {
        assert!(!rig.is_good(tokens).await);
        assert_eq!(
            kind(rig.issuer.refresh(tokens.refresh_token()).await),
            "invalid"
        );
    }
    assert!(rig.is_good(&mine).await);
    assert_eq!(kind(rig.issuer.refresh(mine.refresh_token()).await), "ok");
    assert_eq!(rig.issuer.end_other_sessions(&holder).await.unwrap(), 0);
}

/// J15: a subject of that name at another issuer is somebody else.
#[actix_web::test]
async fn j15_a_caller_of_another_issuer_ends_nothing_here() {
    let (clock, _hand) = Clock::manual();
    let foreign = testing::Tokens::new(&clock);
    let settings = Settings {
        token_issuer: Some(testing::token_issuer()),
        ..Settings::default()
    };
    let builder = Security::builder().clock(clock).issuer(foreign.issuer());
    let security = builder.settings(settings).build().unwrap();
    let issuer = security.token_issuer().unwrap();
    let mine = issuer.open_session(ann()).await.unwrap();
    let token = foreign.token("ann").claim("sid", mine.session_id()).sign();
    let authenticator = security.authenticator().unwrap();
    let caller = authenticator.authenticate_token(token.as_bytes()).unwrap();
    let outcome = issuer.end_other_sessions(&caller).await;
    assert!(matches!(outcome, Err(TokenError::Foreign)));
    issuer.end_session(&caller).await.unwrap();
    assert_eq!(issuer.sessions("ann").await.unwrap().len(), 1);
    assert_eq!(kind(issuer.refresh(mine.refresh_token()).await), "ok");
}

/// Whatever has revoked a session since it was opened ends it: its refresh tokens are no way
/// around the list. R1, R2, R3, R7.
#[actix_web::test]
async fn r07_what_the_list_refuses_is_not_refreshed() {
    let name = "https://self.test";
    for level in 0..5 {
        let rig = rig();
        let tokens = rig.open().await;
        rig.hand.advance(MINUTE);
        let revocations = rig.security.revocations();
        let revoked = match level {
            0 => revocations.revoke_all().await,
            1 => revocations.revoke_issuer(name).await,
            2 => revocations.revoke_client(name, "web").await,
            3 => revocations.revoke_subject(name, "ann").await,
            _ => revocations.revoke_session(name, tokens.session_id()).await,
        };
        revoked.unwrap();
        let outcome = rig.issuer.refresh(tokens.refresh_token()).await;
        assert_eq!(kind(outcome), "revoked", "{level}");
        assert_eq!(rig.issuer.session_count().await.unwrap(), 0);
        // Opened after it, a session lives.
        let again = rig.open().await;
        assert_eq!(kind(rig.issuer.refresh(again.refresh_token()).await), "ok");
    }
}

/// R6: a cut-off is remembered for as long as there can be a session that it ends.
#[actix_web::test]
async fn r06_a_cut_off_outlives_every_session_of_before() {
    for level in 0..4 {
        let rig = rig_with(|settings| settings.idle_lifetime = settings.absolute_lifetime);
        let tokens = rig.open().await;
        let revocations = rig.security.revocations();
        let name = "https://self.test";
        let revoked = match level {
            0 => revocations.revoke_all().await,
            1 => revocations.revoke_issuer(name).await,
            2 => revocations.revoke_client(name, "web").await,
            _ => revocations.revoke_subject(name, "ann").await,
        };
        revoked.unwrap();
        let entries = revocations.list().await.unwrap();
        let kept = entries[0]
            .needed_until
            .duration_since(entries[0].cut_off.unwrap());
        assert!(kept.unwrap() >= DAY * 30, "{level}");
        rig.hand.advance(DAY * 30 - Duration::from_millis(1));
        let outcome = rig.issuer.refresh(tokens.refresh_token()).await;
        assert_eq!(kind(outcome), "revoked", "{level}");
    }
}

#[actix_web::test]
async fn one_session_of_a_list_is_ended_by_its_subject_only() {
    let rig = rig();
    let first = rig.open().await;
    rig.hand.advance(MINUTE);
    let second = rig.issuer.open_session(Subject::new("ann", "phone")).await;
    let second = second.unwrap();
    rig.hand.advance(MINUTE);
    rig.issuer.refresh(first.refresh_token()).await.unwrap();
    let listed = rig.issuer.sessions("ann").await.unwrap();
    let ids: Vec<_> = listed.iter().map(|session| session.id.as_str()).collect();
    assert_eq!(ids, [first.session_id(), second.session_id()]);
    assert_eq!(listed[1].client_id, "phone");
    let since = |time: std::time::SystemTime| time.duration_since(listed[0].opened_at).unwrap();
    assert_eq!(since(listed[0].refreshed_at), MINUTE * 2);
    assert_eq!(since(listed[0].expires_at), MINUTE * 2 + DAY * 14);
    assert_eq!(since(listed[1].opened_at), MINUTE);

    for (subject, id) in [
        ("bob", second.session_id()),
        ("ann", "AAAAAAAAAAAAAAAAAAAAAA"),
        ("ann", "no id"),
        ("ann", ""),
    ] {
        let ended = rig.issuer.end_session_of(subject, id).await.unwrap();
        assert!(!ended, "{subject} {id}");
    }
    assert!(rig.is_good(&second).await);
    let id = second.session_id();
    assert!(rig.issuer.end_session_of("ann", id).await.unwrap());
    assert!(!rig.is_good(&second).await);
    assert_eq!(rig.issuer.sessions("ann").await.unwrap().len(), 1);
    // What has expired is not listed, swept or not.
    rig.hand.advance(DAY * 14);
    assert_eq!(rig.issuer.sessions("ann").await.unwrap(), []);
    assert_eq!(rig.issuer.session_count().await.unwrap(), 1);
}

/// One more than a subject may have ends the one that was unused for longest, tokens and all.
#[actix_web::test]
async fn the_sessions_of_a_subject_are_bounded() {
    let rig = rig_with(|settings| {
        settings.max_sessions_per_subject = NonZeroUsize::new(3).unwrap();
    });
    let mut opened = Vec::new();
    for _ in 0..3 {
        opened.push(rig.open().await);
        rig.hand.advance(Duration::from_secs(1));
    }
    // The first is in use, so it is the second that goes.
    opened[0] = rig.issuer.refresh(opened[0].refresh_token()).await.unwrap();
    let fourth = rig.open().await;
    assert_eq!(rig.issuer.sessions("ann").await.unwrap().len(), 3);
    assert!(!rig.is_good(&opened[1]).await);
    for tokens in [&opened[0], &opened[2], &fourth] {
        assert!(rig.is_good(tokens).await);
        assert_eq!(kind(rig.issuer.refresh(tokens.refresh_token()).await), "ok");
    }
    // Nobody else's.
    for n in 0..10 {
        let subject = Subject::new(format!("subject-{n}"), "web");
        rig.issuer.open_session(subject).await.unwrap();
    }
    assert_eq!(rig.issuer.session_count().await.unwrap(), 13);
}

/// Beyond the bound nobody is thrown out, and room comes back when sessions expire.
#[actix_web::test]
async fn the_sessions_of_all_are_bounded() {
    let rig = rig_with(|settings| settings.max_sessions = NonZeroUsize::new(100).unwrap());
    let open = async |n: usize| {
        let subject = Subject::new(format!("subject-{n}"), "web");
        rig.issuer.open_session(subject).await
    };
    let first = open(0).await.unwrap();
    for n in 1..100 {
        open(n).await.unwrap();
    }
    let outcome = open(100).await;
    let error = crate::rejection::Rejection::from(outcome.unwrap_err());
    assert_eq!(error.refusal(), Refusal::Undecided);
    assert!(rig.is_good(&first).await);
    assert_eq!(rig.issuer.session_count().await.unwrap(), 100);
    // Each call sweeps more than it adds.
    rig.hand.advance(DAY * 14);
    for n in 101..110 {
        open(n).await.unwrap();
    }
    assert_eq!(rig.issuer.session_count().await.unwrap(), 9);
}
