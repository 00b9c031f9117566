//! A process of its own that shares its limits: `limits-under-test REDIS INSTANCES`.
//!
//! It says its port, and then that it knows of so many instances. It ends with its input, and so
//! with whoever has started it.

use std::{
    env,
    error::Error,
    io::{self, Read},
    thread,
    time::Duration,
};

use actix_web::{App, HttpServer, Responder, get};
use secure_runtime::{Routes, Security, Settings, secured, settings::RedisSettings};

#[secured(public, rate = "100/s burst 50 per route", outage = "deny")]
#[get("/exact")]
async fn exact() -> impl Responder {
    "ok"
}

#[secured(public, rate = "1000/min per route leased", outage = "deny")]
#[get("/leased")]
async fn leased() -> impl Responder {
    "ok"
}

#[secured(public, rate = "20/s burst 40 per route", outage = "local")]
#[get("/share")]
async fn share() -> impl Responder {
    "ok"
}

fn routes(routes: &mut Routes) {
    routes.service(exact).service(leased).service(share);
}

#[actix_web::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = env::args().skip(1);
    let url = arguments.next().ok_or("where is Redis?")?;
    let instances: u32 = arguments.next().ok_or("how many?")?.parse()?;
    let mut settings = Settings::default();
    settings.danger.plaintext = true;
    settings.redis = Some(RedisSettings::new(url.as_str()));
    let security = Security::builder().settings(settings).build()?;
    let presence = security.clone();
    let server = HttpServer::new(move || {
        App::new()
            .configure(security.routes(routes))
            .wrap(security.shield())
    })
    .workers(1)
    .bind(("127.0.0.1", 0))?;
    println!("{}", server.addrs().first().ok_or("no address")?.port());
    thread::spawn(move || {
        let known = || presence.limits().instances();
        while known().is_none_or(|known| known.get() != instances) {
            thread::sleep(Duration::from_millis(5));
        }
        println!("ready");
        io::stdin().read_to_end(&mut Vec::new()).ok();
        std::process::exit(0);
    });
    server.run().await?;
    Ok(())
}
