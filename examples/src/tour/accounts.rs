//! Eve's account, from the registration to the last logout.

use super::{Visit, variables::SECRET};

const JSON: &str = "application/json";

const REGISTER: &str =
    r#"{"email":"eve@shop.example","password":"violet tram eats sixteen clouds"}"#;
const WEAK: &str = r#"{"email":"eve@shop.example","password":"123456789012345"}"#;
const WRONG: &str = r#"{"email":"eve@shop.example","password":"violet tram eats sixteen cloud"}"#;
const NOBODY: &str = r#"{"email":"nobody@shop.example","password":"violet tram eats a cloud"}"#;
const NEW: &str =
    r#"{"current":"violet tram eats sixteen clouds","new":"sixteen clouds eat violet trams"}"#;
const NEW_WRONG: &str = r#"{"current":"violet tram","new":"sixteen clouds eat violet trams"}"#;

const EVE: &[(&str, &str)] = &[("EVE", "access_token"), ("EVE_REFRESH", "refresh_token")];
const EVE_PHONE: &[(&str, &str)] = &[("EVE_PHONE", "access_token")];

impl Visit {
    const fn of(shows: &'static str, method: &'static str, path: &'static str) -> Self {
        Self {
            shows,
            method,
            path,
            caller: None,
            body: None,
            times: 1,
            status: 200,
            contains: "",
            keeps: &[],
        }
    }

    const fn by(self, caller: &'static str) -> Self {
        Self {
            caller: Some(caller),
            ..self
        }
    }

    const fn json(self, content: &'static str) -> Self {
        Self {
            body: Some((JSON, content)),
            ..self
        }
    }

    const fn keeps(self, keeps: &'static [(&'static str, &'static str)]) -> Self {
        Self { keeps, ..self }
    }

    const fn expects(self, status: u16, contains: &'static str) -> Self {
        Self {
            status,
            contains,
            ..self
        }
    }
}

pub(super) fn visits() -> Vec<Visit> {
    let get = |shows, path| Visit::of(shows, "GET", path);
    let post = |shows, path| Visit::of(shows, "POST", path);
    vec![
        post("a password that many know", "/register")
            .json(WEAK)
            .expects(422, "\"/password\""),
        post("an account", "/register")
            .json(REGISTER)
            .expects(202, ""),
        post("who has one already is told by mail", "/register")
            .json(REGISTER)
            .expects(202, ""),
        post("a wrong password", "/login")
            .json(WRONG)
            .expects(401, "problem+json"),
        post("nobody's password: the same answer", "/login")
            .json(NOBODY)
            .expects(401, "problem+json"),
        post("a login", "/login")
            .json(REGISTER)
            .keeps(EVE)
            .expects(200, "refresh_token"),
        get("the shop takes its own token", "/profile")
            .by("EVE")
            .expects(200, "\"user-1\""),
        Visit::of("a second factor is missing", "DELETE", "/second-factor")
            .by("EVE")
            .expects(401, "acr_values=\"otp\""),
        post("what an authenticator app scans", "/second-factor/enrol")
            .by("EVE")
            .keeps(&[(SECRET, "secret")])
            .expects(200, "otpauth://totp/"),
        post("a first code of the app", "/second-factor/confirm")
            .by("EVE")
            .json(r#"{"code":"$CODE"}"#)
            .keeps(&[("EVE_PAPER", "recovery_codes")])
            .expects(200, "recovery_codes"),
        post("the same code again", "/second-factor")
            .by("EVE")
            .json(r#"{"code":"$CODE"}"#)
            .expects(401, "problem+json"),
        post("the next one", "/second-factor")
            .by("EVE")
            .json(r#"{"code":"$NEXT_CODE"}"#)
            .keeps(EVE)
            .expects(200, "access_token"),
        post("a login on the phone", "/login")
            .json(REGISTER)
            .keeps(EVE_PHONE)
            .expects(200, "access_token"),
        post("a recovery code", "/second-factor/recover")
            .by("EVE_PHONE")
            .json(r#"{"recovery_code":"$EVE_PAPER"}"#)
            .keeps(EVE_PHONE)
            .expects(200, "access_token"),
        post("it is good once", "/second-factor/recover")
            .by("EVE_PHONE")
            .json(r#"{"recovery_code":"$EVE_PAPER"}"#)
            .expects(401, "problem+json"),
        Visit::of("with the second factor", "DELETE", "/second-factor")
            .by("EVE")
            .expects(204, ""),
        get("which ends the other sessions", "/profile")
            .by("EVE_PHONE")
            .expects(401, "invalid_token"),
        post("the next tokens", "/refresh")
            .json(r#"{"refresh_token":"$EVE_REFRESH"}"#)
            .keeps(&[("EVE_SECOND", "refresh_token")])
            .expects(200, "refresh_token"),
        post("and the next", "/refresh")
            .json(r#"{"refresh_token":"$EVE_SECOND"}"#)
            .keeps(&[("EVE", "access_token"), ("EVE_THIRD", "refresh_token")])
            .expects(200, "refresh_token"),
        post("an old one: somebody has copied it", "/refresh")
            .json(r#"{"refresh_token":"$EVE_REFRESH"}"#)
            .expects(400, "problem+json"),
        post("so the newest is refused too", "/refresh")
            .json(r#"{"refresh_token":"$EVE_THIRD"}"#)
            .expects(400, "problem+json"),
        get("and the access token", "/profile")
            .by("EVE")
            .expects(401, "invalid_token"),
        post("another login", "/login")
            .json(REGISTER)
            .keeps(EVE)
            .expects(200, "access_token"),
        post("and one on the phone", "/login")
            .json(REGISTER)
            .keeps(EVE_PHONE)
            .expects(200, "access_token"),
        post("who changes a password knows the old one", "/password")
            .by("EVE")
            .json(NEW_WRONG)
            .expects(401, "problem+json"),
        post("a new password", "/password")
            .by("EVE")
            .json(NEW)
            .expects(204, ""),
        get("which ends the other sessions", "/profile")
            .by("EVE_PHONE")
            .expects(401, "invalid_token"),
        get("and not this one", "/profile")
            .by("EVE")
            .expects(200, "\"user-1\""),
        post("a logout of the session", "/logout")
            .by("EVE")
            .expects(204, ""),
        post("which ends its refresh token", "/refresh")
            .json(r#"{"refresh_token":"$EVE_REFRESH"}"#)
            .expects(400, "problem+json"),
        get("the keys, for others", "/.well-known/jwks.json").expects(200, "\"OKP\""),
    ]
}
