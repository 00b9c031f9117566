//! The second factor of an account: an authenticator app, and recovery codes on paper.

#[cfg(test)]
mod tests;

use actix_web::{HttpResponse, delete, post, web};
use secure_runtime::{
    ExposeSecret, Principal, Rejection, Routes, TokenIssuer,
    otp::{OneTimeCode, OneTimeCodes, OtpSecret, RecoveryCode, RecoveryCodes},
    secured,
};
use serde::{Deserialize, Serialize};

use super::{
    accounts::{account_of, has_account, has_shown_all},
    store::{Account, Store},
};

pub(super) fn routes(routes: &mut Routes) {
    routes
        .service(enrol)
        .service(confirm)
        .service(second_factor)
        .service(recover)
        .service(remove);
}

#[derive(Serialize)]
struct Enrolment {
    /// For who cannot scan.
    secret: String,
    /// What the app scans, as a QR code.
    url: String,
}

#[secured(
    max_age = "15min",
    allow = has_shown_all(&store, &issuer, &caller).await,
    rate = "10/hour"
)]
#[post("/second-factor/enrol")]
async fn enrol(
    caller: Principal,
    codes: OneTimeCodes,
    issuer: TokenIssuer,
    store: web::Data<Store>,
) -> Result<web::Json<Enrolment>, Rejection> {
    let account = account_of(&caller, &issuer, &store)?;
    let secret = OtpSecret::new()?;
    let url = codes.enrolment_url(&secret, &account.email)?;
    let enrolment = Enrolment {
        secret: secret.to_base32(),
        url: url.expose_secret().to_owned(),
    };
    let offer = |now: &mut Account| now.offered_secret = Some(secret);
    store.accounts.update(&account.subject, offer);
    Ok(web::Json(enrolment))
}

#[derive(Deserialize, garde::Validate)]
struct Code {
    #[garde(dive)]
    code: OneTimeCode,
}

#[derive(Serialize)]
struct Enrolled {
    /// Shown this once.
    recovery_codes: Vec<String>,
}

/// A first code proves that the app has the secret. Other sessions end: they know of no factor.
#[secured(
    max_age = "15min",
    allow = has_shown_all(&store, &issuer, &caller).await,
    rate = "10/hour"
)]
#[post("/second-factor/confirm")]
async fn confirm(
    caller: Principal,
    form: web::Json<Code>,
    codes: OneTimeCodes,
    issuer: TokenIssuer,
    store: web::Data<Store>,
) -> Result<HttpResponse, Rejection> {
    let account = account_of(&caller, &issuer, &store)?;
    let Some(secret) = account.offered_secret else {
        return Ok(HttpResponse::Conflict().finish());
    };
    if !codes.verify(&secret, &form.code).await? {
        return Ok(HttpResponse::Conflict().finish());
    }
    let recovery = RecoveryCodes::new()?;
    let hashes = recovery.hashes();
    let become_factor = |now: &mut Account| now.confirm_secret(&secret, hashes);
    // Another confirmation may have come in between.
    if store.accounts.update(&account.subject, become_factor) != Some(true) {
        return Ok(HttpResponse::Conflict().finish());
    }
    issuer.end_other_sessions(&caller).await?;
    let recovery_codes = recovery.shown();
    Ok(HttpResponse::Ok().json(Enrolled { recovery_codes }))
}

/// A session of both factors, in place of the caller's.
#[secured(
    allow = has_account(&store, &issuer, &caller).await,
    rate = ["100/min", "20/min per ip"],
    login(account = caller.subject(), attempts = "5/15min", lock = "30min")
)]
#[post("/second-factor")]
async fn second_factor(
    caller: Principal,
    form: web::Json<Code>,
    codes: OneTimeCodes,
    issuer: TokenIssuer,
    store: web::Data<Store>,
) -> Result<HttpResponse, Rejection> {
    let account = account_of(&caller, &issuer, &store)?;
    let is_right = match &account.second_factor {
        Some(secret) => codes.verify(secret, &form.code).await?,
        None => false,
    };
    match is_right {
        true => step_up(&caller, &account, &issuer, &store).await,
        false => Ok(HttpResponse::Unauthorized().finish()),
    }
}

#[derive(Deserialize, garde::Validate)]
struct Recovery {
    #[garde(dive)]
    recovery_code: RecoveryCode,
}

/// The same with a recovery code, which is used up.
#[secured(
    allow = has_account(&store, &issuer, &caller).await,
    rate = ["100/min", "20/min per ip"],
    login(account = caller.subject(), attempts = "5/15min", lock = "30min")
)]
#[post("/second-factor/recover")]
async fn recover(
    caller: Principal,
    form: web::Json<Recovery>,
    issuer: TokenIssuer,
    store: web::Data<Store>,
) -> Result<HttpResponse, Rejection> {
    let account = account_of(&caller, &issuer, &store)?;
    let spend = |now: &mut Account| now.spend_recovery_code(&form.recovery_code);
    match store.accounts.update(&account.subject, spend) {
        Some(true) => step_up(&caller, &account, &issuer, &store).await,
        _ => Ok(HttpResponse::Unauthorized().finish()),
    }
}

/// A session of both factors in place of the caller's, unless since the account was read one of
/// them was replaced, or the caller's session was ended.
async fn step_up(
    caller: &Principal,
    account: &Account,
    issuer: &TokenIssuer,
    store: &Store,
) -> Result<HttpResponse, Rejection> {
    let subject = account.token_subject().authenticated_by("otp");
    // Opened before anything is looked at: who ends sessions from now on ends this one too.
    let tokens = issuer.open_session(subject).await?;
    let was_open = match caller.session_id() {
        Some(id) => issuer.end_session_of(&account.subject, id).await?,
        None => false,
    };
    let now = store.accounts.of_subject(&account.subject);
    if !was_open || now.is_none_or(|now| !now.has_factors_of(account)) {
        let opened = tokens.session_id();
        issuer.end_session_of(&account.subject, opened).await?;
        return Ok(HttpResponse::Unauthorized().finish());
    }
    Ok(HttpResponse::Ok().json(tokens))
}

/// Takes the second factor away, which nobody does with a password alone.
#[secured(factor = "otp", max_age = "15min")]
#[delete("/second-factor")]
async fn remove(
    caller: Principal,
    issuer: TokenIssuer,
    store: web::Data<Store>,
) -> Result<HttpResponse, Rejection> {
    let account = account_of(&caller, &issuer, &store)?;
    store.accounts.update(&account.subject, |now| {
        now.second_factor = None;
        now.recovery_codes.clear();
    });
    issuer.end_other_sessions(&caller).await?;
    Ok(HttpResponse::NoContent().finish())
}
