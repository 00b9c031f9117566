//! Rules over the arguments: any expression that gives a decision.

use std::io;

use actix_web::{Responder, get, http::Method, web};
use secure_runtime::{Principal, Refusal, Routes, secured, testing::TestService};

async fn owns(caller: &Principal, id: u8) -> bool {
    std::future::ready(()).await;
    caller.subject() == "ada" && id == 7
}

async fn asks(id: u8) -> Result<bool, io::Error> {
    std::future::ready(Ok(id == 7)).await
}

#[secured(allow = owns(&caller, *id).await, hide)]
#[get("/awaited/{id}")]
async fn awaited(caller: Principal, id: web::Path<u8>) -> impl Responder {
    format!("{} {id}", caller.subject())
}

#[secured(allow = owns(&caller, *id).await)]
#[get("/unused/{id}")]
async fn unused(caller: Principal, id: web::Path<u8>) -> impl Responder {
    "only the rule uses them"
}

#[secured(allow = asks(*id).await)]
#[get("/result/{id}")]
async fn result(id: web::Path<u8>) -> impl Responder {
    id.to_string()
}

#[secured(allow = matches!(*id, 7 | 8))]
#[get("/macro/{id}")]
async fn by_macro(id: web::Path<u8>) -> impl Responder {
    id.to_string()
}

#[secured(allow = format!("{id}") == "7", role = "customer")]
#[get("/captured/{id}")]
async fn captured(id: web::Path<u8>) -> impl Responder {
    id.to_string()
}

#[secured(allow = [3, 4].iter().any(|half| *id == 2 * half - 1))]
#[get("/closure/{id}")]
async fn by_closure(id: web::Path<u8>) -> impl Responder {
    id.to_string()
}

#[secured(allow = {
    let limit = 8;
    let smaller = *id < limit;
    smaller && *id > 1
})]
#[get("/block/{id}")]
async fn block(id: web::Path<u8>) -> impl Responder {
    id.to_string()
}

#[secured(allow = if *id == 7 { Ok::<_, io::Error>(true) } else { Ok(false) })]
async fn condition(id: web::Path<u8>) -> impl Responder {
    id.to_string()
}

#[secured(allow = "7".parse::<u8>().is_ok_and(|seven| seven == *id), rate = "10/min")]
async fn turbofish(mut id: web::Path<u8>) -> impl Responder {
    *id += 0;
    id.to_string()
}

fn routes(routes: &mut Routes) {
    routes
        .service(awaited)
        .service(unused)
        .service(result)
        .service(by_macro)
        .service(captured)
        .service(by_closure)
        .service(block)
        .route("/condition/{id}", Method::GET, condition)
        .route("/turbofish/{id}", Method::GET, turbofish);
}

#[actix_web::test]
async fn every_rule_decides() {
    let service = TestService::new(routes).await;
    for path in [
        "awaited",
        "unused",
        "result",
        "macro",
        "captured",
        "closure",
        "block",
        "condition",
        "turbofish",
    ] {
        let call = service
            .get(&format!("/{path}/7"))
            .subject("ada")
            .role("customer");
        assert_eq!(call.send().await.status(), 200, "{path}");
        let call = service
            .get(&format!("/{path}/9"))
            .subject("ada")
            .role("customer");
        let expected = match path {
            "awaited" => 404,
            _ => 403,
        };
        assert_eq!(call.send().await.status(), expected, "{path}");
    }
    let call = service.get("/unused/9").subject("ada");
    call.send().await.assert_refused(Refusal::Forbidden);
}
