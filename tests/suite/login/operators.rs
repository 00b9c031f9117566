//! What operators can do, what they see, and what the start demands.

use std::time::Duration;

use secure_runtime::{LoginState, Manifest, Security, Settings};

use super::{Visitor, minutes, routes, service, take_checks};

/// G1: a hundred failures in a row, and nothing is checked until the account is enabled.
#[actix_web::test]
async fn g1_after_a_hundred_failures_only_a_recovery_helps() {
    let service = service().await;
    let logins = service.security().logins();
    for number in 0..150 {
        let visitor = Visitor::at(&service, number).path("/patient");
        visitor.tries("ann", "guess").await;
        service.advance(minutes(61));
    }
    assert_eq!(take_checks(), 100);
    let state = logins.state(" Ann").await.unwrap();
    assert!(state.disabled);
    assert_eq!((state.failures, state.locked_for), (100, None));

    service.advance(minutes(60 * 24 * 300));
    let owner = Visitor::at(&service, 7).path("/patient");
    assert_eq!(owner.status("ann", "right").await, 401);
    logins.clear("ann").await.unwrap();
    assert_eq!(owner.status("ann", "right").await, 401);
    assert_eq!(take_checks(), 0);
    logins.enable("ANN ").await.unwrap();
    assert_eq!(logins.state("ann").await.unwrap(), LoginState::default());
    service.advance(Duration::from_millis(1));
    assert_eq!(owner.status("ann", "right").await, 204);
    assert_eq!(take_checks(), 1);
}

#[actix_web::test]
async fn a_lock_can_be_cleared() {
    let service = service().await;
    let logins = service.security().logins();
    let visitor = Visitor::at(&service, 1);
    for _ in 0..5 {
        visitor.tries("ann", "wrong").await;
    }
    let state = logins.state("ann").await.unwrap();
    assert_eq!((state.failures, state.disabled), (5, false));
    assert_eq!(state.locked_for, Some(minutes(30)));
    service.advance(minutes(1));
    assert_eq!(visitor.status("ann", "right").await, 401);
    logins.clear("ann").await.unwrap();
    service.advance(Duration::from_millis(1));
    let state = logins.state("ann").await.unwrap();
    assert_eq!((state.failures, state.locked_for), (5, None));
    assert_eq!(visitor.status("ann", "right").await, 204);
    assert_eq!(logins.state("ann").await.unwrap(), LoginState::default());

    let counts = logins.counts();
    assert_eq!(counts.checked, 6);
    assert_eq!(counts.failed, 5);
    assert_eq!(counts.succeeded, 1);
    assert_eq!(counts.refused_for_account, 1);
    assert_eq!(counts.refused_for_network, 0);
}

/// Processes that share a Redis must know accounts by the same keys.
#[actix_web::test]
async fn with_a_redis_the_start_wants_a_secret() {
    let security = |login: &str| {
        let text =
            format!("[redis]\nurl = \"redis://127.0.0.1:1\"\n[tls]\ndevelopment = true\n{login}");
        let settings = Settings::from_toml(&text).unwrap();
        Security::builder().settings(settings).build()
    };
    let error = security("")
        .unwrap()
        .check(&Manifest::of(routes))
        .unwrap_err();
    assert!(error.to_string().contains("login.secret_file"), "{error}");
    let secret = "[login]\nsecret_base64 = \"aHVudGVyMmh1bnRlcjJodW50ZXIyaHVudGVyMmh1bnRlcjI=\"";
    security(secret)
        .unwrap()
        .check(&Manifest::of(routes))
        .unwrap();
    let short = security("[login]\nsecret_base64 = \"aHVudGVyMg==\"").unwrap_err();
    assert!(
        short.to_string().contains("shorter than 32 bytes"),
        "{short}"
    );
    assert!(!short.to_string().contains("aHVudGVyMg"), "{short}");
}

#[test]
fn the_lock_file_shows_how_often() {
    let lock = Manifest::of(routes).lock();
    for line in [
        "  login         5/900s lock 1800s account form.name\n",
        "  allow         form.name != \"root\" else 403\n  login         5/900s lock 1800s account form.name\n",
        "  login         100/900s lock 1s account form.name\n",
        "  login         5/900s lock 1800s account form.name password form.password\n",
    ] {
        assert!(lock.contains(line), "{line} in {lock}");
    }
}
