//! Guarded routes in an app of your own: `cargo run --example existing_app`.

use actix_web::{
    App, HttpResponse, Responder, body, get,
    test::{self, TestRequest},
    web,
};
use secure_runtime::{Manifest, Routes, Security, Settings, secured};

#[secured(public)]
#[get("/guarded")]
async fn guarded() -> impl Responder {
    "guarded"
}

fn routes(routes: &mut Routes) {
    routes.service(guarded);
    // Services that no policy guards have a prefix and a reason, and stand in the lock file.
    routes.unguarded("/assets", "the same files for everybody", |assets| {
        assets.route("/logo", web::get().to(|| async { "a logo" }));
    });
}

#[actix_web::main]
async fn main() -> Result<(), secure_runtime::Error> {
    let settings = Settings::from_toml("[danger]\nplaintext = true")?; // no TLS in this process
    let security = Security::from_settings(settings).await?;
    // `Server` does this before it starts. Without it, what is missing is refused at run time.
    security.check(&Manifest::of(routes))?;

    let app = App::new()
        .configure(security.routes(routes))
        // A handler that somebody forgot: the shield withholds what it answers.
        .route("/forgotten", web::get().to(HttpResponse::Ok))
        .wrap(security.shield());
    let app = test::init_service(app).await;

    for (path, status, text) in [
        ("/guarded", 200, "guarded"),
        ("/assets/logo", 200, "a logo"),
        ("/forgotten", 500, "not configured"),
        ("/nowhere", 404, "problem"),
    ] {
        let request = TestRequest::with_uri(path).to_request();
        let response = test::call_service(&app, request).await;
        assert_eq!(response.status(), status, "{path}");
        let headers = response.headers().clone();
        assert!(headers.contains_key("content-security-policy"), "{path}");
        let body = body::to_bytes(response.into_body())
            .await
            .unwrap_or_default();
        let answer = format!("{headers:?}{}", String::from_utf8_lossy(&body));
        assert!(answer.contains(text), "{path}: {answer}");
    }
    Ok(())
}
