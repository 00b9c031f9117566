//! `[passwords]`, as it is read and what is refused in it.

use super::*;

#[test]
fn every_key_of_passwords_is_read() {
    let settings = Settings::from_toml(
        r#"
        [tls]
        development = true
        [passwords]
        memory = "64MiB"
        iterations = 3
        parallelism = 2
        max_memory = "128MiB"
        max_concurrent = 4
        max_waiting = 40
        min_length = 12
        min_score = 4
        names = ["Acme", "Acme Shop"]
        blocklist = "/etc/shop/breached"
        [danger]
        weak_password_hashing = true
        "#,
    )
    .unwrap();
    let wanted = PasswordSettings {
        memory: 64 << 20,
        iterations: NonZeroUsize::new(3).unwrap(),
        parallelism: NonZeroUsize::new(2).unwrap(),
        max_memory: Some(128 << 20),
        max_concurrent: NonZeroUsize::new(4),
        max_waiting: NonZeroUsize::new(40),
        min_length: 12,
        min_score: 4,
        names: vec!["Acme".to_owned(), "Acme Shop".to_owned()],
        blocklist: Some("/etc/shop/breached".into()),
    };
    assert_eq!(settings.passwords, wanted);
    assert!(settings.danger.weak_password_hashing);
}

fn read(passwords: &str, danger: &str) -> Result<Settings, Error> {
    let text = format!("[tls]\ndevelopment = true\n[passwords]\n{passwords}\n[danger]\n{danger}");
    Settings::from_toml(&text)
}

/// W5: a cost that OWASP names, or more in both; else the settings say that it is weak.
#[test]
fn w5_a_cost_below_the_minimum_of_owasp_is_refused() {
    for (memory, iterations, enough) in [
        ("19MiB", 2, true),
        ("46MiB", 1, true),
        ("12MiB", 3, true),
        ("9MiB", 4, true),
        ("7MiB", 5, true),
        ("1GiB", 10, true),
        ("19MiB", 1, false),
        ("19455KiB", 2, false),
        ("45MiB", 1, false),
        ("11MiB", 3, false),
        ("8MiB", 4, false),
        ("6MiB", 1000, false),
    ] {
        let text = format!("memory = \"{memory}\"\niterations = {iterations}");
        let settings = read(&text, "");
        assert_eq!(settings.is_ok(), enough, "{text}");
        if let Err(error) = settings {
            assert!(
                messages(error)[0].starts_with("`passwords.memory`: below what OWASP asks for")
            );
        }
        assert!(
            read(&text, "weak_password_hashing = true").is_ok(),
            "{text}"
        );
    }
}

#[test]
fn every_mistake_about_passwords_has_its_message() {
    for (text, message) in [
        (
            "memory = \"5GiB\"",
            "`passwords.memory`: write `8KiB` for each lane to `4GiB`, as in `19MiB`",
        ),
        (
            "memory = 19",
            "`passwords.memory`: write a number and a unit, `KiB`, `MiB` or `GiB`, as in `19MiB`",
        ),
        (
            "iterations = 1001",
            "`passwords.iterations`: write at most 1000",
        ),
        (
            "iterations = 0",
            "`passwords.iterations`: write a number from 1",
        ),
        (
            "parallelism = 17",
            "`passwords.parallelism`: write at most 16",
        ),
        (
            "max_memory = \"18MiB\"",
            "`passwords.max_memory`: write `memory` or more, up to `4GiB`",
        ),
        (
            "max_memory = \"5GiB\"",
            "`passwords.max_memory`: write `memory` or more, up to `4GiB`",
        ),
        (
            "max_concurrent = 0",
            "`passwords.max_concurrent`: write a number from 1",
        ),
        ("min_length = 7", "`passwords.min_length`: write 8 to 64"),
        ("min_length = 65", "`passwords.min_length`: write 8 to 64"),
        ("min_score = 5", "`passwords.min_score`: write 1 to 4"),
        ("min_score = 257", "`passwords.min_score`: write 1 to 4"),
        (
            "min_lenght = 15",
            "`passwords.min_lenght`: unknown key, did you mean `min_length`?",
        ),
    ] {
        assert_eq!(messages(read(text, "").unwrap_err()), [message], "{text}");
    }
    // Even for tests, Argon2 has a least.
    let text = "memory = \"15KiB\"\nparallelism = 2";
    let error = read(text, "weak_password_hashing = true").unwrap_err();
    assert_eq!(messages(error).len(), 1);
}

/// Settings that are made by hand are held against the same rules.
#[test]
fn a_weak_cost_made_by_hand_does_not_start() {
    let mut settings = Settings::default();
    settings.passwords.memory = 1 << 20;
    let error = crate::Security::builder()
        .settings(settings.clone())
        .build()
        .unwrap_err();
    assert!(messages(error)[0].starts_with("`passwords.memory`"));
    settings.danger.weak_password_hashing = true;
    assert!(
        crate::Security::builder()
            .settings(settings)
            .build()
            .is_ok()
    );
}
