//! Accounts: registering, logging in and out, and another password.

use actix_web::{HttpResponse, post, web};
use secure_runtime::{
    Logins, Principal, Refusal, Rejection, RevocationList, Routes, TokenIssuer,
    data::password::{NewPassword, Password, Passwords},
    secured,
    tokens::{IssuedTokens, RefreshToken, TokenError},
};
use serde::Deserialize;

use super::store::{Account, Store};

pub(super) fn routes(routes: &mut Routes) {
    routes
        .service(register)
        .service(log_in)
        .service(refresh)
        .service(change_password)
        .service(logout)
        .service(logout_everywhere);
}

/// The caller's account. A subject of another issuer is somebody else, whatever he is called.
pub(super) fn account_of(
    caller: &Principal,
    issuer: &TokenIssuer,
    store: &Store,
) -> Result<Account, Rejection> {
    let is_ours = caller.issuer() == issuer.issuer();
    is_ours
        .then(|| store.accounts.of_subject(caller.subject()))
        .flatten()
        .ok_or_else(|| Rejection::new(Refusal::Forbidden, "the caller has no account here"))
}

/// Whether the caller's subject names an account of the shop.
pub(super) async fn has_account(store: &Store, issuer: &TokenIssuer, caller: &Principal) -> bool {
    account_of(caller, issuer, store).is_ok()
}

/// Whether the caller has shown every factor that the account has. A stolen password replaces none.
pub(super) async fn has_shown_all(store: &Store, issuer: &TokenIssuer, caller: &Principal) -> bool {
    account_of(caller, issuer, store)
        .is_ok_and(|account| account.second_factor.is_none() || caller.has_factor("otp"))
}

#[derive(Deserialize, garde::Validate)]
struct Registration {
    #[garde(ascii, contains("@"), length(max = 254))]
    email: String,
    #[garde(dive)]
    password: NewPassword,
}

/// Whoever asks does not learn who has an account already. A real shop writes to the address.
#[secured(
    public = "who registers has no token yet",
    rate = "10/hour per ip",
    max_body = "4KB"
)]
#[post("/register")]
async fn register(
    new: web::Json<Registration>,
    passwords: Passwords,
    store: web::Data<Store>,
) -> Result<HttpResponse, Rejection> {
    let hash = passwords.hash(&new.password, &[&new.email]).await;
    let hash = hash.map_err(|error| error.at("/password"))?;
    match store.accounts.add(&new.email, hash.into_string()) {
        true => Ok(HttpResponse::Accepted().finish()),
        false => Err(Rejection::new(Refusal::Overloaded, "too many accounts")),
    }
}

#[derive(Deserialize, garde::Validate)]
struct Login {
    #[garde(length(max = 254))]
    email: String,
    #[garde(dive)]
    password: Password,
}

/// Whether there is no such account or the password is wrong: the same work, the same answer.
#[secured(
    public = "who logs in has no token yet",
    rate = "60/min per ip",
    login(account = login.email, attempts = "5/15min", lock = "30min", password = login.password),
    max_body = "4KB"
)]
#[post("/login")]
async fn log_in(
    login: web::Json<Login>,
    passwords: Passwords,
    issuer: TokenIssuer,
    store: web::Data<Store>,
) -> Result<HttpResponse, Rejection> {
    let account = store.accounts.find(&login.email);
    let hash = account.as_ref().map(|account| &*account.password_hash);
    let verified = passwords.verify(&login.password, hash).await?;
    let Some(account) = account.filter(|_| verified.matches) else {
        return Ok(HttpResponse::Unauthorized().finish());
    };
    let tokens = issuer.open_session(account.token_subject()).await?;
    // Whoever changed the password meanwhile ended the sessions that there were, without this one.
    let subject = &account.subject;
    let now = store.accounts.of_subject(subject);
    if now.is_none_or(|now| now.password_hash != account.password_hash) {
        issuer.end_session_of(subject, tokens.session_id()).await?;
        return Ok(HttpResponse::Unauthorized().finish());
    }
    if verified.needs_rehash {
        let hash = passwords.rehash(&login.password).await?.into_string();
        let change = |now: &mut Account| now.replace_password(&account.password_hash, hash);
        store.accounts.update(subject, change);
    }
    Ok(HttpResponse::Ok().json(tokens))
}

#[derive(Deserialize, garde::Validate)]
struct Refresh {
    #[garde(skip)]
    refresh_token: RefreshToken,
}

#[secured(public = "the refresh token says who it is", rate = "30/min per ip")]
#[post("/refresh")]
async fn refresh(
    refresh: web::Json<Refresh>,
    issuer: TokenIssuer,
) -> Result<web::Json<IssuedTokens>, Rejection> {
    Ok(web::Json(issuer.refresh(&refresh.refresh_token).await?))
}

#[derive(Deserialize, garde::Validate)]
struct PasswordChange {
    #[garde(dive)]
    current: Password,
    #[garde(dive)]
    new: NewPassword,
}

/// Ends every other session: one of them may be the reason.
#[secured(
    allow = has_shown_all(&store, &issuer, &caller).await,
    rate = ["100/min", "20/min per ip"],
    login(account = caller.subject(), attempts = "5/15min", lock = "30min"),
    max_body = "4KB"
)]
#[post("/password")]
async fn change_password(
    caller: Principal,
    change: web::Json<PasswordChange>,
    passwords: Passwords,
    issuer: TokenIssuer,
    store: web::Data<Store>,
) -> Result<HttpResponse, Rejection> {
    let account = account_of(&caller, &issuer, &store)?;
    let old = account.password_hash.as_str();
    if !passwords.verify(&change.current, Some(old)).await?.matches {
        return Ok(HttpResponse::Unauthorized().finish());
    }
    let new = passwords.hash(&change.new, &[&account.email]).await;
    let new = new.map_err(|error| error.at("/new"))?.into_string();
    let replace = |now: &mut Account| now.replace_password(old, new);
    if store.accounts.update(&account.subject, replace) != Some(true) {
        return Ok(HttpResponse::Conflict().finish());
    }
    issuer.end_other_sessions(&caller).await?;
    Ok(HttpResponse::NoContent().finish())
}

#[derive(Deserialize, garde::Validate)]
struct Recovered {
    #[garde(length(max = 254))]
    email: String,
}

/// Somebody has proved in another way who he is: too many failures in a row disable an account.
#[secured(role = "support", max_age = "15min")]
#[post("/accounts/enable")]
pub(super) async fn enable(
    recovered: web::Json<Recovered>,
    logins: Logins,
    store: web::Data<Store>,
) -> Result<HttpResponse, Rejection> {
    // The login knows the address; what comes after it, the subject.
    logins.enable(&recovered.email).await?;
    if let Some(account) = store.accounts.find(&recovered.email) {
        logins.enable(&account.subject).await?;
    }
    Ok(HttpResponse::NoContent().finish())
}

/// Ends the caller's session; of a token that belongs to none, the token.
#[secured(revocation = "0s")]
#[post("/logout")]
async fn logout(caller: Principal, issuer: TokenIssuer) -> Result<HttpResponse, Rejection> {
    issuer.end_session(&caller).await?;
    Ok(HttpResponse::NoContent().finish())
}

/// Ends everything that the caller has, on whatever device.
#[secured(revocation = "0s")]
#[post("/logout-everywhere")]
async fn logout_everywhere(
    caller: Principal,
    issuer: TokenIssuer,
    revocations: RevocationList,
) -> Result<HttpResponse, Rejection> {
    end_everything(&issuer, &revocations, caller.issuer(), caller.subject()).await?;
    Ok(HttpResponse::NoContent().finish())
}

/// Ends the sessions of a subject of ours, and the tokens of one of another issuer.
pub(super) async fn end_everything(
    issuer: &TokenIssuer,
    revocations: &RevocationList,
    whose: &str,
    subject: &str,
) -> Result<(), TokenError> {
    match whose == issuer.issuer() {
        true => issuer.end_sessions(subject).await,
        false => Ok(revocations.revoke_subject(whose, subject).await?),
    }
}
