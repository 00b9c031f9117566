//! Passwords: how often they may be guessed, and how their owner gets in all the same:
//! `cargo run --example login`.

use std::{net::IpAddr, time::Duration};

use actix_web::{HttpResponse, post, web};
use garde::Validate;
use secure_runtime::{
    Logins, Refusal, Rejection, Routes, secured,
    testing::{TestResponse, TestService},
};
use serde::Deserialize;
use serde_json::json;

#[derive(Deserialize, Validate)]
struct SignIn {
    #[garde(length(max = 254))]
    name: String,
    #[garde(length(max = 256))]
    password: String,
}

/// It says what it finds, with 401 or 2xx. The rest is said in its attribute.
#[secured(
    public = "who signs in has no token yet",
    rate = "60/min per ip",
    login(account = form.name, attempts = "5/15min", lock = "30min", password = form.password)
)]
#[post("/sign-in")]
async fn sign_in(form: web::Json<SignIn>) -> HttpResponse {
    // A real one hashes the password, of accounts that do not exist too.
    match (form.name.as_str(), form.password.as_str()) {
        ("ann", "correct horse") => HttpResponse::NoContent().finish(),
        _ => HttpResponse::Unauthorized().finish(),
    }
}

#[derive(Deserialize, Validate)]
struct Recovered {
    #[garde(length(max = 254))]
    name: String,
}

/// Somebody has proved in another way who he is.
#[secured(role = "support")]
#[post("/enable")]
async fn enable(person: web::Json<Recovered>, logins: Logins) -> Result<HttpResponse, Rejection> {
    logins.enable(&person.name).await?;
    Ok(HttpResponse::NoContent().finish())
}

fn routes(routes: &mut Routes) {
    routes.service(sign_in).service(enable);
}

async fn send(service: &TestService, from: [u8; 4], password: &str, cookie: &str) -> TestResponse {
    let call = service.post("/sign-in").peer(IpAddr::from(from));
    let call = call.header("cookie", cookie);
    call.json(json!({ "name": "ann", "password": password }))
        .send()
        .await
}

#[actix_web::main]
async fn main() {
    let service = TestService::new(routes).await;
    let (home, elsewhere) = ([192, 0, 2, 1], [198, 51, 100, 7]);

    // Ann signs in at home, and her browser is known from then on.
    let welcome = send(&service, home, "correct horse", "").await;
    assert_eq!(welcome.status(), 204);
    let cookie = welcome.header("set-cookie").unwrap_or_default();
    let cookie = cookie.split(';').next().unwrap_or_default().to_owned();

    // Somebody guesses. After five failures not even the right password is checked.
    for guess in [
        "123456",
        "password",
        "ann",
        "correct",
        "horse",
        "correct horse",
    ] {
        let refused = send(&service, elsewhere, guess, "").await;
        refused.assert_refused(Refusal::LoginFailed);
    }
    // Ann is let in by her own browser, and nobody else is by hers.
    let mistyped = send(&service, home, "correct hrose", &cookie).await;
    mistyped.assert_refused(Refusal::LoginFailed);
    let ann = send(&service, home, "correct horse", &cookie).await;
    assert_eq!(ann.status(), 204);

    // The guesser's network stays locked for half an hour, or until support is called.
    service.advance(Duration::from_secs(60));
    let refused = send(&service, elsewhere, "correct horse", "").await;
    refused.assert_refused(Refusal::LoginFailed);
    let call = service.post("/enable").role("support");
    let enabled = call.json(json!({ "name": "Ann" })).send().await;
    assert_eq!(enabled.status(), 204);
    service.advance(Duration::from_secs(1));
    let ann = send(&service, elsewhere, "correct horse", "").await;
    assert_eq!(ann.status(), 204);

    let counts = service.security().logins().counts();
    assert_eq!((counts.succeeded, counts.failed), (3, 6));
    assert_eq!(counts.refused_for_account, 2);
}
