//! What went wrong in a decoder, without the value that was sent.
//!
//! Messages of serde hold the value (``invalid type: string "hunter2", expected u32``), and
//! messages of a developer's own `Deserialize` may hold anything. An error's detail goes to the
//! caller and to the log, so only the part that comes from the developer's types is kept, and only
//! from messages whose form is known.

/// A longer description is of no use to a caller.
const MAX_LENGTH: usize = 200;

/// For messages whose form is not known.
const UNFIT: &str = "not of the expected form";

/// The public form of a decoder's message.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Detail {
    pub(super) text: String,
    /// The field of the value pointed at that the message is about.
    pub(super) field: Option<String>,
}

impl Detail {
    pub(super) fn of(message: &str) -> Self {
        if let Some(field) = quoted(message, "missing field `") {
            return Self::about(field, "required");
        }
        if let Some(field) = quoted(message, "duplicate field `") {
            return Self::about(field, "given more than once");
        }
        let text = if message.starts_with("unknown field `") {
            "has a field that is not known".to_owned()
        } else {
            expected(message).unwrap_or_else(|| UNFIT.to_owned())
        };
        Self { text, field: None }
    }

    fn about(field: &str, text: &str) -> Self {
        Self {
            text: text.to_owned(),
            field: Some(field.to_owned()),
        }
    }
}

/// The name between the opening and the last backtick.
fn quoted<'a>(message: &'a str, opening: &str) -> Option<&'a str> {
    message.strip_prefix(opening)?.strip_suffix('`')
}

fn expected(message: &str) -> Option<String> {
    if let Some((_, text)) = PARSERS.iter().find(|(known, _)| *known == message) {
        return Some((*text).to_owned());
    }
    if let Some(parsed) = message.strip_prefix("can not parse ") {
        let (_, name) = parsed.rsplit_once(" to a ")?;
        return PRIMITIVES
            .contains(&name)
            .then(|| format!("expected {name}"));
    }
    let known = [
        "invalid length ",
        "invalid type: ",
        "invalid value: ",
        "unknown variant `",
    ];
    if !known.iter().any(|start| message.starts_with(start)) {
        return None;
    }
    // What was expected comes last and from the type: the last separator is never the client's.
    let (_, expected) = message.rsplit_once(", expected ")?;
    let readable = expected.len() <= MAX_LENGTH && !expected.contains(char::is_control);
    readable.then(|| format!("expected {expected}"))
}

/// Messages of the standard library's parsers.
const PARSERS: [(&str, &str); 8] = [
    ("cannot parse float from empty string", "expected a number"),
    (
        "cannot parse integer from empty string",
        "expected an integer",
    ),
    (
        "invalid digit found in string",
        "expected an integer in range",
    ),
    ("invalid float literal", "expected a number"),
    (
        "number too large to fit in target type",
        "expected an integer in range",
    ),
    (
        "number too small to fit in target type",
        "expected an integer in range",
    ),
    (
        "number would be zero for non-zero type",
        "expected a number that is not zero",
    ),
    (
        "provided string was not `true` or `false`",
        "expected `true` or `false`",
    ),
];

/// Type names in the messages of actix-router.
const PRIMITIVES: [&str; 12] = [
    "bool", "char", "f32", "f64", "i16", "i32", "i64", "i8", "u16", "u32", "u64", "u8",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_left_out() {
        for (message, text) in [
            (
                r#"invalid type: string "hunter2", expected u32"#,
                "expected u32",
            ),
            (
                r#"invalid type: string ", expected a pony", expected u32"#,
                "expected u32",
            ),
            ("invalid value: integer `300`, expected u8", "expected u8"),
            (
                "invalid length 3, expected a tuple of size 2",
                "expected a tuple of size 2",
            ),
            (
                "unknown variant `hunter2`, expected one of `red`, `green`",
                "expected one of `red`, `green`",
            ),
            (
                "unknown field `hunter2`, expected `a`",
                "has a field that is not known",
            ),
            (
                "unknown field `hunter2`, there are no fields",
                "has a field that is not known",
            ),
            ("unknown variant `hunter2`, there are no variants", UNFIT),
            (r#"can not parse "hunter2" to a u32"#, "expected u32"),
            (r#"can not parse "x" to a hunter2"#, UNFIT),
            (
                "invalid digit found in string",
                "expected an integer in range",
            ),
            ("hunter2 is no password", UNFIT),
            ("invalid type: hunter2", UNFIT),
            ("invalid type: x, expected a\nb", UNFIT),
            ("", UNFIT),
        ] {
            let detail = Detail::of(message);
            assert_eq!(detail.text, text, "{message}");
            assert_eq!(detail.field, None, "{message}");
        }
    }

    #[test]
    fn fields_are_named() {
        let missing = Detail::of("missing field `item`");
        assert_eq!(missing.field.as_deref(), Some("item"));
        assert_eq!(missing.text, "required");

        let duplicate = Detail::of("duplicate field `item`");
        assert_eq!(duplicate.field.as_deref(), Some("item"));
        assert_eq!(duplicate.text, "given more than once");
    }
}
