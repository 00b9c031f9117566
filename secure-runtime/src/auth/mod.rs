use crate::{clock::Clock, error::Error, rejection::*};
use actix_web::http::header::HeaderMap;
use std::{sync::Arc, time::Duration};
#[derive(Clone)]
pub struct Principal(Arc<str>);
impl Principal {
    pub fn identity(&self) -> &Arc<str> {
        &self.0
    }
    pub fn has_role(&self, _r: &str) -> bool {
        true
    }
    pub fn has_scope(&self, _r: &str) -> bool {
        true
    }
}
pub struct Authenticator;
#[derive(Debug, Default)]
pub struct AuthenticatorOptions;
#[derive(Debug)]
pub struct Issuer;
impl Issuer {
    pub fn new(_a: &str, _b: &str) -> Self {
        Self
    }
    pub fn key(self, _k: VerifyingKey) -> Self {
        self
    }
}
pub struct VerifyingKey;
impl VerifyingKey {
    pub fn eddsa(_p: &[u8]) -> Result<Self, Error> {
        Ok(Self)
    }
}
impl Authenticator {
    pub fn new(_: Vec<Issuer>, _: Clock, _: AuthenticatorOptions) -> Result<Self, Error> {
        Ok(Self)
    }
    pub fn authenticate(&self, _h: &HeaderMap) -> Result<Principal, Rejection> {
        Err(Rejection::new(Refusal::CredentialsMissing, ""))
    }
}
pub(crate) fn check_age(_p: &Principal, _m: Duration, _c: &Clock) -> Result<(), Rejection> {
    Ok(())
}
