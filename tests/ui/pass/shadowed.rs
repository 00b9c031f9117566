//! Handlers among items that hide what the expansion would have meant by a short name.

#![allow(dead_code, reason = "these names only have to be there")]

use actix_web::http::Method;
use secure_runtime::{Routes, secured};

type Result<T> = std::result::Result<T, actix_web::Error>;

enum Option {
    None,
    Some,
}

struct String;
struct Policy;
struct Secured;
struct Rule;
struct Call;

trait From {
    fn from(self) -> Self;
    fn into(self) -> Self;
}

impl<T> From for T {
    fn from(self) -> Self {
        self
    }

    fn into(self) -> Self {
        self
    }
}

mod core {}
mod std_of_mine {}
mod secure_runtime_of_mine {}
mod private {}

fn admit() {}
fn respond() {}
fn response() {}
fn drop() {}

macro_rules! concat {
    () => {};
}
macro_rules! file {
    () => {};
}
macro_rules! handlers {
    ($($name:ident)*) => {
        $(
            #[secured(role = "customer")]
            async fn $name() -> &'static str {
                stringify!($name)
            }
        )*
    };
}

handlers! { made by macro_rules }

#[secured(role = "customer", rate = "10/min", max_age = "15min")]
#[actix_web::get("/result")]
async fn result() -> Result<&'static str> {
    Ok("result")
}

fn routes(routes: &mut Routes) {
    routes
        .service(result)
        .route("/made", Method::GET, made)
        .route("/by", Method::GET, by)
        .route("/macro_rules", Method::GET, macro_rules);
}

#[test]
fn every_handler_is_recorded() {
    concat!();
    file!();
    let expected = ["GET /by", "GET /macro_rules", "GET /made", "GET /result"];
    assert_eq!(super::recorded(routes), expected);
}
