//! Tokens that the service issues itself: `cargo run --example tokens`.

use actix_web::{HttpResponse, Responder, get, post, web};
use secure_runtime::{
    Principal, Refusal, Rejection, Routes, Settings, TokenIssuer, secured,
    testing::{self, TestService},
    tokens::{
        IntrospectionEndpoint, IssuedTokens, JwksEndpoint, RefreshToken, RevocationEndpoint,
        Subject,
    },
};
use serde_json::{Value, json};

#[derive(serde::Deserialize, garde::Validate)]
struct Login {
    #[garde(length(min = 1, max = 80))]
    user: String,
    #[garde(length(min = 1, max = 200))]
    password: String,
}

#[derive(serde::Deserialize, garde::Validate)]
struct Refresh {
    #[garde(skip)]
    refresh_token: RefreshToken,
}

#[secured(public, rate = "5/min")]
#[post("/login")]
async fn login(
    issuer: TokenIssuer,
    login: web::Json<Login>,
) -> Result<web::Json<IssuedTokens>, Rejection> {
    // What yours does: look the user up, and verify a hash of the password.
    if login.password != "correct horse battery staple" {
        return Err(Rejection::new(Refusal::Forbidden, "the password is wrong"));
    }
    let subject = Subject::new(&login.user, "web-shop")
        .role("customer")
        .authenticated_by("pwd");
    Ok(web::Json(issuer.open_session(subject).await?))
}

#[secured(public, rate = "30/min")]
#[post("/refresh")]
async fn refresh(
    issuer: TokenIssuer,
    body: web::Json<Refresh>,
) -> Result<web::Json<IssuedTokens>, Rejection> {
    Ok(web::Json(issuer.refresh(&body.refresh_token).await?))
}

#[secured(role = "customer")]
#[get("/sessions")]
async fn sessions(caller: Principal, issuer: TokenIssuer) -> Result<impl Responder, Rejection> {
    let sessions = issuer.sessions(caller.subject()).await?;
    Ok(web::Json(sessions.len()))
}

#[secured]
#[post("/logout")]
async fn logout(caller: Principal, issuer: TokenIssuer) -> Result<HttpResponse, Rejection> {
    issuer.end_session(&caller).await?;
    Ok(HttpResponse::NoContent().finish())
}

fn routes(routes: &mut Routes) {
    routes
        .service(login)
        .service(refresh)
        .service(sessions)
        .service(logout)
        .service(JwksEndpoint)
        .scope("/oauth", |oauth| {
            // For clients with a secret in `[[clients]]`.
            oauth
                .service(RevocationEndpoint)
                .service(IntrospectionEndpoint);
        });
}

fn text(tokens: &Value, name: &str) -> String {
    let text = tokens.get(name).and_then(Value::as_str);
    text.unwrap_or_default().to_owned()
}

#[actix_web::main]
async fn main() {
    let mut settings = Settings::default();
    settings.danger.plaintext = true;
    // What `secure.toml` says:
    //
    //     [token_issuer]
    //     issuer = "https://shop.example"
    //     audience = "https://shop.example"
    //
    //     [[token_issuer.keys]]
    //     id = "2026-11"
    //     private_key_file = "keys/2026-11.pem"   # openssl genpkey -algorithm ed25519
    settings.token_issuer = Some(testing::token_issuer());
    settings.clients = vec![secure_runtime::settings::ClientSettings::new(
        "web-shop",
        "4b36efcbb726b9fa53d30125324a72de21526a15adb80f5fd2b34de72a049131",
    )];
    let service = TestService::with(routes, |security| security.settings(settings)).await;

    let log_in = async |password: &str| {
        let body = json!({ "user": "user-17", "password": password });
        service.post("/login").json(body).send().await
    };
    log_in("hunter2").await.assert_refused(Refusal::Forbidden);
    let first: Value = log_in("correct horse battery staple").await.json();
    assert_eq!(first.get("expires_in"), Some(&json!(600)));

    // The access token opens guarded routes of the same service; nothing else is configured.
    let access = |tokens: &Value| text(tokens, "access_token");
    let response = service.get("/sessions").bearer(access(&first)).send().await;
    assert_eq!(response.text(), "1");

    // Each refresh token is good once.
    let renew = async |tokens: &Value| {
        let body = json!({ "refresh_token": text(tokens, "refresh_token") });
        service.post("/refresh").json(body).send().await
    };
    let second: Value = renew(&first).await.json();
    assert_ne!(first.get("refresh_token"), second.get("refresh_token"));

    // A retry, because the answer was lost: the same next token.
    let retried: Value = renew(&first).await.json();
    assert_eq!(retried.get("refresh_token"), second.get("refresh_token"));

    // Later it is a copy in somebody else's hands, and the session ends for both.
    service.advance(std::time::Duration::from_secs(11));
    let response = renew(&first).await;
    response.assert_refused(Refusal::RefreshTokenInvalid);
    let response = renew(&second).await;
    response.assert_refused(Refusal::RefreshTokenInvalid);
    let response = service
        .get("/sessions")
        .bearer(access(&second))
        .send()
        .await;
    response.assert_refused(Refusal::CredentialsRevoked);

    // Logged in anew, and out.
    let third: Value = log_in("correct horse battery staple").await.json();
    let response = service.post("/logout").bearer(access(&third)).send().await;
    assert_eq!(response.status(), 204);
    let response = renew(&third).await;
    response.assert_refused(Refusal::RefreshTokenInvalid);

    // Others verify the tokens with the published key.
    let keys: Value = service.get("/.well-known/jwks.json").send().await.json();
    assert_eq!(keys.pointer("/keys/0/kty"), Some(&json!("OKP")));
}
