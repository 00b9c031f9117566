//! What later requests need of earlier answers, under the names that a shell would have for it.

use std::{collections::HashMap, time::Duration};

use secure_runtime::{Clock, testing::one_time_code};
use serde_json::Value;

use super::Caller;

/// Where the secret of the authenticator app is kept.
pub(super) const SECRET: &str = "EVE_SECRET";
/// What the app shows.
const CODE: &str = "CODE";
/// What it shows next, which is good already: a code is good once.
const NEXT_CODE: &str = "NEXT_CODE";

pub(super) struct Variables(HashMap<&'static str, String>);

impl Variables {
    pub(super) fn of(callers: &[Caller]) -> Self {
        let tokens = callers
            .iter()
            .map(|caller| (caller.variable, caller.token.clone()));
        Self(tokens.collect())
    }

    /// One that is not there is empty, and the answer says what is missing.
    pub(super) fn value(&self, name: &str) -> String {
        match name {
            CODE => self.code(0),
            NEXT_CODE => self.code(30),
            _ => self.0.get(name).cloned().unwrap_or_default(),
        }
    }

    /// Keeps members of a JSON object; of a list its first.
    pub(super) fn keep(&mut self, names: &[(&'static str, &str)], body: &[u8]) {
        let Ok(answer) = serde_json::from_slice::<Value>(body) else {
            return;
        };
        for (name, member) in names {
            let value = answer
                .get(member)
                .map(|value| value.get(0).unwrap_or(value));
            if let Some(text) = value.and_then(Value::as_str) {
                self.0.insert(name, text.to_owned());
            }
        }
    }

    pub(super) fn filled_in(&self, text: &str) -> String {
        replaced(text, |name| self.value(name))
    }

    /// As the app does it.
    fn code(&self, seconds_ahead: u64) -> String {
        let now = Clock::system().unix_seconds() + seconds_ahead;
        let (clock, hand) = Clock::manual();
        hand.advance(Duration::from_secs(
            now.saturating_sub(clock.unix_seconds()),
        ));
        match self.value(SECRET).parse() {
            Ok(secret) => one_time_code(&secret, &clock),
            Err(_) => String::new(),
        }
    }
}

/// The same between single quotes of a shell.
pub(super) fn in_shell(text: &str) -> String {
    replaced(text, |name| {
        let value = match name {
            CODE => format!("$(oathtool --totp --base32 \"${SECRET}\")"),
            NEXT_CODE => {
                format!("$(oathtool --totp --base32 --now '30 seconds' \"${SECRET}\")")
            }
            _ => format!("${name}"),
        };
        format!("'\"{value}\"'")
    })
}

/// Replaces each `$NAME`.
fn replaced(text: &str, value: impl Fn(&str) -> String) -> String {
    let mut parts = text.split('$');
    let mut whole = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let is_name = |letter: char| letter.is_ascii_uppercase() || letter == '_';
        let end = part.find(|letter| !is_name(letter)).unwrap_or(part.len());
        let (name, rest) = part.split_at(end);
        whole.push_str(&value(name));
        whole.push_str(rest);
    }
    whole
}
