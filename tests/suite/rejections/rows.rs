//! What single rows of the table promise.

use super::*;

#[actix_web::test]
async fn h10_a_hidden_thing_looks_exactly_like_nothing() {
    let service = service().await;
    let hidden = service.get("/hidden/7").subject("somebody").send().await;
    let nothing = service.get("/nothing/7").subject("somebody").send().await;
    hidden.assert_refused(Refusal::Hidden);
    assert_eq!(hidden.status(), nothing.status());
    assert_eq!(hidden.body(), nothing.body());
    let fields = |response: &TestResponse| {
        let mut fields: Vec<_> = response
            .headers()
            .iter()
            .map(|(name, value)| (name.to_string(), value.clone()))
            .collect();
        fields.sort_by(|one, other| one.0.cmp(&other.0));
        fields
    };
    assert_eq!(fields(&hidden), fields(&nothing));
    assert_eq!(
        service
            .get("/hidden/7")
            .subject("owner")
            .send()
            .await
            .text(),
        "owner 7"
    );
}

#[actix_web::test]
async fn h11_other_methods_are_405_with_allow() {
    let service = service().await;
    for method in METHODS {
        for (path, allow) in [
            ("/things", "GET, POST"),
            ("/things?x=%zz", "GET, POST"),
            // The router resolves escapes, and so must the table.
            ("/%74hings", "GET, POST"),
            ("/admin", "GET"),
            ("/hidden/7", "GET"),
        ] {
            if allow.split(", ").any(|allowed| allowed == method.as_str()) {
                continue;
            }
            let response = service
                .call(method.clone(), path)
                .role("admin")
                .send()
                .await;
            response.assert_refused(Refusal::MethodNotAllowed);
            assert_eq!(response.header("allow"), Some(allow), "{method} {path}");
        }
    }
    for method in METHODS {
        let response = service.call(method, "/nothing").send().await;
        response.assert_refused(Refusal::NotFound);
        assert_eq!(response.header("allow"), None);
    }
}

#[actix_web::test]
async fn h12_a_body_above_the_limit_is_413() {
    let service = service().await;
    let fits = format!("{:1$}", r#"{"name":"abc"}"#, 1000);
    let over = format!("{fits} ");
    for (body, refused) in [(fits, false), (over, true)] {
        let declared = service
            .post("/things")
            .body("application/json", body.clone())
            .send()
            .await;
        let chunked = service
            .post("/things")
            .stream(
                "application/json",
                Upload::new([body], crate::rig::End::Finished),
            )
            .send()
            .await;
        for response in [declared, chunked] {
            if refused {
                response.assert_refused(Refusal::BodyTooLarge);
            } else {
                assert_eq!(response.text(), "abc");
            }
        }
    }
}

#[actix_web::test]
async fn h13_a_content_type_that_is_not_read_is_415() {
    let service = service().await;
    let body = r#"{"name":"abc"}"#;
    for kind in ["text/plain", "application/json; charset=utf-16", "x"] {
        let response = service.post("/things").body(kind, body).send().await;
        response.assert_refused(Refusal::ContentTypeUnsupported);
    }
    let coding = service
        .post("/things")
        .json(json!({ "name": "abc" }))
        .header("content-encoding", "br")
        .send()
        .await;
    assert_eq!(coding.header("accept-encoding"), Some("identity"));
}

#[actix_web::test]
async fn h15_undecided_is_503_with_retry_after() {
    let response = reach(Refusal::Undecided).await;
    assert_eq!(response.status(), 503);
    assert_eq!(response.header("retry-after"), Some("1"));
}

#[actix_web::test]
async fn l01_l07_a_quota_that_is_used_up_is_429_and_named() {
    let response = reach(Refusal::QuotaExceeded).await;
    assert_eq!(response.status(), 429);
    assert_eq!(response.header("retry-after"), Some("60"));
    let problem: Value = response.json();
    assert_eq!(problem["violated-policies"], json!(["1/min"]));
}

/// A handler may refuse in the same words, and its refusal is like any other.
#[actix_web::test]
async fn a_handlers_own_rejection_is_a_row_of_the_table() {
    #[secured]
    async fn refusing() -> Result<HttpResponse, secure_runtime::Rejection> {
        Err(secure_runtime::Rejection::new(
            Refusal::CredentialsInvalid,
            "the handler says so",
        ))
    }
    let log = crate::rig::Log::capture();
    let service = TestService::with(
        |routes| {
            routes.route("/refusing", actix_web::http::Method::GET, refusing);
        },
        |security| {
            let mut settings = Settings::default();
            settings.danger.plaintext = true;
            settings.realm = "things".to_owned();
            security.settings(settings)
        },
    )
    .await;
    let response = service.get("/refusing").subject("ann").send().await;
    response.assert_refused(Refusal::CredentialsInvalid);
    assert!(challenge(&response).starts_with("Bearer realm=\"things\""));
    assert_eq!(response.header("ratelimit"), None);
    let records = log.take_audit();
    assert_eq!(records.len(), 1);
    assert_eq!(records[0].field("reason"), Some("the handler says so"));
}
