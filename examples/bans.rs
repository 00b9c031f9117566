//! Addresses that are refused for a time, by a rule or by hand: `cargo run --example bans`.

use std::{net::IpAddr, time::Duration};

use actix_web::{HttpRequest, HttpResponse, Responder, get, http::header, post, web};
use secure_runtime::{
    BanList, Refusal, Rejection, Routes, Settings, StrikeKind, secured, testing::TestService,
};

/// As `secure.toml` has it. Behind a proxy, `client_address.trusted_proxies` must name it first:
/// else all clients have its address.
const RULES: &str = r#"
[danger]
plaintext = true

[[bans.rules]]
on = "not_found"           # somebody looks for `/admin.php` and its like
count = 5
within = "1min"
ban = "1h"                 # then 2h, 4h, up to a day

[[bans.rules]]
on = ["authentication", "login"]
count = 3
within = "1min"
ban = "10min"
"#;

#[secured(public, rate = "1000/s")]
#[get("/")]
async fn home() -> impl Responder {
    "welcome"
}

/// A refusal of the runtime is counted without this; a wrong password only the handler knows.
#[secured(public, rate = "1000/s")]
#[post("/login")]
async fn login(request: HttpRequest, bans: BanList) -> impl Responder {
    bans.strike(&request, StrikeKind::Login, 1);
    HttpResponse::Unauthorized()
}

#[secured(role = "admin")]
#[post("/bans/{address}")]
async fn ban(address: web::Path<IpAddr>, bans: BanList) -> Result<HttpResponse, Rejection> {
    bans.ban(*address, Duration::from_secs(600), "by an operator")?;
    Ok(HttpResponse::NoContent().finish())
}

#[secured(role = "admin")]
#[post("/bans/{address}/lift")]
async fn lift(address: web::Path<IpAddr>, bans: BanList) -> impl Responder {
    match bans.lift(*address) {
        true => HttpResponse::NoContent(),
        false => HttpResponse::NotFound(),
    }
}

fn routes(routes: &mut Routes) {
    routes
        .service(home)
        .service(login)
        .service(ban)
        .service(lift);
}

#[actix_web::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let settings = Settings::from_toml(RULES)?;
    let service = TestService::with(routes, |security| security.settings(settings)).await;
    let bans = service.security().bans();
    let [scanner, guesser, customer] = [1, 2, 3].map(|last| IpAddr::from([203, 0, 113, last]));
    let spammer: IpAddr = "2001:db8::1".parse()?;
    let visit = |address| service.get("/").peer(address).send();

    for _ in 0..5 {
        let answer = service.get("/admin.php").peer(scanner).send().await;
        answer.assert_refused(Refusal::NotFound);
    }
    let refused = visit(scanner).await;
    refused.assert_refused(Refusal::Banned);
    assert_eq!(refused.header(header::RETRY_AFTER.as_str()), Some("3600"));

    for _ in 0..3 {
        let answer = service.post("/login").peer(guesser).send().await;
        assert_eq!(answer.status(), 401);
    }
    visit(guesser).await.assert_refused(Refusal::Banned);

    let admin = |path: String| service.post(&path).role("admin").send();
    assert_eq!(admin(format!("/bans/{spammer}")).await.status(), 204);
    // Its neighbours in the same network of 56 bits are most likely itself.
    let neighbour = "2001:db8:0:99::7".parse()?;
    visit(neighbour).await.assert_refused(Refusal::Banned);
    assert_eq!(admin(format!("/bans/{spammer}/lift")).await.status(), 204);
    assert_eq!(visit(spammer).await.status(), 200);

    assert_eq!(visit(customer).await.text(), "welcome");
    let listed = bans.list();
    assert_eq!(listed.len(), 2);
    for entry in listed {
        let (network, remaining, reason) = (entry.network, entry.remaining, entry.reason);
        println!("{network} for {remaining:?}: {reason}");
    }

    service.advance(Duration::from_secs(3600));
    assert_eq!(visit(scanner).await.text(), "welcome");
    assert_eq!(bans.counts().bans, 0);
    Ok(())
}
