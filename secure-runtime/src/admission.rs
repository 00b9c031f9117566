//! The order of checks. Everybody reads this.

use actix_web::HttpRequest;

use crate::{auth::Principal, input::body::Body, policy::Policy, security::Security};

/// A request that was admitted: the only way to its body.
pub struct Admitted {
    pub(crate) policy: &'static Policy,
    pub(crate) security: Security,
    pub(crate) request: HttpRequest,
    pub(crate) body: Body,
    pub(crate) principal: Option<Principal>,
}

impl Admitted {
    /// The request's head.
    pub fn request(&self) -> &HttpRequest {
        &self.request
    }

    /// The caller, where the route requires credentials.
    pub fn principal(&self) -> Option<&Principal> {
        self.principal.as_ref()
    }
}
