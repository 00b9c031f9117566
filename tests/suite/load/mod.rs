//! How many at a time: what holds a place, what frees it, and who is refused for want of one.

mod costs;

use std::{
    cell::{Cell, RefCell},
    panic::AssertUnwindSafe,
    rc::Rc,
    sync::{Barrier, atomic::AtomicUsize, atomic::Ordering},
    thread,
};

use actix_web::{
    App, HttpResponse, Responder,
    body::{MessageBody, to_bytes},
    dev::ServiceResponse,
    get, post,
    rt::System,
    test::{TestRequest, call_service, init_service},
    web,
};
use bytes::Bytes;
use futures_util::{
    FutureExt,
    future::{join_all, poll_fn},
    stream,
};
use secure_runtime::{
    Manifest, Refusal, Routes, Security, Settings, secured,
    testing::{TestResponse, TestService},
};
use serde_json::Value;
use tokio::sync::Semaphore;

use crate::rig::{End, Upload};

thread_local! {
    /// Handlers that wait at the gate.
    static INSIDE: Cell<usize> = const { Cell::new(0) };
    static GATE: RefCell<Rc<Semaphore>> = RefCell::new(Rc::new(Semaphore::new(0)));
}

/// Waits until [`open_gate`] lets the handlers of this thread go.
async fn wait_at_gate() {
    struct Inside;
    impl Drop for Inside {
        fn drop(&mut self) {
            INSIDE.set(INSIDE.get() - 1);
        }
    }
    INSIDE.set(INSIDE.get() + 1);
    let _inside = Inside;
    let gate = GATE.with_borrow(Rc::clone);
    gate.acquire().await.unwrap().forget();
}

fn open_gate() {
    GATE.with_borrow(|gate| gate.add_permits(1_000));
}

#[secured(public, rate = "10000/s", concurrency = 5)]
#[get("/five")]
async fn five() -> impl Responder {
    wait_at_gate().await;
    "five"
}

#[secured(public, rate = "10000/s", concurrency = 1)]
#[get("/one/{what}")]
async fn one(what: web::Path<String>) -> impl Responder {
    let chunk = |n| Bytes::from(vec![b'x'; n]);
    match what.as_str() {
        "gate" => {
            wait_at_gate().await;
            HttpResponse::Ok().body("through")
        }
        "panic" => {
            tokio::task::yield_now().await;
            panic!("the handler panics")
        }
        "error" => HttpResponse::InternalServerError().finish(),
        "small" => HttpResponse::Ok().body(chunk(100)),
        "nothing" => HttpResponse::NoContent().finish(),
        "large" => HttpResponse::Ok().body(chunk(100_000)),
        _ => {
            let chunks = [chunk(1), chunk(2), chunk(3)].map(Ok::<_, actix_web::Error>);
            HttpResponse::Ok().streaming(stream::iter(chunks))
        }
    }
}

#[secured(public, rate = "10000/s", concurrency = 1, max_body = "10KB")]
#[post("/upload")]
async fn upload(#[unvalidated] text: web::Json<String>) -> impl Responder {
    text.into_inner()
}

#[secured(rate = "10000/s")]
#[get("/normal")]
async fn normal() -> impl Responder {
    wait_at_gate().await;
    "normal"
}

#[secured(rate = "10000/s", priority = "critical")]
#[get("/critical")]
async fn critical() -> impl Responder {
    wait_at_gate().await;
    "critical"
}

#[secured(public, rate = "10000/s", priority = "critical", concurrency = 3)]
#[get("/health")]
async fn health() -> impl Responder {
    "well"
}

fn routes(routes: &mut Routes) {
    routes
        .service(five)
        .service(one)
        .service(upload)
        .service(normal)
        .service(critical)
        .service(health);
}

async fn service() -> TestService {
    TestService::new(routes).await
}

/// One with room for so many requests.
async fn service_of(max_in_flight: usize, reserved_for_critical: u8) -> TestService {
    TestService::with(routes, |security| {
        let mut settings = Settings::default();
        settings.danger.plaintext = true;
        settings.limits.max_in_flight = max_in_flight.try_into().unwrap();
        settings.limits.reserved_for_critical = reserved_for_critical;
        security.settings(settings)
    })
    .await
}

/// Goes as far as it can; whether it then waits for something.
fn is_pending(call: &mut (impl Future + Unpin)) -> bool {
    call.now_or_never().is_none()
}

/// How many of these answers are the handler's; the others are refusals for want of a place.
fn served(answers: &[TestResponse]) -> usize {
    let refused = answers.iter().filter(|answer| answer.status() != 200);
    for answer in refused.clone() {
        answer.assert_refused(Refusal::Overloaded);
    }
    answers.len() - refused.count()
}

#[actix_web::test]
async fn exactly_so_many_are_in_progress_and_the_others_are_refused_at_once() {
    let service = service().await;
    let mut calls = join_all((0..40).map(|_| service.get("/five").send().boxed_local()));
    assert!(is_pending(&mut calls));
    assert_eq!(INSIDE.get(), 5);
    open_gate();
    // Had one of them waited for a place, it would be served now.
    assert_eq!(served(&calls.await), 5);
    assert_eq!(served(&[service.get("/five").send().await]), 1);
}

#[actix_web::test]
async fn l07_a_refusal_tells_when_to_come_back_and_what_it_is() {
    let service = service().await;
    let mut first = service.get("/one/gate").send().boxed_local();
    assert!(is_pending(&mut first));
    let refused = service.get("/one/small").send().await;
    refused.assert_refused(Refusal::Overloaded);
    assert_eq!(refused.status(), 503);
    assert_eq!(refused.header("retry-after"), Some("1"));
    assert_eq!(refused.header("cache-control"), Some("no-store"));
    assert_eq!(
        refused.json::<Value>()["type"],
        "https://iana.org/assignments/http-problem-types#temporary-reduced-capacity"
    );
    // L6: nothing of how much the service can take.
    assert_eq!(refused.header("ratelimit-policy"), None);
    // Another route has places of its own.
    assert_eq!(service.get("/health").send().await.status(), 200);
}

#[test]
fn all_workers_share_the_places() {
    const WORKERS: usize = 4;
    let mut settings = Settings::default();
    settings.danger.plaintext = true;
    let security = Security::builder().settings(settings).build().unwrap();
    let (inside, barrier) = (AtomicUsize::new(0), Barrier::new(WORKERS));
    thread::scope(|scope| {
        for _ in 0..WORKERS {
            let (security, inside, barrier) = (security.clone(), &inside, &barrier);
            scope.spawn(move || {
                System::new().block_on(async {
                    let app = init_service(
                        App::new()
                            .configure(security.routes(routes))
                            .wrap(security.shield()),
                    )
                    .await;
                    let mut calls: Vec<_> = (0..20)
                        .map(|_| {
                            let request = TestRequest::get().uri("/five").to_request();
                            call_service(&app, request).boxed_local()
                        })
                        .collect();
                    barrier.wait();
                    // Who was refused has his answer; the others wait.
                    calls.retain_mut(is_pending);
                    inside.fetch_add(calls.len(), Ordering::Relaxed);
                    // Everybody has tried before anybody is done.
                    barrier.wait();
                    assert_eq!(inside.load(Ordering::Relaxed), 5);
                    open_gate();
                    for answer in join_all(calls).await {
                        assert_eq!(answer.status(), 200);
                    }
                });
            });
        }
    });
}

#[actix_web::test]
async fn a_client_that_is_gone_frees_its_place() {
    let service = service().await;
    for _ in 0..10 {
        let mut gone = service.get("/one/gate").send().boxed_local();
        assert!(is_pending(&mut gone));
        assert_eq!(served(&[service.get("/one/small").send().await]), 0);
        drop(gone);
        assert_eq!(INSIDE.get(), 0);
        assert_eq!(served(&[service.get("/one/small").send().await]), 1);
    }
}

#[actix_web::test]
async fn a_panic_or_an_error_in_the_handler_frees_its_place() {
    let service = service().await;
    for _ in 0..10 {
        let panics = AssertUnwindSafe(service.get("/one/panic").send());
        assert!(panics.catch_unwind().await.is_err());
        let error = service.get("/one/error").send().await;
        assert_eq!(error.status(), 500);
        assert_eq!(served(&[service.get("/one/small").send().await]), 1);
    }
}

#[actix_web::test]
async fn an_upload_holds_a_place_while_it_comes_and_not_when_it_was_refused() {
    let service = service().await;
    let call = || service.post("/upload");
    let fine = || call().json("tea").send();
    let silent = || call().stream("application/json", Upload::silent_after("\""));

    let mut slow = silent().send().boxed_local();
    assert!(is_pending(&mut slow));
    assert_eq!(served(&[fine().await]), 0);
    drop(slow);
    assert_eq!(served(&[fine().await]), 1);

    // It is refused for its type, and the answer waits for what else may come of its body.
    let mut refused = call()
        .stream("text/plain", Upload::silent_after("\""))
        .send()
        .boxed_local();
    assert!(is_pending(&mut refused));
    assert_eq!(served(&[fine().await]), 1);
    refused
        .await
        .assert_refused(Refusal::ContentTypeUnsupported);
    let broken = call().stream("application/json", Upload::new(["\""], End::Broken));
    assert_eq!(broken.send().await.status(), 400);
    assert_eq!(served(&[fine().await]), 1);
}

#[actix_web::test]
async fn an_answer_holds_its_place_until_it_is_sent() {
    let mut settings = Settings::default();
    settings.danger.plaintext = true;
    let security = Security::builder().settings(settings).build().unwrap();
    // The place does not depend on the shield.
    let with = init_service(
        App::new()
            .configure(security.routes(routes))
            .wrap(security.shield()),
    )
    .await;
    let without = init_service(App::new().configure(security.routes(routes))).await;
    for shielded in [true, false] {
        let call = async |what: &str| {
            let request = TestRequest::get().uri(&format!("/one/{what}")).to_request();
            let answer: ServiceResponse<_> = match shielded {
                true => call_service(&with, request).await,
                false => call_service(&without, request).await,
            };
            answer
        };
        for (what, bytes) in [("large", 100_000), ("stream", 6)] {
            let answer = call(what).await;
            assert_eq!(answer.status(), 200);
            assert_eq!(call("small").await.status(), 503, "{what}");
            let sent = to_bytes(answer.into_body()).await.unwrap();
            assert_eq!(sent.len(), bytes);
            assert_eq!(call("small").await.status(), 200, "{what} was sent");

            // Half of it is sent, and then the client is gone.
            let mut body = Box::pin(call(what).await.into_body());
            let part = poll_fn(|context| body.as_mut().poll_next(context)).await;
            assert!(part.is_some());
            assert_eq!(call("small").await.status(), 503, "half of {what}");
            drop(body);
            assert_eq!(call("small").await.status(), 200, "{what} was dropped");
        }
        // What lies in a buffer when the handler is done holds nothing up.
        for what in ["small", "nothing"] {
            let answer = call(what).await;
            assert_eq!(call("small").await.status(), 200, "{what}");
            drop(answer);
        }
    }
}

#[actix_web::test]
async fn a_flood_of_normal_routes_does_not_lock_critical_ones_out() {
    let service = service_of(10, 20).await;
    let call = |path: &str| service.get(path).subject("ann").send().boxed_local();
    let mut flood = join_all((0..50).map(|_| call("/normal")));
    assert!(is_pending(&mut flood));
    assert_eq!(INSIDE.get(), 8);
    for _ in 0..20 {
        assert_eq!(service.get("/health").send().await.status(), 200);
    }
    let mut important = join_all((0..5).map(|_| call("/critical")));
    assert!(is_pending(&mut important));
    assert_eq!(INSIDE.get(), 10);
    // Now the process is full, and says so to everybody.
    served(&[service.get("/health").send().await]);
    let refused = service.get("/health").send().await;
    refused.assert_refused(Refusal::Overloaded);
    assert_eq!(refused.header("retry-after"), Some("1"));

    open_gate();
    assert_eq!(served(&flood.await), 8);
    assert_eq!(served(&important.await), 2);
    assert_eq!(call("/normal").await.status(), 200);
}

#[actix_web::test]
async fn routes_share_the_places_of_the_process() {
    let service = service_of(2, 0).await;
    let mut calls = [
        service.get("/five").send().boxed_local(),
        service.get("/one/gate").send().boxed_local(),
    ];
    for call in &mut calls {
        assert!(is_pending(call));
    }
    for path in ["/normal", "/critical", "/health"] {
        let refused = service.get(path).subject("ann").send().await;
        refused.assert_refused(Refusal::Overloaded);
    }
    // What is not there takes no place, and is told so.
    let missing = service.get("/nowhere").send().await;
    missing.assert_refused(Refusal::NotFound);
    open_gate();
    assert_eq!(served(&join_all(calls).await), 2);
}

/// Nothing was charged and nothing was verified for a request that found no place.
#[actix_web::test]
async fn a_refusal_costs_no_quota_and_judges_no_token() {
    let service = service_of(1, 0).await;
    let mut first = service.get("/five").send().boxed_local();
    assert!(is_pending(&mut first));
    // 60 wrong tokens a minute are answered with 401, and then with 429.
    for _ in 0..100 {
        let refused = service.get("/normal").bearer("a.b.c").send().await;
        refused.assert_refused(Refusal::Overloaded);
    }
    drop(first);
    let refused = service.get("/normal").bearer("a.b.c").send().await;
    refused.assert_refused(Refusal::CredentialsInvalid);
}

#[test]
fn the_lock_file_says_how_many_and_who_comes_first() {
    let manifest = Manifest::of(routes);
    let lock = manifest.lock();
    assert!(lock.contains("GET /health\n"), "{lock}");
    assert!(
        lock.contains("  concurrency   3\n  priority      critical\n"),
        "{lock}"
    );
    assert!(manifest.differences(&lock).is_empty());
    assert_eq!(lock.matches("priority").count(), 2);
    let raised = manifest.differences(&lock.replace("concurrency   3", "concurrency   2"));
    assert_eq!(raised[0].change, secure_runtime::Change::Weakened);
    let table = manifest.table();
    assert!(
        table.contains("concurrency 3, priority critical"),
        "{table}"
    );
}
