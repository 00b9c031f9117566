//! Two shops and a Redis on this machine, and a tour of what they tell each other:
//! `cargo run --features redis --bin cluster`.
//!
//! It starts a `redis-server` of its own, and itself twice more as a shop. All of them end with it.

mod children;
mod steps;

use std::{env, error::Error, process::ExitCode};

use actix_web::web;
use secure_examples::shop::{self, Store};
use secure_runtime::{Security, Server, Settings};

type Result<T = ()> = std::result::Result<T, Box<dyn Error>>;

#[actix_web::main]
async fn main() -> ExitCode {
    let outcome = match env::args().nth(1).as_deref() {
        None => steps::run().await,
        Some(children::SHOP) => serve().await.map(|()| 0),
        Some(other) => Err(format!("unknown argument `{other}`: give none").into()),
    };
    match outcome {
        Ok(0) => ExitCode::SUCCESS,
        Ok(_) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

/// One of the shops. It says where it listens.
async fn serve() -> Result {
    let security = Security::from_settings(Settings::load()?).await?;
    let store = web::Data::new(Store::default());
    let running = Server::new(security, shop::routes(store)).start().await?;
    let address = running
        .addresses()
        .first()
        .ok_or("the server does not listen")?;
    println!("{}", address.port());
    children::end_with_parent();
    running.wait().await?;
    Ok(())
}
