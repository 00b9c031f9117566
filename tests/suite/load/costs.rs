//! Requests that cost more than one unit, and what is charged after the fact.

use std::{rc::Rc, time::Duration};

use actix_web::{HttpResponse, Responder, get, http::Method, web};
use bytes::Bytes;
use futures_util::{StreamExt, future::LocalBoxFuture, stream};
use secure_runtime::{
    Balance, InputKind, InputPolicy, Manifest, Meter, Policy, Refusal, Routes, Secured, Security,
    private::{self, Call, Refused},
    secured,
    testing::{TestResponse, TestService},
};

use crate::rig::{judged, public};

#[secured(rate = "10/min", cost = 5)]
#[get("/search")]
async fn search() -> impl Responder {
    "found"
}

#[secured(rate = ["60/min", "1000/hour per ip"], cost = 2)]
#[get("/complete/{tokens}")]
async fn complete(tokens: web::Path<u32>, meter: Meter) -> impl Responder {
    match meter.charge(*tokens).await {
        Balance::Left => "left".to_owned(),
        Balance::UsedUp { wait } => format!("used up for {wait:?}"),
    }
}

/// Charges as it goes, long after the handler is done.
#[secured(rate = "60/min")]
#[get("/stream")]
async fn streamed(meter: Meter) -> impl Responder {
    let meter = Rc::new(meter);
    let tokens = stream::iter(0..30).then(move |_| {
        let meter = Rc::clone(&meter);
        async move {
            meter.charge(1).await;
            Ok::<_, actix_web::Error>(Bytes::from_static(b"x"))
        }
    });
    HttpResponse::Ok().streaming(tokens)
}

#[secured(public, rate = "10/min per route")]
#[get("/together/{units}")]
async fn together(units: web::Path<u32>, meter: Option<Meter>) -> impl Responder {
    meter.unwrap().charge(*units).await;
    "charged"
}

fn routes(routes: &mut Routes) {
    routes
        .service(search)
        .service(complete)
        .service(streamed)
        .service(together);
}

async fn service() -> TestService {
    TestService::new(routes).await
}

fn retry_after(response: &TestResponse) -> u64 {
    response.assert_refused(Refusal::QuotaExceeded);
    response.header("retry-after").unwrap().parse().unwrap()
}

#[actix_web::test]
async fn l02_l09_a_request_takes_its_cost_and_waiting_as_told_succeeds() {
    let service = service().await;
    let ask = || service.get("/search").subject("ann").send();
    for left in [5, 0] {
        let answer = ask().await;
        assert_eq!(answer.text(), "found");
        assert_eq!(
            answer.header("ratelimit-policy"),
            Some(r#""10/min";q=10;w=60"#)
        );
        let expected = format!(r#""10/min";r={left};t=6"#);
        assert_eq!(answer.header("ratelimit"), Some(expected.as_str()));
    }
    for _ in 0..20 {
        // Five units, six seconds each.
        let refused = ask().await;
        assert_eq!(retry_after(&refused), 30);
        assert_eq!(refused.header("ratelimit"), Some(r#""10/min";r=0;t=30"#));
        service.advance(Duration::from_secs(29));
        assert_eq!(retry_after(&ask().await), 1);
        service.advance(Duration::from_secs(1));
        assert_eq!(ask().await.status(), 200);
    }
}

#[actix_web::test]
async fn l10_in_no_window_more_units_than_the_bound_are_taken() {
    let service = service().await;
    // 10/min, burst 10, five at a time: T = 6 s. Somebody who never pauses, for ten minutes.
    let mut times = Vec::new();
    for second in 0..600_u64 {
        if service.get("/search").subject("ann").send().await.status() == 200 {
            times.push(second);
        }
        service.advance(Duration::from_secs(1));
    }
    for (place, start) in times.iter().enumerate() {
        for (more, end) in times.iter().skip(place).enumerate() {
            let bound = (10 + (end - start) / 6) / 5;
            assert!((more as u64) < bound, "{} in {} s", more + 1, end - start);
        }
    }
    assert_eq!(times.len(), 2 + 19);
}

#[actix_web::test]
async fn what_was_charged_later_is_paid_before_the_next_request() {
    let service = service().await;
    let ask = |who, tokens: u32| {
        let call = service.get(&format!("/complete/{tokens}"));
        call.subject(who).send()
    };
    let answer = ask("ann", 8).await;
    assert_eq!(answer.text(), "left");
    // 2 for the request, 8 for what it did.
    assert_eq!(
        answer.header("ratelimit"),
        Some(r#""1000/hour per ip";r=990;t=4, "60/min";r=50;t=1"#)
    );
    // 48 are left, and 100 are taken: 52 are owed, and the next request wants 2.
    let answer = ask("ann", 100).await;
    assert_eq!(answer.text(), "used up for 54s");
    assert_eq!(
        answer.header("ratelimit"),
        Some(r#""1000/hour per ip";r=888;t=4, "60/min";r=0;t=53"#)
    );
    // A debt of one caller is no matter of another.
    assert_eq!(ask("bob", 0).await.text(), "left");
    for _ in 0..3 {
        assert_eq!(retry_after(&ask("ann", 0).await), 54);
    }
    service.advance(Duration::from_secs(53));
    assert_eq!(retry_after(&ask("ann", 0).await), 1);
    service.advance(Duration::from_secs(1));
    assert_eq!(ask("ann", 0).await.text(), "used up for 2s");
    service.advance(Duration::from_secs(60));
    assert_eq!(ask("ann", 0).await.text(), "left");
}

#[actix_web::test]
async fn a_debt_is_at_most_one_burst() {
    let service = service().await;
    for units in [u32::MAX, 61, 1] {
        let path = format!("/complete/{units}");
        let answer = service.get(&path).subject("ann").send().await;
        if units == u32::MAX {
            // The quota per address owes more: 1000 units of 3.6 s, and 2 for the next request.
            assert_eq!(answer.text(), "used up for 3607.2s");
        }
    }
    let wait = retry_after(&service.get("/complete/0").subject("ann").send().await);
    assert_eq!(wait, 3608);
    service.advance(Duration::from_secs(wait));
    let answer = service.get("/complete/0").subject("ann").send().await;
    assert_eq!(answer.status(), 200);
}

#[actix_web::test]
async fn a_stream_charges_as_it_goes() {
    let service = service().await;
    let call = || service.get("/stream").subject("ann").send();
    for left in [59, 28] {
        let answer = call().await;
        assert_eq!(answer.body().len(), 30);
        // The fields were sent before the first token.
        let expected = format!(r#""60/min";r={left};t=1"#);
        assert_eq!(answer.header("ratelimit"), Some(expected.as_str()));
    }
    // 62 of 60.
    assert_eq!(retry_after(&call().await), 3);
}

#[actix_web::test]
async fn a_quota_of_the_route_is_charged_for_everybody() {
    let service = service().await;
    assert_eq!(service.get("/together/12").send().await.text(), "charged");
    let other = service
        .get("/together/0")
        .peer("192.0.2.1".parse().unwrap());
    // 13 of 10, and one for the next: 4 units of 6 s.
    assert_eq!(retry_after(&other.send().await), 24);
}

static METERED: [InputPolicy; 1] = [InputPolicy {
    name: "meter",
    kind: InputKind::Meter,
}];

fn without_quotas() -> &'static Policy {
    Box::leak(Box::new(Policy {
        inputs: &METERED,
        ..public()
    }))
}

#[test]
fn a_meter_without_a_quota_stops_the_start() {
    let security = Security::builder().build().unwrap();
    let policy = without_quotas();
    let manifest = Manifest::of(|routes| {
        routes.route("/free", Method::GET, judged(move || policy));
    });
    let error = security.check(&manifest).unwrap_err().to_string();
    assert!(error.contains("GET /free"), "{error}");
    assert!(error.contains("takes a `Meter`"), "{error}");
    assert!(
        security
            .check(&Manifest::of(|routes| {
                routes.route(
                    "/free",
                    Method::GET,
                    judged(|| Box::leak(Box::new(public()))),
                );
            }))
            .is_ok()
    );
}

/// Nobody has called `Security::check`.
#[actix_web::test]
async fn a_meter_without_a_quota_is_refused() {
    let policy = without_quotas();
    let handler = move |call: Call| -> LocalBoxFuture<'static, Secured> {
        Box::pin(async move {
            let outcome: Result<Secured, Refused> = async {
                let mut admission = call.admit(policy);
                let admitted = admission.judged().await?;
                private::Probe::<Meter, _>::take(admitted).await?;
                let response = private::response(admitted, "metered");
                Ok(private::respond(admitted, response).await)
            }
            .await;
            outcome.into()
        })
    };
    let service = TestService::of_app(
        |security| security,
        |security| {
            let routes = security.routes(move |routes: &mut Routes| {
                routes.route("/free", Method::GET, handler);
            });
            actix_web::App::new()
                .configure(routes)
                .wrap(security.shield())
        },
    )
    .await;
    let refused = service.get("/free").send().await;
    refused.assert_refused(Refusal::NotConfigured);
}

#[test]
fn a_meter_goes_where_the_work_is() {
    fn travels<T: Clone + Send + Sync + 'static>() {}
    travels::<Meter>();
}

#[test]
fn the_lock_file_says_what_a_request_costs() {
    let manifest = Manifest::of(routes);
    let lock = manifest.lock();
    assert!(lock.contains("  cost          5\n"), "{lock}");
    assert_eq!(lock.matches("\n  cost ").count(), 2);
    let cheaper = manifest.differences(&lock.replace("cost          5", "cost          6"));
    assert_eq!(cheaper[0].change, secure_runtime::Change::Weakened);
    assert!(manifest.table().contains("cost 5"));
}
