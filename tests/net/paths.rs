//! Paths with more than one spelling, and hosts that a client makes up.

use crate::{
    rig::Service,
    smuggling::{exchange, routes, statuses},
};

/// A policy belongs to the handler, so no spelling of its path has another one: whatever reaches
/// a guarded handler asks for its role, and what is not the exact path is nothing.
#[actix_web::test]
async fn no_spelling_of_a_path_has_another_policy() {
    let service = Service::start(routes).await;
    let admin = service.tokens.token("ada").role("admin").sign();
    for target in [
        "/admin/secret",
        "/admin//secret",
        "//admin/secret",
        "/admin/secret/",
        "/admin/secret//",
        "/admin/secret.",
        "/admin/secret;a=b",
        "/admin;a=b/secret",
        "/ADMIN/secret",
        "/admin/SECRET",
        "/Admin/Secret",
        "/./admin/secret",
        "/admin/./secret",
        "/assets/../admin/secret",
        "/open/../admin/secret",
        "/assets/%2e%2e/admin/secret",
        "/assets/..%2fadmin/secret",
        "/assets/..%2fadmin%2fsecret",
        "/%2e%2e/admin/secret",
        "/admin%2fsecret",
        "/admin%2Fsecret",
        "/admin/%73ecret",
        "/%61dmin/secret",
        "/admin/secret%00",
        "/admin/secret%20",
        "/admin/secret%0d%0a",
        "/admin/secret%3f",
        "/admin/secret?",
        "/admin/secret?a=/open",
        "/admin/secret%23",
        "/admin\\secret",
        "/admin/%2573ecret",
        "/admin/s%c3%a9cret",
        "/admin/%c0%afsecret",
        "/admin/secret%c0",
        "/open/admin/secret",
        "/openadmin/secret",
        "/admin/secret/open",
        "/admin/open",
        "https://localhost/admin/secret",
        "https://localhost//admin/secret",
        "http://evil.example/admin/secret",
        "HTTPS://LOCALHOST/admin/secret",
        "https://localhost/assets/../admin/secret",
        "/admin/reports/a",
        "/admin/reports/a%2fb",
        "/admin/reports/..%2f..%2fopen",
        "/admin/reports/%2e%2e",
        "/admin/reports/..",
        "/admin/reports//",
        "/admin//reports/a",
    ] {
        let head = format!("GET {target} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n");
        let answers = exchange(&service, &format!("{head}\r\n")).await;
        let [stranger] = answers.as_slice() else {
            panic!("{target}: {answers:?}");
        };
        assert!(
            !stranger.body.contains("secret report"),
            "{target}: {stranger:?}"
        );
        assert!(
            !stranger.body.contains("the secret"),
            "{target}: {stranger:?}"
        );
        // An asset is served under its prefix only.
        let is_asset = stranger.body.starts_with("asset ");
        assert_eq!(is_asset, stranger.status == 200, "{target}: {stranger:?}");
        assert!(
            !is_asset || target.contains("/assets/"),
            "{target}: {stranger:?}"
        );

        let head = format!("{head}authorization: Bearer {admin}\r\n");
        let answers = exchange(&service, &format!("{head}\r\n")).await;
        let expected = match stranger.status {
            401 => 200, // the guarded handler, and nothing else stands in the way
            other => other,
        };
        assert_eq!(statuses(&answers), [expected], "{target}: {answers:?}");
    }
    for line in [
        "GET  /admin/secret HTTP/1.1",
        "GET /admin/secret\0 HTTP/1.1",
        "GET /a b HTTP/1.1",
        "GET\t/admin/secret HTTP/1.1",
        "GET admin/secret HTTP/1.1",
        "GET /admin/secret HTTP/1.2",
        "GET /admin/secret HTTP/2.0",
        "get /admin/secret",
        "G\u{0}T / HTTP/1.1",
        "GET * HTTP/1.1",
        "GET @evil/admin/secret HTTP/1.1",
        "\u{16}\u{3}\u{1}",
        "PRI * HTTP/2.0",
    ] {
        let answers = exchange(&service, &format!("{line}\r\nhost: a\r\n\r\n")).await;
        let seen = statuses(&answers);
        assert!(
            matches!(seen.as_slice(), [] | [400] | [404]),
            "{line}: {answers:?}"
        );
    }
    service.stop().await;
}

#[actix_web::test]
async fn the_host_changes_nothing() {
    let service = Service::start(routes).await;
    for host in [
        "localhost",
        "127.0.0.1",
        "evil.example",
        "localhost:1",
        "a, b",
        "admin@localhost",
        "[::1]",
        "localhost/open",
        "..",
        "",
    ] {
        for (path, expected) in [("/open", 200), ("/admin/secret", 401), ("/nowhere", 404)] {
            let answers = exchange(
                &service,
                &format!("GET {path} HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n\r\n"),
            )
            .await;
            let seen = statuses(&answers);
            assert!(
                seen == [expected] || seen == [400],
                "{host} {path}: {answers:?}"
            );
            for answer in answers {
                assert!(!answer.head.contains("evil"), "{answer:?}");
                assert!(!answer.body.contains("evil"), "{answer:?}");
            }
        }
    }
    service.stop().await;
}
