//! Strict JSON: UTF-8 only, no member name twice at any level, bounded depth, finite numbers.
//!
//! Parsers disagree about which of two members with one name counts; a token that means one
//! thing to its issuer and another to us must not exist. Names are compared after their escapes
//! were resolved.
//!
//! This is a parser of its own because it reads what strangers send, before anything was verified,
//! and does nothing else: one pass, texts borrowed where nothing is escaped. What serde_json makes
//! of a number depends on features that any crate of an application may turn on. A property test
//! holds it against serde_json.

use std::borrow::Cow;

/// Claims nest two or three deep; nobody needs more than this.
const MAX_DEPTH: usize = 16;
/// Names of so many members are compared each with each; of more they are sorted, so that a stranger
/// cannot make quadratic work of them.
const FEW: usize = 24;
/// Whole numbers of so many digits are exact in a double.
const EXACT_DIGITS: usize = 15;

/// A JSON value.
#[derive(Debug)]
pub(super) enum Json<'a> {
    Array(Vec<Json<'a>>),
    /// `true` or `false`: no rule of ours asks which.
    Bool,
    Null,
    Number(f64),
    Object(Object<'a>),
    Text(Cow<'a, str>),
}

/// The members of a JSON object, each name once.
#[derive(Debug)]
pub(super) struct Object<'a>(Vec<(Cow<'a, str>, Json<'a>)>);

impl<'a> Object<'a> {
    pub(super) fn get(&self, name: &str) -> Option<&Json<'a>> {
        self.iter()
            .find_map(|(known, value)| (known == name).then_some(value))
    }

    /// In the order of the text.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&str, &Json<'a>)> {
        self.0.iter().map(|(name, value)| (&**name, value))
    }

    fn is_unambiguous(&self) -> bool {
        let names = || self.iter().map(|(name, _)| name);
        if self.0.len() <= FEW {
            return names()
                .enumerate()
                .all(|(number, name)| names().take(number).all(|before| before != name));
        }
        let mut names = names().collect::<Vec<_>>();
        names.sort_unstable();
        names.is_sorted_by(|one, next| one != next)
    }
}

impl<'a> IntoIterator for Object<'a> {
    type Item = (Cow<'a, str>, Json<'a>);
    type IntoIter = std::vec::IntoIter<Self::Item>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

/// Parses a text that must be one object.
pub(super) fn object(text: &str) -> Option<Object<'_>> {
    let mut parser = Parser { text, at: 0 };
    parser.skip_space();
    let members = parser.object(MAX_DEPTH)?;
    parser.skip_space();
    (parser.at == text.len()).then_some(members)
}

/// Reads values (RFC 8259); `None` is a mistake.
struct Parser<'a> {
    text: &'a str,
    /// INVARIANT: at most the length of the text, and between two characters.
    at: usize,
}

impl<'a> Parser<'a> {
    fn value(&mut self, depth: usize) -> Option<Json<'a>> {
        Some(match self.peek()? {
            b'"' => Json::Text(self.text()?),
            b'{' => Json::Object(self.object(depth)?),
            b'[' => Json::Array(self.array(depth)?),
            b'n' => self.literal("null").map(|()| Json::Null)?,
            b't' => self.literal("true").map(|()| Json::Bool)?,
            b'f' => self.literal("false").map(|()| Json::Bool)?,
            _ => Json::Number(self.number()?),
        })
    }

    fn object(&mut self, depth: usize) -> Option<Object<'a>> {
        let depth = depth.checked_sub(1)?;
        self.expect(b'{')?;
        let mut members = Vec::new();
        self.skip_space();
        if self.peek()? == b'}' {
            self.at += 1;
            return Some(Object(members));
        }
        // As many as an access token has, so that there is one allocation.
        members.reserve(16);
        loop {
            self.skip_space();
            let name = self.text()?;
            self.skip_space();
            self.expect(b':')?;
            self.skip_space();
            members.push((name, self.value(depth)?));
            if !self.is_followed(b'}')? {
                break;
            }
        }
        let members = Object(members);
        members.is_unambiguous().then_some(members)
    }

    fn array(&mut self, depth: usize) -> Option<Vec<Json<'a>>> {
        let depth = depth.checked_sub(1)?;
        self.expect(b'[')?;
        let mut items = Vec::new();
        self.skip_space();
        if self.peek()? == b']' {
            self.at += 1;
            return Some(items);
        }
        loop {
            self.skip_space();
            items.push(self.value(depth)?);
            if !self.is_followed(b']')? {
                return Some(items);
            }
        }
    }

    /// Whether a comma says that there is more, and not the end.
    fn is_followed(&mut self, end: u8) -> Option<bool> {
        self.skip_space();
        let next = self.peek()?;
        self.at += 1;
        match next {
            b',' => Some(true),
            next if next == end => Some(false),
            _ => None,
        }
    }

    fn text(&mut self) -> Option<Cow<'a, str>> {
        self.expect(b'"')?;
        let plain = self.plain()?;
        if self.peek()? == b'"' {
            self.at += 1;
            return Some(Cow::Borrowed(plain));
        }
        let mut text = plain.to_owned();
        loop {
            match self.take()? {
                b'"' => return Some(Cow::Owned(text)),
                b'\\' => text.push(self.escaped()?),
                // A control character.
                _ => return None,
            }
            text.push_str(self.plain()?);
        }
    }

    /// What stands before the next quote, backslash or control character.
    fn plain(&mut self) -> Option<&'a str> {
        let rest = self.text.get(self.at..)?;
        let length = plain_bytes(rest.as_bytes())?;
        self.at += length;
        rest.get(..length)
    }

    /// The character that an escape is, after its backslash.
    fn escaped(&mut self) -> Option<char> {
        Some(match self.take()? {
            b'"' => '"',
            b'\\' => '\\',
            b'/' => '/',
            b'b' => '\u{8}',
            b'f' => '\u{c}',
            b'n' => '\n',
            b'r' => '\r',
            b't' => '\t',
            b'u' => {
                let unit = self.unit()?;
                if (0xd800..0xdc00).contains(&unit) {
                    // The first half of a pair. The second must follow.
                    self.expect(b'\\')?;
                    self.expect(b'u')?;
                    let low = self.unit()?;
                    char::decode_utf16([unit, low]).next()?.ok()?
                } else {
                    // The second half alone is no character.
                    char::from_u32(unit.into())?
                }
            }
            _ => return None,
        })
    }

    /// Four hexadecimal digits.
    fn unit(&mut self) -> Option<u16> {
        let mut unit = 0;
        for _ in 0..4 {
            let digit = char::from(self.take()?).to_digit(16)?;
            unit = unit << 4 | digit;
        }
        u16::try_from(unit).ok()
    }

    fn number(&mut self) -> Option<f64> {
        let start = self.at;
        let negative = self.skips(b'-');
        let first = self.at;
        let mut whole = 0_u64;
        while let Some(digit @ b'0'..=b'9') = self.peek() {
            whole = whole.wrapping_mul(10).wrapping_add(u64::from(digit - b'0'));
            self.at += 1;
        }
        let digits = self.at - first;
        if digits == 0 || (digits > 1 && self.text.as_bytes().get(first) == Some(&b'0')) {
            return None;
        }
        let has_fraction = self.skips(b'.');
        if has_fraction {
            self.digits()?;
        }
        let has_exponent = matches!(self.peek(), Some(b'e' | b'E'));
        if has_exponent {
            self.at += 1;
            if !self.skips(b'-') {
                self.skips(b'+');
            }
            self.digits()?;
        }
        if !negative && !has_fraction && !has_exponent && digits <= EXACT_DIGITS {
            return Some(whole as f64);
        }
        // "1e999" is infinite.
        let number = self.text.get(start..self.at)?.parse::<f64>().ok()?;
        number.is_finite().then_some(number)
    }

    /// At least one digit.
    fn digits(&mut self) -> Option<()> {
        let start = self.at;
        while matches!(self.peek(), Some(b'0'..=b'9')) {
            self.at += 1;
        }
        (self.at > start).then_some(())
    }

    fn literal(&mut self, literal: &str) -> Option<()> {
        let rest = self.text.get(self.at..)?;
        self.at += literal.len();
        rest.starts_with(literal).then_some(())
    }

    fn skip_space(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
    }

    fn skips(&mut self, byte: u8) -> bool {
        let skips = self.peek() == Some(byte);
        self.at += usize::from(skips);
        skips
    }

    fn expect(&mut self, byte: u8) -> Option<()> {
        self.skips(byte).then_some(())
    }

    fn take(&mut self) -> Option<u8> {
        let byte = self.peek()?;
        self.at += 1;
        Some(byte)
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }
}

/// How many bytes stand before the first quote, backslash or control character; `None` if there
/// is none of them. Looks at eight bytes at a time: most texts have no other end than their quote.
fn plain_bytes(text: &[u8]) -> Option<usize> {
    const EACH: u64 = 0x0101_0101_0101_0101;
    const HIGH: u64 = 0x80 * EACH;
    // Marks the bytes below `least` and perhaps, by the borrow, some after the first of them.
    let below = |word: u64, least: u64| word.wrapping_sub(least * EACH) & !word & HIGH;
    let (chunks, rest) = text.as_chunks::<8>();
    for (number, chunk) in chunks.iter().enumerate() {
        let word = u64::from_le_bytes(*chunk);
        let quotes = below(word ^ (u64::from(b'"') * EACH), 1);
        let backslashes = below(word ^ (u64::from(b'\\') * EACH), 1);
        let marks = quotes | backslashes | below(word, 0x20);
        if marks != 0 {
            return Some(number * 8 + marks.trailing_zeros() as usize / 8);
        }
    }
    let last = rest
        .iter()
        .position(|byte| matches!(byte, b'"' | b'\\' | ..0x20))?;
    Some(chunks.len() * 8 + last)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::Value;

    use super::*;

    /// Whether they are the same, but for what `Json` does not keep.
    fn is_same(one: &Json<'_>, other: &Value) -> bool {
        match (one, other) {
            (Json::Array(items), Value::Array(others)) => {
                items.len() == others.len()
                    && items
                        .iter()
                        .zip(others)
                        .all(|(one, other)| is_same(one, other))
            }
            (Json::Object(members), Value::Object(others)) => {
                members.0.len() == others.len()
                    && members.iter().all(|(name, value)| {
                        others.get(name).is_some_and(|other| is_same(value, other))
                    })
            }
            (Json::Number(number), Value::Number(other)) => {
                // The last bit may differ: serde_json rounds long numbers in a quicker way.
                let other = other.as_f64().unwrap();
                (number - other).abs() <= other.abs() * 1e-15
            }
            (Json::Text(text), Value::String(other)) => text == other,
            (Json::Bool, Value::Bool(_)) | (Json::Null, Value::Null) => true,
            _ => false,
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig {
            cases: 4_000, failure_persistence: None, ..ProptestConfig::default()
        })]

        /// J7: whatever is taken means the same to serde_json, and what that refuses is refused.
        #[test]
        fn what_is_taken_means_the_same_to_another_parser(
            text in r#"\{("[ab]":(-?[0-9]{0,3}(\.[0-9]{0,2})?([eE][+-]?[0-9]{0,2})?|[0-9]{14,22}|"([a-c/]|é|\\["bnu/x]|\\u(d83d|de00|0061|00))*"|true|nul{1,2}|\[[0-9,\[\]]{0,6}\]|\{("[ab]":1,?){0,3}\})[ \n]?,?){0,4}\}"#,
        ) {
            let other = serde_json::from_str::<Value>(&text);
            match object(&text) {
                Some(ours) => prop_assert!(is_same(&Json::Object(ours), &other.unwrap())),
                // Duplicate names are what serde_json alone lets pass.
                None => prop_assert!(other.is_err() || text.matches("\"a\"").count() > 1 || text.matches("\"b\"").count() > 1 || text.contains("\\u0061")),
            }
        }
    }

    #[test]
    fn names_are_unique_at_every_level_after_escapes() {
        for text in [
            r#"{"a":1,"a":1}"#,
            r#"{"alg":1,"al\u0067":1}"#,
            r#"{"x":{"a":1,"a":1}}"#,
            r#"{"x":[[{"a":1,"\u0061":1}]]}"#,
        ] {
            assert!(object(text).is_none(), "{text}");
        }
        assert!(object(r#"{"a":{"a":{"a":[]}},"A":1}"#).is_some());
    }

    #[test]
    fn anything_but_one_object_is_refused() {
        for text in [
            "",
            "[]",
            "null",
            "1",
            "{",
            "{}{}",
            "{},",
            r#"{"a":1,}"#,
            r#"{"a":01}"#,
            r#"{"a":NaN}"#,
            r#"{"a":Infinity}"#,
            r#"{"a":1e999}"#,
            r#"{"a":-1e999}"#,
            r#"{"a":"\ud800"}"#,
            r#"{"\ud800":1}"#,
            "{\"a\":\"\u{0}\"}",
            "\u{feff}{}",
            "{'a':1}",
            "{/**/}",
            "{a:1}",
        ] {
            assert!(object(text).is_none(), "{text}");
        }
        assert!(object(" {\n\t\"a\" : [ 1 , true , null , \"\\u00e9\" ] }\r\n").is_some());
    }

    #[test]
    fn escapes_are_resolved_and_halves_of_pairs_refused() {
        let text = |json: &str| match object(json)?.get("a") {
            Some(Json::Text(text)) => Some(text.to_string()),
            _ => None,
        };
        let all = r#"{"a":"\"\\\/\b\f\n\r\t\u00e9\uD83D\ude00 é"}"#;
        assert_eq!(
            text(all).unwrap(),
            "\"\\/\u{8}\u{c}\n\r\t\u{e9}\u{1f600} \u{e9}"
        );
        for refused in [
            r#"{"a":"\ud83d"}"#,
            r#"{"a":"\ud83dx"}"#,
            r#"{"a":"\ud83d\u0041"}"#,
            r#"{"a":"\ud83d\ud83d"}"#,
            r#"{"a":"\ude00"}"#,
            r#"{"a":"\u12"}"#,
            r#"{"a":"\u+123"}"#,
            r#"{"a":"\x41"}"#,
            "{\"a\":\"\n\"}",
            r#"{"a":""#,
        ] {
            assert!(text(refused).is_none(), "{refused}");
        }
    }

    #[test]
    fn a_text_ends_where_its_first_special_byte_is() {
        for byte in 0..=255_u8 {
            let is_special = matches!(byte, b'"' | b'\\' | ..0x20);
            for at in 0..20 {
                // What stands after the first must not matter.
                let mut text = [b'a', 0x7f, 0xe9, 0x80].repeat(6);
                text[at] = byte;
                let expected = if is_special { at } else { 22 };
                text[22] = b'"';
                assert_eq!(plain_bytes(&text), Some(expected), "{byte} at {at}");
            }
        }
        assert_eq!(plain_bytes(b"abcdefghijk"), None);
    }

    #[test]
    fn many_members_have_each_name_once() {
        let members = |names: &[String]| {
            let members = names.iter().map(|name| format!("\"{name}\":0"));
            format!("{{{}}}", members.collect::<Vec<_>>().join(","))
        };
        let mut names = (0..1000).map(|n| n.to_string()).collect::<Vec<_>>();
        assert!(object(&members(&names)).is_some());
        names.push("7".to_owned());
        assert!(object(&members(&names)).is_none());
        for most in [FEW - 1, FEW, FEW + 1] {
            let mut names = (0..most).map(|n| n.to_string()).collect::<Vec<_>>();
            assert!(object(&members(&names)).is_some());
            names.push("0".to_owned());
            assert!(object(&members(&names)).is_none());
        }
    }

    #[test]
    fn depth_is_bounded() {
        let nested =
            |levels: usize| format!("{}{}", r#"{"a":"#.repeat(levels), "1") + &"}".repeat(levels);
        assert!(object(&nested(MAX_DEPTH)).is_some());
        assert!(object(&nested(MAX_DEPTH + 1)).is_none());
        let lists = format!("{{\"a\":{}{}}}", "[".repeat(3000), "]".repeat(3000));
        assert!(object(&lists).is_none());
    }
}
