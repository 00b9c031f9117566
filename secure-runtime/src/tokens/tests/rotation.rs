//! What becomes of a refresh token that is used: once, twice, late, at once by many.

use std::collections::HashSet;

use super::*;

#[actix_web::test]
async fn each_use_gives_another_token_of_the_same_session() {
    let rig = rig();
    let mut tokens = rig.open().await;
    let mut seen = HashSet::from([tokens.refresh_token().expose().to_owned()]);
    for _ in 0..50 {
        rig.hand.advance(MINUTE * 10);
        let next = rig.issuer.refresh(tokens.refresh_token()).await.unwrap();
        assert!(rig.is_good(&next).await);
        assert_eq!(next.session_id(), tokens.session_id());
        assert!(seen.insert(next.refresh_token().expose().to_owned()));
        tokens = next;
    }
    assert_eq!(rig.issuer.session_count().await.unwrap(), 1);
}

/// RFC 9700 section 4.14: a token that is used twice ends the family, whoever was first, and the
/// access tokens with it.
#[actix_web::test]
async fn reuse_ends_the_session_and_its_access_tokens() {
    // How many rotations ago it was spent.
    for age in 1..6 {
        let rig = rig();
        let other = rig.open().await;
        let stolen = rig.open().await;
        let mut family = vec![stolen.clone()];
        for _ in 0..age {
            let last = family.last().unwrap();
            family.push(rig.issuer.refresh(last.refresh_token()).await.unwrap());
            rig.hand.advance(Duration::from_secs(11));
        }
        for tokens in &family {
            assert!(rig.is_good(tokens).await);
        }
        let outcome = rig.issuer.refresh(stolen.refresh_token()).await;
        assert_eq!(kind(outcome), "reused");
        for tokens in &family {
            assert_eq!(
                rig.caller(tokens).await.unwrap_err(),
                Refusal::CredentialsRevoked
            );
            let outcome = rig.issuer.refresh(tokens.refresh_token()).await;
            assert_eq!(kind(outcome), "invalid");
        }
        // Of the same subject, and nobody has copied it.
        assert!(rig.is_good(&other).await);
        assert_eq!(kind(rig.issuer.refresh(other.refresh_token()).await), "ok");
    }
}

#[actix_web::test]
async fn a_retry_within_the_grace_gets_the_same_next_token() {
    let rig = rig();
    let first = rig.open().await;
    let second = rig.issuer.refresh(first.refresh_token()).await.unwrap();
    rig.hand.advance(Duration::from_millis(9_999));
    let again = rig.issuer.refresh(first.refresh_token()).await.unwrap();
    assert_eq!(
        again.refresh_token().expose(),
        second.refresh_token().expose()
    );
    assert_ne!(again.access_token(), second.access_token());
    assert!(rig.is_good(&again).await && rig.is_good(&second).await);
    // The grace has not begun anew.
    rig.hand.advance(Duration::from_millis(1));
    assert_eq!(
        kind(rig.issuer.refresh(first.refresh_token()).await),
        "reused"
    );
    assert!(!rig.is_good(&again).await);
}

/// A thief within the grace has what the owner has, and no more: the next use by both is noticed.
#[actix_web::test]
async fn a_thief_within_the_grace_has_no_branch_of_his_own() {
    let rig = rig();
    let first = rig.open().await;
    let owner = rig.issuer.refresh(first.refresh_token()).await.unwrap();
    let thief = rig.issuer.refresh(first.refresh_token()).await.unwrap();
    rig.hand.advance(MINUTE);
    let ahead = rig.issuer.refresh(thief.refresh_token()).await.unwrap();
    rig.hand.advance(MINUTE * 9);
    assert_eq!(
        kind(rig.issuer.refresh(owner.refresh_token()).await),
        "reused"
    );
    assert_eq!(
        kind(rig.issuer.refresh(ahead.refresh_token()).await),
        "invalid"
    );
    assert!(!rig.is_good(&ahead).await);
}

/// Only the last: the one before it is a copy, however quick it comes.
#[actix_web::test]
async fn the_last_but_one_has_no_grace() {
    let rig = rig();
    let first = rig.open().await;
    let second = rig.issuer.refresh(first.refresh_token()).await.unwrap();
    rig.issuer.refresh(second.refresh_token()).await.unwrap();
    assert_eq!(
        kind(rig.issuer.refresh(first.refresh_token()).await),
        "reused"
    );
}

#[actix_web::test]
async fn without_grace_every_second_use_is_reuse() {
    let rig = rig_with(|settings| settings.retry_grace = Duration::ZERO);
    let first = rig.open().await;
    rig.issuer.refresh(first.refresh_token()).await.unwrap();
    assert_eq!(
        kind(rig.issuer.refresh(first.refresh_token()).await),
        "reused"
    );
}

/// Of a hundred threads with one token each gets the one successor that there is, and the session
/// has gone one generation on. Without grace one gets it, and the others end the session.
#[test]
fn a_hundred_at_once_get_one_successor() {
    for grace in [Duration::from_secs(10), Duration::ZERO] {
        let rig = rig_with(|settings| settings.retry_grace = grace);
        let tokens = block_on(rig.open());
        let barrier = std::sync::Barrier::new(100);
        let outcomes: Vec<_> = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..100)
                .map(|_| {
                    scope.spawn(|| {
                        barrier.wait();
                        block_on(rig.issuer.refresh(tokens.refresh_token()))
                    })
                })
                .collect();
            threads
                .into_iter()
                .map(|thread| thread.join().unwrap())
                .collect()
        });
        let successors: HashSet<_> = outcomes
            .iter()
            .flatten()
            .map(|tokens| tokens.refresh_token().expose().to_owned())
            .collect();
        assert_eq!(successors.len(), 1);
        let successor = RefreshToken::from(successors.into_iter().next().unwrap());
        if grace.is_zero() {
            assert_eq!(outcomes.iter().flatten().count(), 1);
            assert_eq!(block_on(rig.issuer.session_count()).unwrap(), 0);
            assert_eq!(kind(block_on(rig.issuer.refresh(&successor))), "invalid");
            for tokens in outcomes.iter().flatten() {
                assert!(!block_on(rig.is_good(tokens)));
            }
        } else {
            assert_eq!(outcomes.iter().flatten().count(), 100);
            let presented = rig.issuer.0.minter.open(&successor).unwrap();
            let session = block_on(rig.issuer.0.sessions.find(presented.session));
            assert_eq!(session.unwrap().unwrap().generation, 1);
            assert_eq!(kind(block_on(rig.issuer.refresh(&successor))), "ok");
        }
    }
}

fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap()
        .block_on(future)
}

/// ASVS 7.3.1, 7.3.2: unused for too long, and open for too long.
#[actix_web::test]
async fn a_session_ends_when_idle_and_when_old() {
    let rig = rig();
    let tokens = rig.open().await;
    rig.hand.advance(DAY * 14 - Duration::from_millis(1));
    let tokens = rig.issuer.refresh(tokens.refresh_token()).await.unwrap();
    rig.hand.advance(DAY * 14);
    assert_eq!(
        kind(rig.issuer.refresh(tokens.refresh_token()).await),
        "expired"
    );
    assert_eq!(
        kind(rig.issuer.refresh(tokens.refresh_token()).await),
        "invalid"
    );
    assert_eq!(rig.issuer.session_count().await.unwrap(), 0);

    let mut tokens = rig.open().await;
    for _ in 0..29 {
        rig.hand.advance(DAY);
        tokens = rig.issuer.refresh(tokens.refresh_token()).await.unwrap();
    }
    rig.hand.advance(DAY - Duration::from_millis(1));
    tokens = rig.issuer.refresh(tokens.refresh_token()).await.unwrap();
    rig.hand.advance(Duration::from_millis(1));
    assert_eq!(
        kind(rig.issuer.refresh(tokens.refresh_token()).await),
        "expired"
    );
}

/// A retry is no use: it does not keep a session alive.
#[actix_web::test]
async fn a_retry_does_not_renew() {
    let rig = rig_with(|settings| {
        settings.idle_lifetime = MINUTE * 10;
        settings.access_lifetime = MINUTE * 5;
    });
    let first = rig.open().await;
    let second = rig.issuer.refresh(first.refresh_token()).await.unwrap();
    rig.hand.advance(Duration::from_secs(9));
    rig.issuer.refresh(first.refresh_token()).await.unwrap();
    rig.hand.advance(MINUTE * 10 - Duration::from_secs(9));
    assert_eq!(
        kind(rig.issuer.refresh(second.refresh_token()).await),
        "expired"
    );
}
