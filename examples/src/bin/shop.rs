//! The reference service, configured by `secure.toml` and the environment like any other.
//!
//! `SECURE_SETTINGS=examples/secure.toml cargo run --bin shop` starts it on this machine.

use std::process::ExitCode;

use actix_web::web;
use secure_examples::shop::{self, Store};
use secure_runtime::{Error, Security, Server, Settings};

#[actix_web::main]
async fn main() -> ExitCode {
    tracing_subscriber::fmt().init();
    match serve().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            if needs_key(&error) {
                eprintln!("\n`cargo run --bin shop-token -- --sub ann` makes development keys");
            }
            ExitCode::FAILURE
        }
    }
}

async fn serve() -> Result<(), Error> {
    let security = Security::from_settings(Settings::load()?).await?;
    let store = web::Data::new(Store::default());
    Server::new(security, shop::routes(store)).run().await
}

/// Whether the file of a key cannot be read.
fn needs_key(error: &Error) -> bool {
    match error {
        Error::Settings(mistakes) => mistakes.iter().any(|mistake| {
            let key = mistake.key();
            key.ends_with("public_key_file") || key.ends_with("private_key_file")
        }),
        _ => false,
    }
}
