//! As a service uses it, over HTTP.

use actix_web::{HttpResponse, get, post, web};
use futures_util::{FutureExt, future::join_all};
use serde_json::{Value, json};

use super::*;
use crate::{Refusal, Rejection, Routes, secured, testing::TestService};

#[derive(serde::Deserialize, garde::Validate)]
struct Registration {
    #[garde(length(min = 1, max = 100))]
    name: String,
    #[garde(dive)]
    password: NewPassword,
}

#[derive(serde::Deserialize, garde::Validate)]
struct Login {
    #[garde(dive)]
    password: Password,
}

#[secured(public, rate = "10000/min", crate = crate)]
#[post("/accounts")]
async fn register(new: web::Json<Registration>, passwords: Passwords) -> Result<String, Rejection> {
    let hash = passwords.hash(&new.password, &[&new.name]).await;
    Ok(hash.map_err(|error| error.at("/password"))?.into_string())
}

#[secured(public, rate = "10000/min", crate = crate)]
#[post("/login")]
async fn log_in(login: web::Json<Login>, passwords: Passwords) -> Result<HttpResponse, Rejection> {
    let verified = passwords.verify(&login.password, None).await?;
    Ok(match verified.matches {
        true => HttpResponse::Ok().finish(),
        false => HttpResponse::Unauthorized().finish(),
    })
}

#[secured(public, crate = crate)]
#[get("/items")]
async fn items() -> &'static str {
    "tea"
}

async fn service() -> TestService {
    let routes = |routes: &mut Routes| {
        routes.service(register).service(log_in).service(items);
    };
    TestService::with(routes, |security| {
        let mut settings = cheap();
        settings.danger.plaintext = true;
        settings.passwords.max_concurrent = Some(number(1));
        settings.passwords.max_waiting = Some(number(2));
        security.settings(settings)
    })
    .await
}

#[actix_web::test]
async fn a_password_is_told_what_is_wrong_with_it_and_where() {
    let service = service().await;
    for (password, detail) in [
        ("short", "a password has at least 15 characters"),
        (
            "annannannannann",
            "this password is made of names that others know; choose another",
        ),
        (
            "passwordpassword",
            "this password is easy to guess; take several words that have nothing to do with each other, or let a password manager choose",
        ),
    ] {
        let call = service
            .post("/accounts")
            .json(json!({"name": "ann", "password": password}));
        let answer = call.send().await;
        answer.assert_refused(Refusal::InputInvalid);
        let errors = answer.json::<Value>()["errors"].clone();
        assert_eq!(
            errors,
            json!([{"in": "body", "pointer": "/password", "detail": detail}])
        );
        assert!(!answer.text().contains(password));
    }
    let call = service
        .post("/accounts")
        .json(json!({"name": "ann", "password": RIGHT}));
    assert!(call.send().await.text().starts_with("$argon2id$"));
}

/// A flood of logins is 503 with `Retry-After`; other requests are answered meanwhile by the same
/// thread.
#[actix_web::test]
async fn a_login_flood_is_503_and_the_worker_goes_on() {
    let service = service().await;
    let passwords = service.security().passwords().clone();
    let (turn, occupied) = std::sync::mpsc::channel::<()>();
    let mut holder = Box::pin(passwords.run(move |_| {
        let _ = occupied.recv();
        Ok(())
    }));
    assert_eq!((&mut holder).now_or_never(), None);
    let mut flood: Vec<_> = (0..200)
        .map(|_| {
            Box::pin(
                service
                    .post("/login")
                    .json(json!({"password": RIGHT}))
                    .send(),
            )
        })
        .collect();
    let mut refused = 0;
    for call in &mut flood {
        if let Some(answer) = call.now_or_never() {
            answer.assert_refused(Refusal::Overloaded);
            assert_eq!(answer.status(), 503);
            assert_eq!(answer.header("retry-after"), Some("1"));
            refused += 1;
        }
    }
    assert_eq!(refused, 198);
    assert_eq!(service.get("/items").send().await.text(), "tea");
    drop(turn);
    holder.await.unwrap();
    for answer in join_all(flood.into_iter().take(2)).await {
        assert_eq!(answer.status(), 401);
    }
    assert_eq!(passwords.counts().computed, 2);
}
