//! Random requests against the shop: never a server error, never a panic, and every answer has
//! the fields of an API.

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
    testing::{TestCall, TestResponse, TestService},
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

#[derive(Clone, Debug)]
struct Whole {
    method: Method,
    path: &'static str,
    query: &'static str,
    fields: Vec<(&'static str, Vec<u8>)>,
    content_type: &'static str,
    body: Vec<Vec<u8>>,
    end: End,
    role: Option<&'static str>,
    scopes: Vec<&'static str>,
}

fn whole() -> impl Strategy<Value = Whole> {
    let names = select(vec![
        "authorization",
        "content-length",
        "content-encoding",
        "upgrade",
        "expect",
        "host",
        "cookie",
        "origin",
        "x-forwarded-for",
        "accept",
        "content-type",
        "range",
        "te",
    ]);
    let values = prop_oneof![
        select(vec![
            "gzip",
            "identity",
            "1",
            "-1",
            "websocket",
            "100-continue",
            "Bearer a.b.c"
        ])
        .prop_map(|text| text.as_bytes().to_vec()),
        field_bytes(20),
    ];
    let bodies = vec(
        prop_oneof![
            almost_json().prop_map(String::into_bytes),
            vec(any::<u8>(), 0..600)
        ],
        0..4,
    );
    let head = (
        select(METHODS.to_vec()),
        select(vec![
            "/health",
            "/items",
            "/orders",
            "/orders/1",
            "/orders/x",
            "/orders/1/receipt",
            "/profile",
            "/payments/settled",
            "/admin/orders/1",
            "/admin/notice",
            "/",
            "/x",
        ]),
        select(vec!["", "?", "?limit=1", "?limit=0", "?x", "?text=%zz"]),
        vec((names, values), 0..4),
    );
    let tail = (
        select(vec![
            "application/json",
            "text/plain",
            "multipart/form-data; boundary=b",
            "x",
            "application/x-www-form-urlencoded",
            "multipart/form-data",
        ]),
        bodies,
        select(vec![
            End::Finished,
            End::Finished,
            End::Broken,
            End::Endless,
        ]),
        proptest::option::of(select(vec!["customer", "support", "admin", "nobody"])),
        vec(
            select(vec!["orders:read", "orders:write", "items:write"]),
            0..3,
        ),
    );
    (head, tail).prop_map(|((method, path, query, fields), tail)| {
        let (content_type, body, end, role, scopes) = tail;
        Whole {
            method,
            path,
            query,
            fields,
            content_type,
            body,
            end,
            role,
            scopes,
        }
    })
}

#[test]
fn whole_requests() {
    let fuzz = Fuzz::new();
    let seen = RefCell::new(BTreeSet::new());
    fuzz.run(2000, &whole(), |fuzz, whole| {
        let target = format!("{}{}", whole.path, whole.query);
        let upload = Upload::new(whole.body, whole.end);
        let mut call = fuzz
            .service
            .call(whole.method, &target)
            .stream(whole.content_type, upload);
        for (name, value) in whole.fields {
            call = call.header(name, value);
        }
        if let Some(role) = whole.role {
            call = call.role(role);
            for scope in whole.scopes {
                call = call.scope(scope);
            }
        }
        seen.borrow_mut().insert(fuzz.send(call).status().as_u16());
    });
    // They got everywhere.
    let seen = seen.into_inner();
    for status in [200, 400, 401, 403, 404, 405, 413, 415, 422] {
        assert!(seen.contains(&status), "{status} is not among {seen:?}");
    }
}
