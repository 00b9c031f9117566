//! What is taken as it came, the limits of a body, and what is no body at all.

use super::*;

#[actix_web::test]
async fn bodies_as_they_came() {
    let service = service().await;
    assert_eq!(
        service
            .post("/bytes")
            .body("x/y", vec![0; 1000])
            .send()
            .await
            .text(),
        "1000"
    );
    assert_eq!(service.post("/bytes").send().await.text(), "0");
    let over = service
        .post("/bytes")
        .body("x/y", vec![0; 1001])
        .send()
        .await;
    over.assert_refused(Refusal::BodyTooLarge);
    assert_eq!(
        service
            .post("/string")
            .body("text/plain", "é")
            .send()
            .await
            .text(),
        "é"
    );
    let binary = service
        .post("/string")
        .body("text/plain", &b"\xff"[..])
        .send()
        .await;
    binary.assert_refused(Refusal::BodyMalformed);
    let other = service
        .post("/string")
        .body("application/json", "1")
        .send()
        .await;
    other.assert_refused(Refusal::ContentTypeUnsupported);
}

fn upload(chunk: usize, count: usize, end: End) -> Upload {
    Upload::new((0..count).map(|_| vec![b' '; chunk]), end)
}

#[actix_web::test]
async fn h12_a_stream_is_cut_off_whatever_the_handler_makes_of_it() {
    let service = service().await;
    let send = |upload: Upload| service.post("/stream").stream("x/y", upload).send();
    assert_eq!(send(upload(100, 10, End::Finished)).await.text(), "1000");
    send(upload(100, 11, End::Finished))
        .await
        .assert_refused(Refusal::BodyTooLarge);
    send(upload(0, 0, End::Endless))
        .await
        .assert_refused(Refusal::BodyTooLarge);
    send(upload(100, 1, End::Broken))
        .await
        .assert_refused(Refusal::BodyMalformed);
    take_journal();
    let unread = service
        .post("/stream/unread")
        .stream("x/y", upload(100, 5, End::Finished));
    assert_eq!(unread.send().await.text(), "unread");
}

#[actix_web::test]
async fn a_body_that_is_late_is_408() {
    let service = service().await;
    tokio::time::pause();
    for path in ["/json", "/stream"] {
        let began = tokio::time::Instant::now();
        let call = service
            .post(path)
            .stream("application/json", Upload::silent_after("{"));
        call.send().await.assert_refused(Refusal::BodyTimeout);
        let took = began.elapsed();
        // Three seconds, and the bounded drain of what is left.
        assert!(took >= Duration::from_secs(3), "{path} {took:?}");
        assert!(took < Duration::from_millis(3300), "{path} {took:?}");
    }
}

#[actix_web::test]
async fn h13_codings_and_upgrades_are_refused_before_anything_is_read() {
    let service = service().await;
    let call = |name: &str, value: &str| -> TestCall<'_> {
        take_journal();
        service
            .post("/json")
            .stream("application/json", upload(1, 1, End::Finished))
            .header(name, value)
    };
    for coding in ["gzip", "br", "identity, gzip", "zstd", "", "x"] {
        let refused = call("content-encoding", coding).send().await;
        refused.assert_refused(Refusal::ContentCodingUnsupported);
        assert!(!take_journal().contains(&Moment::Ran));
    }
    for value in ["websocket", "h2c"] {
        call("upgrade", value)
            .send()
            .await
            .assert_refused(Refusal::HeadMalformed);
    }
    for length in ["-1", "x", "1 2", "99999999999999999999"] {
        let refused = call("content-length", length).send().await;
        refused.assert_refused(Refusal::HeadMalformed);
    }
}

#[actix_web::test]
async fn what_is_not_the_body_is_taken_too() {
    let service = service().await;
    let call = || service.get("/request").header("accept", "text/html");
    assert_eq!(call().send().await.text(), "/request 9 7 false false");
    let typed = call().header("content-type", "text/plain").send().await;
    assert_eq!(typed.text(), "/request 9 7 true false");
    let wrong = call().header("content-type", "canary").send().await;
    wrong.assert_refused(Refusal::HeadMalformed);
    assert_eq!(pointers(&wrong), ["/content-type"]);
    assert!(!wrong.text().contains("canary"));
}

#[actix_web::test]
async fn optional_is_none_only_where_nothing_was_sent() {
    let service = service().await;
    let call = |query: &str| service.post(&format!("/optional{query}"));
    assert_eq!(call("").send().await.text(), "false false");
    let both = call("?x=1").json(json!({ "name": "a" })).send().await;
    assert_eq!(both.text(), "true true");
    assert_invalid(
        &call("").json(json!({ "name": "" })).send().await,
        &["/name"],
    );
    assert_invalid(&call("?x=10").send().await, &["/x"]);
    call("")
        .body("text/plain", "{}")
        .send()
        .await
        .assert_refused(Refusal::ContentTypeUnsupported);
    // An empty chunked body is no body.
    let empty = call("")
        .stream("application/json", upload(0, 3, End::Finished))
        .send()
        .await;
    assert_eq!(empty.text(), "false false");
}

#[actix_web::test]
async fn extractors_of_others_and_inputs_of_our_own() {
    let service = service().await;
    let call = |value: &str| {
        service
            .get("/language")
            .header("accept-language", value)
            .send()
    };
    assert_eq!(call("de").await.text(), "de");
    for (value, refusal) in [
        ("forbidden", Refusal::Forbidden),
        ("broken", Refusal::NotConfigured),
    ] {
        let refused = call(value).await;
        refused.assert_refused(refusal);
        assert!(!refused.text().contains("canary"));
    }
    service
        .get("/language")
        .send()
        .await
        .assert_refused(Refusal::HeadMalformed);

    let own = |key: &str| service.get("/own").header("idempotency-key", key);
    assert_eq!(own("7").subject("ann").send().await.text(), "7");
    own("x")
        .subject("ann")
        .send()
        .await
        .assert_refused(Refusal::HeadMalformed);
    own("7")
        .send()
        .await
        .assert_refused(Refusal::CredentialsMissing);
}

/// The stream that a handler is lent ends in an error that it can see.
#[actix_web::test]
async fn a_handler_sees_where_its_stream_was_cut_off() {
    #[secured(public, rate = "10/s", max_body = "1KB")]
    #[post("/collect")]
    async fn collect(payload: web::Payload) -> impl Responder {
        let chunks: Result<Vec<_>, _> = payload.try_collect().await;
        note(if chunks.is_err() {
            Moment::Refused
        } else {
            Moment::Ran
        });
        ""
    }
    let service = TestService::new(|routes| {
        routes.service(collect);
    })
    .await;
    take_journal();
    let call = service
        .post("/collect")
        .stream("x/y", upload(600, 2, End::Finished));
    call.send().await.assert_refused(Refusal::BodyTooLarge);
    assert!(take_journal().contains(&Moment::Refused));
}
