//! Prints a token for the shop that `examples/secure.toml` configures:
//! `cargo run --bin shop-token -- --sub ann --role customer`.
//!
//! It signs with a development key of this machine, which it makes at its first run, together with
//! the one that the shop signs its own tokens with.

use std::{env, error::Error, path::Path, process::ExitCode, time::Duration};

use secure_examples::keys::DevelopmentKey;
use secure_runtime::{Clock, testing::Tokens};

const USAGE: &str = "\
cargo run --bin shop-token -- --sub NAME [OPTION..]

  --role ROLE                 a role; may be given several times
  --scope SCOPE               a scope; may be given several times
  --minutes N                 how long the token is good for; 60 unless given
  --authenticated-ago TIME    how long ago NAME logged in, as in 30s, 20min or 1h; just now unless
                              given";

// As in `examples/secure.toml`.
const ISSUER: &str = "https://id.shop.example";
const AUDIENCE: &str = "https://shop.example";

fn main() -> ExitCode {
    match token(env::args().skip(1)) {
        Ok(token) => {
            println!("{token}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("{error}\n\n{USAGE}");
            ExitCode::FAILURE
        }
    }
}

fn token(mut arguments: impl Iterator<Item = String>) -> Result<String, Box<dyn Error>> {
    let mut subject = None;
    let mut roles = Vec::new();
    let mut scopes = Vec::new();
    let mut minutes: u32 = 60;
    let mut ago = Duration::ZERO;
    while let Some(option) = arguments.next() {
        let mut value = || {
            arguments
                .next()
                .ok_or(format!("`{option}` without a value"))
        };
        match option.as_str() {
            "--sub" => subject = Some(value()?),
            "--role" => roles.push(value()?),
            "--scope" => scopes.push(value()?),
            "--minutes" => minutes = value()?.parse().map_err(|_| "`--minutes` takes a number")?,
            "--authenticated-ago" => {
                ago = time(&value()?).ok_or("`--authenticated-ago` takes a time, as in `1h`")?;
            }
            _ => return Err(format!("unknown option `{option}`").into()),
        }
    }
    let subject = subject.ok_or("`--sub` is missing: whose token is it?")?;

    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("keys");
    let key = |name| {
        DevelopmentKey::load_or_make(&folder, name)
            .map_err(|error| format!("the development keys in `{}`: {error}", folder.display()))
    };
    key("shop")?;
    let key = key("development")?;
    let clock = Clock::system();
    let tokens = Tokens::with_key(ISSUER, AUDIENCE, &key.private, &key.public, &clock);
    let lifetime = Duration::from_secs(u64::from(minutes).saturating_mul(60));
    let mut token = tokens.token(&subject).expires_in(lifetime);
    for role in &roles {
        token = token.role(role);
    }
    for scope in &scopes {
        token = token.scope(scope);
    }
    Ok(token.authenticated(ago).sign())
}

/// `30s`, `20min` or `1h`.
fn time(text: &str) -> Option<Duration> {
    let at = text.find(|letter: char| !letter.is_ascii_digit())?;
    let (number, unit) = text.split_at(at);
    let seconds: u64 = match unit {
        "s" => 1,
        "min" => 60,
        "h" => 60 * 60,
        _ => return None,
    };
    number
        .parse::<u64>()
        .ok()?
        .checked_mul(seconds)
        .map(Duration::from_secs)
}
