//! Shapes that must compile, without a warning, and do what they say.

mod allow;
mod attributes;
mod below;
mod login;
mod methods;
mod names;
mod outputs;
mod parameters;
mod several_routes;
mod shadowed;
mod visibility;

use actix_web::http::Method;
use secure_runtime::{Manifest, Routes, testing::TestService};

/// Method and path of every route, in the order of the lock file.
fn recorded(routes: impl FnOnce(&mut Routes)) -> Vec<String> {
    let manifest = Manifest::of(routes);
    let routes = manifest.routes();
    routes
        .map(|route| format!("{} {}", route.method, route.path))
        .collect()
}

/// What an authenticated caller is told.
async fn told(routes: fn(&mut Routes), method: Method, path: &str) -> String {
    let service = TestService::new(routes).await;
    let call = service.call(method, path).subject("ada");
    call.send().await.text().to_owned()
}
