//! Everything that a handler can take, through requests: handlers here, requests below.

mod decoded;
mod raw;

use std::{collections::HashMap, net::IpAddr, time::Duration};

use actix_multipart::form::{MultipartForm, tempfile::TempFile, text::Text};
use actix_web::{
    FromRequest, HttpRequest, Responder, dev,
    error::{ErrorBadRequest, ErrorForbidden, ErrorInternalServerError},
    get,
    http::header::{Accept, ContentType},
    post, web,
};
use futures_util::{StreamExt, TryStreamExt};
use secure_runtime::{
    Admitted, Extracted, Input, InputKind, Refusal, Rejection, Routes, secured,
    testing::{TestCall, TestResponse, TestService},
};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::rig::{End, Moment, Upload, note, pointers, take_journal};

#[derive(Deserialize, garde::Validate)]
struct Person {
    #[garde(length(min = 1, max = 10))]
    name: String,
    #[garde(dive)]
    #[serde(default)]
    pets: Vec<Pet>,
}

#[derive(Deserialize, garde::Validate)]
struct Pet {
    #[garde(range(max = 30))]
    age: u32,
}

/// How long a name may be: known at run time only.
struct Longest(usize);

#[derive(Deserialize, garde::Validate)]
#[garde(context(Longest))]
struct Nick {
    #[garde(custom(|name: &str, context: &Longest| {
        if name.len() > context.0 {
            return Err(garde::Error::new("longer than the service allows"));
        }
        Ok(())
    }))]
    nick: String,
}

#[secured(public, rate = "10000/s", max_body = "2KB", body_timeout = "3s")]
#[post("/json")]
async fn json_body(person: web::Json<Person>) -> impl Responder {
    note(Moment::Ran);
    format!("{} with {} pets", person.name, person.pets.len())
}

#[secured(public, rate = "10000/s", max_body = "2KB")]
#[post("/form")]
async fn form_body(web::Form(person): web::Form<Person>) -> impl Responder {
    person.name
}

#[secured(public, rate = "10000/s")]
#[get("/query")]
async fn query_of(person: web::Query<Person>) -> impl Responder {
    person.into_inner().name
}

#[secured(public, rate = "10000/s")]
#[get("/path/{id}/{address}")]
async fn path_of(parts: web::Path<(u8, IpAddr)>) -> impl Responder {
    let (id, address) = parts.into_inner();
    format!("{id} {address}")
}

#[secured(public, rate = "10000/s")]
#[get("/text/{text}")]
async fn path_text(text: web::Path<String>) -> impl Responder {
    text.into_inner()
}

#[secured(public, rate = "10000/s", max_body = "1KB")]
#[post("/bytes")]
async fn bytes_of(bytes: web::Bytes) -> impl Responder {
    bytes.len().to_string()
}

#[secured(public, rate = "10000/s", max_body = "1KB")]
#[post("/string")]
async fn string_of(text: String) -> impl Responder {
    text
}

#[secured(public, rate = "10000/s", max_body = "1KB", body_timeout = "3s")]
#[post("/stream")]
async fn stream_of(payload: web::Payload) -> impl Responder {
    note(Moment::Ran);
    // Whatever a handler makes of an upload that was cut off, the answer is the refusal.
    let length: usize = payload
        .map(|chunk| chunk.map_or(0, |chunk| chunk.len()))
        .take(10_000)
        .fold(0, |sum, length| async move { sum + length })
        .await;
    length.to_string()
}

#[secured(public, rate = "10000/s", max_body = "1KB")]
#[post("/stream/unread")]
async fn stream_unread(_payload: web::Payload) -> impl Responder {
    "unread"
}

#[secured(public, rate = "10000/s")]
#[get("/request")]
async fn request_of(
    request: HttpRequest,
    accept: web::Header<Accept>,
    number: web::Data<u32>,
    kind: Option<web::Header<ContentType>>,
    absent: Option<web::Data<u64>>,
) -> impl Responder {
    format!(
        "{} {} {number} {} {}",
        request.path(),
        accept.0.to_string().len(),
        kind.is_some(),
        absent.is_some(),
        number = **number,
    )
}

#[secured(public, rate = "10000/s", max_body = "1KB")]
#[post("/optional")]
async fn optionals(
    person: Option<web::Json<Person>>,
    query: Option<web::Query<HashMap2>>,
) -> impl Responder {
    format!(
        "{} {}",
        person.is_some(),
        query.is_some_and(|query| query.0.x == 1)
    )
}

#[derive(Deserialize, garde::Validate)]
struct HashMap2 {
    #[garde(range(max = 9))]
    x: u8,
}

#[secured(public, rate = "10000/s", max_body = "1KB")]
#[post("/unvalidated")]
async fn raw_map(
    #[unvalidated] web::Json(map): web::Json<HashMap<String, Value>>,
) -> impl Responder {
    map.len().to_string()
}

#[secured(public, rate = "10000/s", max_body = "1KB")]
#[post("/nick")]
async fn nick_of(nick: web::Json<Nick>) -> impl Responder {
    nick.into_inner().nick
}

#[derive(MultipartForm, garde::Validate)]
#[multipart(deny_unknown_fields, duplicate_field = "deny")]
struct Picture {
    #[garde(skip)]
    file: TempFile,
    #[garde(custom(|title: &Text<String>, _: &()| {
        match title.len() {
            0..=5 => Ok(()),
            _ => Err(garde::Error::new("too long")),
        }
    }))]
    title: Text<String>,
}

#[secured(public, rate = "10000/s", max_body = "2KB")]
#[post("/picture")]
async fn picture_of(MultipartForm(picture): MultipartForm<Picture>) -> impl Responder {
    format!("{} {}", picture.title.as_str(), picture.file.size)
}

/// An extractor of somebody else.
struct Language(String);

impl FromRequest for Language {
    type Error = actix_web::Error;
    type Future = std::future::Ready<Result<Self, actix_web::Error>>;

    fn from_request(request: &HttpRequest, payload: &mut dev::Payload) -> Self::Future {
        assert!(matches!(payload, dev::Payload::None));
        let language = request.headers().get("accept-language");
        std::future::ready(match language.and_then(|field| field.to_str().ok()) {
            Some("forbidden") => Err(ErrorForbidden("canary")),
            Some("broken") => Err(ErrorInternalServerError("canary")),
            Some(language) => Ok(Self(language.to_owned())),
            None => Err(ErrorBadRequest("canary")),
        })
    }
}

#[secured(public, rate = "10000/s")]
#[get("/language")]
async fn language_of(#[unvalidated] language: Extracted<Language>) -> impl Responder {
    language.into_inner().0
}

/// An input of our own.
struct Idempotency(u64);

impl Input for Idempotency {
    const KIND: InputKind = InputKind::Head;

    async fn take(admitted: &mut Admitted) -> Result<Self, Rejection> {
        let field = admitted.request().headers().get("idempotency-key");
        field
            .and_then(|field| field.to_str().ok()?.parse().ok())
            .map(Self)
            .ok_or_else(|| Rejection::new(Refusal::HeadMalformed, "no idempotency key"))
    }
}

#[secured]
#[get("/own")]
async fn own_input(key: Idempotency) -> impl Responder {
    key.0.to_string()
}

fn routes(routes: &mut Routes) {
    routes
        .app_data(web::Data::new(7_u32))
        .app_data(web::Data::new(Longest(3)))
        .service(json_body)
        .service(form_body)
        .service(query_of)
        .service(path_of)
        .service(path_text)
        .service(bytes_of)
        .service(string_of)
        .service(stream_unread)
        .service(stream_of)
        .service(request_of)
        .service(optionals)
        .service(raw_map)
        .service(nick_of)
        .service(picture_of)
        .service(language_of)
        .service(own_input);
}

async fn service() -> TestService {
    TestService::new(routes).await
}

#[track_caller]
fn assert_invalid(response: &TestResponse, expected: &[&str]) {
    response.assert_refused(Refusal::InputInvalid);
    assert_eq!(pointers(response), expected, "{}", response.text());
}
