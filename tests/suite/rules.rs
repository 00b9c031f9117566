//! Roles and scopes: the runtime against a truth table, and the attribute's rules end to end.

use std::{cell::Cell, collections::BTreeSet, time::Duration};

use actix_web::{Responder, get, http::Method, rt::System};
use proptest::{
    prelude::*,
    test_runner::{Config, TestRunner},
};
use secure_runtime::{
    Access, Policy, Principal, Refusal, Revocation, Routes, Rule, secured,
    testing::{TestCall, TestService},
};

use serde_json::json;

use crate::rig::{challenge, judged, public};

const NAMES: [&str; 5] = ["a", "b", "c", "d", "e"];

/// A rule as a test states it.
#[derive(Clone, Debug)]
enum Formula {
    All(Vec<Formula>),
    Any(Vec<Formula>),
    /// A name and those that include it.
    Has(usize, Vec<usize>),
}

impl Formula {
    fn strategy() -> impl Strategy<Value = Self> {
        let name = || 0..NAMES.len();
        let leaf = (name(), proptest::collection::vec(name(), 0..2))
            .prop_map(|(name, more)| Self::Has(name, more));
        leaf.prop_recursive(4, 24, 4, |inner| {
            // Empty lists too: nobody satisfies one.
            let list = proptest::collection::vec(inner, 0..4);
            prop_oneof![list.clone().prop_map(Self::All), list.prop_map(Self::Any)]
        })
    }

    /// The truth, written down in another way than the runtime's.
    fn is_true(&self, held: &BTreeSet<usize>) -> bool {
        match self {
            Self::All(list) => {
                let wrong = list.iter().filter(|item| !item.is_true(held)).count();
                wrong == 0 && list.len() != wrong
            }
            Self::Any(list) => list.iter().filter(|item| item.is_true(held)).count() > 0,
            Self::Has(name, more) => held.contains(name) || more.iter().any(|n| held.contains(n)),
        }
    }

    fn leak(&self) -> Rule {
        let leak =
            |list: &[Self]| -> &'static [Rule] { Box::leak(list.iter().map(Self::leak).collect()) };
        match self {
            Self::All(list) => Rule::All(leak(list)),
            Self::Any(list) => Rule::Any(leak(list)),
            Self::Has(name, more) => Rule::Has {
                name: NAMES[*name],
                satisfied_by: Box::leak(
                    [name].into_iter().chain(more).map(|n| NAMES[*n]).collect(),
                ),
            },
        }
    }

    fn names(&self, names: &mut BTreeSet<&'static str>) {
        match self {
            Self::All(list) | Self::Any(list) => list.iter().for_each(|item| item.names(names)),
            Self::Has(name, _) => {
                names.insert(NAMES[*name]);
            }
        }
    }
}

thread_local! {
    static POLICY: Cell<Option<&'static Policy>> = const { Cell::new(None) };
}

fn routes_of_the_current_policy(routes: &mut Routes) {
    routes.route(
        "/judged",
        Method::GET,
        judged(|| POLICY.get().unwrap_or(Box::leak(Box::new(public())))),
    );
}

#[test]
fn asvs_8_2_1_rules_are_judged_as_their_truth_table_says() {
    let system = System::new();
    let service = system.block_on(TestService::new(routes_of_the_current_policy));
    let held = || proptest::collection::btree_set(0..NAMES.len(), 0..NAMES.len());
    let rule = || proptest::option::of(Formula::strategy());
    let mut runner = TestRunner::new(Config::with_cases(1500));
    let mut outcomes = std::cell::RefCell::new([0_u32; 3]);
    runner
        .run(
            &(rule(), rule(), held(), held()),
            |(roles, scopes, held_roles, held_scopes)| {
                POLICY.set(Some(Box::leak(Box::new(Policy {
                    access: Access::Authenticated {
                        roles: roles.as_ref().map(Formula::leak),
                        scopes: scopes.as_ref().map(Formula::leak),
                        max_age: None,
                        factors: None,
                        revocation: Revocation::Within(Duration::ZERO),
                    },
                    ..public()
                }))));
                let mut call = service.get("/judged").subject("somebody");
                for role in &held_roles {
                    call = call.role(NAMES[*role]);
                }
                for scope in &held_scopes {
                    call = call.scope(NAMES[*scope]);
                }
                let response = system.block_on(call.send());
                let role_denied = roles
                    .as_ref()
                    .is_some_and(|rule| !rule.is_true(&held_roles));
                let scope_denied = scopes
                    .as_ref()
                    .is_some_and(|rule| !rule.is_true(&held_scopes));
                let outcome = if role_denied {
                    response.assert_refused(Refusal::RoleMissing);
                    0
                } else if scope_denied {
                    response.assert_refused(Refusal::ScopeMissing);
                    let mut names = BTreeSet::new();
                    scopes.as_ref().unwrap().names(&mut names);
                    let text = challenge(&response);
                    let (_, wanted) = text.split_once(", scope=\"").unwrap();
                    let wanted: Vec<&str> = wanted
                        .trim_end_matches('"')
                        .split(' ')
                        .filter(|name| !name.is_empty())
                        .collect();
                    // RFC 6749 section 3.3: a set, so each once.
                    prop_assert_eq!(wanted.len(), names.len(), "{}", text);
                    prop_assert_eq!(wanted.into_iter().collect::<BTreeSet<_>>(), names);
                    1
                } else {
                    prop_assert_eq!(response.status(), 200);
                    prop_assert_eq!(response.text(), "through");
                    2
                };
                outcomes.borrow_mut()[outcome] += 1;
                Ok(())
            },
        )
        .unwrap();
    let outcomes = outcomes.get_mut();
    assert!(outcomes.iter().all(|count| *count > 50), "{outcomes:?}");
}

#[secured(role = "customer")]
#[get("/customer")]
async fn customer() -> impl Responder {
    "in"
}

#[secured(role = "support")]
#[get("/support")]
async fn support() -> impl Responder {
    "in"
}

#[secured(role = "admin")]
#[get("/admin")]
async fn admin() -> impl Responder {
    "in"
}

#[secured(role = "support", scope = all("orders:read", "orders:write"))]
#[get("/combined")]
async fn combined() -> impl Responder {
    "in"
}

#[secured(role = "customer", scope = any("orders:read", "items:write"))]
#[get("/other")]
async fn other() -> impl Responder {
    "in"
}

#[secured]
#[get("/anybody")]
async fn anybody() -> impl Responder {
    "in"
}

#[secured(max_age = "15min")]
#[get("/recent")]
async fn recent() -> impl Responder {
    "in"
}

#[secured(factor = any("hwk", all("otp", "pwd")))]
#[get("/strong")]
async fn strong(caller: Principal) -> String {
    caller.factors().collect::<Vec<_>>().join(" ")
}

fn routes(routes: &mut Routes) {
    routes
        .service(customer)
        .service(support)
        .service(admin)
        .service(combined)
        .service(other)
        .service(anybody)
        .service(recent)
        .service(strong);
}

/// Every subset of these names.
fn subsets<'a>(names: &'a [&'a str]) -> impl Iterator<Item = Vec<&'a str>> {
    (0_u32..1 << names.len()).map(|bits| {
        names
            .iter()
            .enumerate()
            .filter(|(place, _)| bits & (1 << place) != 0)
            .map(|(_, name)| *name)
            .collect()
    })
}

#[actix_web::test]
async fn a_role_is_satisfied_by_the_roles_that_include_it() {
    let service = TestService::new(routes).await;
    for held in subsets(&["customer", "support", "admin", "Admin", "nobody"]) {
        let has = |role: &str| held.contains(&role);
        for (path, admitted) in [
            (
                "/customer",
                has("customer") || has("support") || has("admin"),
            ),
            ("/support", has("support") || has("admin")),
            ("/admin", has("admin")),
            ("/anybody", true),
        ] {
            let mut call = service.get(path).subject("somebody");
            for role in &held {
                call = call.role(role);
            }
            let response = call.send().await;
            if admitted {
                assert_eq!(response.text(), "in", "{path} {held:?}");
            } else {
                response.assert_refused(Refusal::RoleMissing);
            }
            service.advance(Duration::from_secs(1));
        }
    }
}

#[actix_web::test]
async fn rules_of_the_attribute_follow_their_truth_table() {
    let service = TestService::new(routes).await;
    for roles in subsets(&["customer", "support", "admin"]) {
        for scopes in subsets(&["orders:read", "orders:write", "items:write"]) {
            let call = |path: &str| -> TestCall<'_> {
                let mut call = service.get(path).subject("somebody");
                for role in &roles {
                    call = call.role(role);
                }
                for scope in &scopes {
                    call = call.scope(scope);
                }
                call
            };
            let role = |names: &[&str]| names.iter().any(|name| roles.contains(name));
            let scope = |name: &str| scopes.contains(&name);
            let supports = role(&["support", "admin"]);
            for (path, roles_suffice, scopes_suffice) in [
                (
                    "/combined",
                    supports,
                    scope("orders:read") && scope("orders:write"),
                ),
                (
                    "/other",
                    !roles.is_empty(),
                    scope("orders:read") || scope("items:write"),
                ),
            ] {
                let response = call(path).send().await;
                match (roles_suffice, scopes_suffice) {
                    (true, true) => assert_eq!(response.text(), "in"),
                    (true, false) => drop(response.assert_refused(Refusal::ScopeMissing)),
                    (false, _) => drop(response.assert_refused(Refusal::RoleMissing)),
                }
            }
            service.advance(Duration::from_secs(2));
        }
    }
}

#[actix_web::test]
async fn h06_max_age_counts_from_auth_time() {
    let service = TestService::new(routes).await;
    let aged = |seconds: u64| {
        service
            .get("/recent")
            .edit_token(move |token| token.authenticated(Duration::from_secs(seconds)))
    };
    assert_eq!(aged(0).send().await.text(), "in");
    assert_eq!(aged(15 * 60).send().await.text(), "in");
    let old = aged(15 * 60 + 1).send().await;
    old.assert_refused(Refusal::AuthenticationTooOld);
    assert_eq!(old.status(), 401);
    assert!(challenge(&old).ends_with(", max_age=\"900\""));

    let unknown = service
        .get("/recent")
        .edit_token(|token| token.without("auth_time"));
    unknown
        .send()
        .await
        .assert_refused(Refusal::AuthenticationTooOld);
    let future = service.get("/recent").edit_token(|token| {
        let now = service.security().clock().unix_seconds();
        token.claim("auth_time", now + 3600)
    });
    future
        .send()
        .await
        .assert_refused(Refusal::CredentialsInvalid);
}

/// H6, and RFC 9470 section 3: the challenge names what would do.
#[actix_web::test]
async fn h06_factor_asks_for_amr() {
    let service = TestService::new(routes).await;
    for (factors, admitted) in [
        (&[][..], None),
        (&["pwd"], None),
        (&["otp"], None),
        (&["OTP", "pwd", "sms"], None),
        (&["hwk"], Some("hwk")),
        (&["pwd", "otp"], Some("otp pwd")),
    ] {
        let call = service.get("/strong").subject("ann");
        let call = factors.iter().fold(call, |call, name| call.factor(name));
        let response = call.send().await;
        match admitted {
            Some(text) => assert_eq!(response.text(), text),
            None => {
                response.assert_refused(Refusal::FactorMissing);
                assert_eq!(response.status(), 401);
                assert_eq!(
                    challenge(&response),
                    "Bearer realm=\"api\", error=\"insufficient_user_authentication\", \
                     error_description=\"a further factor of authentication is required\", \
                     acr_values=\"hwk otp pwd\""
                );
            }
        }
    }
    for amr in [
        json!("otp"),
        json!(["otp", 1]),
        json!({ "otp": true }),
        json!([""]),
    ] {
        let call = service
            .get("/strong")
            .subject("ann")
            .claim("amr", amr.clone());
        let response = call.send().await;
        let refusal = match amr {
            serde_json::Value::String(_) => Refusal::FactorMissing,
            _ => Refusal::CredentialsInvalid,
        };
        response.assert_refused(refusal);
    }
}

#[actix_web::test]
async fn h06_a_token_that_was_young_enough_grows_old() {
    let service = TestService::new(routes).await;
    let token = service
        .tokens()
        .token("ann")
        .expires_in(Duration::from_secs(3600))
        .sign();
    let send = || service.get("/recent").bearer(token.clone()).send();
    assert_eq!(send().await.text(), "in");
    service.advance(Duration::from_secs(900));
    // A verified token is remembered; its age is not.
    assert_eq!(send().await.text(), "in");
    service.advance(Duration::from_secs(1));
    send().await.assert_refused(Refusal::AuthenticationTooOld);
}
