//! Behind a proxy.

use secure_runtime::settings::Transport;

use super::*;

fn through_proxy<'a>(call: TestCall<'a>, client: &str) -> TestCall<'a> {
    call.peer(ip("10.0.0.1"))
        .header("x-forwarded-for", format!("198.51.100.1, {client}"))
}

/// G11, P1: behind a proxy it is the client that is banned; the proxy never is.
#[actix_web::test]
async fn g11_behind_a_proxy_the_client_is_banned_and_the_proxy_never() {
    let service = TestService::with(routes, |security| {
        let mut settings = Settings::default();
        settings.server.transport = Transport::BehindProxy;
        settings.client_address.trusted_proxies = vec!["10.0.0.0/8".parse().unwrap()];
        settings.bans.rules = vec![rule(StrikeKind::NotFound, 3)];
        security.settings(settings)
    })
    .await;
    let call = |path: &str, forwarded: Option<&str>| {
        let call = service
            .get(path)
            .peer(ip("10.0.0.1"))
            .header("x-forwarded-proto", "https");
        match forwarded {
            Some(address) => call.header("x-forwarded-for", address),
            None => call,
        }
    };
    for forwarded in [None, Some("unknown"), Some("10.0.0.2"), Some(CLIENT)] {
        for _ in 0..3 {
            let response = call("/nothing", forwarded).send().await;
            response.assert_refused(Refusal::NotFound);
        }
        let banned = call("/open", forwarded).send().await.status() == 429;
        assert_eq!(banned, forwarded == Some(CLIENT), "{forwarded:?}");
    }
    // What the client writes to the left of its own address changes nothing.
    let disguised = call("/open", Some("198.51.100.1, 203.0.113.7"))
        .send()
        .await;
    disguised.assert_refused(Refusal::Banned);
    let other = call("/open", Some("203.0.113.8")).send().await;
    assert_eq!(other.status(), 200);

    let response = service
        .post("/ban/10.0.0.1")
        .peer(ip("10.0.0.1"))
        .header("x-forwarded-proto", "https")
        .header("x-forwarded-for", "203.0.113.8");
    response.send().await.assert_refused(Refusal::Undecided);
}

/// G11, P1, L7: whatever refuses it, each failure counts once, and for the client that the proxy
/// names: its quota of failures, then the rule.
#[actix_web::test]
async fn g11_behind_a_proxy_each_refusal_counts_once_for_its_client() {
    let service = TestService::with(routes, |security| {
        let mut settings = Settings::default();
        settings.danger.plaintext = true;
        settings.client_address.trusted_proxies = vec!["10.0.0.0/8".parse().unwrap()];
        let kinds = [StrikeKind::Authentication, StrikeKind::Authorization];
        settings.bans.rules = kinds.map(|kind| rule(kind, 70)).to_vec();
        security.settings(settings)
    })
    .await;
    for (client, token) in [("203.0.113.7", Some("a.b.c")), ("203.0.113.8", None)] {
        for number in 0..70 {
            for address in [client, "10.0.0.1"] {
                let is_banned = service.security().bans().is_banned(ip(address));
                assert!(!is_banned, "{address} after {number}");
            }
            let (call, expected) = match token {
                Some(_) if number < 60 => (service.get("/owned"), 401),
                Some(_) => (service.get("/owned"), 429),
                // A rejection that the handler itself returned.
                None => (service.post("/refuses"), 403),
            };
            let call = through_proxy(call, client);
            let call = match token {
                Some(token) => call.bearer(token),
                None => call,
            };
            assert_eq!(call.send().await.status(), expected, "{client} {number}");
        }
        assert!(service.security().bans().is_banned(ip(client)));
        let other = through_proxy(service.get("/owned"), "203.0.113.9");
        assert_eq!(other.bearer("a.b.c").send().await.status(), 401);
    }
}
