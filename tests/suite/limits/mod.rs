//! Quotas through the service: whom they count together, what they tell, and when to come back.

mod addresses;

use std::{
    sync::atomic::{AtomicUsize, Ordering},
    thread,
    time::Duration,
};

use actix_web::{
    App, Responder, get,
    rt::System,
    test::{TestRequest, call_service, init_service},
};
use secure_runtime::{
    Clock, Refusal, Routes, Security, Settings, secured,
    settings::{ForwardedHeader, RateLimitFields},
    testing::{TestCall, TestResponse, TestService},
};
use serde_json::{Value, json};
use sfv::{BareItem, Item, List, ListEntry, Parser};

#[secured(public, rate = "3/min")]
#[get("/ip")]
async fn per_ip() -> impl Responder {
    "ip"
}

#[secured(rate = "3/min")]
#[get("/user")]
async fn per_user() -> impl Responder {
    "user"
}

#[secured(public, rate = "3/min per route")]
#[get("/route")]
async fn per_route() -> impl Responder {
    "route"
}

#[secured(public, rate = "3/min")]
#[get("/ip/again")]
async fn per_ip_again() -> impl Responder {
    "ip"
}

#[secured(rate = ["2/s", "5/min per ip", "3/hour per route", "100/day burst 200"])]
#[get("/several")]
async fn several() -> impl Responder {
    "several"
}

#[secured(role = "admin", rate = ["1/min per route", "5/min"])]
#[get("/shared")]
async fn shared() -> impl Responder {
    "shared"
}

#[secured(public, rate = "login")]
#[get("/named")]
async fn named() -> impl Responder {
    "named"
}

#[secured(public, rate = "7/s")]
#[get("/fast")]
async fn fast() -> impl Responder {
    "fast"
}

#[secured(public, rate = "1/31day burst 3")]
#[get("/slow")]
async fn slow() -> impl Responder {
    "slow"
}

fn routes(routes: &mut Routes) {
    routes
        .service(per_ip)
        .service(per_ip_again)
        .service(per_user)
        .service(per_route)
        .service(several)
        .service(shared)
        .service(named)
        .service(fast)
        .service(slow);
}

async fn service() -> TestService {
    TestService::new(routes).await
}

/// How many of these requests are admitted one after the other.
async fn admitted<'a>(calls: impl IntoIterator<Item = TestCall<'a>>) -> usize {
    let mut count = 0;
    for call in calls {
        let response = call.send().await;
        match response.status().as_u16() {
            200 => count += 1,
            _ => drop(response.assert_refused(Refusal::QuotaExceeded)),
        }
    }
    count
}

fn from<'a>(service: &'a TestService, path: &str, address: &str) -> TestCall<'a> {
    service.get(path).peer(address.parse().unwrap())
}

/// A RateLimit field as a parser of RFC 9651 reads it: name, then integers by key.
fn items(response: &TestResponse, field: &str) -> Vec<(String, Vec<(String, i64)>)> {
    assert!(response.headers().get_all(field).count() <= 1);
    let Some(text) = response.header(field) else {
        return Vec::new();
    };
    let list: List = Parser::new(text)
        .parse()
        .unwrap_or_else(|error| panic!("{error}: {text}"));
    assert!(!list.is_empty(), "{text}");
    list.into_iter()
        .map(|entry| {
            let ListEntry::Item(Item {
                bare_item: BareItem::String(name),
                params,
            }) = entry
            else {
                panic!("not a string: {text}");
            };
            let params = params
                .into_iter()
                .map(|(key, value)| match value {
                    BareItem::Integer(value) => (key.to_string(), value.into()),
                    other => panic!("{key}={other:?} in {text}"),
                })
                .collect();
            (name.to_string(), params)
        })
        .collect()
}

fn item(name: &str, params: [(&str, i64); 2]) -> (String, Vec<(String, i64)>) {
    let params = params.map(|(key, value)| (key.to_owned(), value));
    (name.to_owned(), params.into())
}

#[actix_web::test]
async fn per_ip_counts_addresses() {
    let service = service().await;
    let call = |address| from(&service, "/ip", address);
    assert_eq!(admitted((0..5).map(|_| call("203.0.113.1"))).await, 3);
    assert_eq!(admitted((0..5).map(|_| call("203.0.113.2"))).await, 3);
    // P3: an IPv6 subscriber has a whole network, and an IPv4 address has one count in any form.
    assert_eq!(admitted([call("::ffff:203.0.113.1")]).await, 0);
    let one_network =
        (0..9).map(|n| call(["2001:db8::1", "2001:db8:0:ff::2", "2001:db8:0:7::3"][n % 3]));
    assert_eq!(admitted(one_network).await, 3);
    assert_eq!(admitted([call("2001:db8:0:100::1")]).await, 1);
    // Each route has counts of its own.
    assert_eq!(
        admitted([from(&service, "/ip/again", "203.0.113.1")]).await,
        1
    );
}

#[actix_web::test]
async fn per_user_counts_callers_wherever_they_are() {
    let service = service().await;
    let call =
        |subject: &str, n: u8| from(&service, "/user", &format!("203.0.113.{n}")).subject(subject);
    assert_eq!(admitted((0..5).map(|n| call("ann", n))).await, 3);
    assert_eq!(admitted((0..5).map(|n| call("bob", n))).await, 3);
}

#[actix_web::test]
async fn per_route_counts_everybody() {
    let service = service().await;
    let calls = (0..9).map(|n| from(&service, "/route", &format!("203.0.113.{n}")));
    assert_eq!(admitted(calls).await, 3);
}

#[actix_web::test]
async fn l13_several_quotas_charge_all_or_none() {
    let service = service().await;
    let call = |subject: &str| service.get("/shared").role("admin").subject(subject);
    assert_eq!(call("bob").send().await.status(), 200);
    // Ann is refused for the sake of the route, again and again; her own quota stays whole.
    for _ in 0..20 {
        let refused = call("ann").send().await;
        refused.assert_refused(Refusal::QuotaExceeded);
        assert_eq!(
            refused.json::<Value>()["violated-policies"],
            json!(["1/min per route"])
        );
    }
    service.advance(Duration::from_secs(60));
    let response = call("ann").send().await;
    assert_eq!(
        items(&response, "ratelimit"),
        [item("5/min", [("r", 4), ("t", 12)])]
    );
}

#[actix_web::test]
async fn l13_the_ip_quota_is_given_back_when_a_later_one_denies() {
    let service = service().await;
    let call = |subject: &str| service.get("/several").subject(subject);
    // 2/s of one user: the third and all after it are denied at the second stage.
    assert_eq!(admitted((0..10).map(|_| call("ann"))).await, 2);
    // Of 5/min per ip only two are gone, so the 3/hour per route is what ends it.
    assert_eq!(admitted((0..10).map(|n| call(&format!("u{n}")))).await, 1);
    let refused = call("bob").send().await;
    assert_eq!(
        refused.json::<Value>()["violated-policies"],
        json!(["3/hour per route"])
    );
}

#[actix_web::test]
async fn l03_l04_the_fields_are_structured_and_tell_the_truth() {
    let service = service().await;
    let response = service.get("/several").subject("ann").send().await;
    // Quotas per route are not told: what others use is not the caller's matter (L6).
    assert_eq!(
        items(&response, "ratelimit-policy"),
        [
            item("2/s", [("q", 2), ("w", 1)]),
            item("5/min per ip", [("q", 5), ("w", 60)]),
            // A burst that is larger than the limit is told as the same rate.
            item("100/day burst 200", [("q", 200), ("w", 172_800)]),
        ]
    );
    let mut state = items(&response, "ratelimit");
    state.sort();
    assert_eq!(
        state,
        [
            item("100/day burst 200", [("r", 199), ("t", 864)]),
            item("2/s", [("r", 1), ("t", 1)]),
            item("5/min per ip", [("r", 4), ("t", 12)]),
        ]
    );
    let login = service.get("/named").send().await;
    assert_eq!(items(&login, "ratelimit").len(), 1);
    assert_eq!(items(&service.get("/route").send().await, "ratelimit"), []);
}

#[actix_web::test]
async fn what_remains_can_be_used_and_no_more() {
    let service = service().await;
    for path in ["/ip", "/named", "/fast", "/slow"] {
        let first = service.get(path).send().await;
        let [(_, params)] = &items(&first, "ratelimit")[..] else {
            panic!("{path}");
        };
        let remaining = usize::try_from(params[0].1).unwrap();
        let calls = (0..remaining + 5).map(|_| service.get(path));
        assert_eq!(admitted(calls).await, remaining, "{path}");
    }
}

#[actix_web::test]
async fn rate_fields_are_not_sent_on_401_and_403_nor_on_invalid_input() {
    let service = service().await;
    for (call, refusal) in [
        (service.get("/shared"), Refusal::CredentialsMissing),
        (
            service.get("/shared").claim("exp", 1),
            Refusal::CredentialsInvalid,
        ),
        (service.get("/shared").subject("x"), Refusal::RoleMissing),
    ] {
        let response = call.send().await;
        response.assert_refused(refusal);
        assert_eq!(response.header("ratelimit"), None);
        assert_eq!(response.header("ratelimit-policy"), None);
    }
}

#[actix_web::test]
async fn l6_the_settings_say_who_is_told() {
    for (fields, told) in [
        (RateLimitFields::Always, [true, true, true, true]),
        // Of three, one is at most half.
        (RateLimitFields::Scarce, [false, true, true, true]),
        (RateLimitFields::Never, [false; 4]),
    ] {
        let service = TestService::with(routes, |security| {
            let mut settings = Settings::default();
            settings.danger.plaintext = true;
            settings.limits.fields = fields;
            security.settings(settings)
        });
        let service = service.await;
        for (number, told) in told.into_iter().enumerate() {
            let response = service.get("/ip").send().await;
            assert_eq!(response.status() == 429, number == 3);
            assert_eq!(response.header("retry-after").is_some(), number == 3);
            for field in ["ratelimit", "ratelimit-policy"] {
                let is_there = response.header(field).is_some();
                assert_eq!(is_there, told, "{fields:?} {number} {field}");
            }
        }
    }
}

#[actix_web::test]
async fn l02_l05_waiting_as_long_as_told_succeeds_and_a_second_less_does_not() {
    for path in [
        "/ip", "/user", "/route", "/several", "/shared", "/named", "/fast", "/slow",
    ] {
        let service = service().await;
        let call = || service.get(path).subject("ann").role("admin");
        // At odd times, so that nothing fits whole seconds.
        service.advance(Duration::from_millis(1234));
        let mut refusals = 0;
        for _ in 0..30 {
            service.advance(Duration::from_millis(1));
            let response = call().send().await;
            if response.status() == 200 {
                continue;
            }
            response.assert_refused(Refusal::QuotaExceeded);
            let wait: u64 = response.header("retry-after").unwrap().parse().unwrap();
            assert!(wait >= 1, "{path}");
            for (name, params) in items(&response, "ratelimit") {
                assert_eq!(params[0], ("r".to_owned(), 0), "{path} {name}");
                let until = u64::try_from(params[1].1).unwrap();
                assert!(
                    until <= wait,
                    "{path} {name}: t={until} after retry-after={wait}"
                );
            }
            service.advance(Duration::from_secs(wait - 1));
            if wait > 1 {
                call().send().await.assert_refused(Refusal::QuotaExceeded);
            }
            service.advance(Duration::from_secs(1));
            assert_eq!(call().send().await.status(), 200, "{path} after {wait} s");
            refusals += 1;
        }
        assert!(refusals > 3, "{path}: {refusals}");
    }
}

#[actix_web::test]
async fn l10_in_no_window_more_than_the_bound_passes() {
    let service = service().await;
    // 3/min, burst 3: T = 20 s. Somebody who never pauses, for ten minutes.
    let mut times = Vec::new();
    for second in 0..600_u64 {
        if service.get("/ip").send().await.status() == 200 {
            times.push(second);
        }
        service.advance(Duration::from_secs(1));
    }
    for (place, start) in times.iter().enumerate() {
        for (more, end) in times.iter().skip(place).enumerate() {
            let bound = 3 + (end - start) / 20;
            assert!(
                (more as u64) < bound,
                "{} within {} s",
                more + 1,
                end - start
            );
        }
    }
    assert_eq!(times.len(), 3 + 29);
}

#[test]
fn one_limiter_is_shared_by_all_workers() {
    let (clock, _hand) = Clock::manual();
    let mut settings = Settings::default();
    settings.danger.plaintext = true;
    let security = Security::builder()
        .clock(clock)
        .settings(settings)
        .build()
        .unwrap();
    let admitted = AtomicUsize::new(0);
    thread::scope(|scope| {
        for _ in 0..4 {
            let (security, admitted) = (security.clone(), &admitted);
            scope.spawn(move || {
                System::new().block_on(async {
                    let app = init_service(
                        App::new()
                            .configure(security.routes(|routes| {
                                routes.service(fast);
                            }))
                            .wrap(security.shield()),
                    )
                    .await;
                    for _ in 0..50 {
                        let request = TestRequest::get()
                            .uri("/fast")
                            .peer_addr("203.0.113.1:5".parse().unwrap())
                            .to_request();
                        let status = call_service(&app, request).await.status();
                        if status == 200 {
                            admitted.fetch_add(1, Ordering::Relaxed);
                        } else {
                            assert_eq!(status, 429);
                        }
                    }
                });
            });
        }
    });
    assert_eq!(admitted.into_inner(), 7);
}
