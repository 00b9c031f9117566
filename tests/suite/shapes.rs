//! Where the attribute can stand, and what the shield does with what it finds around.

use std::net::{Ipv4Addr, SocketAddr};

use actix_http::Request;
use actix_service::IntoServiceFactory;
use actix_web::{
    App, Error, HttpResponse, Responder,
    body::{self, BoxBody, MessageBody},
    dev::{
        AppConfig, AppService, HttpServiceFactory, ResourceDef, Service, ServiceFactory,
        ServiceRequest, ServiceResponse, fn_service,
    },
    error::ErrorImATeapot,
    get,
    http::{Method, header},
    middleware, route, routes, test, web,
};
use secure_runtime::{
    Principal, Refusal, Routes, Security, Settings, secured,
    settings::Transport,
    testing::{TestResponse, TestService},
};

#[secured(role = "admin")]
#[get("/above")]
async fn above() -> impl Responder {
    "above"
}

#[get("/below")]
#[secured(role = "admin")]
async fn below() -> impl Responder {
    "below"
}

#[secured(role = "admin")]
#[routes]
#[get("/many")]
#[get("/several/{id}")]
#[post("/many")]
async fn many(caller: Principal) -> impl Responder {
    caller.subject().to_owned()
}

#[secured(role = "admin")]
#[route("/route", method = "GET", method = "PUT")]
async fn several_methods() -> Result<&'static str, Error> {
    Ok("route")
}

#[secured(role = "admin")]
async fn bare() -> Result<impl Responder, Error> {
    Ok("bare")
}

#[secured(public, rate = "1000/s")]
#[get("/cached")]
async fn cached() -> impl Responder {
    HttpResponse::Ok()
        .insert_header((header::CACHE_CONTROL, "max-age=60"))
        .insert_header((header::CONTENT_SECURITY_POLICY, "default-src 'self'"))
        .insert_header((header::STRICT_TRANSPORT_SECURITY, "max-age=1"))
        .body("cached")
}

#[secured(public, rate = "1000/s")]
#[get("/failing")]
async fn teapot() -> Result<HttpResponse, Error> {
    Err(ErrorImATeapot("I am a teapot"))
}

fn all_shapes(routes: &mut Routes) {
    routes
        .service(above)
        .service(many)
        .service(several_methods)
        .service(cached)
        .service(teapot)
        .route("/bare", Method::GET, bare)
        .scope("/outer", |outer| {
            outer.service(above).scope("/inner", |inner| {
                inner.service(many).route("/bare", Method::POST, bare);
            });
        });
}

const GUARDED: [(Method, &str); 12] = [
    (Method::GET, "/above"),
    (Method::GET, "/many"),
    (Method::POST, "/many"),
    (Method::GET, "/several/7"),
    (Method::GET, "/route"),
    (Method::PUT, "/route"),
    (Method::GET, "/bare"),
    (Method::GET, "/outer/above"),
    (Method::GET, "/outer/inner/many"),
    (Method::POST, "/outer/inner/many"),
    (Method::GET, "/outer/inner/several/7"),
    (Method::POST, "/outer/inner/bare"),
];

async fn assert_guarded(service: &TestService, routes: &[(Method, &str)]) {
    for (method, path) in routes {
        let call = || service.call(method.clone(), path);
        let nobody = call().send().await;
        nobody.assert_refused(Refusal::CredentialsMissing);
        let customer = call().role("customer").send().await;
        customer.assert_refused(Refusal::RoleMissing);
        let admin = call().role("admin").send().await;
        assert_eq!(admin.status(), 200, "{method} {path}: {}", admin.text());
        assert_fields(&admin, "no-store");
    }
}

/// T5: what every answer carries.
pub(crate) fn assert_fields(response: &TestResponse, cache_control: &str) {
    for (name, value) in [
        ("cache-control", cache_control),
        (
            "content-security-policy",
            "default-src 'none'; frame-ancestors 'none'",
        ),
        ("cross-origin-resource-policy", "same-origin"),
        ("referrer-policy", "no-referrer"),
        ("x-content-type-options", "nosniff"),
        ("x-frame-options", "DENY"),
    ] {
        assert_eq!(response.headers().get_all(name).count(), 1, "{name}");
        assert_eq!(response.header(name), Some(value), "{name}");
    }
    assert!(response.header("permissions-policy").is_some());
    assert_eq!(response.header("server"), None);
    assert_eq!(response.header("x-powered-by"), None);
    assert_eq!(response.header("strict-transport-security"), None);
}

#[actix_web::test]
async fn every_place_of_the_attribute_guards() {
    assert_guarded(&TestService::new(all_shapes).await, &GUARDED).await;
}

#[actix_web::test]
async fn handlers_mounted_by_actix_itself_are_guarded_too() {
    // Without `Routes` there is no compile-time proof, and still every check.
    let service = TestService::of_app(
        |security| security,
        |security| {
            App::new()
                .configure(security.routes(|_| ()))
                .service(above)
                .service(below)
                .service(web::scope("/scope").service(below).service(many))
                .service(web::resource("/resource").route(web::get().to(bare)))
                .route("/route", web::post().to(bare))
                .wrap(security.shield())
        },
    )
    .await;
    let routes = [
        (Method::GET, "/above"),
        (Method::GET, "/below"),
        (Method::GET, "/scope/below"),
        (Method::POST, "/scope/many"),
        (Method::GET, "/resource"),
        (Method::POST, "/route"),
    ];
    assert_guarded(&service, &routes).await;
}

#[actix_web::test]
async fn h19_an_app_without_security_refuses_every_request() {
    let app = test::init_service(
        App::new()
            .service(above)
            .service(below)
            .service(cached)
            .route("/bare", web::get().to(bare)),
    )
    .await;
    for path in ["/above", "/below", "/cached", "/bare"] {
        let response =
            test::call_service(&app, test::TestRequest::get().uri(path).to_request()).await;
        assert_eq!(response.status(), 500, "{path}");
        let body = test::read_body(response).await;
        assert!(body.starts_with(b"{\"type\":\"about:blank\""), "{body:?}");
    }
}

/// A service that is no handler at all.
struct Raw;

impl HttpServiceFactory for Raw {
    fn register(self, config: &mut AppService) {
        let service = fn_service(|request: ServiceRequest| async {
            Ok::<_, Error>(request.into_response(leaky()))
        });
        config.register_service(ResourceDef::new("/raw"), None, service, None);
    }
}

fn leaky() -> HttpResponse {
    HttpResponse::NotFound()
        .insert_header(("x-leak", "leak"))
        .insert_header(("location", "https://leak.test/"))
        .insert_header(("set-cookie", "leak=leak"))
        .body("leak")
}

#[actix_web::test]
async fn what_no_policy_guards_is_withheld_with_all_its_fields() {
    let service = TestService::of_app(
        |security| security,
        |security| {
            App::new()
                .configure(security.routes(all_shapes))
                .route(
                    "/ok",
                    web::get().to(|| async { HttpResponse::Ok().header_leak() }),
                )
                .route(
                    "/moved",
                    web::get().to(|| async {
                        HttpResponse::Found()
                            .insert_header(("location", "https://leak.test/"))
                            .finish()
                    }),
                )
                .route(
                    "/error",
                    web::get().to(|| async { Err::<HttpResponse, _>(ErrorImATeapot("leak")) }),
                )
                .service(web::scope("/scope").default_service(web::to(|| async { "leak" })))
                .service(Raw)
                .wrap(security.shield())
        },
    )
    .await;
    for (path, refusal) in [
        ("/ok", Refusal::Unguarded),
        ("/moved", Refusal::Unguarded),
        ("/error", Refusal::Unguarded),
        ("/scope/x", Refusal::Unguarded),
        // A 404 says that there is nothing, whoever says it.
        ("/raw", Refusal::NotFound),
    ] {
        let response = service.get(path).role("admin").send().await;
        response.assert_refused(refusal);
        assert!(!format!("{response:?}").contains("leak"), "{response:?}");
        assert_fields(&response, "no-store");
    }
    // Beside them the guarded ones still answer.
    assert_guarded(&service, &GUARDED).await;
}

trait HeaderLeak {
    fn header_leak(self) -> HttpResponse;
}

impl HeaderLeak for actix_web::HttpResponseBuilder {
    fn header_leak(mut self) -> HttpResponse {
        self.insert_header(("x-leak", "leak"))
            .insert_header(("content-encoding", "leak"))
            .body("leak")
    }
}

#[actix_web::test]
async fn a_middleware_that_fails_inside_the_shield_is_withheld() {
    async fn fail(
        _: ServiceRequest,
        _: middleware::Next<BoxBody>,
    ) -> Result<ServiceResponse<BoxBody>, Error> {
        Err(ErrorImATeapot("leak"))
    }
    let log = crate::rig::Log::capture();
    let service = TestService::of_app(
        |security| security,
        |security| {
            App::new()
                .configure(security.routes(all_shapes))
                .wrap(middleware::from_fn(fail))
                .wrap(security.shield())
        },
    )
    .await;
    let response = service.get("/above").role("admin").send().await;
    response.assert_refused(Refusal::Unguarded);
    assert!(!format!("{response:?}").contains("leak"), "{response:?}");
    assert_fields(&response, "no-store");
    let records = log.take_audit();
    assert_eq!(records.len(), 1, "{records:?}");
    assert_eq!(records[0].field("event"), Some("sys_unguarded"));
}

#[actix_web::test]
async fn an_app_without_the_shield_still_refuses_at_each_handler() {
    let service = TestService::of_app(
        |security| security,
        |security| App::new().configure(security.routes(all_shapes)),
    )
    .await;
    let response = service.get("/above").send().await;
    response.assert_refused(Refusal::CredentialsMissing);
    assert_eq!(response.header("cache-control"), Some("no-store"));
}

#[actix_web::test]
async fn t05_every_answer_has_the_fields_of_an_api() {
    let service = TestService::new(all_shapes).await;
    for (method, path) in GUARDED {
        assert_fields(&service.call(method, path).send().await, "no-store");
    }
    for response in [
        service.get("/nothing").send().await,
        service.delete("/above").send().await,
    ] {
        assert_fields(&response, "no-store");
    }
    let failing = service.get("/failing").send().await;
    assert_eq!(failing.status(), 418);
    assert_fields(&failing, "no-store");
}

#[actix_web::test]
async fn what_a_handler_sets_itself_stands_but_for_hsts() {
    let service = TestService::new(all_shapes).await;
    let response = service.get("/cached").send().await;
    assert_eq!(response.text(), "cached");
    assert_eq!(response.header("cache-control"), Some("max-age=60"));
    assert_eq!(
        response.header("content-security-policy"),
        Some("default-src 'self'")
    );
    assert_eq!(response.header("strict-transport-security"), None);
}

/// Starts an app as behind a listener with TLS.
async fn over_tls<T, B>(
    app: App<T>,
) -> impl Service<Request, Response = ServiceResponse<B>, Error = Error>
where
    T: ServiceFactory<
            ServiceRequest,
            Config = (),
            Response = ServiceResponse<B>,
            Error = Error,
            InitError = (),
        > + 'static,
    B: MessageBody + 'static,
{
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, 8443));
    let config = AppConfig::__priv_test_new(true, "localhost".to_owned(), address);
    app.into_factory().new_service(config).await.unwrap()
}

#[actix_web::test]
async fn t03_hsts_is_sent_once_over_tls() {
    let security = Security::builder().build().unwrap();
    let app = over_tls(
        App::new()
            .configure(security.routes(all_shapes))
            .wrap(security.shield()),
    )
    .await;
    for (path, status) in [("/cached", 200), ("/nothing", 404), ("/failing", 418)] {
        let request = test::TestRequest::get().uri(path).to_request();
        let response = app.call(request).await.unwrap();
        assert_eq!(response.status(), status, "{path}");
        let fields: Vec<_> = response
            .headers()
            .get_all("strict-transport-security")
            .collect();
        assert_eq!(fields, ["max-age=63072000; includeSubDomains"], "{path}");
    }
}

#[actix_web::test]
async fn t03_hsts_is_sent_where_a_trusted_proxy_ends_tls() {
    let service = TestService::with(all_shapes, |security| {
        let mut settings = Settings::default();
        settings.server.transport = Transport::BehindProxy;
        settings.client_address.trusted_proxies = vec!["127.0.0.1/32".parse().unwrap()];
        security.settings(settings)
    })
    .await;
    let secure = service
        .get("/cached")
        .header("x-forwarded-proto", "https")
        .send()
        .await;
    assert_eq!(secure.status(), 200);
    assert_eq!(
        secure.header("strict-transport-security"),
        Some("max-age=63072000; includeSubDomains")
    );
    // Without TLS it must not be sent (RFC 6797 section 7.2), nor where somebody else says so.
    for (proto, peer) in [("http", "127.0.0.1"), ("https", "203.0.113.1")] {
        let insecure = service
            .get("/cached")
            .header("x-forwarded-proto", proto)
            .peer(peer.parse().unwrap())
            .send()
            .await;
        insecure.assert_refused(Refusal::HttpsRequired);
        assert_eq!(insecure.header("strict-transport-security"), None);
    }
}

#[actix_web::test]
async fn the_reason_of_unguarded_services_is_all_that_lets_them_pass() {
    let service = TestService::new(|routes| {
        routes.unguarded("/static", "public files", |config| {
            config.route("/file", web::get().to(|| async { "file" }));
        });
    })
    .await;
    let file = service.get("/static/file").send().await;
    assert_eq!(file.text(), "file");
    assert_fields(&file, "no-store");
    service
        .get("/file")
        .send()
        .await
        .assert_refused(Refusal::NotFound);
}

#[actix_web::test]
async fn a_withheld_response_is_dropped_unread() {
    /// A body that must not be asked for anything.
    struct Untouchable;
    impl MessageBody for Untouchable {
        type Error = Error;
        fn size(&self) -> body::BodySize {
            body::BodySize::Stream
        }
        fn poll_next(
            self: std::pin::Pin<&mut Self>,
            _: &mut std::task::Context<'_>,
        ) -> std::task::Poll<Option<Result<bytes::Bytes, Error>>> {
            panic!("the body of a withheld response was read")
        }
    }
    let service = TestService::of_app(
        |security| security,
        |security| {
            App::new()
                .configure(security.routes(all_shapes))
                .route(
                    "/stream",
                    web::get().to(|| async { HttpResponse::Ok().body(BoxBody::new(Untouchable)) }),
                )
                .wrap(security.shield())
        },
    )
    .await;
    let response = service.get("/stream").send().await;
    response.assert_refused(Refusal::Unguarded);
}
