//! actix-web alone.

use actix_web::{
    HttpRequest, HttpResponse, Responder, get,
    http::header::{
        CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue,
        REFERRER_POLICY, RETRY_AFTER, X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
    },
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

type Field = (HeaderName, HeaderValue);

/// The fields that a route with a quota has behind the shield, with the same bytes each time.
///
/// Names and values are made at compile time: what is measured is to put them into the response and to
/// write them.
static FIELDS: [Field; 8] = [
    (CACHE_CONTROL, HeaderValue::from_static("no-store")),
    (
        CONTENT_SECURITY_POLICY,
        HeaderValue::from_static("default-src 'none'; frame-ancestors 'none'"),
    ),
    (
        HeaderName::from_static("cross-origin-resource-policy"),
        HeaderValue::from_static("same-origin"),
    ),
    (REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
    (X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
    (X_FRAME_OPTIONS, HeaderValue::from_static("DENY")),
    (
        HeaderName::from_static("ratelimit-policy"),
        HeaderValue::from_static("\"1000000/s\";q=1000000;w=1;qu=\"requests\""),
    ),
    (
        HeaderName::from_static("ratelimit"),
        HeaderValue::from_static("\"1000000/s\";r=999999;t=1"),
    ),
];

/// What a refusal has beside them.
static FIELDS_OF_REFUSALS: [Field; 2] = [
    (
        CONTENT_TYPE,
        HeaderValue::from_static("application/problem+json"),
    ),
    (RETRY_AFTER, HeaderValue::from_static("86399")),
];

fn add(headers: &mut HeaderMap, fields: &'static [Field]) {
    for (name, value) in fields {
        headers.append(name.clone(), value.clone());
    }
}

/// What [`bare`] answers, with these fields.
struct WithFields;

impl Responder for WithFields {
    type Body = <&'static str as Responder>::Body;

    fn respond_to(self, request: &HttpRequest) -> HttpResponse<Self::Body> {
        let mut response = "ok".respond_to(request);
        add(response.headers_mut(), &FIELDS);
        response
    }
}

/// What these bytes alone cost.
#[get("/fields")]
pub(crate) async fn bare_fields() -> impl Responder {
    WithFields
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
    add(response.headers_mut(), &FIELDS_OF_REFUSALS);
    response
}
