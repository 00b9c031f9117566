//! The same handler under policies that demand more and more.
//!
//! No quota is ever used up, but for that of `rare`.

use std::time::Duration;

use actix_web::{HttpResponse, Responder, get};
use secure_runtime::{
    Access, Policy, Revocation, RoutePattern, Rule, Secured, SecuredService,
    private::{self, Call},
    secured,
};

const BODY: &str = "ok";

#[get("/bare")]
pub(crate) async fn bare() -> impl Responder {
    BODY
}

#[secured(public, rate = "1000000/s per ip")]
#[get("/quota")]
pub(crate) async fn quota() -> impl Responder {
    BODY
}

#[secured(role = "customer", rate = "1000000/s per user")]
#[get("/guarded")]
pub(crate) async fn guarded() -> impl Responder {
    BODY
}

#[secured(
    role = any("support", "auditor"),
    scope = all("orders:read", "orders:write"),
    max_age = "1day",
    rate = ["1000000/s per ip", "1000000/s per user", "1000000/s per route"],
)]
#[get("/full")]
pub(crate) async fn full() -> impl Responder {
    BODY
}

#[secured(public, rate = "1/day per ip")]
#[get("/rare")]
pub(crate) async fn rare() -> impl Responder {
    BODY
}

/// Demands nothing: the attribute cannot say this, because every route has a quota.
pub(crate) static EMPTY: Policy = without_quota(Access::Public { reason: None });

/// Demands any caller.
pub(crate) static TOKEN: Policy = without_quota(Access::Authenticated {
    roles: None,
    scopes: None,
    max_age: None,
    factors: None,
    revocation: Revocation::Within(Duration::from_secs(2)),
});

/// Demands a role.
pub(crate) static ROLE: Policy = without_quota(Access::Authenticated {
    roles: Some(Rule::Has {
        name: "customer",
        satisfied_by: &["admin", "customer", "support"],
    }),
    scopes: None,
    max_age: None,
    factors: None,
    revocation: Revocation::Within(Duration::from_secs(2)),
});

/// Demands a scope.
pub(crate) static SCOPE: Policy = without_quota(Access::Authenticated {
    roles: None,
    scopes: Some(Rule::Has {
        name: "orders:read",
        satisfied_by: &["orders:read"],
    }),
    max_age: None,
    factors: None,
    revocation: Revocation::Within(Duration::from_secs(2)),
});

const fn without_quota(access: Access) -> Policy {
    Policy {
        handler: "without quota",
        file: file!(),
        line: line!(),
        access,
        outage: private::Outage::Deny,
        quotas: &[],
        cost: 1,
        concurrency: None,
        priority: secure_runtime::Priority::Normal,
        max_body: 64_000,
        body_timeout: Duration::from_secs(10),
        allow: None,
        login: None,
        inputs: &[],
    }
}

/// What the attribute writes, with a policy that it cannot write.
#[get("/empty")]
pub(crate) async fn empty(call: Call) -> Secured {
    let mut admission = call.admit(&EMPTY);
    Secured::from(match admission.judged().await {
        Err(refused) => Err(refused),
        Ok(admitted) => {
            let response: HttpResponse = private::response(admitted, BODY);
            Ok(private::respond(admitted, response).await)
        }
    })
}

impl SecuredService for empty {
    const ROUTES: &'static [RoutePattern] = &[RoutePattern {
        path: "/empty",
        method: "GET",
        has_guard: false,
    }];

    fn policy() -> &'static Policy {
        &EMPTY
    }
}
