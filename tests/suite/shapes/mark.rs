//! The mark by which the shield knows a response that a policy has let through: what keeps it, and
//! what has none.

use std::mem;

use actix_web::{
    FromRequest, HttpRequest,
    dev::{Payload, ResponseHead},
    http::StatusCode,
    middleware::{Next, from_fn},
};
use secure_runtime::private::Call;

use super::*;

#[secured(public, rate = "1000/s")]
#[get("/plain")]
async fn plain() -> impl Responder {
    "guarded"
}

/// Its mark is elsewhere: the phrase is its own.
#[secured(public, rate = "1000/s")]
#[get("/phrase")]
async fn phrase() -> impl Responder {
    HttpResponse::Ok().reason("Fine").body("guarded")
}

fn both(routes: &mut Routes) {
    routes.service(plain).service(phrase);
    routes.unguarded("/static", "public files", |config| {
        config.route("/file", web::get().to(|| async { "guarded" }));
    });
}

const PATHS: [&str; 3] = ["/plain", "/phrase", "/static/file"];

/// What a middleware makes of a guarded response.
type Change = fn(HttpResponse) -> HttpResponse;

/// An app with a middleware of the user's inside the shield.
async fn with(change: Change) -> TestService {
    TestService::of_app(
        |security| security,
        move |security| {
            App::new()
                .configure(security.routes(both))
                .wrap(from_fn(
                    move |request: ServiceRequest, next: Next<BoxBody>| async move {
                        let (request, response) = next.call(request).await?.into_parts();
                        Ok(ServiceResponse::new(request, change(response)))
                    },
                ))
                .wrap(security.shield())
        },
    )
    .await
}

fn leak() -> HttpResponse {
    HttpResponse::Ok().body("leak")
}

#[actix_web::test]
async fn what_a_middleware_puts_in_place_of_a_guarded_response_is_withheld() {
    let changes: [(&str, Change); 7] = [
        ("another response", |_guarded| leak()),
        ("another in the same memory", |guarded| {
            let head = |response: &HttpResponse| std::ptr::from_ref(response.head());
            let before = head(&guarded);
            drop(guarded);
            let another = leak();
            assert_eq!(before, head(&another), "actix keeps the memory of heads");
            another
        }),
        ("a copy of the head", |guarded| {
            let mut another = leak();
            *another.head_mut() = ResponseHead::clone(guarded.head());
            another
        }),
        ("a copy of the phrase", |guarded| {
            let mut another = leak();
            another.head_mut().reason = guarded.head().reason;
            another
        }),
        ("copies of the fields", |guarded| {
            let mut another = leak();
            for (name, value) in guarded.headers() {
                another.headers_mut().append(name.clone(), value.clone());
            }
            another
        }),
        ("the head itself, moved", |mut guarded| {
            let mut another = leak();
            mem::swap(another.head_mut(), guarded.head_mut());
            another
        }),
        ("blanks", |guarded| {
            static BLANKS: [u8; 8192] = [b' '; 8192];
            let mut another = leak();
            let length = guarded.head().reason.map_or(1, str::len);
            another.head_mut().reason = std::str::from_utf8(&BLANKS[..length]).ok();
            another
        }),
    ];
    for (change, made) in changes {
        let service = with(made).await;
        for path in PATHS {
            let response = service.get(path).send().await;
            response.assert_refused(Refusal::Unguarded);
            assert!(!format!("{response:?}").contains("leak"), "{change} {path}");
        }
    }
}

#[actix_web::test]
async fn what_a_middleware_changes_about_a_guarded_response_stays_guarded() {
    let changes: [(&str, Change); 5] = [
        ("nothing", |guarded| guarded),
        ("its status", |mut guarded| {
            *guarded.status_mut() = StatusCode::ACCEPTED;
            guarded
        }),
        ("its fields", |mut guarded| {
            guarded.headers_mut().clear();
            guarded
        }),
        ("its body", |guarded| {
            guarded.set_body(BoxBody::new("other"))
        }),
        ("its body, through another type", |guarded| {
            let (head, body) = guarded.into_parts();
            head.set_body(body).map_into_boxed_body()
        }),
    ];
    for (change, made) in changes {
        let service = with(made).await;
        for path in PATHS {
            let response = service.get(path).send().await;
            assert!(response.status().is_success(), "{change} {path}");
            assert!(matches!(response.text(), "guarded" | "other"), "{change}");
        }
    }
}

/// Who overwrites the mark has taken it off: the answer is withheld, as without any.
#[actix_web::test]
async fn a_mark_that_is_overwritten_is_none() {
    let overwritten = with(|mut guarded| {
        guarded.head_mut().reason = Some("OK");
        guarded
    });
    let response = overwritten.await.get("/plain").send().await;
    response.assert_refused(Refusal::Unguarded);
    let emptied = with(|mut guarded| {
        guarded.extensions_mut().clear();
        guarded
    });
    let emptied = emptied.await;
    let response = emptied.get("/phrase").send().await;
    response.assert_refused(Refusal::Unguarded);
    assert_eq!(emptied.get("/plain").send().await.text(), "guarded");
}

/// The phrases that would be written for [`PATHS`].
async fn phrases<T, B>(app: App<T>) -> Vec<(u16, Option<&'static str>)>
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
    let app = shield::over_tls(app).await;
    let mut phrases = Vec::new();
    for path in PATHS {
        let request = test::TestRequest::get().uri(path).to_request();
        let response = app.call(request).await.unwrap();
        let head = response.response().head();
        phrases.push((head.status.as_u16(), head.reason));
    }
    phrases
}

#[actix_web::test]
async fn nobody_outside_sees_the_mark() {
    const AS_MADE: [(u16, Option<&str>); 3] = [(200, None), (200, Some("Fine")), (200, None)];
    let security = Security::builder().build().unwrap();
    let app = || App::new().configure(security.routes(both));
    assert_eq!(phrases(app().wrap(security.shield())).await, AS_MADE);
    // Both look for it.
    let twice = app().wrap(security.shield()).wrap(security.shield());
    assert_eq!(phrases(twice).await, AS_MADE);
    // Nobody does.
    assert_eq!(phrases(app()).await, AS_MADE);
}

/// glibc gives and takes back boxes of up to 1032 bytes without looking for room; actix puts about
/// a hundred of its own beside the handler.
#[actix_web::test]
async fn the_future_of_a_handler_is_small() {
    let request: HttpRequest = test::TestRequest::get().to_http_request();
    let Ok(call) = Call::from_request(&request, &mut Payload::None).await;
    let size = size_of_val(&bare(call));
    assert!(size <= 900, "{size}");
}
