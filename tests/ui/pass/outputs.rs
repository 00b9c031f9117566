//! What handlers return, and how they return it.

use std::num::ParseIntError;

use actix_web::{
    Either, HttpResponse, Responder, error, get,
    http::{Method, StatusCode},
    web,
};
use secure_runtime::{Rejection, Routes, secured};

#[secured]
#[get("/responder")]
async fn responder() -> impl Responder {
    ("responder", StatusCode::OK)
}

#[secured]
#[get("/question-mark/{number}")]
async fn question_mark(number: web::Path<String>) -> Result<impl Responder, error::Error> {
    let parsed: Result<u8, ParseIntError> = number.parse();
    let number = parsed.map_err(error::ErrorBadRequest)?;
    Ok(number.to_string())
}

#[secured]
#[get("/early/{number}")]
async fn early(number: web::Path<u8>) -> HttpResponse {
    if *number > 7 {
        return HttpResponse::Ok().body("large");
    }
    HttpResponse::Ok().body("small")
}

#[secured]
async fn refusal() -> Result<&'static str, Rejection> {
    Ok("refusal")
}

#[secured]
async fn either() -> Either<&'static str, web::Json<u8>> {
    Either::Right(web::Json(7))
}

#[secured]
async fn option() -> Option<String> {
    Some("option".to_owned())
}

#[secured]
async fn boxed() -> Result<HttpResponse, Box<dyn std::error::Error>> {
    Ok(HttpResponse::Ok().body("boxed"))
}

fn routes(routes: &mut Routes) {
    routes
        .service(responder)
        .service(question_mark)
        .service(early)
        .route("/refusal", Method::GET, refusal)
        .route("/either", Method::GET, either)
        .route("/option", Method::GET, option)
        .route("/boxed", Method::GET, boxed);
}

#[actix_web::test]
async fn every_output_is_sent() {
    for (path, text) in [
        ("/responder", "responder"),
        ("/question-mark/9", "9"),
        ("/early/9", "large"),
        ("/early/7", "small"),
        ("/refusal", "refusal"),
        ("/either", "7"),
        ("/option", "option"),
        ("/boxed", "boxed"),
    ] {
        assert_eq!(super::told(routes, Method::GET, path).await, text, "{path}");
    }
}
