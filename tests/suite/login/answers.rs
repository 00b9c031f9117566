//! What is answered, and what counts.

use std::{collections::BTreeMap, time::Duration};

use futures_util::FutureExt;
use secure_runtime::{Refusal, testing::TestResponse};

use super::{Visitor, cookie, minutes, service, take_checks};
use crate::rig::{Log, challenge};

/// Everything of an answer.
fn whole(response: &TestResponse) -> (u16, BTreeMap<String, Vec<String>>, String) {
    let mut fields = BTreeMap::<String, Vec<String>>::new();
    for (name, value) in response.headers() {
        let value = value.to_str().unwrap().to_owned();
        fields.entry(name.to_string()).or_default().push(value);
    }
    let text = response.text().to_owned();
    (response.status().as_u16(), fields, text)
}

/// G7, H1: a wrong password, an account that does not exist, one that is locked, one that has to
/// wait and one that is disabled are answered with the same bytes.
#[actix_web::test]
async fn g7_every_failure_looks_the_same() {
    let service = service().await;
    let visitor = Visitor::at(&service, 1);
    let wrong = visitor.tries("ann", "wrong").await;
    wrong.assert_refused(Refusal::LoginFailed);
    assert_eq!(challenge(&wrong), "Bearer realm=\"api\"");
    assert!(!wrong.headers().contains_key("retry-after"));
    assert!(!wrong.headers().contains_key("ratelimit"));
    assert!(!wrong.headers().contains_key("x-why"));
    let expected = whole(&wrong);

    let unknown = visitor.tries("nobody", "wrong").await;
    assert_eq!(whole(&unknown), expected, "no such account");
    for _ in 0..4 {
        visitor.tries("ann", "wrong").await;
    }
    take_checks();
    let locked = visitor.tries("ann", "right").await;
    assert_eq!(whole(&locked), expected, "locked");
    service.advance(minutes(2));
    let too_long = visitor.tries(&"n".repeat(1025), "right").await;
    assert_eq!(whole(&too_long), expected, "no account has such a name");

    let patient = Visitor::at(&service, 2).path("/patient");
    for _ in 0..5 {
        patient.tries("bob", "wrong").await;
    }
    take_checks();
    let delayed = patient.tries("bob", "right").await;
    assert_eq!(whole(&delayed), expected, "delayed");
    for _ in 5..100 {
        service.advance(minutes(60));
        take_checks();
        assert_eq!(patient.status("bob", "wrong").await, 401);
        assert_eq!(take_checks(), 1);
    }
    service.advance(minutes(60 * 24 * 200));
    let disabled = patient.tries("bob", "right").await;
    assert_eq!(whole(&disabled), expected, "disabled");
    assert_eq!(take_checks(), 0, "nothing was checked");
}

/// G1, G2, G9: five failures in a quarter of an hour, and nothing is checked for half an hour from
/// the last of them. What is refused meanwhile does not lengthen it.
#[actix_web::test]
async fn g2_a_lock_begins_and_ends_by_itself() {
    let service = service().await;
    let visitor = Visitor::at(&service, 1);
    for _ in 0..5 {
        assert_eq!(visitor.status("ann", "wrong").await, 401);
        service.advance(minutes(1));
    }
    assert_eq!(take_checks(), 5);
    // A minute has passed since the last failure.
    for _ in 1..30 {
        assert_eq!(visitor.status("ann", "right").await, 401);
        assert_eq!(visitor.status(" ANN ", "right").await, 401);
        service.advance(minutes(1));
    }
    assert_eq!(take_checks(), 0);
    // Everybody else goes on.
    assert_eq!(visitor.status("bob", "right").await, 204);
    assert_eq!(visitor.status("ann", "right").await, 204);
    assert_eq!(take_checks(), 2);
    assert_eq!(Visitor::at(&service, 2).status("ann", "right").await, 204);
}

/// Whoever waits between two failures is not locked out.
#[actix_web::test]
async fn failures_beyond_the_window_do_not_count() {
    let service = service().await;
    let visitor = Visitor::at(&service, 1);
    // Beyond a dozen in a row the delay is longer than the pause.
    for _ in 0..12 {
        assert_eq!(visitor.status("ann", "wrong").await, 401);
        service.advance(minutes(4));
    }
    assert_eq!(take_checks(), 12);
}

/// G3: from the fifth failure in a row each wait is twice as long, up to an hour.
#[actix_web::test]
async fn g3_the_delay_grows() {
    let service = service().await;
    let visitor = Visitor::at(&service, 1).path("/patient");
    for _ in 0..4 {
        visitor.tries("ann", "wrong").await;
    }
    assert_eq!(take_checks(), 4);
    for failures in 5..30 {
        visitor.tries("ann", "wrong").await;
        assert_eq!(take_checks(), 1);
        let delay = 2_u64.pow(failures - 5).min(3600);
        service.advance(Duration::from_millis(delay * 1000 - 1));
        visitor.tries("ann", "wrong").await;
        assert_eq!(take_checks(), 0, "after {failures} failures");
        service.advance(Duration::from_millis(1));
    }
    assert_eq!(visitor.status("ann", "right").await, 204);
}

/// G4: a success clears what came before.
#[actix_web::test]
async fn g4_a_success_clears_the_failures() {
    let service = service().await;
    let visitor = Visitor::at(&service, 1);
    for _ in 0..10 {
        for _ in 0..4 {
            assert_eq!(visitor.status("ann", "wrong").await, 401);
        }
        assert_eq!(visitor.status("ann", "right").await, 204);
        service.advance(minutes(1));
    }
    assert_eq!(take_checks(), 50);
}

/// What is no word about the password does not count: neither as a failure nor as a success.
#[actix_web::test]
async fn other_answers_are_taken_back() {
    let service = service().await;
    let visitor = Visitor::at(&service, 1);
    for _ in 0..4 {
        visitor.tries("ann", "wrong").await;
    }
    for _ in 0..100 {
        for (password, status) in [("broken", 500), ("malformed", 400), ("moved", 303)] {
            let response = visitor.tries("ann", password).await;
            assert_eq!(response.status(), status);
            assert_eq!(cookie(&response), None);
        }
    }
    assert_eq!(take_checks(), 304);
    visitor.tries("ann", "wrong").await;
    assert_eq!(take_checks(), 1);
    visitor.tries("ann", "right").await;
    assert_eq!(take_checks(), 0, "the fifth failure locks");
}

/// Quotas, input and `allow` come first, and what they refuse is no attempt.
#[actix_web::test]
async fn what_is_refused_before_is_no_attempt() {
    let service = service().await;
    let visitor = Visitor::at(&service, 1).path("/strict");
    for _ in 0..6 {
        let invalid = visitor.tries("ann", &"x".repeat(21)).await;
        invalid.assert_refused(Refusal::InputInvalid);
        let denied = visitor.tries("root", "right").await;
        denied.assert_refused(Refusal::Forbidden);
    }
    assert_eq!(take_checks(), 0);
    for _ in 0..5 {
        let failed = visitor.tries("ann", "wrong").await;
        failed.assert_refused(Refusal::LoginFailed);
    }
    assert_eq!(take_checks(), 5);
    for _ in 0..3 {
        let locked = visitor.tries("ann", "right").await;
        locked.assert_refused(Refusal::LoginFailed);
    }
    let limited = visitor.tries("ann", "right").await;
    limited.assert_refused(Refusal::QuotaExceeded);
    assert!(limited.headers().contains_key("ratelimit"), "its quota");
    assert_eq!(take_checks(), 0);
}

/// A handler that panics has told nothing of the password: the attempt has failed.
#[actix_web::test]
async fn a_panic_stays_counted() {
    let service = service().await;
    let visitor = Visitor::at(&service, 1);
    for _ in 0..5 {
        let outcome = std::panic::AssertUnwindSafe(visitor.tries("ann", "panic"));
        assert!(outcome.catch_unwind().await.is_err());
    }
    take_checks();
    assert_eq!(visitor.status("ann", "right").await, 401);
    assert_eq!(take_checks(), 0);
}

/// Two handlers do not clear each other's failures: a password that is known would else give
/// guesses at a one-time code without end.
#[actix_web::test]
async fn a_success_elsewhere_clears_nothing_here() {
    let service = service().await;
    let code = Visitor::at(&service, 1);
    let password = Visitor::at(&service, 1).path("/patient");
    for _ in 0..10 {
        code.tries("ann", "wrong").await;
        assert_eq!(password.status("ann", "right").await, 204);
    }
    assert_eq!(take_checks(), 15);
}

/// G7: a refusal without a check takes as long as a check that failed.
#[actix_web::test]
async fn g7_a_refusal_takes_its_time() {
    let service = service().await;
    let visitor = Visitor::at(&service, 1);
    for _ in 0..5 {
        visitor.tries("ann", "wrong").await;
    }
    // By this clock a check takes no time, and its answer one step.
    let before = service.slept();
    visitor.tries("ann", "wrong").await;
    assert_eq!(service.slept() - before, Duration::from_millis(10));
}

/// The log has the words of OWASP, and neither name nor password.
#[actix_web::test]
async fn the_log_names_the_events_and_nobody() {
    let service = service().await;
    let visitor = Visitor::at(&service, 1);
    let log = Log::capture();
    visitor.tries("hilda@example.com", "right").await;
    for _ in 0..6 {
        visitor.tries("hilda@example.com", "hunter2").await;
    }
    service.advance(minutes(31));
    visitor.tries("hilda@example.com", "right").await;
    let records = log.take();
    let text = format!("{records:?}");
    for secret in ["hilda", "hunter2", "__Host"] {
        assert!(!text.contains(secret), "{secret} in {text}");
    }
    let audit = records
        .iter()
        .filter(|record| record.target == "secure_runtime::audit");
    let (events, accounts): (Vec<_>, Vec<_>) = audit
        .map(|record| {
            (
                record.field("event").unwrap(),
                record.field("account").unwrap(),
            )
        })
        .unzip();
    let mut expected = vec!["authn_login_success"];
    expected.extend(["authn_login_fail"; 4]);
    expected.extend([
        "authn_login_lock",
        "authn_login_fail",
        "authn_login_fail_max",
    ]);
    expected.push("authn_login_successafterfail");
    assert_eq!(events, expected);
    assert!(accounts.iter().all(|account| *account == accounts[0]));
    assert_eq!(accounts[0].len(), 8);
}
