//! Whose address is counted, behind proxies and without.

use super::*;

async fn behind_proxies(header: ForwardedHeader) -> TestService {
    TestService::with(routes, |security| {
        let mut settings = Settings::default();
        settings.danger.plaintext = true;
        settings.client_address.header = header;
        settings.client_address.trusted_proxies = vec!["10.0.0.0/8".parse().unwrap()];
        security.settings(settings)
    })
    .await
}

#[actix_web::test]
async fn p01_behind_trusted_proxies_the_client_is_counted() {
    let service = behind_proxies(ForwardedHeader::XForwardedFor).await;
    let call = |list: &str| from(&service, "/ip", "10.0.0.1").header("x-forwarded-for", list);
    assert_eq!(admitted((0..5).map(|_| call("203.0.113.1"))).await, 3);
    assert_eq!(
        admitted((0..5).map(|_| call("203.0.113.2, 10.9.9.9"))).await,
        3
    );
    // What the client wrote to the left of its address changes nothing.
    let spoofed = (0..5).map(|n| call(&format!("198.51.100.{n}, 203.0.113.3")));
    assert_eq!(admitted(spoofed).await, 3);
    let two_fields =
        (0..5).map(|n| call(&format!("198.51.100.{n}")).header("x-forwarded-for", "203.0.113.4"));
    assert_eq!(admitted(two_fields).await, 3);
    // The other field is not the one that the proxy writes.
    let other =
        (0..5).map(|n| call("203.0.113.5").header("forwarded", format!("for=198.51.100.{n}")));
    assert_eq!(admitted(other).await, 3);
}

#[actix_web::test]
async fn p01_without_a_trusted_proxy_forwarding_fields_are_ignored() {
    for field in ["x-forwarded-for", "forwarded", "x-real-ip", "client-ip"] {
        let service = service().await;
        let value = |n: u8| match field {
            "forwarded" => format!("for=198.51.100.{n}"),
            _ => format!("198.51.100.{n}"),
        };
        let calls = (0..9).map(|n| from(&service, "/ip", "203.0.113.1").header(field, value(n)));
        assert_eq!(admitted(calls).await, 3, "{field}");
    }
    // Nor where the sender is not the proxy.
    let service = behind_proxies(ForwardedHeader::XForwardedFor).await;
    let calls = (0..9).map(|n| {
        from(&service, "/ip", "203.0.113.1").header("x-forwarded-for", format!("198.51.100.{n}"))
    });
    assert_eq!(admitted(calls).await, 3);
}

#[actix_web::test]
async fn p02_forwarded_is_read_in_all_its_forms() {
    let service = behind_proxies(ForwardedHeader::Forwarded).await;
    let call = |value: &str| from(&service, "/ip", "10.0.0.1").header("forwarded", value);
    let one_network = [
        "for=\"[2001:db8::1]:4711\"",
        "For=\"[2001:db8::2]\";proto=https",
        "for=198.51.100.1, for=\"[2001:db8::3]\"",
        "for=\"[2001:db8::4]\"",
    ];
    assert_eq!(admitted(one_network.map(call)).await, 3);
    // Who cannot be told is one client together with all others of that kind.
    let unknown = ["for=unknown", "for=_hidden", "for=\"x", "proto=https"];
    assert_eq!(admitted(unknown.map(call)).await, 3);
}
