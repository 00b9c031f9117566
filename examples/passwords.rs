//! Registering, logging in and changing a password: `cargo run --example passwords`.

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

use actix_web::{HttpResponse, post, web};
use secure_runtime::{
    Refusal, Rejection, Routes,
    data::password::{NewPassword, Password, Passwords},
    secured,
    testing::TestService,
};
use serde::Deserialize;
use serde_json::{Value, json};

/// The database: a hash for each account.
#[derive(Default)]
struct Accounts(Mutex<HashMap<String, String>>);

impl Accounts {
    fn lock(&self) -> MutexGuard<'_, HashMap<String, String>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn hash_of(&self, name: &str) -> Option<String> {
        self.lock().get(name).cloned()
    }

    fn set(&self, name: &str, hash: String) {
        self.lock().insert(name.to_owned(), hash);
    }
}

/// `NewPassword` has 15 characters at least; with `NewPassword<8>` the login asks for a second
/// factor too.
#[derive(Deserialize, garde::Validate)]
struct Registration {
    #[garde(length(min = 1, max = 100))]
    name: String,
    #[garde(dive)]
    password: NewPassword,
}

#[derive(Deserialize, garde::Validate)]
struct Login {
    #[garde(length(min = 1, max = 100))]
    name: String,
    #[garde(dive)]
    password: Password,
}

/// Who changes a password proves to know the one that there is.
#[derive(Deserialize, garde::Validate)]
struct Change {
    #[garde(dive)]
    login: Login,
    #[garde(dive)]
    new_password: NewPassword,
}

/// `hash` asks the policy. What it refuses is 422, with the reason, at the field.
#[secured(public, rate = "5/min", max_body = "4KB")]
#[post("/accounts")]
async fn register(
    new: web::Json<Registration>,
    passwords: Passwords,
    accounts: web::Data<Accounts>,
) -> Result<HttpResponse, Rejection> {
    let hash = passwords.hash(&new.password, &[&new.name]).await;
    let hash = hash.map_err(|error| error.at("/password"))?;
    accounts.set(&new.name, hash.into_string());
    Ok(HttpResponse::Created().finish())
}

/// Whether there is no such account or the password is wrong: the same work, the same answer.
async fn is_owner(
    login: &Login,
    passwords: &Passwords,
    accounts: &Accounts,
) -> Result<bool, Rejection> {
    let stored = accounts.hash_of(&login.name);
    let verified = passwords.verify(&login.password, stored.as_deref()).await?;
    if verified.needs_rehash {
        let hash = passwords.rehash(&login.password).await?;
        accounts.set(&login.name, hash.into_string());
    }
    Ok(verified.matches)
}

#[secured(public, rate = "5/min", max_body = "4KB")]
#[post("/login")]
async fn log_in(
    login: web::Json<Login>,
    passwords: Passwords,
    accounts: web::Data<Accounts>,
) -> Result<HttpResponse, Rejection> {
    Ok(match is_owner(&login, &passwords, &accounts).await? {
        true => HttpResponse::Ok().body("welcome"),
        false => HttpResponse::Unauthorized().body("name or password is wrong"),
    })
}

#[secured(public, rate = "5/min", max_body = "4KB")]
#[post("/password")]
async fn change(
    change: web::Json<Change>,
    passwords: Passwords,
    accounts: web::Data<Accounts>,
) -> Result<HttpResponse, Rejection> {
    if !is_owner(&change.login, &passwords, &accounts).await? {
        return Ok(HttpResponse::Unauthorized().body("name or password is wrong"));
    }
    let name = change.login.name.as_str();
    let hash = passwords.hash(&change.new_password, &[name]).await;
    let hash = hash.map_err(|error| error.at("/new_password"))?;
    accounts.set(name, hash.into_string());
    Ok(HttpResponse::NoContent().finish())
}

#[actix_web::main]
async fn main() {
    let accounts = web::Data::new(Accounts::default());
    let shared = accounts.clone();
    let service = TestService::new(move |routes: &mut Routes| {
        routes.app_data(shared.clone());
        routes.service(register).service(log_in).service(change);
    })
    .await;

    // No digits, no signs: a passphrase is long, and that is what counts.
    let passphrase = "violet tram eats sixteen clouds";
    let sign_up = |name: &str, password: &str| {
        let body = json!({"name": name, "password": password});
        service.post("/accounts").json(body).send()
    };
    assert_eq!(sign_up("ann", passphrase).await.status(), 201);
    let stored = accounts.hash_of("ann").unwrap_or_default();
    assert!(stored.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"));

    for (password, reason) in [
        ("Tr0ub4dor&3", "a password has at least 15 characters"),
        (
            "bob-BOB-b0b-2026",
            "this password is made of names that others know; choose another",
        ),
        (
            "q1w2e3r4t5y6u7i8",
            "this password is known to many; choose another",
        ),
    ] {
        let refused = sign_up("bob", password).await;
        refused.assert_refused(Refusal::InputInvalid);
        let wanted = json!([{"in": "body", "pointer": "/password", "detail": reason}]);
        assert_eq!(refused.json::<Value>().get("errors"), Some(&wanted));
    }

    // Somebody and nobody get the same answer, after the same work.
    let enter = |name: &str, password: &str| {
        let body = json!({"name": name, "password": password});
        service.post("/login").json(body).send()
    };
    assert_eq!(enter("ann", passphrase).await.text(), "welcome");
    let before = service.security().passwords().counts().computed;
    let somebody = enter("ann", "violet tram eats sixteen cloud").await;
    let nobody = enter("bob", "violet tram eats sixteen cloud").await;
    assert_eq!(somebody.status(), 401);
    assert_eq!(nobody.status(), 401);
    assert_eq!(somebody.body(), nobody.body());
    assert_eq!(service.security().passwords().counts().computed, before + 2);

    // A hash of years ago still verifies, and is replaced.
    accounts.set(
        "cem",
        "$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4"
            .to_owned(),
    );
    assert_eq!(enter("cem", "password").await.text(), "welcome");
    assert!(
        accounts
            .hash_of("cem")
            .is_some_and(|hash| hash.contains("m=19456,t=2,p=1"))
    );

    let replace = |password: &str| {
        let login = json!({"name": "ann", "password": password});
        let body = json!({"login": login, "new_password": "sixteen clouds eat violet trams"});
        service.post("/password").json(body).send()
    };
    assert_eq!(replace("not the current one").await.status(), 401);
    assert_eq!(replace(passphrase).await.status(), 204);
    assert_eq!(enter("ann", passphrase).await.status(), 401);
}
