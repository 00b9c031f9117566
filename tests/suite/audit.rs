//! What the log says of a refusal, and what it never says.

use secure_runtime::Refusal;

use crate::{
    rejections::{ADDRESS, ALL, CANARY, reach},
    rig::Log,
};

/// The name of each event, the name of the handler, and a word of the reason.
fn expected(refusal: Refusal) -> Option<(&'static str, &'static str, &'static str)> {
    Some(match refusal {
        Refusal::AuthenticationTooOld => ("authn_reauthentication_required", "fresh", "auth_time"),
        Refusal::Banned => ("client_ban_enforced", "", "the address is banned"),
        Refusal::BodyMalformed => ("input_validation_fail", "things", "JSON"),
        Refusal::BodyTimeout => ("input_timeout", "things", "deadline"),
        Refusal::BodyTooLarge => ("input_too_large", "things", "max_body"),
        Refusal::ContentCodingUnsupported => ("input_validation_fail", "things", "encoding"),
        Refusal::ContentTypeUnsupported => ("input_validation_fail", "things", "Content-Type"),
        Refusal::CredentialsAmbiguous => ("authn_token_invalid", "admin", "more than one"),
        Refusal::CredentialsInvalid => ("authn_token_invalid", "admin", "expired"),
        Refusal::CredentialsMissing => ("authn_token_missing", "admin", "scheme"),
        Refusal::FactorMissing => ("authn_factor_required", "strong", "amr"),
        Refusal::Forbidden => ("authz_fail", "owned", "allow"),
        Refusal::HeadMalformed => ("input_validation_fail", "search", "percent"),
        Refusal::Hidden => ("authz_fail", "hidden_thing", "allow"),
        Refusal::CredentialsRevoked => ("authn_token_reuse", "admin", "revoked with its session"),
        Refusal::HttpsRequired => ("transport_insecure", "admin", "TLS"),
        Refusal::InputInvalid => ("input_validation_fail", "things", "rules"),
        Refusal::LoginFailed => ("authn_login_fail", "login", "password is wrong"),
        Refusal::NotConfigured => ("sys_not_configured", "missing", "Missing"),
        Refusal::Overloaded => ("excess_concurrency", "single", "of the route"),
        Refusal::QuotaExceeded => ("excess_rate_limit_exceeded", "rare", "quota"),
        Refusal::RefreshTokenInvalid => ("authn_token_invalid", "refresh", "not known"),
        Refusal::RoleMissing => ("authz_fail", "admin", "role"),
        Refusal::ScopeMissing => ("authz_fail", "scoped", "scope"),
        Refusal::Undecided => ("sys_undecided", "undecided", "no connection to the store"),
        Refusal::Unguarded => ("sys_unguarded", "", "without a policy"),
        // Nobody's handler was reached.
        _ => return None,
    })
}

#[actix_web::test]
async fn asvs_16_3_each_refusal_is_one_event_with_its_handler_and_reason() {
    let log = Log::capture();
    for refusal in ALL {
        log.take();
        reach(refusal).await;
        let mut records = log.take_audit();
        if refusal == Refusal::Banned {
            // That it was banned is an event before.
            assert_eq!(records.remove(0).field("event"), Some("client_banned"));
        }
        let context = format!("{refusal:?}: {records:?}");
        let Some((event, handler, reason)) = expected(refusal) else {
            assert!(records.is_empty(), "{context}");
            continue;
        };
        assert_eq!(records.len(), 1, "{context}");
        let field = |name: &str| records[0].field(name).unwrap_or_default();
        assert_eq!(field("event"), event, "{context}");
        assert_eq!(field("status"), refusal.status().as_str(), "{context}");
        assert!(field("handler").ends_with(handler), "{context}");
        if !handler.is_empty() {
            assert!(
                field("handler").starts_with("suite::rejections::"),
                "{context}"
            );
        }
        assert!(field("reason").contains(reason), "{context}");
    }
}

#[actix_web::test]
async fn asvs_16_2_nothing_that_a_client_sent_is_logged() {
    let log = Log::capture();
    for refusal in ALL {
        reach(refusal).await;
    }
    let records = log.take();
    assert!(records.len() >= 20, "only {} records", records.len());
    for record in records {
        let text = format!("{record:?}");
        for canary in [CANARY, "5up3r", ADDRESS, "Bearer ", "eyJ"] {
            assert!(!text.contains(canary), "{canary}: {text}");
        }
    }
}

/// A flood does not fill the disk, and what is left out can be told from what is not.
#[actix_web::test]
async fn of_a_flood_the_first_the_tenth_and_the_hundredth_refusal_are_events() {
    use actix_web::{Responder, get};
    use secure_runtime::{secured, testing::TestService};

    #[secured(public, rate = "1/day")]
    #[get("/rare")]
    async fn rare() -> impl Responder {
        ""
    }

    let log = Log::capture();
    let service = TestService::new(|routes| {
        routes.service(rare);
    })
    .await;
    assert_eq!(service.get("/rare").send().await.status(), 200);
    for (requests, expected) in [(150, &["1", "10", "100"][..]), (9, &["1"])] {
        for _ in 0..requests {
            let refused = service.get("/rare").send().await;
            refused.assert_refused(Refusal::QuotaExceeded);
        }
        let events = log.take_audit();
        let counts: Vec<_> = events.iter().map(|event| event.field("count")).collect();
        assert_eq!(
            counts,
            expected.iter().copied().map(Some).collect::<Vec<_>>()
        );
        service.advance(std::time::Duration::from_secs(60));
    }
}

#[actix_web::test]
async fn an_admitted_request_is_no_event() {
    use actix_web::{Responder, get};
    use secure_runtime::{Principal, secured, testing::TestService};

    #[secured]
    #[get("/me")]
    async fn me(caller: Principal) -> impl Responder {
        caller.subject().to_owned()
    }

    let log = Log::capture();
    let service = TestService::new(|routes| {
        routes.service(me);
    })
    .await;
    assert_eq!(service.get("/me").subject("ann").send().await.text(), "ann");
    assert!(log.take_audit().is_empty());
}
