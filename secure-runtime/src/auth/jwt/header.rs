//! The header of a token (RFC 7515 section 4): which key is claimed, and what kind of token.

use std::borrow::Cow;

use super::{
    Reason, is_identifier,
    json::{self, Json},
};
use crate::auth::issuer::Issuer;

/// What a token says about itself, before anything was verified.
#[derive(Debug)]
pub(super) struct Header<'a> {
    pub(super) alg: Cow<'a, str>,
    pub(super) kid: Option<Cow<'a, str>>,
    typ: Option<Cow<'a, str>>,
}

/// Members that bring their own key, or change how the token is to be read. Their presence is
/// refused rather than ignored: no authorization server puts them into an access token, a DPoP
/// proof has `jwk`, and whoever sends one hopes that it is used.
const REFUSED: [(&str, Reason); 8] = [
    ("b64", "token: the header has `b64`"),
    ("crit", "token: the header has `crit`"),
    ("enc", "token: the header has `enc`"),
    ("jku", "token: the header has `jku`"),
    ("jwk", "token: the header has `jwk`"),
    ("x5c", "token: the header has `x5c`"),
    ("x5u", "token: the header has `x5u`"),
    ("zip", "token: the header has `zip`"),
];

impl<'a> Header<'a> {
    pub(super) fn parse(text: &'a str) -> Result<Self, Reason> {
        let members = json::object(text)
            .ok_or("token: the header is not a JSON object with each name once")?;
        let (mut alg, mut kid, mut typ) = (None, None, None);
        for (name, value) in members {
            match &*name {
                "alg" => alg = Some(value),
                "kid" => kid = Some(value),
                "typ" => typ = Some(value),
                name => {
                    if let Some((_, reason)) = REFUSED.iter().find(|(refused, _)| *refused == name)
                    {
                        return Err(reason);
                    }
                }
            }
        }
        let Some(Json::Text(alg)) = alg else {
            return Err("token: `alg` is missing or not a text");
        };
        if alg.eq_ignore_ascii_case("none") {
            return Err("token: `alg` is none");
        }
        let kid = match kid {
            Some(Json::Text(kid)) if is_identifier(&kid) => Some(kid),
            Some(_) => return Err("token: `kid` is not a usable text"),
            None => None,
        };
        let typ = match typ {
            Some(Json::Text(typ)) => Some(typ),
            Some(_) => return Err("token: `typ` is not a text"),
            None => None,
        };
        Ok(Self { alg, kid, typ })
    }

    /// Whether the token is an access token by its type (RFC 9068 section 4). With
    /// [`Issuer::accept_generic_typ`] also no type at all, or that of any JWT.
    pub(super) fn check_typ(&self, issuer: &Issuer) -> Result<(), Reason> {
        let Some(typ) = &self.typ else {
            return match issuer.accepts_generic_typ() {
                true => Ok(()),
                false => Err("token: `typ` is missing"),
            };
        };
        // A type without a slash is short for one in `application/` (RFC 7515 section 4.1.9).
        let is = |name: &str| {
            let short = match typ.split_at_checked("application/".len()) {
                Some((prefix, rest)) if prefix.eq_ignore_ascii_case("application/") => rest,
                _ => typ,
            };
            short.eq_ignore_ascii_case(name)
        };
        if is("at+jwt") || (issuer.accepts_generic_typ() && is("jwt")) {
            Ok(())
        } else {
            Err("token: `typ` is not that of an access token")
        }
    }
}
