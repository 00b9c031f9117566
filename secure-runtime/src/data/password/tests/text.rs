use garde::Validate;

use super::*;

fn problem<const MIN: usize>(text: &str) -> Option<PasswordProblem> {
    let password = NewPassword::<MIN>::from(text);
    let problem = password.check_length().err();
    let reported = password.validate().err().map(|report| report.to_string());
    assert_eq!(reported.is_some(), problem.is_some());
    problem
}

/// W1: code points are counted, not bytes.
#[test]
fn w1_lengths_are_counted_in_code_points() {
    for char in ["a", " ", "é", "語", "🦀"] {
        let of = |length: usize| char.repeat(length);
        assert_eq!(
            problem::<15>(&of(14)),
            Some(PasswordProblem::TooShort { min: 15 })
        );
        assert_eq!(problem::<15>(&of(15)), None);
        assert_eq!(
            problem::<8>(&of(7)),
            Some(PasswordProblem::TooShort { min: 8 })
        );
        assert_eq!(problem::<8>(&of(8)), None);
        assert_eq!(problem::<15>(&of(64)), None);
        assert_eq!(problem::<15>(&of(256)), None);
        assert_eq!(problem::<15>(&of(257)), Some(PasswordProblem::TooLong));
        assert_eq!(
            problem::<15>(&of(1_000_000)),
            Some(PasswordProblem::TooLong)
        );
        // A login asks for one character, and keeps no more either.
        assert!(Password::from(of(1).as_str()).validate().is_ok());
        assert!(Password::from(of(257).as_str()).validate().is_err());
        assert!(Password::from(of(257).as_str()).text().is_none());
    }
    assert!(Password::from("").validate().is_err());
    // Fifteen that are written with thirty.
    assert_eq!(
        problem::<15>(&"e\u{301}".repeat(14)),
        Some(PasswordProblem::TooShort { min: 15 })
    );
    assert_eq!(problem::<15>(&"e\u{301}".repeat(15)), None);
    assert_eq!(problem::<15>(&"e\u{301}".repeat(256)), None);
}

/// The bound before normalising refuses nothing that the bound after it takes: here are those
/// that grow most when they are decomposed.
#[test]
fn decomposed_text_is_not_too_long() {
    use unicode_normalization::UnicodeNormalization;

    for char in [
        '\u{390}',
        '\u{1f82}',
        '\u{ac01}',
        '\u{1d160}',
        '\u{fb2c}',
        '\u{1e14}',
    ] {
        let composed: String = std::iter::repeat_n(char, MAX_LENGTH).collect();
        let decomposed: String = composed.nfd().collect();
        let length = decomposed.nfc().count();
        let kept = Password::from(decomposed.as_str());
        assert_eq!(kept.text().is_some(), length <= MAX_LENGTH, "{char:?}");
    }
}

/// W2
#[tokio::test]
async fn w2_composed_and_decomposed_are_one_password() {
    let passwords = with(|_| ());
    let (composed, decomposed) = (
        "caf\u{e9} \u{c5}ngstr\u{f6}m 한국어 tram",
        "cafe\u{301} A\u{30a}ngstro\u{308}m 한국어 tram",
    );
    assert_ne!(composed, decomposed);
    let stored = hash(&passwords, composed).await;
    assert!(verify(&passwords, decomposed, Some(&stored)).await.0);
    let stored = hash(&passwords, decomposed).await;
    assert!(verify(&passwords, composed, Some(&stored)).await.0);
    // Compatible is not the same.
    assert!(
        !verify(
            &passwords,
            &composed.replace('t', "\u{1d69d}"),
            Some(&stored)
        )
        .await
        .0
    );
}

/// W2: nothing is cut off or folded, wherever it differs.
#[tokio::test]
async fn w2_every_character_counts() {
    let passwords = with(|_| ());
    let long: String = RIGHT.chars().cycle().take(MAX_LENGTH).collect();
    let stored = hash(&passwords, &long).await;
    assert!(verify(&passwords, &long, Some(&stored)).await.0);
    for at in [0, 55, 71, 72, 127, 254, 255] {
        let mut other: Vec<char> = long.chars().collect();
        other[at] = '#';
        let other: String = other.into_iter().collect();
        assert!(!verify(&passwords, &other, Some(&stored)).await.0, "{at}");
    }
    for other in [
        long.to_uppercase(),
        format!(" {}", &long[1..]),
        long[..255].to_owned(),
    ] {
        assert!(!verify(&passwords, &other, Some(&stored)).await.0);
    }
    // A byte of zero ends nothing.
    let stored = hash(&passwords, "violet tram\0eats sixteen clouds").await;
    assert!(
        !verify(&passwords, "violet tram\0eats sixteen stars", Some(&stored))
            .await
            .0
    );
}

/// What is too long to be hashed is refused before it waits for anything.
#[tokio::test]
async fn what_is_too_long_is_not_hashed() {
    let passwords = with(|_| ());
    let long = "x".repeat(257);
    let error = passwords
        .verify(&long.as_str().into(), None)
        .await
        .unwrap_err();
    assert_eq!(error, PasswordError::Problem(PasswordProblem::TooLong));
    let error = passwords.rehash(&long.as_str().into()).await.unwrap_err();
    assert_eq!(error, PasswordError::Problem(PasswordProblem::TooLong));
    assert_eq!(passwords.counts().computed, 0);
}

#[test]
fn text_is_read_however_it_is_escaped() {
    let password: Password = serde_json::from_str(r#""caf\u00e9""#).unwrap();
    assert_eq!(password.text(), Some("café"));
    let password: Password = serde_json::from_value("cafe\u{301}".into()).unwrap();
    assert_eq!(password.text(), Some("café"));
    let error = serde_json::from_str::<Password>("12345678").unwrap_err();
    assert!(error.to_string().contains("a password"), "{error}");
}
