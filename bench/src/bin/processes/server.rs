//! The process that is measured: one worker, plain HTTP, revocations in Redis.

use std::{
    env,
    io::{self, Read},
    thread,
    time::{Duration, Instant},
};

use actix_web::{App, HttpResponse, HttpServer, Responder, get, post, web};
use redis::{aio::MultiplexedConnection, cmd};
use secure_runtime::{
    Issuer, Principal, Refusal, Rejection, RevocationList, Routes, Security, Settings,
    VerifyingKey, secured, settings::RedisSettings,
};

use crate::{
    Result,
    children::{AUDIENCE, ISSUER, PUBLIC_KEY},
    limited,
};

/// The argument that makes a server of this program; the URL of Redis and whether to believe
/// proxies follow.
pub(crate) const SERVE: &str = "--serve";

#[secured(
    revocation(off = "what the others are compared with"),
    rate = "1000000/s"
)]
#[get("/off")]
async fn off() -> impl Responder {
    "ok"
}

#[secured(revocation = "2s", rate = "1000000/s")]
#[get("/on")]
async fn on() -> impl Responder {
    "ok"
}

/// As one writes it without this crate: a question for each request, over one connection.
#[secured(revocation(off = "done by hand"), rate = "1000000/s")]
#[get("/exists")]
async fn by_hand(
    caller: Principal,
    redis: web::Data<MultiplexedConnection>,
) -> std::result::Result<HttpResponse, Rejection> {
    let key = format!("revoked:{}:{}", caller.issuer(), caller.token_id());
    let mut redis = MultiplexedConnection::clone(&redis);
    let asked = cmd("EXISTS").arg(key).query_async::<bool>(&mut redis).await;
    match asked {
        Ok(false) => Ok(HttpResponse::Ok().body("ok")),
        Ok(true) => Err(Rejection::new(Refusal::CredentialsRevoked, "by hand")),
        Err(_) => Err(Rejection::new(Refusal::Undecided, "by hand")),
    }
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
    routes
        .service(off)
        .service(on)
        .service(by_hand)
        .service(logout);
    limited::routes(routes);
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
    let client = redis::Client::open(url)?;
    let mut connection = client.get_multiplexed_async_connection().await?;
    let script = limited::Script::load(&mut connection).await?;
    let server = HttpServer::new(move || {
        App::new()
            .app_data(web::Data::new(client.clone()))
            .app_data(web::Data::new(script.clone()))
            .app_data(web::Data::new(connection.clone()))
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
