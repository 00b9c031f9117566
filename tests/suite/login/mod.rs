//! Logins, as clients and attackers see them.

mod answers;
mod attacks;
mod devices;
mod operators;

use std::{
    cell::Cell,
    net::{IpAddr, Ipv4Addr},
    time::Duration,
};

use actix_web::{HttpResponse, post, web};
use garde::Validate;
use secure_runtime::{
    Routes, Settings, secured,
    testing::{TestResponse, TestService},
};
use serde::Deserialize;
use serde_json::json;

#[derive(Deserialize, Validate)]
struct Form {
    #[garde(skip)]
    name: String,
    #[garde(skip)]
    password: String,
}

thread_local! {
    static CHECKS: Cell<usize> = const { Cell::new(0) };
}

/// How many passwords were checked since the last call.
fn take_checks() -> usize {
    CHECKS.take()
}

/// What a service does with a password: everybody's is `right`, and `nobody` does not exist.
fn check(form: &Form) -> HttpResponse {
    CHECKS.set(CHECKS.get() + 1);
    match (form.name.trim(), form.password.as_str()) {
        ("nobody", _) => HttpResponse::Unauthorized()
            .insert_header(("x-why", "no such account"))
            .body("no such account"),
        (_, "right") => HttpResponse::NoContent().finish(),
        (_, "broken") => HttpResponse::InternalServerError().finish(),
        (_, "malformed") => HttpResponse::BadRequest().finish(),
        (_, "moved") => HttpResponse::SeeOther().finish(),
        (_, "panic") => panic!("a handler that panics"),
        _ => HttpResponse::Unauthorized().body("wrong password"),
    }
}

#[secured(public, rate = "100000/s per ip", login(account = form.name, attempts = "5/15min"))]
#[post("/login")]
async fn login(form: web::Json<Form>) -> HttpResponse {
    check(&form)
}

/// So many attempts that only the delay is left.
#[secured(
    public,
    rate = "100000/s per ip",
    login(account = form.name, attempts = "100/15min", lock = "1s")
)]
#[post("/patient")]
async fn patient(form: web::Json<Form>) -> HttpResponse {
    check(&form)
}

#[secured(
    public,
    rate = "100000/s per ip",
    login(account = form.name, attempts = "5/15min", lock = "30min", password = form.password)
)]
#[post("/spray")]
async fn spray(form: web::Json<Form>) -> HttpResponse {
    check(&form)
}

/// With everything that stands before it.
#[secured(
    public,
    rate = "20/min per ip",
    allow = form.name != "root",
    login(account = form.name, attempts = "5/15min")
)]
#[post("/strict")]
async fn strict(form: web::Json<Short>) -> HttpResponse {
    check(&form.0.0)
}

/// A form with a rule.
#[derive(Deserialize)]
#[serde(transparent)]
struct Short(Form);

impl std::ops::Deref for Short {
    type Target = Form;

    fn deref(&self) -> &Form {
        &self.0
    }
}

impl Validate for Short {
    type Context = ();

    fn validate_into(
        &self,
        _: &(),
        path: &mut dyn FnMut() -> garde::Path,
        report: &mut garde::Report,
    ) {
        if self.password.len() > 20 {
            report.append(path(), garde::Error::new("too long"));
        }
    }
}

fn routes(routes: &mut Routes) {
    routes
        .service(login)
        .service(patient)
        .service(spray)
        .service(strict);
}

async fn service() -> TestService {
    take_checks();
    TestService::new(routes).await
}

/// With limits of one's own.
async fn service_with(change: impl FnOnce(&mut Settings)) -> TestService {
    take_checks();
    let mut settings = Settings::default();
    settings.danger.plaintext = true;
    change(&mut settings);
    TestService::with(routes, |security| security.settings(settings)).await
}

fn address(number: u32) -> IpAddr {
    IpAddr::V4(Ipv4Addr::from_bits(0x0a00_0000 + number))
}

struct Visitor<'a> {
    service: &'a TestService,
    path: &'a str,
    address: IpAddr,
    cookie: Option<String>,
}

impl<'a> Visitor<'a> {
    fn at(service: &'a TestService, number: u32) -> Self {
        Self {
            service,
            path: "/login",
            address: address(number),
            cookie: None,
        }
    }

    fn path(self, path: &'a str) -> Self {
        Self { path, ..self }
    }

    async fn tries(&self, name: &str, password: &str) -> TestResponse {
        let mut call = self.service.post(self.path).peer(self.address);
        if let Some(cookie) = &self.cookie {
            call = call.header("cookie", cookie);
        }
        call.json(json!({ "name": name, "password": password }))
            .send()
            .await
    }

    async fn status(&self, name: &str, password: &str) -> u16 {
        self.tries(name, password).await.status().as_u16()
    }
}

/// The cookie that an answer sets, as a browser sends it back.
fn cookie(response: &TestResponse) -> Option<String> {
    let field = response.header("set-cookie")?;
    field.split(';').next().map(str::to_owned)
}

fn minutes(count: u64) -> Duration {
    Duration::from_secs(count * 60)
}
