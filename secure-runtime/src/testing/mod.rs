//! What you need to test your own policies: tokens with any claim wrong on demand, a service to
//! call in process, a clock moved by hand, and the lock file.
//!
//! ```
//! use actix_web::{get, Responder};
//! use secure_runtime::{Refusal, Routes, secured, testing::TestService};
//!
//! #[secured(role = "admin")]
//! #[get("/report")]
//! async fn report() -> impl Responder {
//!     "all is well"
//! }
//!
//! fn routes(routes: &mut Routes) {
//!     routes.service(report);
//! }
//!
//! # #[actix_web::main]
//! # async fn main() {
//! let service = TestService::new(routes).await;
//! service.get("/report").send().await.assert_refused(Refusal::CredentialsMissing);
//! service.get("/report").role("customer").send().await.assert_refused(Refusal::RoleMissing);
//! assert_eq!(service.get("/report").role("admin").send().await.text(), "all is well");
//! # }
//! ```
//!
//! Everything here panics where a test should stop.

#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    reason = "a test stops at the first thing that is not as it should be"
)]

mod lock;
#[cfg(feature = "otp")]
mod otp;
mod service;
mod tokens;

pub use lock::assert_policy_lock;
#[cfg(feature = "otp")]
pub use otp::one_time_code;
pub use service::{TestCall, TestResponse, TestService};
pub use tokens::{Token, Tokens};
