//! The process that is measured: one worker, plain HTTP, revocations in Redis.

use std::{
    env,
    io::{self, Read},
    thread,
    time::{Duration, Instant},
};

use actix_web::{App, HttpResponse, HttpServer, Responder, get, post};
use secure_runtime::{
    Issuer, Principal, Rejection, RevocationList, Routes, Security, Settings, VerifyingKey,
    secured, settings::RedisSettings,
};

use secure_bench::{AUDIENCE, ISSUER, rig::Result};

use crate::children::PUBLIC_KEY;

/// The argument that makes a server of this program; the URL of Redis and whether to believe
/// proxies follow.
pub(crate) const SERVE: &str = "--serve";

#[secured(revocation = "2s", rate = "1000000/s")]
#[get("/on")]
async fn on() -> impl Responder {
    "ok"
}

#[secured(revocation = "2s", rate = "1000000/s")]
#[post("/logout")]
async fn logout(
    caller: Principal,
    revocations: RevocationList,
) -> std::result::Result<HttpResponse, Rejection> {
    revocations.revoke(&caller).await?;
    Ok(HttpResponse::NoContent().finish())
}

fn routes(routes: &mut Routes) {
    routes.service(on).service(logout);
}

/// Says where it listens, and then how long it took until every entry was known.
#[actix_web::main]
pub(crate) async fn serve(url: &str, proxies: &str) -> Result {
    let key = VerifyingKey::eddsa(env::var(PUBLIC_KEY)?)?;
    let mut settings = Settings::default();
    settings.danger.plaintext = true;
    settings.redis = Some(RedisSettings::new(url));
    if proxies == "proxied" {
        settings
            .client_address
            .trusted_proxies
            .push("127.0.0.1/32".parse()?);
    }
    let start = Instant::now();
    let security = Security::builder()
        .issuer(Issuer::new(ISSUER, AUDIENCE).key(key))
        .settings(settings)
        .build()?;
    let revocations = security.revocations().clone();
    let server = HttpServer::new(move || {
        App::new()
            .configure(security.routes(routes))
            .wrap(security.shield())
    })
    .workers(1)
    .bind(("127.0.0.1", 0))?;
    let port = server.addrs().first().ok_or("it does not listen")?.port();
    println!("{port}");
    thread::spawn(move || {
        while revocations.age().is_none() {
            thread::sleep(Duration::from_millis(1));
        }
        println!("{}", start.elapsed().as_secs_f64());
        // Ends with the process that has started it.
        io::stdin().read_to_end(&mut Vec::new()).ok();
        std::process::exit(0);
    });
    server.run().await?;
    Ok(())
}
