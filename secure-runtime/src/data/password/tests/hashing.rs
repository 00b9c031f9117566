use super::*;

/// The reference implementation's own tests of Argon2id (phc-winner-argon2, `src/test.c`).
const REFERENCE: &[(&str, &str)] = &[
    (
        "password",
        "$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4",
    ),
    (
        "password",
        "$argon2id$v=19$m=256,t=2,p=2$c29tZXNhbHQ$bQk8UB/VmZZF4Oo79iDXuL5/0ttZwg2f/5U52iv1cDc",
    ),
    (
        "password",
        "$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc",
    ),
];

/// W5
#[tokio::test]
async fn hashes_of_the_reference_implementation_verify() {
    let passwords = with(|settings| settings.memory = 64 << 20);
    for (password, stored) in REFERENCE {
        assert!(verify(&passwords, password, Some(stored)).await.0);
        assert!(!verify(&passwords, "passwore", Some(stored)).await.0);
    }
}

/// A hash that differs anywhere is another one.
#[tokio::test]
async fn every_character_of_a_stored_hash_counts() {
    let passwords = with(|settings| settings.iterations = number(2));
    let stored = hash(&passwords, RIGHT).await;
    let start = stored.rfind('$').unwrap() + 1;
    // Of the last character only some bits count, and others are refused.
    for at in start..stored.len() - 1 {
        let other = if stored.as_bytes()[at] == b'A' {
            "B"
        } else {
            "A"
        };
        let mut changed = stored.clone();
        changed.replace_range(at..=at, other);
        assert_eq!(
            verify(&passwords, RIGHT, Some(&changed)).await,
            (false, false)
        );
    }
    assert!(verify(&passwords, RIGHT, Some(&stored)).await.0);
}

/// W5
#[tokio::test]
async fn the_default_is_what_owasp_asks_for_and_a_hash_says_so() {
    let settings = Settings::default();
    settings.check_parts().unwrap();
    let passwords = Passwords::new(&settings).unwrap();
    let stored = hash(&passwords, RIGHT).await;
    let [empty, kind, version, cost, salt, output] = stored.split('$').collect::<Vec<_>>()[..]
    else {
        panic!("{stored}")
    };
    assert_eq!(
        (empty, kind, version, cost),
        ("", "argon2id", "v=19", "m=19456,t=2,p=1")
    );
    assert_eq!((salt.len(), output.len()), (22, 43)); // 16 and 32 bytes
    assert_eq!(
        verify(&passwords, RIGHT, Some(&stored)).await,
        (true, false)
    );
    assert_eq!(
        verify(&passwords, WRONG, Some(&stored)).await,
        (false, false)
    );
}

/// W5
#[tokio::test]
async fn each_hash_has_its_own_salt() {
    let passwords = with(|_| ());
    let (one, two) = (hash(&passwords, RIGHT).await, hash(&passwords, RIGHT).await);
    assert_ne!(one.split('$').nth(4), two.split('$').nth(4));
    assert_ne!(one.split('$').nth(5), two.split('$').nth(5));
}

/// W5
#[tokio::test]
async fn a_hash_that_costs_less_than_a_new_one_is_to_be_replaced() {
    let old = with(|settings| settings.memory = 16 << 10);
    let stored = hash(&old, RIGHT).await;
    for (memory, iterations, wanted) in
        [(16, 1, false), (17, 1, true), (16, 2, true), (32, 1, true)]
    {
        let new = with(|settings| {
            settings.memory = memory << 10;
            settings.iterations = number(iterations);
        });
        assert_eq!(verify(&new, RIGHT, Some(&stored)).await, (true, wanted));
        // Who does not know the password is not told.
        assert_eq!(verify(&new, WRONG, Some(&stored)).await, (false, false));
        let again = new.rehash(&RIGHT.into()).await.unwrap();
        assert_eq!(
            verify(&new, RIGHT, Some(again.as_str())).await,
            (true, false)
        );
    }
}

/// W5
#[tokio::test]
async fn a_hash_that_costs_more_is_taken_up_to_max_memory() {
    let stored = hash(&with(|settings| settings.memory = 32 << 10), RIGHT).await;
    let lowered = with(|settings| settings.max_memory = Some(32 << 10));
    assert_eq!(verify(&lowered, RIGHT, Some(&stored)).await, (true, false));
    let strict = with(|_| ());
    let error = strict
        .verify(&RIGHT.into(), Some(&stored))
        .await
        .unwrap_err();
    assert!(matches!(error, PasswordError::Stored(_)), "{error}");
}

/// A stored hash is not a way to exhaust memory or time, and what cannot be read matches nothing.
#[tokio::test]
async fn stored_hashes_beyond_the_bounds_are_refused_after_the_usual_work() {
    let passwords = with(|settings| settings.memory = 256 << 10);
    let (_, good) = REFERENCE[0];
    let with_cost = |cost: &str| good.replace("m=256,t=2,p=1", cost);
    for stored in [
        with_cost("m=257,t=1,p=1"),
        with_cost("m=4294967295,t=1,p=1"),
        with_cost("m=256,t=5,p=1"),
        with_cost("m=8,t=129,p=1"),
        with_cost("m=8,t=4294967295,p=1"),
        with_cost("m=256,t=1,p=33"),
        with_cost("m=256,t=1,p=16777215"),
        with_cost("m=0,t=0,p=0"),
        with_cost("m=256,t=2,p=1,keyid=Hj5+dsK0"),
        with_cost("m=256,t=2,p=1,data=Hj5+dsK0"),
        with_cost("m=256,t=2,p=1,x=1"),
        with_cost("m=99999999999999999999,t=2,p=1"),
        good.replace("argon2id", "argon2i"),
        good.replace("argon2id", "argon2d"),
        good.replace("argon2id", "scrypt"),
        good.replace("v=19", "v=16"),
        good.replace("$v=19", ""),
        good.replace(
            "nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4",
            "nf65EOgLrQMR/uIPnA4",
        ),
        good.replace("$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4", ""),
        format!("{good}$x"),
        "$2b$12$R9h/cIPz0gi.URNNX3kh2OPST9/PgBkqquzi.Ss7KIUgO2t0jWMUW".to_owned(),
        "password".to_owned(),
        String::new(),
        "$".repeat(100_000),
    ] {
        let before = passwords.counts().computed;
        let error = passwords
            .verify(&"password".into(), Some(&stored))
            .await
            .unwrap_err();
        assert!(
            matches!(error, PasswordError::Stored(_)),
            "{stored}: {error}"
        );
        assert_eq!(passwords.counts().computed, before + 1);
    }
    assert!(verify(&passwords, "password", Some(good)).await.0);
}

/// G7: the work is the same whether there is such an account.
#[tokio::test]
async fn g7_nobody_takes_as_much_work_as_somebody_and_never_matches() {
    let passwords = with(|settings| settings.memory = 64 << 10);
    let stored = hash(&passwords, RIGHT).await;
    for password in [RIGHT, WRONG, "x"] {
        let mut work = Vec::new();
        for stored in [Some(stored.as_str()), None] {
            let before = passwords.counts().computed;
            let verified = verify(&passwords, password, stored).await;
            assert_eq!(verified.0, stored.is_some() && password == RIGHT);
            work.push(passwords.counts().computed - before);
        }
        assert_eq!(work, [1, 1], "{password}");
    }
    // And each of them is of the configured cost.
    let only_nobody = with(|settings| settings.memory = 64 << 10);
    assert_eq!(verify(&only_nobody, RIGHT, None).await, (false, false));
    assert_eq!(only_nobody.0.memory.kib(), 64);
}

/// Passwords and hashes are in no text that can be logged.
#[tokio::test]
async fn nothing_is_shown() {
    let passwords = with(|_| ());
    let new = NewPassword::<15>::from(RIGHT);
    let hash = passwords.hash(&new, &[]).await.unwrap();
    let shown = format!("{passwords:?} {new:?} {hash:?} {:?}", Password::from(RIGHT));
    assert!(
        !shown.contains("violet") && !shown.contains("argon2id"),
        "{shown}"
    );
    let error = passwords
        .hash(&NewPassword::<15>::from("violet"), &[])
        .await
        .unwrap_err();
    let shown = format!("{error} {error:?} {:?}", error.clone().at("/password"));
    assert!(!shown.contains("violet"), "{shown}");
}
