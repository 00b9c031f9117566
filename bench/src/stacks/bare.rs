//! actix-web alone.

use actix_web::{
    HttpResponse, Responder, get,
    http::header::{HeaderMap, HeaderName, HeaderValue},
    post, web,
};
use garde::Validate;

use super::item::NewItem;

/// All its routes.
pub fn configure(config: &mut web::ServiceConfig) {
    config
        .service(bare)
        .service(bare_decode)
        .service(bare_fields)
        .service(bare_429)
        .service(bare_429_fields);
}

#[get("/items")]
async fn bare() -> impl Responder {
    "ok"
}

#[post("/items")]
pub(crate) async fn bare_decode(item: web::Json<NewItem>) -> impl Responder {
    match item.validate() {
        Ok(()) => HttpResponse::Ok().body("ok"),
        Err(report) => HttpResponse::UnprocessableEntity().body(report.to_string()),
    }
}

/// The fields that a route with a quota has behind the shield, with the same bytes each time.
const FIELDS: [(&str, &str); 8] = [
    ("cache-control", "no-store"),
    (
        "content-security-policy",
        "default-src 'none'; frame-ancestors 'none'",
    ),
    ("cross-origin-resource-policy", "same-origin"),
    ("referrer-policy", "no-referrer"),
    ("x-content-type-options", "nosniff"),
    ("x-frame-options", "DENY"),
    (
        "ratelimit-policy",
        "\"1000000/s\";q=1000000;w=1;qu=\"requests\"",
    ),
    ("ratelimit", "\"1000000/s\";r=999999;t=1"),
];

/// What these bytes alone cost.
#[get("/fields")]
pub(crate) async fn bare_fields() -> HttpResponse {
    let mut response = HttpResponse::Ok().body("ok");
    add(response.headers_mut(), &FIELDS);
    response
}

fn add(headers: &mut HeaderMap, fields: &[(&'static str, &'static str)]) {
    for (name, value) in fields {
        headers.append(
            HeaderName::from_static(name),
            HeaderValue::from_static(value),
        );
    }
}

#[get("/429")]
async fn bare_429() -> impl Responder {
    HttpResponse::TooManyRequests()
}

/// A problem, as our refusals have it.
const PROBLEM: &str = r#"{"type":"https://iana.org/assignments/http-problem-types#quota-exceeded","title":"Too Many Requests","status":429,"detail":"too many requests","violated-policies":["1/day"]}"#;

/// What the bytes of our refusal alone cost.
#[get("/429/fields")]
async fn bare_429_fields() -> HttpResponse {
    let mut response = HttpResponse::TooManyRequests().body(PROBLEM);
    add(response.headers_mut(), &FIELDS);
    let more = [
        ("content-type", "application/problem+json"),
        ("retry-after", "86399"),
    ];
    add(response.headers_mut(), &more);
    response
}
