//! What happens while a code is judged.

use secure_runtime::{
    Settings,
    testing::{self, TestService},
};
use serde_json::Value;

use super::*;

const EMAIL: &str = "eve@shop.example";

#[derive(Clone, Copy, Debug, Deserialize, PartialEq, garde::Validate)]
enum Meanwhile {
    Enrolled,
    LoggedOut,
    LoggedOutEverywhere,
    Nothing,
    PasswordChanged,
    Removed,
    Replaced,
}

#[secured(public)]
#[post("/open")]
async fn open(store: web::Data<Store>, issuer: TokenIssuer) -> Result<HttpResponse, Rejection> {
    let account = store.accounts.find(EMAIL);
    let subject = account.map(|account| account.token_subject());
    let subject = subject.unwrap_or_else(|| unreachable!("it was added"));
    Ok(HttpResponse::Ok().json(issuer.open_session(subject).await?))
}

/// The code was right, and while it was judged something happened.
#[secured]
#[post("/late/{meanwhile}")]
async fn late(
    caller: Principal,
    meanwhile: web::Path<Meanwhile>,
    issuer: TokenIssuer,
    store: web::Data<Store>,
) -> Result<HttpResponse, Rejection> {
    let account = account_of(&caller, &issuer, &store)?;
    let secret = OtpSecret::new()?;
    let change = |change: fn(&mut Account, OtpSecret)| {
        let change = |now: &mut Account| change(now, secret);
        store.accounts.update(caller.subject(), change);
    };
    match *meanwhile {
        Meanwhile::Enrolled => change(|now, secret| now.offered_secret = Some(secret)),
        Meanwhile::LoggedOut => issuer.end_session(&caller).await?,
        Meanwhile::LoggedOutEverywhere => issuer.end_sessions(caller.subject()).await?,
        Meanwhile::Nothing => {}
        Meanwhile::PasswordChanged => change(|now, _| now.password_hash = "new".to_owned()),
        Meanwhile::Removed => change(|now, _| now.second_factor = None),
        Meanwhile::Replaced => change(|now, secret| now.second_factor = Some(secret)),
    }
    step_up(&caller, &account, &issuer, &store).await
}

/// What has ended the sessions of an account, or would have, ends one that comes of a code
/// that was being judged then.
#[actix_web::test]
async fn a_step_up_that_comes_late_opens_no_session() {
    use Meanwhile::*;
    for (meanwhile, is_good) in [
        (Enrolled, true),
        (LoggedOut, false),
        (LoggedOutEverywhere, false),
        (Nothing, true),
        (PasswordChanged, false),
        (Removed, false),
        (Replaced, false),
    ] {
        let store = web::Data::new(Store::default());
        store.accounts.add(EMAIL, "hash".to_owned());
        let subject = store.accounts.find(EMAIL).unwrap().subject;
        let secret = OtpSecret::new().unwrap();
        let become_factor = |now: &mut Account| now.second_factor = Some(secret);
        store.accounts.update(&subject, become_factor);
        let mut settings = Settings::default();
        settings.danger.plaintext = true;
        settings.token_issuer = Some(testing::token_issuer());
        let routes = move |routes: &mut Routes| {
            let routes = routes.app_data(store.clone());
            routes.service(open).service(late);
        };
        let shop = TestService::with(routes, |security| security.settings(settings)).await;

        let tokens: Value = shop.post("/open").send().await.json();
        let token = tokens["access_token"].as_str().unwrap();
        let path = format!("/late/{meanwhile:?}");
        let answer = shop.post(&path).bearer(token).send().await;
        let expected = if is_good { 200 } else { 401 };
        assert_eq!(answer.status(), expected, "{meanwhile:?}");
        // In place of the caller's, or with it.
        let issuer = shop.security().token_issuer().unwrap();
        let sessions = issuer.sessions(&subject).await.unwrap();
        assert_eq!(sessions.len(), usize::from(is_good), "{meanwhile:?}");
    }
}
