//! What the shield withholds, and what it adds to every answer.

use super::*;

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
