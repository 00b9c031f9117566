//! The reference service, configured by `secure.toml` and the environment like any other.

use actix_web::web;
use secure_examples::shop::{self, Store};
use secure_runtime::{Error, Security, Server, Settings};

#[actix_web::main]
async fn main() -> Result<(), Error> {
    tracing_subscriber::fmt().init();
    let security = Security::from_settings(Settings::load()?).await?;
    let store = web::Data::new(Store::default());
    Server::new(security, shop::routes(store)).run().await
}
