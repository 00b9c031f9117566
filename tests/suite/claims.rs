//! Routes that cannot be told apart do not start: one that no request reaches, and two handlers
//! that would count together. What actix does is asked of actix.

use actix_web::{
    App, Responder, get,
    guard::GuardContext,
    http::{Method, header::ACCEPT},
    route,
};
use secure_runtime::{Manifest, Policy, Routes, Security, Settings, secured, testing::TestService};

use crate::rig::{judged, public};

#[secured(public)]
async fn first() -> impl Responder {
    "first"
}

#[secured(public)]
async fn second() -> impl Responder {
    "second"
}

/// Leaves most requests to others.
fn asks_for_text(context: &GuardContext<'_>) -> bool {
    context.head().headers().get(ACCEPT).is_some()
}

#[secured(public)]
#[get("/", guard = "asks_for_text")]
async fn text_first() -> impl Responder {
    "first"
}

#[secured(public)]
#[get("/", guard = "asks_for_text")]
async fn text_second() -> impl Responder {
    "second"
}

#[secured(public)]
#[route("/", method = "PUT", method = "GET")]
async fn any_first() -> impl Responder {
    "first"
}

#[secured(public)]
#[get("/")]
async fn any_second() -> impl Responder {
    "second"
}

fn get_routes(routes: &mut Routes, first_path: &str, second_path: &str) {
    routes
        .route(first_path, Method::GET, first)
        .route(second_path, Method::GET, second);
}

type Describe = fn(&mut Routes);

/// The row whose second handler gets what a guard leaves.
const GUARDED: usize = 27;

/// What is registered, a path at which the second might answer, and whether it is out of reach.
const TABLE: [(Describe, &str, bool); 31] = [
    (|r| get_routes(r, "/a", "/a"), "/a", true),
    (|r| get_routes(r, "a", "/a"), "/a", true),
    (|r| get_routes(r, "/{id}", "/{name}"), "/a", true),
    (|r| get_routes(r, "/{id}", "/new"), "/new", true),
    (|r| get_routes(r, "/x/{a}/{b}", "/x/{b}/y"), "/x/1/y", true),
    (|r| get_routes(r, "/{rest}*", "/a/b"), "/a/b", true),
    (|r| get_routes(r, "/{n:\\d+}", "/{id:\\d+}"), "/7", true),
    (|r| get_routes(r, "/{n:\\d+}", "/7"), "/7", true),
    // A pattern that takes everything is the widest there is.
    (|r| get_routes(r, "/{rest}*", "/{id}"), "/a", true),
    (|r| get_routes(r, "/{rest:.*}", "/s/{id}"), "/s/a", true),
    (
        |r| get_routes(r, "/x/{rest:.*}", "/x/{id}/y"),
        "/x/1/y",
        true,
    ),
    (
        |r| get_routes(r, "/{a}/{rest}*", "/{a}/{n:\\d+}"),
        "/x/1",
        true,
    ),
    (|r| get_routes(r, "/x/{rest}*", "/{id}/y"), "/a/y", false),
    (|r| get_routes(r, "/{a}/{rest}*", "/{b}"), "/x", false),
    // The narrower first; what an expression tells apart; other segments.
    (|r| get_routes(r, "/new", "/{id}"), "/old", false),
    (
        |r| get_routes(r, "/{n:\\d{1}}", "/{n:\\d{2}}"),
        "/77",
        false,
    ),
    (|r| get_routes(r, "/{n:\\d+}", "/{id}"), "/a", false),
    (|r| get_routes(r, "/{id}", "/{n:.*}"), "/a/b", false),
    (|r| get_routes(r, "/{id}", "/{rest}*"), "/a/b", false),
    (|r| get_routes(r, "/a", "/a/"), "/a/", false),
    (|r| get_routes(r, "/x{id}", "/{id}"), "/a", false),
    // Scopes keep what is below them.
    (
        |r| {
            r.unguarded("/{rest:.*}", "public files", |_| ());
            r.route("/admin", Method::GET, second);
        },
        "/admin",
        true,
    ),
    (
        |r| {
            r.scope("/s", |s| {
                s.route("/a", Method::GET, first);
            });
            r.scope("/s", |s| {
                s.route("/b", Method::GET, second);
            });
        },
        "/s/b",
        true,
    ),
    (
        |r| {
            r.scope("/{tenant}", |s| {
                s.route("/a", Method::GET, first);
            });
            r.route("/s/b", Method::GET, second);
        },
        "/s/b",
        true,
    ),
    (
        |r| {
            r.unguarded("/s", "public files", |_| ());
            r.scope("/s/t", |s| {
                s.route("/b", Method::GET, second);
            });
        },
        "/s/t/b",
        true,
    ),
    (
        |r| {
            r.scope("", |s| {
                s.route("/a", Method::GET, first);
            });
            r.route("/b", Method::GET, second);
        },
        "/b",
        true,
    ),
    (
        |r| {
            r.scope("/s", |s| {
                s.scope("/t", |t| {
                    t.route("/a", Method::GET, first);
                });
                s.route("/tb", Method::GET, second);
            });
        },
        "/s/tb",
        false,
    ),
    // Guards and methods leave requests to others.
    (
        |r| {
            r.service(text_first).service(any_second);
        },
        "/",
        false,
    ),
    (
        |r| {
            r.service(any_first).service(any_second);
        },
        "/",
        true,
    ),
    (
        |r| {
            r.service(any_first).service(text_second);
        },
        "/",
        true,
    ),
    (
        |r| {
            r.route("/a", Method::POST, first)
                .route("/a", Method::GET, second);
        },
        "/a",
        false,
    ),
];

fn check(describe: Describe) -> Result<(), String> {
    let mut settings = Settings::default();
    settings.danger.plaintext = true;
    let security = Security::builder().settings(settings).build().unwrap();
    let checked = security.check(&Manifest::of(describe));
    checked.map_err(|error| error.to_string())
}

#[actix_web::test]
async fn what_no_request_reaches_does_not_start() {
    for (place, (describe, path, is_unreachable)) in TABLE.into_iter().enumerate() {
        let checked = check(describe);
        assert_eq!(checked.is_err(), is_unreachable, "row {place}: {checked:?}");
        // The same without the check: what does actix do?
        let app = |security: &Security| {
            App::new()
                .configure(security.routes(describe))
                .wrap(security.shield())
        };
        let service = TestService::of_app(|builder| builder, app).await;
        for accept in [None, Some("text/plain")] {
            let mut request = service.get(path);
            if let Some(accept) = accept {
                request = request.header("accept", accept);
            }
            let is_second = request.send().await.text() == "second";
            let goes_to_first = is_unreachable || (place == GUARDED && accept.is_some());
            assert_eq!(is_second, !goes_to_first, "row {place}");
        }
    }
}

#[test]
fn both_handlers_are_named_with_file_and_line() {
    let text = check(|routes| {
        get_routes(routes, "/items/{id}", "/items/{item}");
        routes.scope("/admin", |_| ());
        routes.route("/admin", Method::POST, second);
    });
    let text = text.unwrap_err();
    assert!(text.contains("2 mistakes"), "{text}");
    let line = |handler: Describe| {
        let manifest = Manifest::of(handler);
        let policy = manifest.routes().next().unwrap().policy;
        format!("{}:{}", policy.file, policy.line)
    };
    let one = line(|routes| {
        routes.route("/", Method::GET, first);
    });
    let other = line(|routes| {
        routes.route("/", Method::GET, second);
    });
    for part in [
        format!("`GET /items/{{item}}` ({other}): `suite::claims::second` never runs"),
        format!(
            "`GET /items/{{id}}`, which was registered before, takes its requests for `suite::claims::first` ({one})"
        ),
        format!("`POST /admin` ({other}): `suite::claims::second` never runs: the scope `/admin`"),
    ] {
        assert!(text.contains(&part), "{part}\n{text}");
    }
}

/// The compiler calls both of them `suite::claims::save`.
fn of_orders(routes: &mut Routes) {
    #[secured(public)]
    async fn save() -> impl Responder {
        "order"
    }
    routes.route("/orders", Method::POST, save);
}

fn of_items(routes: &mut Routes) {
    #[secured(public)]
    async fn save() -> impl Responder {
        "item"
    }
    routes.route("/items", Method::POST, save);
    routes.route("/items/{id}", Method::PUT, save);
}

#[test]
fn l9_handlers_that_would_count_together_do_not_start() {
    let text = check(|routes| {
        of_orders(routes);
        of_items(routes);
    });
    let text = text.unwrap_err();
    assert!(text.contains("1 mistake"), "{text}");
    assert!(text.contains("`POST /orders`"), "{text}");
    assert!(
        text.contains("another handler is called `suite::claims::save`"),
        "{text}"
    );
    assert_eq!(text.matches(file!()).count(), 2, "{text}");
    assert!(text.contains("count together"), "{text}");
    // One handler may have as many routes as it likes.
    assert_eq!(check(of_items), Ok(()));
    // What nobody counts cannot be counted together.
    let uncounted = |routes: &mut Routes| {
        for path in ["/a", "/b"] {
            let policy: &Policy = Box::leak(Box::new(public()));
            routes.route(path, Method::GET, judged(move || policy));
        }
    };
    assert_eq!(check(uncounted), Ok(()));
}

#[secured(public, rate = "2/min")]
async fn twice() -> impl Responder {
    ""
}

#[actix_web::test]
async fn l9_the_routes_of_one_handler_count_together() {
    let service = TestService::new(|routes| {
        routes.route("/a", Method::GET, twice);
        routes.route("/b", Method::DELETE, twice);
    })
    .await;
    assert_eq!(service.get("/a").send().await.status(), 200);
    assert_eq!(service.delete("/b").send().await.status(), 200);
    assert_eq!(service.get("/a").send().await.status(), 429);
}
