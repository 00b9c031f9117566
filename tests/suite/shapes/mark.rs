//! The mark by which the shield knows a response that a policy has let through: what keeps it, and
//! what has none.

use std::{cell::RefCell, mem, rc::Rc};

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

fn routes(routes: &mut Routes) {
    routes.service(plain);
    routes.unguarded("/static", "public files", |config| {
        config.route("/file", web::get().to(|| async { "guarded" }));
    });
}

const PATHS: [&str; 2] = ["/plain", "/static/file"];

/// What a middleware makes of a guarded response.
type Change = fn(HttpResponse) -> HttpResponse;

/// An app with a middleware of the user's inside the shield.
async fn with(change: Change) -> TestService {
    TestService::of_app(
        |security| security,
        move |security| {
            App::new()
                .configure(security.routes(routes))
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
    let changes: [(&str, Change); 5] = [
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
    let changes: [(&str, Change); 6] = [
        ("nothing", |guarded| guarded),
        ("its status", |mut guarded| {
            *guarded.status_mut() = StatusCode::ACCEPTED;
            guarded
        }),
        ("its reason phrase", |mut guarded| {
            guarded.head_mut().reason = Some("Fine");
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

/// A mark is good for the response that it was put on: a middleware that keeps copies of the heads of
/// guarded responses, and answers with them itself, answers unguarded.
#[actix_web::test]
async fn a_replay_of_a_guarded_response_is_withheld() {
    let kept: Rc<RefCell<Option<ResponseHead>>> = Rc::default();
    let cache = Rc::clone(&kept);
    let service = TestService::of_app(
        |security| security,
        move |security| {
            let cache = Rc::clone(&cache);
            App::new()
                .configure(security.routes(routes))
                .wrap(from_fn(
                    move |request: ServiceRequest, next: Next<BoxBody>| {
                        let cache = Rc::clone(&cache);
                        async move {
                            let kept = cache.borrow().clone();
                            let Some(head) = kept else {
                                let response = next.call(request).await?;
                                *cache.borrow_mut() = Some(response.response().head().clone());
                                return Ok(response);
                            };
                            let mut replayed = leak();
                            *replayed.head_mut() = head;
                            Ok(request.into_response(replayed))
                        }
                    },
                ))
                .wrap(security.shield())
        },
    )
    .await;
    for path in PATHS {
        kept.take();
        assert_eq!(service.get(path).send().await.text(), "guarded");
        for _ in 0..100 {
            let response = service.get(path).send().await;
            response.assert_refused(Refusal::Unguarded);
        }
    }
}

/// Who empties the extensions has taken the mark off: the answer is withheld, as without any.
#[actix_web::test]
async fn a_mark_that_is_removed_is_none() {
    let emptied = with(|mut guarded| {
        guarded.extensions_mut().clear();
        guarded
    });
    let emptied = emptied.await;
    for path in PATHS {
        let response = emptied.get(path).send().await;
        response.assert_refused(Refusal::Unguarded);
    }
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
