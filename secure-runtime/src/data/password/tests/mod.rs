mod hashing;
mod policy;
mod queue;
mod service;
mod text;

use super::*;
use crate::settings::Settings;

const RIGHT: &str = "violet tram eats sixteen clouds";
const WRONG: &str = "violet tram eats sixteen cloud";

/// As little work as Argon2 can do.
fn cheap() -> Settings {
    let mut settings = Settings::default();
    settings.danger.weak_password_hashing = true;
    settings.passwords.memory = 8 << 10;
    settings.passwords.iterations = NonZeroUsize::MIN;
    settings
}

fn with(edit: impl FnOnce(&mut PasswordSettings)) -> Passwords {
    let mut settings = cheap();
    edit(&mut settings.passwords);
    settings.check_parts().unwrap();
    Passwords::new(&settings).unwrap()
}

fn number(number: usize) -> NonZeroUsize {
    NonZeroUsize::new(number).unwrap()
}

async fn hash(passwords: &Passwords, password: &str) -> String {
    let password = NewPassword::<MIN_LENGTH>::from(password);
    passwords.hash(&password, &[]).await.unwrap().into_string()
}

async fn verify(passwords: &Passwords, password: &str, stored: Option<&str>) -> (bool, bool) {
    let verified = passwords.verify(&password.into(), stored).await.unwrap();
    (verified.matches, verified.needs_rehash)
}
