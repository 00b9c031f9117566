//! Whose address is counted, behind proxies and without.

use actix_web::test::TestRequest;
use secure_runtime::{
    AddressCounts, Security,
    settings::{ClientAddressSettings, Ipv6Prefix, Transport},
};

use super::*;
use crate::rig::Log;

async fn with(configure: impl FnOnce(&mut ClientAddressSettings)) -> TestService {
    TestService::with(routes, |security| {
        let mut settings = Settings::default();
        settings.danger.plaintext = true;
        configure(&mut settings.client_address);
        security.settings(settings)
    })
    .await
}

async fn behind_proxies(header: ForwardedHeader) -> TestService {
    with(|settings| {
        settings.header = header;
        settings.trusted_proxies = vec!["10.0.0.0/8".parse().unwrap()];
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

/// What a handler is told is what is counted: the word of the proxy, and nobody else's.
#[actix_web::test]
async fn p01_a_handler_learns_what_the_trusted_proxy_says() {
    let mut settings = Settings::default();
    settings.server.transport = Transport::BehindProxy;
    settings.client_address.trusted_proxies = vec!["10.0.0.0/8".parse().unwrap()];
    let security = Security::builder().settings(settings).build().unwrap();
    for (peer, proto, expected) in [
        ("10.0.0.1", "https", "203.0.113.1 https"),
        ("10.0.0.1", "http", "203.0.113.1 http"),
        ("10.0.0.1", "https, http", "203.0.113.1 http"),
        ("198.51.100.1", "https", "198.51.100.1 http"),
    ] {
        let request = TestRequest::get()
            .peer_addr(format!("{peer}:1").parse().unwrap())
            .insert_header(("x-forwarded-for", "203.0.113.1"))
            .insert_header(("x-forwarded-proto", proto))
            .to_http_request();
        let client = security.client(&request);
        assert_eq!(
            format!("{} {}", client.address(), client.scheme()),
            expected
        );
        assert_eq!(client.is_over_tls(), expected.ends_with("https"));
    }
}

/// As many hops as are configured, from the right, whoever sent them.
#[actix_web::test]
async fn p01_hops_are_counted_where_no_network_is_known() {
    let service = with(|settings| settings.hops = std::num::NonZeroUsize::new(2)).await;
    let call = |peer: &str, list: &str| {
        let call = from(&service, "/ip", peer);
        call.header("x-forwarded-for", list)
    };
    let spoofed = (0..5).map(|n| {
        let list = format!("198.51.100.{n}, 203.0.113.1, 192.0.2.{n}");
        call(&format!("192.0.2.{}", 100 + n), &list)
    });
    assert_eq!(admitted(spoofed).await, 3);
}

#[actix_web::test]
async fn p02_an_address_with_a_port_is_the_same_client_in_every_spelling() {
    let service = behind_proxies(ForwardedHeader::XForwardedFor).await;
    let spellings = [
        "192.0.2.60",
        "192.0.2.60:80",
        "[::ffff:192.0.2.60]:80",
        "::ffff:192.0.2.60",
        "::ffff:c000:23c",
        "\t 192.0.2.60 \t",
        "198.51.100.1,,192.0.2.60, ,\t,",
    ];
    let calls =
        spellings.map(|list| from(&service, "/ip", "10.0.0.1").header("x-forwarded-for", list));
    assert_eq!(admitted(calls).await, 3);

    let service = behind_proxies(ForwardedHeader::Forwarded).await;
    let spellings = [
        "for=192.0.2.60",
        "for=\"[::ffff:192.0.2.60]:80\"",
        "proto=https;by=10.0.0.1;FOR=\"192.0.2.60:80\"",
        "for=198.51.100.1, ,for=192.0.2.60; proto=https ,",
    ];
    let calls = spellings.map(|list| from(&service, "/ip", "10.0.0.1").header("forwarded", list));
    assert_eq!(admitted(calls).await, 3);
}

#[actix_web::test]
async fn p03_ipv6_is_counted_by_the_configured_prefix() {
    for (bits, expected) in [(None, 3), (Some(64), 4), (Some(32), 3)] {
        let service = with(|settings| {
            settings.ipv6_prefix = bits.and_then(Ipv6Prefix::new).unwrap_or_default();
        })
        .await;
        let same_56 = (0..4).map(|n| from(&service, "/ip", &format!("2001:db8:0:10{n}::1")));
        assert_eq!(admitted(same_56).await, expected, "{bits:?}");
        let same_48 = (1..5).map(|n| from(&service, "/ip", &format!("2001:db8:0:{n}000::1")));
        let apart = if bits == Some(32) { 0 } else { 4 };
        assert_eq!(admitted(same_48).await, apart, "{bits:?}");
    }
}

/// A flood of them is counted, and does not flood the log.
#[actix_web::test]
async fn p04_spoofed_headers_are_counted_and_logged_once_a_minute() {
    let log = Log::capture();
    let service = behind_proxies(ForwardedHeader::XForwardedFor).await;
    let told = |code: &str| -> Vec<String> {
        let records = log.take().into_iter();
        records
            .filter(|record| record.field("code") == Some(code))
            .map(|record| record.field("count").unwrap_or_default().to_owned())
            .collect()
    };
    let spoofed = |field: &'static str, n: usize| {
        let call = from(&service, "/ip", &format!("203.0.113.{}", n % 200));
        call.header(field, "for=198.51.100.1")
    };
    told("");
    for n in 0..500 {
        spoofed(["x-forwarded-for", "forwarded"][n % 2], n)
            .send()
            .await;
    }
    assert_eq!(told("forwarding_header_ignored"), ["1"]);
    let counts =
        |service: &TestService| -> AddressCounts { service.security().addresses().counts() };
    assert_eq!(counts(&service).headers_ignored, 500);

    service.advance(Duration::from_secs(60));
    for n in 0..500 {
        spoofed("forwarded", n).send().await;
    }
    assert_eq!(told("forwarding_header_ignored"), ["500"]);
    assert_eq!(counts(&service).headers_ignored, 1000);

    // Two fields that disagree, of a proxy that is trusted.
    for n in 0..100 {
        let call = from(&service, "/ip", "10.0.0.1").header("x-forwarded-for", "203.0.113.250");
        call.header("forwarded", format!("for=198.51.100.{n}"))
            .send()
            .await;
    }
    assert_eq!(told("forwarding_headers_conflict"), ["1"]);
    // And one that tells nothing.
    for _ in 0..100 {
        let call = from(&service, "/ip", "10.0.0.1").header("x-forwarded-for", "unknown");
        call.send().await;
    }
    assert_eq!(told("client_address_unknown"), ["1"]);
    let counts = counts(&service);
    assert_eq!((counts.headers_conflicting, counts.unknown), (100, 100));
    assert_eq!(
        (counts.headers_ignored, counts.connections_refused),
        (1000, 0)
    );
}

/// The operator forgot a proxy: everything is refused, and the log says why.
#[actix_web::test]
async fn p04_a_proxy_that_is_not_trusted_shows_although_https_is_refused() {
    let service = TestService::with(routes, |security| {
        let mut settings = Settings::default();
        settings.server.transport = Transport::BehindProxy;
        settings.client_address.trusted_proxies = vec!["10.0.0.0/8".parse().unwrap()];
        security.settings(settings)
    })
    .await;
    let call = from(&service, "/ip", "11.0.0.1").header("x-forwarded-proto", "https");
    let call = call.header("x-forwarded-for", "203.0.113.1");
    call.send().await.assert_refused(Refusal::HttpsRequired);
    assert_eq!(service.security().addresses().counts().headers_ignored, 1);
}

/// Settings that were made by hand are not taken for more than they say.
#[actix_web::test]
async fn p01_hops_and_networks_together_are_refused() {
    let mut settings = Settings::default();
    settings.client_address.hops = std::num::NonZeroUsize::new(1);
    settings.client_address.trusted_proxies = vec!["10.0.0.0/8".parse().unwrap()];
    let error = Security::builder().settings(settings).build().unwrap_err();
    assert!(error.to_string().contains("client_address.hops"), "{error}");
}
