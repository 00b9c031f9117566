//! The record of the routes: whether it tells the truth about what actix serves, and whether the
//! lock file sees each change.

use std::panic;

use actix_web::{
    App, HttpRequest, Responder,
    dev::{Service, ServiceResponse},
    get,
    http::Method,
    middleware,
    test::{TestRequest, init_service},
    web,
};
use proptest::{prelude::*, test_runner::TestRunner};
use secure_examples::shop;
use secure_runtime::{
    Access, Change, InputKind, InputPolicy, Manifest, Per, Policy, Quota, Routes, Rule, Security,
    Settings, secured,
    testing::{TestService, assert_policy_lock},
};

use crate::rig::{judged, public};

#[test]
fn the_shop_demands_what_its_lock_file_says() {
    let store = web::Data::new(shop::Store::default());
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/../examples/policy.lock");
    assert_policy_lock(file, shop::routes(store));
}

fn leak(policy: Policy) -> &'static Policy {
    Box::leak(Box::new(policy))
}

/// The record of one route with this policy.
fn manifest_of(policy: Policy) -> Manifest {
    let policy = leak(policy);
    Manifest::of(|routes| {
        routes.route("/x", Method::GET, judged(move || policy));
    })
}

const QUOTA: Quota = Quota {
    name: "10/min",
    limit: 10,
    period_seconds: 60,
    burst: 10,
    per: Per::User,
    sharing: secure_runtime::Sharing::Exact,
};
const BODY: InputPolicy = InputPolicy {
    name: "body",
    kind: InputKind::Body,
};
const RAW: InputPolicy = InputPolicy {
    name: "body",
    kind: InputKind::BodyUnvalidated,
};

fn admin() -> Policy {
    Policy {
        access: Access::Authenticated {
            roles: Some(Rule::Has {
                name: "admin",
                satisfied_by: &["admin"],
            }),
            scopes: None,
            max_age: Some(std::time::Duration::from_secs(900)),
            factors: None,
            revocation: secure_runtime::Revocation::Within(std::time::Duration::from_secs(2)),
        },
        quotas: &[QUOTA],
        inputs: &[BODY],
        ..public()
    }
}

fn access(policy: &mut Policy) -> (&mut Option<Rule>, &mut Option<std::time::Duration>) {
    let Access::Authenticated { roles, max_age, .. } = &mut policy.access else {
        unreachable!()
    };
    (roles, max_age)
}

type Edit = fn(&mut Policy);

#[test]
fn each_kind_of_difference_is_named() {
    use Change::*;
    const SUPPORT: Rule = Rule::Has {
        name: "support",
        satisfied_by: &["support", "admin"],
    };
    let edits: [(&str, Edit, Change, Change); 12] = [
        (
            "access",
            |p| p.access = Access::Public { reason: None },
            Weakened,
            Strengthened,
        ),
        ("role", |p| *access(p).0 = None, Weakened, Strengthened),
        (
            "role",
            |p| *access(p).0 = Some(SUPPORT),
            Weakened,
            Strengthened,
        ),
        ("max_age", |p| *access(p).1 = None, Weakened, Strengthened),
        ("rate", |p| p.quotas = &[], Weakened, Strengthened),
        (
            "rate",
            |p| p.quotas = &[Quota { limit: 20, ..QUOTA }],
            Weakened,
            Strengthened,
        ),
        (
            "rate",
            |p| p.quotas = &[Quota { burst: 9, ..QUOTA }],
            Strengthened,
            Weakened,
        ),
        (
            "rate",
            |p| {
                p.quotas = &[Quota {
                    per: Per::Ip,
                    ..QUOTA
                }]
            },
            Changed,
            Changed,
        ),
        ("max_body", |p| p.max_body = 2000, Weakened, Strengthened),
        ("unvalidated", |p| p.inputs = &[RAW], Weakened, Strengthened),
        ("allow", |p| p.allow = Some(ALLOW), Strengthened, Weakened),
        ("handler", |p| p.handler = "other", Changed, Changed),
    ];
    const ALLOW: secure_runtime::AllowRule = secure_runtime::AllowRule {
        text: "owns(&caller)",
        hide: false,
    };
    let before = manifest_of(admin());
    for (key, edit, there, back) in edits {
        let mut policy = admin();
        edit(&mut policy);
        let after = manifest_of(policy);
        for (old, new, expected) in [(&before, &after, there), (&after, &before, back)] {
            let differences = new.differences(&old.lock());
            let [difference] = &differences[..] else {
                panic!("{key}: {differences:?}");
            };
            assert_eq!(difference.change, expected, "{key}: {difference}");
            assert_eq!(difference.route, "GET /x");
            assert!(
                difference.lines.iter().any(|line| line.0 == key),
                "{difference}"
            );
            assert!(difference.to_string().starts_with(&expected.to_string()));
        }
    }
}

#[test]
fn routes_that_come_and_go_are_named() {
    let empty = Manifest::of(|_| ());
    let one = manifest_of(admin());
    let open = Manifest::of(|routes| {
        routes.unguarded("/static", "public files", |_| ());
    });
    for (old, new, route, change) in [
        (&empty, &one, "GET /x", Change::Added),
        (&one, &empty, "GET /x", Change::Removed),
        (&empty, &open, "UNGUARDED /static", Change::Added),
        (&open, &empty, "UNGUARDED /static", Change::Removed),
    ] {
        let differences = new.differences(&old.lock());
        assert_eq!(differences.len(), 1);
        assert_eq!(
            (differences[0].route.as_str(), differences[0].change),
            (route, change)
        );
    }
}

#[test]
fn a_weakened_route_fails_the_users_test() {
    let file = std::env::temp_dir().join(format!("policy-{}.lock", std::process::id()));
    std::fs::write(&file, manifest_of(admin()).lock()).unwrap();
    let weakened = leak(Policy {
        quotas: &[],
        ..admin()
    });
    let path = file.clone();
    let outcome = panic::catch_unwind(move || {
        assert_policy_lock(path, |routes| {
            routes.route("/x", Method::GET, judged(move || weakened));
        });
    });
    std::fs::remove_file(&file).unwrap();
    let text = *outcome.unwrap_err().downcast::<String>().unwrap();
    assert!(text.contains("weakened: GET /x"), "{text}");
    assert!(
        text.contains("rate: 10/60s burst 10 per user -> -"),
        "{text}"
    );
}

/// A lock file that is not what `lock` wrote is never taken for the same.
#[test]
fn a_forged_lock_file_is_different() {
    let manifest = manifest_of(admin());
    let lock = manifest.lock();
    let again = lock[lock.find("GET /x").unwrap()..].to_owned();
    for forged in [
        String::new(),
        lock.replace("\"admin\"", "\"nobody\""),
        lock.replace("GET /x", "GET  /x"),
        lock.replace("  role", "# role"),
        format!("{lock}  role          \"customer\"\n"),
        // Who reads the second block must not be misled by it.
        format!("{lock}\n{}", again.replace("\"admin\"", "\"customer\"")),
    ] {
        assert!(!manifest.differences(&forged).is_empty(), "{forged}");
    }
}

#[test]
fn what_was_written_is_what_is_read() {
    let path = "[-/a-c{}# ]{0,8}";
    let routes = proptest::collection::vec((path, 0..3_usize, "\\PC{0,12}"), 0..6);
    TestRunner::default()
        .run(&routes, |described| {
            // Duplicates and patterns that actix would refuse are written down all the same.
            let manifest = Manifest::of(|routes: &mut Routes| {
                for (path, kind, reason) in &described {
                    let policy = leak(match kind {
                        0 => public(),
                        _ => admin(),
                    });
                    match kind {
                        2 => drop(routes.unguarded(path, reason, |_| ())),
                        _ => drop(routes.route(path, Method::GET, judged(move || policy))),
                    }
                }
            });
            let lock = manifest.lock();
            prop_assert_eq!(manifest.differences(&lock), vec![], "{}", lock);
            Ok(())
        })
        .unwrap();
}

async fn pattern(request: HttpRequest) -> String {
    request.match_pattern().unwrap_or_default()
}

/// How a path is put together from scopes: prefixes, then the route's own path.
const SHAPES: [(&[&str], &str); 17] = [
    (&[], "/plain"),
    (&[], "no-slash"),
    (&[], "/tail/{rest:.*}"),
    (&[], "/number/{id:\\d+}"),
    (&[], "/"),
    (&["/one"], "/two"),
    (&["/only"], ""),
    (&["/slash"], "/"),
    (&["no"], "slash"),
    (&["/a", "/b"], "/c"),
    (&["/x", "y"], "z"),
    (&["/deep", "", "/er"], "/still"),
    (&["/end/"], "/start"),
    (&["/end2/"], "start"),
    (&["/{tenant}"], "/users/{id}"),
    (&["/ends/", "/in/"], "slashes"),
    (&["/v1"], "{kind:[a-z]+}.json"),
];

fn mount(routes: &mut Routes, scopes: &[&'static str], path: &'static str) {
    match scopes {
        [] => drop(routes.route(path, Method::GET, judged(|| leak(public())))),
        [first, rest @ ..] => {
            let rest = rest.to_vec();
            routes.scope(first, move |inner| mount(inner, &rest, path));
        }
    }
}

/// The same, by actix alone.
fn mount_by_hand(config: &mut web::ServiceConfig, scopes: &[&'static str], path: &'static str) {
    match scopes {
        [] => drop(config.service(web::resource(path).route(web::get().to(pattern)))),
        [first, rest @ ..] => {
            config.service(web::scope(first).configure(|config| mount_by_hand(config, rest, path)));
        }
    }
}

#[actix_web::test]
async fn the_recorded_path_is_the_one_that_actix_matches() {
    for (scopes, path) in SHAPES {
        let manifest = Manifest::of(|routes| mount(routes, scopes, path));
        let recorded: Vec<&str> = manifest.routes().map(|route| route.path).collect();
        let [recorded] = recorded[..] else {
            panic!("{recorded:?}")
        };
        // A path that the recorded pattern matches.
        let mut example = recorded.to_owned();
        for (part, value) in [
            ("{rest:.*}", "a/b"),
            ("{id:\\d+}", "7"),
            ("{kind:[a-z]+}", "list"),
            ("{tenant}", "t"),
            ("{id}", "8"),
        ] {
            example = example.replace(part, value);
        }
        let by_hand =
            init_service(App::new().configure(|config| mount_by_hand(config, scopes, path))).await;
        let request = TestRequest::get().uri(&example).to_request();
        let response: ServiceResponse = by_hand.call(request).await.unwrap();
        assert_eq!(
            response.status(),
            200,
            "{scopes:?} {path}: actix has nothing at {example}"
        );
        let matched = actix_web::test::read_body(response).await;
        assert_eq!(matched, recorded, "{scopes:?} {path}");

        let service = TestService::new(move |routes| mount(routes, scopes, path)).await;
        assert_eq!(service.get(&example).send().await.text(), "through");
        let other_method = service.delete(&example).send().await;
        assert_eq!(
            other_method.header("allow"),
            Some("GET"),
            "{scopes:?} {path}"
        );
    }
}

#[secured]
#[get("/needs/an/issuer")]
async fn needs_issuer() -> impl Responder {
    ""
}

#[test]
fn start_up_names_each_route_that_cannot_work_with_file_and_line() {
    static ZERO: Policy = Policy {
        handler: "zero",
        file: "here.rs",
        line: 7,
        access: Access::Public { reason: None },
        outage: secure_runtime::Outage::Deny,
        quotas: &[Quota { limit: 0, ..QUOTA }],
        cost: 1,
        concurrency: None,
        priority: secure_runtime::Priority::Normal,
        max_body: 0,
        body_timeout: std::time::Duration::ZERO,
        allow: None,
        login: None,
        inputs: &[],
    };
    let security = Security::builder().build().unwrap();
    let manifest = Manifest::of(|routes| {
        routes.scope("/v1", |routes| {
            routes.service(needs_issuer);
        });
        routes.route("/zero", Method::POST, judged(|| &ZERO));
        routes.route("/fine", Method::GET, judged(|| leak(public())));
    });
    let error = security.check(&manifest).unwrap_err().to_string();
    assert!(error.contains("2 mistakes"), "{error}");
    assert!(error.contains("GET /v1/needs/an/issuer"), "{error}");
    assert!(error.contains("tests/suite/manifest.rs:"), "{error}");
    assert!(error.contains("no issuer is configured"), "{error}");
    assert!(error.contains("POST /zero"), "{error}");
    assert!(error.contains("here.rs:7"), "{error}");
}

/// What is wrong is refused at each request as well, where nobody asked at the start.
#[actix_web::test]
async fn h19_a_route_that_cannot_work_refuses() {
    let mut settings = Settings::default();
    settings.danger.plaintext = true;
    let security = Security::builder().settings(settings).build().unwrap();
    let app = init_service(
        App::new()
            .configure(security.routes(|routes| {
                routes.service(needs_issuer);
            }))
            .wrap(middleware::NormalizePath::trim())
            .wrap(security.shield()),
    )
    .await;
    for token in ["a.b.c", ""] {
        let request = TestRequest::get()
            .uri("/needs/an/issuer")
            .insert_header(("authorization", format!("Bearer {token}")));
        let response = app.call(request.to_request()).await.unwrap();
        assert_eq!(response.status(), 500);
    }
}

#[test]
fn the_table_shows_one_line_a_route() {
    let store = web::Data::new(shop::Store::default());
    let table = Manifest::of(shop::routes(store)).table();
    let line = |start: &str| table.lines().find(|line| line.starts_with(start)).unwrap();
    assert!(line("POST /items ").contains("role"), "{table}");
    assert!(line("GET /health").contains("public"), "{table}");
    assert!(
        line("DELETE /admin/orders/{id}").contains("max_age 900 s"),
        "{table}"
    );
}
