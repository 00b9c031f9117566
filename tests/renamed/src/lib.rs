//! Handlers of a crate that knows `secure-runtime` under another name and has a vocabulary of
//! its own.

use actix_web::{Responder, get, post, web};
use serde::Deserialize;
use shield::{Principal, Routes, secured};

/// The name again, as somebody would give it who exports the runtime with more of his own.
pub mod exported {
    pub use shield as security;
}

/// Registers every handler.
pub fn routes(routes: &mut Routes) {
    routes.service(page).service(add_page).service(about).route(
        "/drafts/{id}",
        actix_web::http::Method::GET,
        draft,
    );
}

#[secured(crate = shield, role = "reader")]
#[get("/pages/{id}")]
async fn page(id: web::Path<u32>) -> impl Responder {
    format!("page {id}")
}

#[derive(Deserialize, garde::Validate)]
struct NewPage {
    #[garde(length(min = 1, max = 80))]
    title: String,
}

#[secured(role = "editor", scope = "pages:write", crate = ::shield)]
#[post("/pages")]
async fn add_page(editor: Principal, page: web::Json<NewPage>) -> impl Responder {
    format!("{} by {}", page.title, editor.subject())
}

#[secured(public, crate = crate::exported::security)]
#[get("/about")]
async fn about() -> impl Responder {
    "about"
}

#[secured(
    crate = shield,
    rate = "draft",
    allow = *id == 7,
    hide
)]
async fn draft(id: web::Path<u32>, #[unvalidated] _search: web::Query<Search>) -> impl Responder {
    format!("draft {id}")
}

#[derive(Deserialize)]
struct Search {}

#[cfg(test)]
mod tests {
    use shield::{Access, Manifest, Per, Policy, Refusal, Rule, testing::TestService};

    use super::routes;

    fn policy(path: &str) -> &'static Policy {
        let manifest = Manifest::of(routes);
        let route = manifest.routes().find(|route| route.path == path);
        route.expect("a route").policy
    }

    #[actix_web::test]
    async fn the_handlers_are_guarded() {
        let service = TestService::new(routes).await;
        let call = service.get("/pages/7");
        call.send()
            .await
            .assert_refused(Refusal::CredentialsMissing);
        let call = service.get("/pages/7").role("customer");
        call.send().await.assert_refused(Refusal::RoleMissing);
        let call = service.get("/pages/7").role("editor");
        assert_eq!(call.send().await.text(), "page 7");

        let page = serde_json::json!({ "title": "Shields" });
        let editor = || service.post("/pages").subject("ada").role("editor");
        let call = editor().json(&page);
        call.send().await.assert_refused(Refusal::ScopeMissing);
        let call = editor().scope("pages:write").json(&page);
        assert_eq!(call.send().await.text(), "Shields by ada");
        let call = editor()
            .scope("pages:write")
            .json(serde_json::json!({ "title": "" }));
        call.send().await.assert_refused(Refusal::InputInvalid);

        assert_eq!(service.get("/about").send().await.text(), "about");
        let call = service.get("/drafts/7").subject("ada");
        assert_eq!(call.send().await.text(), "draft 7");
        let call = service.get("/drafts/8").subject("ada");
        call.send().await.assert_refused(Refusal::Hidden);
        let call = service.get("/drafts/7").subject("ada");
        call.send().await.assert_refused(Refusal::QuotaExceeded);
    }

    #[test]
    fn roles_are_those_of_the_nearest_vocabulary() {
        let Access::Authenticated { roles, .. } = &policy("/pages/{id}").access else {
            panic!("a public page");
        };
        let expected = Rule::Has {
            name: "reader",
            satisfied_by: &["reader", "editor"],
        };
        assert_eq!(format!("{roles:?}"), format!("{:?}", Some(expected)));
    }

    #[test]
    fn quotas_and_defaults_are_those_of_the_nearest_vocabulary() {
        let [draft] = policy("/drafts/{id}").quotas else {
            panic!("one quota");
        };
        assert_eq!(
            (draft.name, draft.limit, draft.period_seconds),
            ("draft", 2, 60)
        );
        let [usual] = policy("/about").quotas else {
            panic!("one quota");
        };
        assert_eq!((usual.name, usual.limit, usual.per), ("7/min", 7, Per::Ip));
        assert_eq!(policy("/pages").max_body, 100);
        assert_eq!(policy("/pages").body_timeout.as_secs(), 3);
    }
}
