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
mod tests;
