//! Random requests against the shop: never a server error, never a panic, and every answer has
//! the fields of an API.

mod whole;

use std::{cell::RefCell, collections::BTreeSet, time::Duration};

use actix_web::{http::Method, rt::System, web};
use proptest::{
    collection::vec,
    prelude::*,
    sample::select,
    test_runner::{Config, TestRunner},
};
use secure_examples::shop::{self, Store};
use secure_runtime::{
    Settings,
    settings::ForwardedHeader,
    testing::{self, TestCall, TestResponse, TestService},
};
use serde_json::Value;

use crate::{
    rig::{End, METHODS, Upload},
    shapes::assert_fields,
};

struct Fuzz {
    service: TestService,
    system: actix_web::rt::SystemRunner,
}

impl Fuzz {
    fn new() -> Self {
        Self::with(Settings::default())
    }

    fn with(mut settings: Settings) -> Self {
        settings.danger.plaintext = true;
        settings.token_issuer = Some(testing::token_issuer());
        let system = System::new();
        let service = system.block_on(async {
            let store = web::Data::new(Store::default());
            TestService::with(shop::routes(store), |security| security.settings(settings)).await
        });
        Self { service, system }
    }

    /// Runs `case` for random values; quotas are whole again before each.
    fn run<S: Strategy>(&self, cases: u32, strategy: &S, case: impl Fn(&Self, S::Value)) {
        TestRunner::new(Config {
            failure_persistence: None,
            ..Config::with_cases(cases)
        })
        .run(strategy, |value| {
            self.service.advance(Duration::from_secs(3600));
            case(self, value);
            Ok(())
        })
        .unwrap();
    }

    fn send(&self, call: TestCall<'_>) -> TestResponse {
        let response = self.system.block_on(call.send());
        assert_sound(&response);
        response
    }

    fn admin(&self, call: TestCall<'_>) -> TestResponse {
        let call = call
            .role("admin")
            .scope("items:write")
            .scope("orders:write");
        self.send(call)
    }
}

/// What holds for each answer, whatever was asked.
fn assert_sound(response: &TestResponse) {
    let context = || format!("{response:?}");
    let status = response.status();
    assert!(
        status.is_success() || status.is_client_error(),
        "{}",
        context()
    );
    assert_fields(response, "no-store");
    if !status.is_client_error() || ["no such item", "no such order"].contains(&response.text()) {
        return;
    }
    assert_eq!(
        response.header("content-type"),
        Some("application/problem+json"),
        "{}",
        context()
    );
    let problem: Value = response.json();
    assert_eq!(problem["status"], status.as_u16(), "{}", context());
    assert!(response.body().len() < 32 * 1024, "{}", context());
    for (status, field) in [
        (401, "www-authenticate"),
        (405, "allow"),
        (429, "retry-after"),
    ] {
        let expected = response.status() == status;
        if expected {
            assert!(response.header(field).is_some(), "{}", context());
        }
    }
}

/// The bytes that a field of a header can hold.
fn field_bytes(length: usize) -> impl Strategy<Value = Vec<u8>> {
    vec(prop_oneof![0x20_u8..0x7f, 0x80_u8..=0xff], 0..length)
}

#[test]
fn bearer_tokens_of_any_bytes() {
    let fuzz = Fuzz::new();
    let scheme = select(vec!["Bearer ", "bearer", "Bearer  ", "Basic ", "", "DPoP "]);
    fuzz.run(400, &(scheme, field_bytes(60)), |fuzz, (scheme, rest)| {
        let field = [scheme.as_bytes(), &rest].concat();
        let response = fuzz.send(fuzz.service.get("/profile").header("authorization", field));
        assert_eq!(response.status(), 401);
    });
}

#[test]
fn j06_a_token_with_any_byte_changed_is_no_token() {
    let fuzz = Fuzz::new();
    let change = (any::<prop::sample::Index>(), 0x21_u8..0x7f, 0..3_u8);
    fuzz.run(600, &change, |fuzz, (place, byte, kind)| {
        let token = fuzz.service.tokens().token("ann").sign().into_bytes();
        let mut changed = token.clone();
        let place = place.index(token.len());
        match kind {
            0 => changed[place] = byte,
            1 => changed.insert(place, byte),
            _ => drop(changed.remove(place)),
        }
        let field = [b"Bearer ", &changed[..]].concat();
        let response = fuzz.send(fuzz.service.get("/profile").header("authorization", field));
        let expected = if changed == token { 200 } else { 401 };
        assert_eq!(
            response.status(),
            expected,
            "{}",
            String::from_utf8_lossy(&changed)
        );
    });
}

/// Text that is nearly JSON.
fn almost_json() -> impl Strategy<Value = String> {
    let piece = select(vec![
        "{",
        "}",
        "[",
        "]",
        ",",
        ":",
        "\"name\"",
        "\"price\"",
        "\"item\"",
        "1",
        "-1",
        "1e999",
        "\"tea\"",
        "null",
        "true",
        "\"\\ud800\"",
        "\"\u{1F980}\"",
        " ",
        "\\",
        "\"",
        "0.5",
        "\"$serde_json::private::Number\"",
        "99999999999999999999",
    ]);
    vec(piece, 0..14).prop_map(|pieces| pieces.concat())
}

#[test]
fn json_bodies_of_any_bytes() {
    let fuzz = Fuzz::new();
    let random = vec(any::<u8>(), 0..80);
    let body = prop_oneof![almost_json().prop_map(String::into_bytes), random];
    let path = select(vec!["/items", "/orders"]);
    fuzz.run(600, &(path, body), |fuzz, (path, body)| {
        fuzz.admin(fuzz.service.post(path).body("application/json", body));
    });
}

#[test]
fn deep_and_wide_json_is_refused_without_a_fall() {
    let fuzz = Fuzz::new();
    for unit in ["[", "{\"a\":", "[[{\"a\":[", "\"", "1", "[1,"] {
        let body = unit.repeat(1000 / unit.len());
        let response = fuzz.admin(fuzz.service.post("/items").body("application/json", body));
        assert!(response.status().is_client_error(), "{unit}");
    }
}

#[test]
fn queries_and_forms_of_any_text() {
    let fuzz = Fuzz::new();
    let piece = select(vec![
        "text",
        "limit",
        "=",
        "&",
        "%",
        "%41",
        "%zz",
        "%ff",
        "%00",
        "1",
        "-1",
        "tea",
        "+",
        "[]",
        ";",
        "%3d",
        "%26",
        "?",
        "/",
        "99999999999999999999",
    ]);
    fuzz.run(500, &vec(piece, 0..12), |fuzz, pieces| {
        let text = pieces.concat();
        fuzz.send(fuzz.service.get(&format!("/items?{text}")));
        let notice = fuzz.service.put("/admin/notice");
        fuzz.admin(notice.body("application/x-www-form-urlencoded", text));
    });
}

#[test]
fn paths_of_any_text() {
    let fuzz = Fuzz::new();
    let piece = select(vec![
        "/",
        "/orders",
        "/admin",
        "/items",
        "7",
        "%",
        "%2f",
        "%2F..",
        "..",
        ".",
        "%00",
        "%ff",
        "%zz",
        "-1",
        "{id}",
        "99999999999999999999",
        "%E2%82%AC",
        "receipt",
        "//",
        ";x=1",
    ]);
    fuzz.run(600, &vec(piece, 0..6), |fuzz, pieces| {
        let path = format!("/{}", pieces.concat());
        if path.parse::<actix_web::http::Uri>().is_ok() {
            fuzz.send(fuzz.service.get(&path));
            fuzz.admin(fuzz.service.get(&path));
            fuzz.admin(fuzz.service.delete(&path));
        }
    });
}

#[test]
fn forwarding_fields_of_any_bytes() {
    for header in [ForwardedHeader::Forwarded, ForwardedHeader::XForwardedFor] {
        let mut settings = Settings::default();
        settings.client_address.header = header;
        settings.client_address.trusted_proxies = vec!["127.0.0.0/8".parse().unwrap()];
        let fuzz = Fuzz::with(settings);
        let piece = select(vec![
            "for=",
            "\"",
            "[",
            "]",
            "::1",
            "127.0.0.1",
            ":80",
            ",",
            ";",
            "unknown",
            "_x",
            "\\",
            "proto=https",
            "203.0.113.1",
            "=",
            " ",
            "by=",
            "%",
        ]);
        let text = vec(piece, 0..12).prop_map(|pieces| pieces.concat().into_bytes());
        let value = || prop_oneof![text.clone(), field_bytes(40)];
        fuzz.run(300, &(value(), value()), |fuzz, (first, second)| {
            let call = fuzz
                .service
                .get("/items")
                .header("forwarded", &first)
                .header("x-forwarded-for", &first)
                .header("x-forwarded-for", second)
                .header("x-forwarded-proto", first);
            assert_eq!(fuzz.send(call).status(), 200);
        });
    }
}
