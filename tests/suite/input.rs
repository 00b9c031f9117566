//! Everything that a handler can take, through requests.

use std::{collections::HashMap, net::IpAddr, time::Duration};

use actix_multipart::form::{MultipartForm, tempfile::TempFile, text::Text};
use actix_web::{
    FromRequest, HttpRequest, Responder, dev,
    error::{ErrorBadRequest, ErrorForbidden, ErrorInternalServerError},
    get,
    http::header::{Accept, ContentType},
    post, web,
};
use futures_util::{StreamExt, TryStreamExt};
use secure_runtime::{
    Admitted, Extracted, Input, InputKind, Refusal, Rejection, Routes, secured,
    testing::{TestCall, TestResponse, TestService},
};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::rig::{End, Moment, Upload, note, pointers, take_journal};

#[derive(Deserialize, garde::Validate)]
struct Person {
    #[garde(length(min = 1, max = 10))]
    name: String,
    #[garde(dive)]
    #[serde(default)]
    pets: Vec<Pet>,
}

#[derive(Deserialize, garde::Validate)]
struct Pet {
    #[garde(range(max = 30))]
    age: u32,
}

/// How long a name may be: known at run time only.
struct Longest(usize);

#[derive(Deserialize, garde::Validate)]
#[garde(context(Longest))]
struct Nick {
    #[garde(custom(|name: &str, context: &Longest| {
        if name.len() > context.0 {
            return Err(garde::Error::new("longer than the service allows"));
        }
        Ok(())
    }))]
    nick: String,
}

#[secured(public, rate = "10000/s", max_body = "2KB", body_timeout = "3s")]
#[post("/json")]
async fn json_body(person: web::Json<Person>) -> impl Responder {
    note(Moment::Ran);
    format!("{} with {} pets", person.name, person.pets.len())
}

#[secured(public, rate = "10000/s", max_body = "2KB")]
#[post("/form")]
async fn form_body(web::Form(person): web::Form<Person>) -> impl Responder {
    person.name
}

#[secured(public, rate = "10000/s")]
#[get("/query")]
async fn query_of(person: web::Query<Person>) -> impl Responder {
    person.into_inner().name
}

#[secured(public, rate = "10000/s")]
#[get("/path/{id}/{address}")]
async fn path_of(parts: web::Path<(u8, IpAddr)>) -> impl Responder {
    let (id, address) = parts.into_inner();
    format!("{id} {address}")
}

#[secured(public, rate = "10000/s")]
#[get("/text/{text}")]
async fn path_text(text: web::Path<String>) -> impl Responder {
    text.into_inner()
}

#[secured(public, rate = "10000/s", max_body = "1KB")]
#[post("/bytes")]
async fn bytes_of(bytes: web::Bytes) -> impl Responder {
    bytes.len().to_string()
}

#[secured(public, rate = "10000/s", max_body = "1KB")]
#[post("/string")]
async fn string_of(text: String) -> impl Responder {
    text
}

#[secured(public, rate = "10000/s", max_body = "1KB", body_timeout = "3s")]
#[post("/stream")]
async fn stream_of(payload: web::Payload) -> impl Responder {
    note(Moment::Ran);
    // Whatever a handler makes of an upload that was cut off, the answer is the refusal.
    let length: usize = payload
        .map(|chunk| chunk.map_or(0, |chunk| chunk.len()))
        .take(10_000)
        .fold(0, |sum, length| async move { sum + length })
        .await;
    length.to_string()
}

#[secured(public, rate = "10000/s", max_body = "1KB")]
#[post("/stream/unread")]
async fn stream_unread(_payload: web::Payload) -> impl Responder {
    "unread"
}

#[secured(public, rate = "10000/s")]
#[get("/request")]
async fn request_of(
    request: HttpRequest,
    accept: web::Header<Accept>,
    number: web::Data<u32>,
    kind: Option<web::Header<ContentType>>,
    absent: Option<web::Data<u64>>,
) -> impl Responder {
    format!(
        "{} {} {number} {} {}",
        request.path(),
        accept.0.to_string().len(),
        kind.is_some(),
        absent.is_some(),
        number = **number,
    )
}

#[secured(public, rate = "10000/s", max_body = "1KB")]
#[post("/optional")]
async fn optionals(
    person: Option<web::Json<Person>>,
    query: Option<web::Query<HashMap2>>,
) -> impl Responder {
    format!(
        "{} {}",
        person.is_some(),
        query.is_some_and(|query| query.0.x == 1)
    )
}

#[derive(Deserialize, garde::Validate)]
struct HashMap2 {
    #[garde(range(max = 9))]
    x: u8,
}

#[secured(public, rate = "10000/s", max_body = "1KB")]
#[post("/unvalidated")]
async fn raw_map(
    #[unvalidated] web::Json(map): web::Json<HashMap<String, Value>>,
) -> impl Responder {
    map.len().to_string()
}

#[secured(public, rate = "10000/s", max_body = "1KB")]
#[post("/nick")]
async fn nick_of(nick: web::Json<Nick>) -> impl Responder {
    nick.into_inner().nick
}

#[derive(MultipartForm, garde::Validate)]
#[multipart(deny_unknown_fields, duplicate_field = "deny")]
struct Picture {
    #[garde(skip)]
    file: TempFile,
    #[garde(custom(|title: &Text<String>, _: &()| {
        match title.len() {
            0..=5 => Ok(()),
            _ => Err(garde::Error::new("too long")),
        }
    }))]
    title: Text<String>,
}

#[secured(public, rate = "10000/s", max_body = "2KB")]
#[post("/picture")]
async fn picture_of(MultipartForm(picture): MultipartForm<Picture>) -> impl Responder {
    format!("{} {}", picture.title.as_str(), picture.file.size)
}

/// An extractor of somebody else.
struct Language(String);

impl FromRequest for Language {
    type Error = actix_web::Error;
    type Future = std::future::Ready<Result<Self, actix_web::Error>>;

    fn from_request(request: &HttpRequest, payload: &mut dev::Payload) -> Self::Future {
        assert!(matches!(payload, dev::Payload::None));
        let language = request.headers().get("accept-language");
        std::future::ready(match language.and_then(|field| field.to_str().ok()) {
            Some("forbidden") => Err(ErrorForbidden("canary")),
            Some("broken") => Err(ErrorInternalServerError("canary")),
            Some(language) => Ok(Self(language.to_owned())),
            None => Err(ErrorBadRequest("canary")),
        })
    }
}

#[secured(public, rate = "10000/s")]
#[get("/language")]
async fn language_of(#[unvalidated] language: Extracted<Language>) -> impl Responder {
    language.into_inner().0
}

/// An input of our own.
struct Idempotency(u64);

impl Input for Idempotency {
    const KIND: InputKind = InputKind::Head;

    async fn take(admitted: &mut Admitted) -> Result<Self, Rejection> {
        let field = admitted.request().headers().get("idempotency-key");
        field
            .and_then(|field| field.to_str().ok()?.parse().ok())
            .map(Self)
            .ok_or_else(|| Rejection::new(Refusal::HeadMalformed, "no idempotency key"))
    }
}

#[secured]
#[get("/own")]
async fn own_input(key: Idempotency) -> impl Responder {
    key.0.to_string()
}

fn routes(routes: &mut Routes) {
    routes
        .app_data(web::Data::new(7_u32))
        .app_data(web::Data::new(Longest(3)))
        .service(json_body)
        .service(form_body)
        .service(query_of)
        .service(path_of)
        .service(path_text)
        .service(bytes_of)
        .service(string_of)
        .service(stream_unread)
        .service(stream_of)
        .service(request_of)
        .service(optionals)
        .service(raw_map)
        .service(nick_of)
        .service(picture_of)
        .service(language_of)
        .service(own_input);
}

async fn service() -> TestService {
    TestService::new(routes).await
}

#[track_caller]
fn assert_invalid(response: &TestResponse, expected: &[&str]) {
    response.assert_refused(Refusal::InputInvalid);
    assert_eq!(pointers(response), expected, "{}", response.text());
}

#[actix_web::test]
async fn json_is_decoded_strictly_and_validated() {
    let service = service().await;
    let send = |text: &str| {
        service
            .post("/json")
            .body("application/json", text.to_owned())
            .send()
    };
    let good = send(r#"{"name":"ann","pets":[{"age":3}]}"#).await;
    assert_eq!(good.text(), "ann with 1 pets");

    for malformed in [
        "",
        "{",
        "{}x",
        r#"{"name":"a","name":"b"}"#,
        r#"{"name":"a","n\u0061me":"b"}"#,
        r#"{"name":"a","pets":[{"age":1,"age":2}]}"#,
        r#"{"name":"\ud800"}"#,
        r#"{"name":'a'}"#,
        r#"{"name":"a",}"#,
        &format!("{}1{}", "[".repeat(65), "]".repeat(65)),
    ] {
        send(malformed).await.assert_refused(Refusal::BodyMalformed);
    }
    for (text, expected) in [
        (r#"{}"#, &["/name"][..]),
        (r#"{"name":7}"#, &["/name"]),
        (r#"{"name":""}"#, &["/name"]),
        (
            r#"{"name":"a","pets":[{"age":1},{"age":31}]}"#,
            &["/pets/1/age"],
        ),
        (r#"{"name":"a","pets":[{"age":-1}]}"#, &["/pets/0/age"]),
        (r#"{"name":"a","a/b":1,"m~n":2}"#, &["/a~1b", "/m~0n"]),
        (r#"{"name":"a","pets":[{"age":1,"x":{}}]}"#, &["/pets/0/x"]),
        (r#"[]"#, &[""]),
    ] {
        assert_invalid(&send(text).await, expected);
    }
    let bytes = service
        .post("/json")
        .body("application/json", &b"{\"name\":\"\xff\"}"[..]);
    bytes.send().await.assert_refused(Refusal::BodyMalformed);
}

#[actix_web::test]
async fn an_answer_lists_at_most_32_errors() {
    let service = service().await;
    let pets: Vec<Value> = (0..100).map(|_| json!({ "age": 99 })).collect();
    let response = service
        .post("/json")
        .json(json!({ "name": "a", "pets": pets }))
        .send()
        .await;
    assert_eq!(pointers(&response).len(), 32);
    let unknown: HashMap<String, u8> = (0..100).map(|n| (format!("f{n}"), 0)).collect();
    let response = service.post("/json").json(unknown).send().await;
    assert!(pointers(&response).len() <= 32);
    assert!(response.body().len() < 8 * 1024);
}

#[actix_web::test]
async fn asvs_15_3_7_forms_and_queries_take_each_name_once() {
    let service = service().await;
    let form = |text: &'static str| {
        service
            .post("/form")
            .body("application/x-www-form-urlencoded", text)
            .send()
    };
    assert_eq!(form("name=a+%26b").await.text(), "a &b");
    assert_invalid(&form("name=a&x=1").await, &["/x"]);
    assert_invalid(&form("").await, &["/name"]);
    for malformed in ["name=a&name=b", "name=a&n%61me=b", "name=%zz", "name=%ff"] {
        form(malformed).await.assert_refused(Refusal::BodyMalformed);
    }
    let query = |text: &str| service.get(&format!("/query?{text}")).send();
    assert_eq!(query("name=ann").await.text(), "ann");
    assert_invalid(&query("name=ann&admin=1").await, &["/admin"]);
    assert_invalid(&query("name=aaaaaaaaaaa").await, &["/name"]);
    for malformed in ["name=a&name=b", "name=%zz", "name=%f", "name=%ff"] {
        query(malformed)
            .await
            .assert_refused(Refusal::HeadMalformed);
    }
}

#[actix_web::test]
async fn paths_are_decoded_and_point_at_the_parameter() {
    let service = service().await;
    let get = |path: &str| service.get(path).send();
    assert_eq!(get("/path/7/192.0.2.1").await.text(), "7 192.0.2.1");
    assert_eq!(get("/path/7/2001:db8::1").await.text(), "7 2001:db8::1");
    assert_invalid(&get("/path/256/192.0.2.1").await, &["/id"]);
    assert_invalid(&get("/path/-1/192.0.2.1").await, &["/id"]);
    assert_invalid(&get("/path/7/192.0.2").await, &["/address"]);
    assert_eq!(get("/text/%C3%A9").await.text(), "é");
    for malformed in [
        "/text/%zz",
        "/text/a%",
        "/text/%FF",
        "/text/%C3",
        "/text/%C3x",
    ] {
        get(malformed).await.assert_refused(Refusal::HeadMalformed);
    }
}

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
async fn without_validation_it_is_decoded_as_strictly() {
    let service = service().await;
    let send = |text: &'static str| {
        service
            .post("/unvalidated")
            .body("application/json", text)
            .send()
    };
    assert_eq!(send(r#"{"a":1,"b":{}}"#).await.text(), "2");
    send(r#"{"a":1,"a":2}"#)
        .await
        .assert_refused(Refusal::BodyMalformed);
    assert_invalid(&send("[]").await, &[""]);
}

#[actix_web::test]
async fn the_context_of_a_rule_comes_from_the_app_or_the_refusal_is_loud() {
    let send = async |service: &TestService, text: &str| {
        service
            .post("/nick")
            .json(json!({ "nick": text }))
            .send()
            .await
    };
    let service = service().await;
    assert_eq!(send(&service, "abc").await.text(), "abc");
    assert_invalid(&send(&service, "abcd").await, &["/nick"]);

    let log = crate::rig::Log::capture();
    let without = TestService::new(|routes| {
        routes.service(nick_of);
    })
    .await;
    send(&without, "abc")
        .await
        .assert_refused(Refusal::NotConfigured);
    let reason = log.take_audit()[0].field("reason").unwrap().to_owned();
    assert!(reason.contains("Longest"), "{reason}");
}

fn multipart(parts: &[(&str, &str)]) -> String {
    let mut body = String::new();
    for (name, content) in parts {
        let file = if *name == "file" {
            "; filename=\"f\""
        } else {
            ""
        };
        body.push_str(&format!(
            "--b\r\nContent-Disposition: form-data; name=\"{name}\"{file}\r\n\r\n{content}\r\n"
        ));
    }
    body + "--b--\r\n"
}

#[actix_web::test]
async fn multipart_forms_are_strict_and_limited() {
    let service = service().await;
    let send = |parts: &[(&str, &str)]| {
        let call = service.post("/picture");
        call.body("multipart/form-data; boundary=b", multipart(parts))
            .send()
    };
    assert_eq!(
        send(&[("title", "cat"), ("file", "1234")]).await.text(),
        "cat 4"
    );
    assert_invalid(&send(&[("file", "1")]).await, &["/title"]);
    assert_invalid(
        &send(&[("title", "too long"), ("file", "1")]).await,
        &["/title"],
    );
    assert_invalid(
        &send(&[("title", "a"), ("title", "b"), ("file", "1")]).await,
        &["/title"],
    );
    assert_invalid(
        &send(&[("title", "a"), ("x", "b"), ("file", "1")]).await,
        &["/x"],
    );
    let large = multipart(&[("title", "a"), ("file", &"x".repeat(2000))]);
    let chunked = Upload::new([large], End::Finished);
    let call = service
        .post("/picture")
        .stream("multipart/form-data; boundary=b", chunked);
    call.send().await.assert_refused(Refusal::BodyTooLarge);
    let no_boundary = service
        .post("/picture")
        .body("multipart/form-data", "x")
        .send()
        .await;
    no_boundary.assert_refused(Refusal::ContentTypeUnsupported);
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
