//! How much at a time, and what it costs: `cargo run --example load`.

use std::{future::poll_fn, pin::pin, task::Poll, time::Duration};

use actix_web::{Responder, get, post, rt::time::sleep, web};
use secure_runtime::{Balance, Meter, Refusal, Routes, secured, testing::TestService};

/// One at a time, in this process: what comes meanwhile is told to come back.
#[secured(public, rate = "100/min", concurrency = 1)]
#[post("/report")]
async fn report() -> impl Responder {
    sleep(Duration::from_millis(10)).await;
    "all is well"
}

/// Works when everything else is full: a share of the process's places is kept for such routes.
#[secured(
    public = "the load balancer asks",
    rate = "20/s",
    priority = "critical"
)]
#[get("/health")]
async fn health() -> impl Responder {
    "well"
}

/// A request takes 5 units of each quota: six searches a minute.
#[secured(rate = "30/min", cost = 5)]
#[get("/search")]
async fn search() -> impl Responder {
    "nothing found"
}

/// Units are tokens, 1000 a minute. What a text costs is known when it was written: the request
/// is admitted while anything is left, and pays afterwards.
#[secured(rate = "1000/min")]
#[get("/complete/{tokens}")]
async fn complete(tokens: web::Path<u32>, meter: Meter) -> impl Responder {
    match meter.charge(*tokens).await {
        Balance::Left => "there is some left".to_owned(),
        Balance::UsedUp { wait } => format!("come back in {} s", wait.as_secs()),
    }
}

fn routes(routes: &mut Routes) {
    routes
        .service(report)
        .service(health)
        .service(search)
        .service(complete);
}

#[actix_web::main]
async fn main() {
    let service = TestService::new(routes).await;

    let mut first = pin!(service.post("/report").send());
    let waits = poll_fn(|context| Poll::Ready(first.as_mut().poll(context).is_pending())).await;
    assert!(waits, "the first report is in progress");
    let second = service.post("/report").send().await;
    second.assert_refused(Refusal::Overloaded);
    assert_eq!(second.header("retry-after"), Some("1"));
    assert_eq!(service.get("/health").send().await.text(), "well");
    assert_eq!(first.await.text(), "all is well");

    let ask = || service.get("/search").subject("ann").send();
    for _ in 0..6 {
        assert_eq!(ask().await.status(), 200);
    }
    let refused = ask().await;
    refused.assert_refused(Refusal::QuotaExceeded);
    // Five units, two seconds each.
    assert_eq!(refused.header("retry-after"), Some("10"));

    let write = |tokens: u32| {
        let path = format!("/complete/{tokens}");
        service.get(&path).subject("ann").send()
    };
    assert_eq!(write(700).await.text(), "there is some left");
    // 298 were left: 302 are owed, and the next request takes one itself.
    assert_eq!(write(600).await.text(), "come back in 18 s");
    write(1).await.assert_refused(Refusal::QuotaExceeded);
    service.advance(Duration::from_secs(19));
    assert_eq!(write(1).await.status(), 200);
}
