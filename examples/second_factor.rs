//! A second factor from an authenticator app: `cargo run --example second_factor`.

use std::time::Duration;

use actix_web::{HttpResponse, Responder, post, web};
use secure_runtime::{
    Principal, Refusal, Rejection, Routes,
    otp::{OneTimeCode, OneTimeCodes, OtpSecret},
    secured,
    testing::{TestService, one_time_code},
};
use serde_json::json;

#[derive(serde::Deserialize, garde::Validate)]
struct SecondFactor {
    #[garde(dive)]
    code: OneTimeCode,
}

/// Who guesses has five attempts in a quarter of an hour.
#[secured(rate = "5/15min")]
#[post("/second-factor")]
async fn second_factor(
    caller: Principal,
    codes: OneTimeCodes,
    secret: web::Data<OtpSecret>,
    form: web::Json<SecondFactor>,
) -> Result<HttpResponse, Rejection> {
    if !codes.verify(&secret, &form.code).await? {
        return Ok(HttpResponse::Unauthorized().finish());
    }
    // Here a token is issued whose `amr` says `otp`.
    Ok(HttpResponse::Ok().json(json!({ "sub": caller.subject(), "amr": ["pwd", "otp"] })))
}

#[secured(factor = "otp")]
#[post("/transfers")]
async fn transfer() -> impl Responder {
    "done"
}

#[actix_web::main]
async fn main() -> Result<(), Rejection> {
    // That of the only account. A real one is kept beside its account, encrypted.
    let secret = web::Data::new(OtpSecret::new()?);
    let shared = secret.clone();
    let routes = move |routes: &mut Routes| {
        routes.app_data(shared.clone());
        routes.service(second_factor).service(transfer);
    };
    let service = TestService::new(routes).await;

    // With a password alone the transfer is refused, and the challenge says what is missing.
    let answer = service.post("/transfers").factor("pwd").send().await;
    answer.assert_refused(Refusal::FactorMissing);
    let challenge = answer.header("www-authenticate").unwrap_or_default();
    assert!(challenge.contains("acr_values=\"otp\""), "{challenge}");

    // What the app shows is good once.
    let send = async |code: &str| {
        let call = service.post("/second-factor").subject("ann").factor("pwd");
        call.json(json!({ "code": code })).send().await.status()
    };
    let code = one_time_code(&secret, service.security().clock());
    assert_eq!(send(&code).await, 200);
    assert_eq!(send(&code).await, 401);
    service.advance(Duration::from_secs(30));
    let next = one_time_code(&secret, service.security().clock());
    assert_eq!(send(&next).await, 200);

    // With both factors in the token the transfer is done.
    let call = service.post("/transfers").factor("pwd").factor("otp");
    assert_eq!(call.send().await.text(), "done");
    Ok(())
}
