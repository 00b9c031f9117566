//! Callers whose tokens are known, before a long list of revocations.

use actix_web::{HttpRequest, HttpResponse, Responder, get, rt::System};
use futures_util::future::join_all;
use secure_runtime::{Clock, Policy, RevocationList, secured, testing::Tokens};

use crate::{admit, policy_of, request_to_admit, security, settings};

const ISSUER: &str = "https://issuer.test";

#[secured(
    rate = "1000000/s",
    revocation(off = "what the other is compared with")
)]
#[get("/off")]
async fn off() -> impl Responder {
    HttpResponse::Ok()
}

#[secured(rate = "1000000/s", revocation = "2s")]
#[get("/on")]
async fn on() -> impl Responder {
    HttpResponse::Ok()
}

/// The callers, and the list.
pub struct Lookups {
    requests: Vec<HttpRequest>,
    revocations: RevocationList,
    system: actix_web::rt::SystemRunner,
}

impl Lookups {
    /// How many callers there are.
    pub const CALLERS: usize = 50;

    /// A list of so many revocations, of subjects and of sessions, that are not the callers'.
    ///
    /// # Panics
    ///
    /// The list does not take them.
    pub fn new(entries: usize) -> Self {
        let clock = Clock::system();
        let tokens = Tokens::new(&clock);
        let security = security(&clock, &tokens, settings());
        let requests = (0..Self::CALLERS).map(|number| {
            let token = tokens.token(&format!("good-{number}"));
            let token = token.claim("sid", format!("good-{number:031}"));
            request_to_admit(&security, Some(&format!("Bearer {}", token.sign())))
        });
        let lookups = Self {
            requests: requests.collect(),
            revocations: security.revocations().clone(),
            system: System::new(),
        };
        lookups.fill(entries);
        lookups.serve(false);
        lookups.serve(true);
        lookups
    }

    fn fill(&self, entries: usize) {
        const TOGETHER: usize = 1000;
        for first in (0..entries).step_by(TOGETHER) {
            let revoked = (first..entries.min(first + TOGETHER)).map(async |number| {
                // As long as a UUID.
                let name = format!("{number:036x}");
                match number % 2 {
                    0 => self.revocations.revoke_session(ISSUER, &name).await,
                    _ => self.revocations.revoke_subject(ISSUER, &name).await,
                }
            });
            let outcomes = self.system.block_on(join_all(revoked));
            assert!(outcomes.iter().all(Result::is_ok), "there is room");
        }
    }

    /// Revokes somebody again: what was found good before is looked for once more.
    ///
    /// # Panics
    ///
    /// The list does not take it.
    pub fn change(&self) {
        let name = format!("{:036x}", 0);
        let revoked = self.revocations.revoke_session(ISSUER, &name);
        self.system.block_on(revoked).expect("it was there before");
    }

    /// Admits every caller once, and looks at the list or not.
    ///
    /// # Panics
    ///
    /// One of them is refused.
    pub fn serve(&self, looks: bool) {
        let policy: &'static Policy = if looks {
            policy_of(&on)
        } else {
            policy_of(&off)
        };
        for request in &self.requests {
            assert!(admit(request, policy));
        }
    }
}

impl std::fmt::Debug for Lookups {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Lookups").finish_non_exhaustive()
    }
}
