//! G6: the owner of an account is let in while somebody else guesses at it.

use secure_runtime::testing::TestService;

use super::{Visitor, cookie, minutes, service, take_checks};

/// The cookie that a success gives.
async fn known(service: &TestService, name: &str, path: &str) -> String {
    let visitor = Visitor::at(service, 500).path(path);
    let response = visitor.tries(name, "right").await;
    assert_eq!(response.status(), 204);
    cookie(&response).unwrap()
}

async fn lock(service: &TestService, name: &str) {
    for number in 0..5 {
        Visitor::at(service, number).tries(name, "guess").await;
    }
    take_checks();
    assert_eq!(Visitor::at(service, 9).status(name, "right").await, 401);
    assert_eq!(take_checks(), 0);
}

fn device(service: &TestService, cookie: String) -> Visitor<'_> {
    let mut device = Visitor::at(service, 77);
    device.cookie = Some(cookie);
    device
}

#[actix_web::test]
async fn g6_a_known_device_gets_in_during_a_lock() {
    let service = service().await;
    let response = Visitor::at(&service, 500).tries("ann", "right").await;
    let field = response.header("set-cookie").unwrap().to_owned();
    assert!(field.starts_with("__Host-secure-device-"), "{field}");
    for attribute in [
        "Path=/",
        "Secure",
        "HttpOnly",
        "SameSite=Strict",
        "Max-Age=2592000",
    ] {
        assert!(field.split("; ").any(|part| part == attribute), "{field}");
    }
    assert!(
        !field.contains("ann") && !field.contains("Domain"),
        "{field}"
    );
    lock(&service, "ann").await;

    let owner = device(
        &service,
        format!("a=b; {}; c=d", cookie(&response).unwrap()),
    );
    // He mistypes, and is not the one who is locked out.
    for _ in 0..4 {
        assert_eq!(owner.status("ann", "wrong").await, 401);
    }
    assert_eq!(take_checks(), 4);
    let again = owner.tries("ann", "right").await;
    assert_eq!(again.status(), 204);
    assert!(cookie(&again).is_some());
}

/// A stolen cookie gives as many guesses as a stranger has, and no more.
#[actix_web::test]
async fn g6_a_stolen_cookie_has_its_own_lock() {
    let service = service().await;
    let stolen = device(&service, known(&service, "ann", "/login").await);
    for _ in 0..50 {
        stolen.tries("ann", "guess").await;
        service.advance(minutes(1) / 20);
    }
    assert_eq!(take_checks(), 5 + 1);
    // Strangers are judged by their own: the thief has not locked the account.
    assert_eq!(Visitor::at(&service, 3).status("ann", "right").await, 204);
}

/// Forged, cut, of another account, of another handler, too old: worth nothing.
#[actix_web::test]
async fn g6_no_other_cookie_is_worth_anything() {
    let service = service().await;
    let own = known(&service, "ann", "/login").await;
    let others = known(&service, "mallory", "/login").await;
    let elsewhere = known(&service, "ann", "/patient").await;
    let (name, value) = own.split_once('=').unwrap();
    let (_, foreign) = elsewhere.split_once('=').unwrap();
    lock(&service, "ann").await;
    take_checks();
    let mut worthless = vec![
        others,
        elsewhere.clone(),
        format!("{name}={foreign}"),
        format!("{name}="),
        format!("{name}={}", &value[..value.len() - 2]),
        format!("{name}={value}A"),
        format!("{name}={value}="),
        format!("x{name}={value}"),
        value.to_owned(),
    ];
    for place in 0..value.len() {
        let mut bytes = value.as_bytes().to_vec();
        bytes[place] = if bytes[place] == b'A' { b'B' } else { b'A' };
        worthless.push(format!("{name}={}", String::from_utf8(bytes).unwrap()));
    }
    for cookie in worthless {
        let thief = device(&service, cookie.clone());
        assert_eq!(thief.status("ann", "right").await, 401, "{cookie}");
    }
    assert_eq!(take_checks(), 0);
    assert_eq!(
        device(&service, own.clone()).status("ann", "right").await,
        204
    );
    service.advance(minutes(30 * 24 * 60));
    lock(&service, "ann").await;
    assert_eq!(device(&service, own).status("ann", "right").await, 401);
}

/// G1: not even a known device is let in by an account that is disabled, and after a recovery
/// none is known.
#[actix_web::test]
async fn g1_a_known_device_does_not_undo_a_recovery() {
    let service = service().await;
    let owner = device(&service, known(&service, "ann", "/login").await);
    service.advance(minutes(1));
    service.security().logins().enable("ann").await.unwrap();
    service.advance(minutes(1));
    lock(&service, "ann").await;
    assert_eq!(owner.status("ann", "right").await, 401);
    assert_eq!(take_checks(), 0);
}
