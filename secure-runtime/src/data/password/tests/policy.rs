use std::fs;

use PasswordProblem::{Common, Guessable, Names, TooShort};
use proptest::{prelude::*, proptest};

use super::*;

const NAMES: &[&str] = &["ann.smith@example.com", "Ann Smith"];

fn judge(passwords: &Passwords, password: &str) -> Option<PasswordProblem> {
    let policy = passwords.policy();
    let judged = match password.chars().count() {
        ..15 => policy.check(&NewPassword::<8>::from(password), NAMES),
        _ => policy.check(&NewPassword::<15>::from(password), NAMES),
    };
    judged.err()
}

/// W3: no kind of character is demanded.
#[test]
fn w3_no_composition_is_demanded() {
    let passwords = with(|_| ());
    for password in [
        "violet tram eats sixteen clouds",
        "violettrameatssixteenclouds",
        "VIOLETTRAMEATSSIXTEENCLOUDS",
        "лиловый трамвай ест облака",
        "紫の電車は十六の雲をたべる",
        "8302 5519 0461 7728",
        "🦀🌋🛶🧦🪁🥨🎺🦔",
        "xqzvkwpj",
    ] {
        assert_eq!(judge(&passwords, password), None, "{password}");
    }
}

/// W4
#[test]
fn w4_what_an_attacker_tries_first_is_refused() {
    let passwords = with(|settings| settings.names = vec!["Acme".to_owned()]);
    for (password, problem) in [
        ("trustno1", Common),
        ("password1", Common),
        ("PassWord1", Common),
        ("p@ssw0rd", Common),
        ("1drowssap", Common),
        ("123456789987654321", Common),
        ("q1w2e3r4t5y6u7i8o9p0", Common),
        ("passwordpassword", Guessable),
        ("Passwordpassword1", Guessable),
        ("aaaaaaaaaaaaaaaaaaaaaaaa", Guessable),
        ("abcdefghijklmnopqrstuvwxyz", Guessable),
        ("asdfghjkl;'asdfghjkl;'", Guessable),
        ("12345678901234567890", Guessable),
        ("ann.smith@example.com", Names),
        ("smithsmithsmith", Names),
        ("Acme-2026-Acme", Names),
        ("apiapiapi", Names), // the realm
        ("seven77", TooShort { min: 8 }),
    ] {
        assert_eq!(judge(&passwords, password), Some(problem), "{password}");
    }
}

/// W4: the list holds whole passwords. What only contains one is judged by the estimate.
#[test]
fn w4_a_common_password_inside_a_good_one_does_no_harm() {
    let passwords = with(|_| ());
    assert_eq!(judge(&passwords, "dragon violet tram clouds"), None);
}

/// W4
#[test]
fn w4_the_blocklist_of_the_operator_is_looked_at() {
    let file = std::env::temp_dir().join(format!("secure-blocklist-{}", std::process::id()));
    fs::write(
        &file,
        "Violet Tram Eats Sixteen Clouds\r\n\ncafe\u{301} tram harbour seven\n",
    )
    .unwrap();
    let passwords = with(|settings| settings.blocklist = Some(file.clone()));
    fs::remove_file(&file).unwrap();
    assert_eq!(judge(&passwords, RIGHT), Some(Common));
    assert_eq!(
        judge(&passwords, "CAF\u{c9} tram harbour seven"),
        Some(Common)
    );
    assert_eq!(judge(&passwords, WRONG), None);
    let mut settings = cheap();
    settings.passwords.blocklist = Some(file);
    let mistake = Passwords::new(&settings).err().unwrap();
    assert_eq!(mistake.key(), "passwords.blocklist");
    assert!(!mistake.problem().contains("secure-blocklist"), "{mistake}");
}

/// W1: an operator may ask for more characters than the type, not for fewer.
#[test]
fn w1_the_longer_minimum_holds() {
    let of = |min_length: usize| with(|settings| settings.min_length = min_length);
    let long = NewPassword::<15>::from("sixteen clouds");
    let short = NewPassword::<8>::from("sixteen clouds");
    assert_eq!(of(8).policy().check(&long, &[]), Err(TooShort { min: 15 }));
    assert_eq!(of(8).policy().check(&short, &[]), Ok(()));
    assert_eq!(
        of(20).policy().check(&short, &[]),
        Err(TooShort { min: 20 })
    );
    assert_eq!(of(20).policy().check(&long, &[]), Err(TooShort { min: 20 }));
}

#[test]
fn the_score_is_that_of_the_settings() {
    let of = |min_score: u8| with(|settings| settings.min_score = min_score);
    // Some 10^6 to 10^8 guesses.
    let middling = "harbour1987";
    let judged: Vec<_> = (1..=4).map(|score| judge(&of(score), middling)).collect();
    assert_eq!(judged[0], None);
    assert_eq!(judged[3], Some(Guessable));
}

/// The policy is asked in the queue, and nothing is hashed that it refuses.
#[tokio::test]
async fn what_is_refused_is_not_hashed() {
    let passwords = with(|_| ());
    let error = passwords
        .hash(&NewPassword::<15>::from("passwordpassword"), &[])
        .await
        .unwrap_err();
    assert_eq!(error, PasswordError::Problem(Guessable));
    assert_eq!(passwords.counts().computed, 0);
}

/// Texts that are long or strange in the ways that an estimate could trip over.
#[test]
fn the_estimate_bears_anything() {
    let passwords = with(|_| ());
    for unit in [
        "\u{661}\u{662}\u{663}\u{664}",
        "\u{966}",
        "İ",
        "ß",
        "ﬁ",
        "\n",
        "\0",
        "19\u{661}9",
        "\u{1f82}",
        "4@8({[<3691!|71|70$5+7%2",
        "ab",
        "aab",
        "a\u{301}",
    ] {
        let long: String = unit.chars().cycle().take(MAX_LENGTH).collect();
        for length in [8, 15, 47, 48, 49, MAX_LENGTH] {
            let text: String = long.chars().take(length).collect();
            // It may be refused, for whatever reason; it is judged.
            let _ = judge(&passwords, &text);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_text_is_judged(text in "\\PC{8,40}", digits in "[\\p{Nd}\\p{Lu}]{8,20}") {
        let passwords = with(|_| ());
        for text in [text, digits] {
            let _ = judge(&passwords, &text);
        }
    }
}
