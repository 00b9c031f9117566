//! Problem details (RFC 9457 section 3) with our extensions, as JSON.

use std::{cell::RefCell, ptr};

use actix_web::web::Bytes;
use serde::Serialize;

use super::{InputError, Refusal, Rejection, table::PerRow};

const VIOLATED: &[u8] = br#","violated-policies":"#;
const ERRORS: &[u8] = br#","errors":"#;

/// The body of an answer.
///
/// A refusal must cost little. All of the same row have the same body, but for what was wrong with
/// the input and the names of quotas; it is written once.
pub(super) fn body(rejection: &Rejection) -> Bytes {
    static ROWS: PerRow<String> = PerRow::new();
    let refusal = rejection.refusal();
    let row = ROWS.get(refusal, || row(refusal));
    let (errors, names) = (rejection.errors(), rejection.violated_policies());
    match (errors, names) {
        ([], []) => Bytes::from_static(row.as_bytes()),
        ([], [name]) => of_one_quota(refusal, row, name),
        _ => with_members(row, errors, names),
    }
}

/// Names of quotas are the developer's, and a flood is told of the same few again and again. The last
/// bodies are kept, in each thread for itself.
const KEPT: usize = 64;

struct Kept {
    refusal: Refusal,
    name: &'static str,
    body: Bytes,
}

thread_local! {
    static BODIES: RefCell<[Option<Kept>; KEPT]> =
        const { RefCell::new([const { None }; KEPT]) };
}

/// The body that tells of one quota and of nothing else.
fn of_one_quota(refusal: Refusal, row: &str, name: &'static str) -> Bytes {
    let make = || with_members(row, &[], &[name]);
    let kept = BODIES.with_borrow_mut(|bodies| {
        let kept = bodies.get_mut(name.as_ptr().addr() % KEPT)?;
        if let Some(kept) = kept
            && kept.refusal == refusal
            && ptr::eq(kept.name, name)
        {
            return Some(kept.body.clone());
        }
        let body = make();
        *kept = Some(Kept {
            refusal,
            name,
            body: body.clone(),
        });
        Some(body)
    });
    // There is a place for every remainder.
    kept.unwrap_or_else(make)
}

/// The body of a row with what is to be said beside it.
fn with_members(row: &str, errors: &[InputError], names: &[&str]) -> Bytes {
    let longest = VIOLATED.len() + 1 + names.iter().map(|name| name.len() + 3).sum::<usize>();
    let mut problem = Vec::with_capacity(row.len() + longest);
    problem.extend_from_slice(row.as_bytes());
    problem.pop();
    if !errors.is_empty() {
        problem.extend_from_slice(ERRORS);
        add_json(&mut problem, errors);
    }
    if !names.is_empty() {
        problem.extend_from_slice(VIOLATED);
        add_names(&mut problem, names);
    }
    problem.push(b'}');
    problem.into()
}

/// The body of a row whose refusals have nothing more to say. It is our own text, without a byte
/// that JSON would escape.
fn row(refusal: Refusal) -> String {
    let r#type = match refusal {
        Refusal::Overloaded => {
            "https://iana.org/assignments/http-problem-types#temporary-reduced-capacity"
        }
        Refusal::QuotaExceeded => "https://iana.org/assignments/http-problem-types#quota-exceeded",
        Refusal::Banned => {
            "https://iana.org/assignments/http-problem-types#abnormal-usage-detected"
        }
        _ => "about:blank",
    };
    let row = refusal.row();
    let (status, detail) = (row.status.as_str(), row.detail);
    let title = row.status.canonical_reason().unwrap_or("Error");
    format!(r#"{{"type":"{type}","title":"{title}","status":{status},"detail":"{detail}"}}"#)
}

/// Texts have a serialization; without it the refusal would still stand.
fn add_json(problem: &mut Vec<u8>, value: &(impl Serialize + ?Sized)) {
    match serde_json::to_vec(value) {
        Ok(json) => problem.extend_from_slice(&json),
        Err(_) => problem.extend_from_slice(b"null"),
    }
}

fn add_names(problem: &mut Vec<u8>, names: &[&str]) {
    for (place, name) in names.iter().enumerate() {
        problem.push(if place == 0 { b'[' } else { b',' });
        let is_plain = |byte| byte >= b' ' && byte != b'"' && byte != b'\\';
        if name.bytes().all(is_plain) {
            problem.push(b'"');
            problem.extend_from_slice(name.as_bytes());
            problem.push(b'"');
        } else {
            add_json(problem, name);
        }
    }
    problem.push(b']');
}

#[cfg(test)]
mod tests {
    #![allow(
        clippy::unwrap_used,
        reason = "a test fails where something is missing"
    )]

    use std::borrow::Cow;

    use serde_json::{Value, json};

    use super::*;
    use crate::rejection::Quotas;

    fn by_quotas(refusal: Refusal, names: &'static [&'static str]) -> Rejection {
        Rejection::new(refusal, "").with_quotas(Quotas {
            violated: Cow::Borrowed(names),
            policy: None,
            state: None,
            is_own: true,
        })
    }

    fn json_of(rejection: &Rejection) -> Value {
        serde_json::from_slice(&body(rejection)).unwrap()
    }

    /// L7: beside what was written once for all.
    #[test]
    fn l7_members_are_json_whatever_they_hold() {
        let plain = json_of(&Rejection::new(Refusal::QuotaExceeded, ""));
        let names: [&[&str]; 4] = [
            &["a"],
            &["", "für alle"],
            &["a\"b", "\\"],
            &["\n", "c", "\u{7f}"],
        ];
        for names in names {
            let mut expected = plain.clone();
            expected["violated-policies"] = json!(names);
            for _ in 0..2 {
                let quotas = by_quotas(Refusal::QuotaExceeded, names);
                assert_eq!(json_of(&quotas), expected);
            }
        }
        let error = InputError {
            source: "body",
            pointer: String::from("/a\"b"),
            detail: String::from("is \\"),
        };
        let input = Rejection::new(Refusal::InputInvalid, "").with_errors(vec![error.clone()]);
        let mut expected = json_of(&Rejection::new(Refusal::InputInvalid, ""));
        assert_eq!(expected["status"], 422);
        expected["errors"] = json!([error]);
        assert_eq!(json_of(&input), expected);
    }
    /// L7: more of them than are kept, names that begin at one place, and two refusals of one name.
    #[test]
    fn l7_bodies_that_are_kept_are_not_mixed_up() {
        let text: &'static str = "abcdefghij".repeat(20).leak();
        let mut names = Vec::new();
        for start in 0..text.len() - 2 {
            names.push(&text[start..=start]);
            names.push(&text[start..start + 2]);
        }
        let names: &'static [&'static str] = names.leak();
        for _ in 0..2 {
            for name in names.chunks(1) {
                for refusal in [Refusal::QuotaExceeded, Refusal::Overloaded] {
                    for _ in 0..2 {
                        let told = json_of(&by_quotas(refusal, name));
                        assert_eq!(told["violated-policies"], json!(name));
                        assert_eq!(told["status"], refusal.status().as_u16());
                    }
                }
            }
        }
    }
}
