//! What is decoded and validated: JSON, forms, queries, paths, multipart forms.

use super::*;

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
