//! Which way a change of each line goes.

use super::{super::parse, *};

/// The change between two texts that hold one route each.
fn change(old: &str, new: &str) -> Option<Change> {
    let read = |lines: &str| parse(&format!("GET /x\n{lines}"));
    match compare(&read(old), &read(new)).as_slice() {
        [] => None,
        [one] => Some(one.change),
        more => panic!("{more:?}"),
    }
}

#[test]
fn each_line_knows_its_direction() {
    use Change::*;
    for (old, new, expected) in [
        ("  access authenticated", "  access public", Weakened),
        ("  access public", "  access authenticated", Strengthened),
        ("  access public", "  access public \"why\"", Changed),
        ("", "  role \"admin\"", Strengthened),
        ("  role \"admin\"", "", Weakened),
        (
            "  role \"admin\"",
            "  role \"support\" | \"admin\"",
            Weakened,
        ),
        ("  role \"admin\"", "  role \"other\"", Changed),
        ("  scope \"a\"", "  scope all(\"a\", \"b\")", Strengthened),
        ("  max_age 900 s", "  max_age 60 s", Strengthened),
        ("  max_age 900 s", "", Weakened),
        ("", "  outage local", Weakened),
        ("  outage local", "", Strengthened),
        ("  revocation 2 s", "  revocation 3 s", Weakened),
        ("  revocation 2 s", "  revocation 0 s", Strengthened),
        ("  revocation 3600 s", "  revocation off \"why\"", Weakened),
        ("  revocation off \"why\"", "  revocation 9 s", Strengthened),
        ("  revocation off \"a\"", "  revocation off \"b\"", Changed),
        ("", "  revocation 2 s", Strengthened),
        ("  revocation 2 s", "", Weakened),
        ("  max_body 10 bytes", "  max_body 11 bytes", Weakened),
        ("  max_body 10 bytes", "", Strengthened),
        ("  body_timeout 10 s", "  body_timeout 9 s", Strengthened),
        (
            "  rate 5/1s burst 5 per ip",
            "  rate 6/1s burst 5 per ip",
            Weakened,
        ),
        (
            "  rate 5/1s burst 5 per ip",
            "  rate 5/1s burst 5 per user",
            Changed,
        ),
        (
            "  rate 5/1s burst 5 per ip",
            "  rate 5/1s burst 5 per ip, 9/60s burst 9 per ip",
            Strengthened,
        ),
        ("  rate 5/1s burst 5 per ip", "", Weakened),
        (
            "  rate 5/1s burst 5 per ip",
            "  rate 5/1s burst 5 per ip leased",
            Weakened,
        ),
        (
            "  rate 5/1s burst 5 per ip leased",
            "  rate 5/1s burst 5 per ip local",
            Weakened,
        ),
        (
            "  rate 5/1s burst 5 per ip local",
            "  rate 5/1s burst 5 per ip leased",
            Strengthened,
        ),
        (
            "  rate 5/1s burst 5 per ip local",
            "  rate 5/1s burst 5 per ip",
            Strengthened,
        ),
        (
            "  rate 5/1s burst 5 per ip local",
            "  rate 6/1s burst 5 per ip leased",
            Changed,
        ),
        (
            "  rate 5/1s burst 5 per ip local",
            "  rate 5/1s burst 5 per ip elsewhere",
            Changed,
        ),
        ("", "  concurrency 20", Strengthened),
        ("  concurrency 20", "  concurrency 21", Weakened),
        ("  concurrency 20", "  concurrency 9", Strengthened),
        ("  concurrency 20", "", Weakened),
        ("", "  cost 5", Strengthened),
        ("  cost 5", "  cost 4", Weakened),
        ("  cost 9", "  cost 10", Strengthened),
        ("  cost 5", "", Weakened),
        ("", "  priority critical", Changed),
        ("  priority critical", "", Changed),
        ("  rate what", "  rate 5/1s burst 5 per ip", Changed),
        ("", "  allow a else 403", Strengthened),
        ("  allow a else 403", "", Weakened),
        ("  allow a else 403", "  allow b else 403", Changed),
        ("", "  login 5/900s lock 1800s account a", Strengthened),
        ("  login 5/900s lock 1800s account a", "", Weakened),
        (
            "  login 5/900s lock 1800s account a",
            "  login 6/900s lock 1800s account a",
            Weakened,
        ),
        (
            "  login 5/900s lock 1800s account a",
            "  login 5/600s lock 3600s account a",
            Weakened,
        ),
        (
            "  login 5/900s lock 1800s account a",
            "  login 5/900s lock 1799s account b",
            Weakened,
        ),
        (
            "  login 5/900s lock 1800s account a password b",
            "  login 5/900s lock 1800s account a",
            Weakened,
        ),
        (
            "  login 5/900s lock 1800s account a",
            "  login 4/900s lock 1800s account a password b",
            Strengthened,
        ),
        (
            "  login 5/900s lock 1800s account a",
            "  login 5/900s lock 1800s account b",
            Changed,
        ),
        (
            "  login 5/900s lock 1800s account a password b",
            "  login 5/900s lock 1800s account a password c",
            Changed,
        ),
        ("  login 5/900s lock 1800s account a", "  login x", Changed),
        ("", "  unvalidated body", Weakened),
        ("  unvalidated body", "", Strengthened),
        ("  unvalidated body, id", "  unvalidated query", Weakened),
        ("  handler a", "  handler b", Changed),
        // One weakened line outweighs any number of strengthened ones.
        (
            "  role \"a\"\n  max_age 900 s",
            "  role all(\"a\", \"b\")",
            Weakened,
        ),
    ] {
        assert_eq!(change(old, new), Some(expected), "{old} -> {new}");
    }
    assert_eq!(change("  role \"a\"", "  role \"a\""), None);
}

#[test]
fn routes_come_and_go() {
    let old = parse("GET /a\n  access public\n\nGET /b\n  access public\n");
    let new = parse("GET /b\n  access public\n\nGET /c\n  access public\n");
    let changes: Vec<_> = compare(&old, &new)
        .into_iter()
        .map(|difference| (difference.route, difference.change))
        .collect();
    assert_eq!(
        changes,
        [
            ("GET /c".to_owned(), Change::Added),
            ("GET /a".to_owned(), Change::Removed)
        ]
    );
}

#[test]
fn a_difference_reads_well() {
    let old = parse("GET /a\n  role \"admin\"\n");
    let new = parse("GET /a\n  access public\n");
    let text = compare(&old, &new)[0].to_string();
    assert_eq!(
        text,
        "weakened: GET /a\n    access: - -> public\n    role: \"admin\" -> -"
    );
}
