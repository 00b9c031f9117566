//! The attribute's `allow`: what it may give, what a denial looks like, and when it is asked.

use std::{convert::Infallible, fmt, future::ready};

use actix_web::{Responder, get, post, web};
use secure_runtime::{
    Principal, Refusal, Routes, secured,
    testing::{TestResponse, TestService},
};
use serde_json::json;

use crate::rig::{Log, Moment, note, pointers, take_journal};

#[derive(serde::Deserialize, garde::Validate)]
struct Transfer {
    #[garde(range(max = 100))]
    amount: u32,
    #[garde(skip)]
    from: String,
}

#[derive(Debug)]
struct Unreachable;

impl fmt::Display for Unreachable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("db-7.internal refused the connection")
    }
}

async fn owns(caller: &Principal, account: &str) -> bool {
    ready(()).await;
    caller.subject() == account
}

async fn looked_up(account: &str) -> Result<bool, Unreachable> {
    match account {
        "gone" => Err(Unreachable),
        account => Ok(account == "mine"),
    }
}

fn never_fails(account: &str) -> Result<bool, Infallible> {
    Ok(account == "mine")
}

#[secured(allow = caller.subject() == account.as_str())]
#[get("/plain/{account}")]
async fn plain(caller: Principal, account: web::Path<String>) -> impl Responder {
    note(Moment::Ran);
    format!("{} {account}", caller.subject())
}

#[secured(allow = owns(&caller, &account).await)]
#[get("/awaited/{account}")]
async fn awaited(caller: Principal, account: web::Path<String>) -> impl Responder {
    note(Moment::Ran);
    format!("{} {account}", caller.subject())
}

#[secured(allow = looked_up(&account).await, hide)]
#[get("/fallible/{account}")]
async fn fallible(account: web::Path<String>) -> impl Responder {
    note(Moment::Ran);
    account.into_inner()
}

#[secured(allow = never_fails(&account))]
#[get("/infallible/{account}")]
async fn infallible(account: web::Path<String>) -> impl Responder {
    note(Moment::Ran);
    account.into_inner()
}

#[secured(allow = transfer.from == caller.subject())]
#[post("/transfers")]
async fn transfers(caller: Principal, transfer: web::Json<Transfer>) -> impl Responder {
    note(Moment::Ran);
    format!("{} {}", caller.subject(), transfer.amount)
}

#[secured(public, rate = "1000/s", allow = *limit >= 10)]
#[post("/patterns/{limit}")]
async fn patterns(
    web::Json(Transfer { amount, from }): web::Json<Transfer>,
    limit: web::Path<u32>,
) -> impl Responder {
    note(Moment::Ran);
    format!("{amount} {from} {limit}")
}

fn routes(routes: &mut Routes) {
    routes
        .service(plain)
        .service(awaited)
        .service(fallible)
        .service(infallible)
        .service(transfers)
        .service(patterns);
}

async fn get_as(service: &TestService, path: &str, subject: &str) -> TestResponse {
    take_journal();
    service.get(path).subject(subject).send().await
}

fn ran() -> bool {
    take_journal().contains(&Moment::Ran)
}

#[actix_web::test]
async fn asvs_8_2_2_true_admits_and_false_is_403_before_the_handler() {
    let service = TestService::new(routes).await;
    for path in ["/plain/ann", "/awaited/ann"] {
        let allowed = get_as(&service, path, "ann").await;
        assert_eq!(allowed.text(), "ann ann", "{path}");
        assert!(ran());
        let denied = get_as(&service, path, "bob").await;
        denied.assert_refused(Refusal::Forbidden);
        assert!(!ran(), "{path}");
    }
    assert_eq!(
        get_as(&service, "/infallible/mine", "ann").await.status(),
        200
    );
    get_as(&service, "/infallible/yours", "ann")
        .await
        .assert_refused(Refusal::Forbidden);
}

#[actix_web::test]
async fn h10_hide_makes_a_denial_a_404() {
    let service = TestService::new(routes).await;
    assert_eq!(
        get_as(&service, "/fallible/mine", "ann").await.text(),
        "mine"
    );
    let denied = get_as(&service, "/fallible/yours", "ann").await;
    denied.assert_refused(Refusal::Hidden);
    assert!(!ran());
    let nothing = get_as(&service, "/nothing", "ann").await;
    assert_eq!(denied.body(), nothing.body());
}

#[actix_web::test]
async fn h15_an_error_is_503_and_its_text_goes_to_the_log_alone() {
    let log = Log::capture();
    let service = TestService::new(routes).await;
    let response = get_as(&service, "/fallible/gone", "ann").await;
    response.assert_refused(Refusal::Undecided);
    assert_eq!(response.header("retry-after"), Some("1"));
    assert!(!format!("{response:?}").contains("internal"));
    let journal = take_journal();
    assert!(!journal.contains(&Moment::Ran));
    let reason = log.take_audit()[0].field("reason").unwrap().to_owned();
    assert!(reason.contains("db-7.internal"), "{reason}");
}

#[actix_web::test]
async fn allow_is_asked_after_the_input_is_valid() {
    let service = TestService::new(routes).await;
    let send = |amount: u32, from: &'static str| {
        service
            .post("/transfers")
            .subject("ann")
            .json(json!({ "amount": amount, "from": from }))
            .send()
    };
    let invalid = send(101, "bob").await;
    invalid.assert_refused(Refusal::InputInvalid);
    assert_eq!(pointers(&invalid), ["/amount"]);
    send(100, "bob").await.assert_refused(Refusal::Forbidden);
    assert_eq!(send(100, "ann").await.text(), "ann 100");
}

#[actix_web::test]
async fn a_destructured_parameter_does_not_stand_in_the_way() {
    let service = TestService::new(routes).await;
    let send = |path: &'static str| {
        service
            .post(path)
            .json(json!({ "amount": 7, "from": "ann" }))
            .send()
    };
    assert_eq!(send("/patterns/10").await.text(), "7 ann 10");
    send("/patterns/9").await.assert_refused(Refusal::Forbidden);
}
