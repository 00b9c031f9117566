//! Whether a text is one JSON value that every reader understands in the same way.
//!
//! `serde_json` lets the last of two equal keys win, other readers take the first, and a proxy
//! that inspects the body may be one of them. So a key that comes twice is refused, at every
//! level, compared after its escapes are resolved (RFC 8259 section 4, RFC 7493 section 2.3).
//!
//! The grammar is checked here in full, so that a syntax error is one (400) even where the type
//! finds fault with an earlier value (422). The loop does not recurse: depth costs no stack.

use std::borrow::Cow;

use super::super::names::{Names, Set};

/// More levels than an interface has; `serde_json` itself goes to 128.
pub(super) const MAX_DEPTH: usize = 64;

/// `serde_json` gives these keys a meaning of their own: with them, a string in the body would be
/// read as a further JSON text that nobody has checked.
const RESERVED: &str = "$serde_json::private::";

/// Why a text is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Flaw {
    DuplicateKey,
    ReservedKey,
    Syntax,
    TooDeep,
}

impl Flaw {
    pub(super) fn reason(self) -> &'static str {
        match self {
            Self::DuplicateKey => "a key comes twice in one JSON object",
            Self::ReservedKey => "a key of the JSON body is reserved by the decoder",
            Self::Syntax => "the body is not JSON",
            Self::TooDeep => "the JSON body is nested too deeply",
        }
    }
}

/// Checks a whole text.
pub(super) fn scan(text: &str) -> Result<(), Flaw> {
    let mut scanner = Scanner {
        text,
        rest: text.as_bytes(),
        open: Vec::new(),
        names: Names::default(),
    };
    loop {
        if scanner.value()? == Value::Complete && scanner.close()? {
            return Ok(());
        }
    }
}

struct Scanner<'a> {
    text: &'a str,
    /// The end of `text` that was not looked at.
    rest: &'a [u8],
    open: Vec<Container<'a>>,
    names: Names<'a>,
}

enum Container<'a> {
    Array,
    Object(Set<'a>),
}

#[derive(PartialEq, Eq)]
enum Value {
    Complete,
    /// A container began, and its first value comes next.
    Open,
}

impl<'a> Scanner<'a> {
    /// A value that is not a container, an empty container, or the beginning of one.
    fn value(&mut self) -> Result<Value, Flaw> {
        match self.token()? {
            b'"' => {
                self.string()?;
            }
            b'-' => self.number(None)?,
            digit @ b'0'..=b'9' => self.number(Some(digit))?,
            b'[' => {
                if !self.skip(b']') {
                    self.enter(Container::Array)?;
                    return Ok(Value::Open);
                }
            }
            b'f' => self.literal(b"alse")?,
            b'n' => self.literal(b"ull")?,
            b't' => self.literal(b"rue")?,
            b'{' => {
                if !self.skip(b'}') {
                    let name = self.name()?;
                    let mut set = self.names.open();
                    self.names.insert(&mut set, name);
                    self.colon()?;
                    self.enter(Container::Object(set))?;
                    return Ok(Value::Open);
                }
            }
            _ => return Err(Flaw::Syntax),
        }
        Ok(Value::Complete)
    }

    /// What follows a complete value: true if the text is complete, false if a value comes next.
    fn close(&mut self) -> Result<bool, Flaw> {
        while !self.open.is_empty() {
            match (self.token()?, self.open.last()) {
                (b',', Some(Container::Array)) => return Ok(false),
                (b',', Some(Container::Object(_))) => {
                    let name = self.name()?;
                    self.add(name)?;
                    self.colon()?;
                    return Ok(false);
                }
                (b']', Some(Container::Array)) | (b'}', Some(Container::Object(_))) => self.leave(),
                _ => return Err(Flaw::Syntax),
            }
        }
        self.whitespace();
        if self.rest.is_empty() {
            Ok(true)
        } else {
            Err(Flaw::Syntax)
        }
    }

    fn enter(&mut self, container: Container<'a>) -> Result<(), Flaw> {
        if self.open.len() >= MAX_DEPTH {
            return Err(Flaw::TooDeep);
        }
        self.open.push(container);
        Ok(())
    }

    fn leave(&mut self) {
        if let Some(Container::Object(set)) = self.open.pop() {
            self.names.close(set);
        }
    }

    /// Adds a name to the innermost object.
    fn add(&mut self, name: Cow<'a, str>) -> Result<(), Flaw> {
        let is_new = match self.open.last_mut() {
            Some(Container::Object(set)) => self.names.insert(set, name),
            _ => false,
        };
        if is_new {
            Ok(())
        } else {
            Err(Flaw::DuplicateKey)
        }
    }

    /// The name of a member, its escapes resolved.
    fn name(&mut self) -> Result<Cow<'a, str>, Flaw> {
        if self.token()? != b'"' {
            return Err(Flaw::Syntax);
        }
        let start = self.position();
        let escaped = self.string()?;
        let end = self.position();
        let name = if escaped {
            let quoted = self.text.get(start.saturating_sub(1)..end);
            let name = serde_json::from_str(quoted.ok_or(Flaw::Syntax)?);
            Cow::Owned(name.map_err(|_| Flaw::Syntax)?)
        } else {
            let plain = self.text.get(start..end.saturating_sub(1));
            Cow::Borrowed(plain.ok_or(Flaw::Syntax)?)
        };
        if name.starts_with(RESERVED) {
            return Err(Flaw::ReservedKey);
        }
        Ok(name)
    }

    fn colon(&mut self) -> Result<(), Flaw> {
        if self.token()? == b':' {
            Ok(())
        } else {
            Err(Flaw::Syntax)
        }
    }

    /// Skips the rest of a string after its opening quote; true if it has escapes.
    fn string(&mut self) -> Result<bool, Flaw> {
        let mut escaped = false;
        loop {
            self.plain();
            match self.byte()? {
                b'"' => return Ok(escaped),
                b'\\' => {
                    escaped = true;
                    self.escape()?;
                }
                _ => return Err(Flaw::Syntax),
            }
        }
    }

    /// Skips what may stand in a string as it is.
    fn plain(&mut self) {
        while let Some((word, rest)) = self.rest.split_first_chunk() {
            let marks = marks(u64::from_le_bytes(*word));
            if marks == 0 {
                self.rest = rest;
                continue;
            }
            let plain = marks.trailing_zeros() / u8::BITS;
            self.rest = self.rest.get(plain as usize..).unwrap_or_default();
            return;
        }
        while let Some((b' '..=b'!' | b'#'..=b'[' | b']'.., rest)) = self.rest.split_first() {
            self.rest = rest;
        }
    }

    /// An escape after its backslash. Half of a surrogate pair stands for nothing (RFC 7493
    /// section 2.1).
    fn escape(&mut self) -> Result<(), Flaw> {
        match self.byte()? {
            b'"' | b'/' | b'\\' | b'b' | b'f' | b'n' | b'r' | b't' => Ok(()),
            b'u' => match self.hex()? {
                0xd800..=0xdbff => {
                    let low = self.byte()? == b'\\'
                        && self.byte()? == b'u'
                        && matches!(self.hex()?, 0xdc00..=0xdfff);
                    if low { Ok(()) } else { Err(Flaw::Syntax) }
                }
                0xdc00..=0xdfff => Err(Flaw::Syntax),
                _ => Ok(()),
            },
            _ => Err(Flaw::Syntax),
        }
    }

    fn hex(&mut self) -> Result<u32, Flaw> {
        let mut value = 0;
        for _ in 0..4 {
            let digit = char::from(self.byte()?).to_digit(16).ok_or(Flaw::Syntax)?;
            value = value * 16 + digit;
        }
        Ok(value)
    }

    /// The rest of a number after its minus sign or its first digit.
    fn number(&mut self, first: Option<u8>) -> Result<(), Flaw> {
        let first = match first {
            Some(digit) => digit,
            None => self.byte()?,
        };
        match first {
            b'0' => {}
            b'1'..=b'9' => {
                self.digits();
            }
            _ => return Err(Flaw::Syntax),
        }
        if self.take(b".") && !self.digits() {
            return Err(Flaw::Syntax);
        }
        if self.take(b"eE") {
            self.take(b"+-");
            if !self.digits() {
                return Err(Flaw::Syntax);
            }
        }
        Ok(())
    }

    /// Skips digits; true if there is one.
    fn digits(&mut self) -> bool {
        let before = self.rest.len();
        while let Some((b'0'..=b'9', rest)) = self.rest.split_first() {
            self.rest = rest;
        }
        self.rest.len() < before
    }

    fn literal(&mut self, end: &[u8]) -> Result<(), Flaw> {
        self.rest = self.rest.strip_prefix(end).ok_or(Flaw::Syntax)?;
        Ok(())
    }

    /// The next byte that is not white space.
    fn token(&mut self) -> Result<u8, Flaw> {
        self.whitespace();
        self.byte()
    }

    /// Skips white space and then this byte; true if it is there.
    fn skip(&mut self, byte: u8) -> bool {
        self.whitespace();
        self.take(&[byte])
    }

    fn whitespace(&mut self) {
        while let Some((b' ' | b'\n' | b'\r' | b'\t', rest)) = self.rest.split_first() {
            self.rest = rest;
        }
    }

    /// Skips one of these bytes; true if it is there.
    fn take(&mut self, bytes: &[u8]) -> bool {
        match self.rest.split_first() {
            Some((first, rest)) if bytes.contains(first) => {
                self.rest = rest;
                true
            }
            _ => false,
        }
    }

    fn byte(&mut self) -> Result<u8, Flaw> {
        let (first, rest) = self.rest.split_first().ok_or(Flaw::Syntax)?;
        self.rest = rest;
        Ok(*first)
    }

    fn position(&self) -> usize {
        self.text.len() - self.rest.len()
    }
}

/// The highest bit of each byte that may not stand in a string as it is: a quote, a backslash, a
/// control character. Bytes behind the first of them may be marked without reason.
fn marks(word: u64) -> u64 {
    const ONES: u64 = u64::from_ne_bytes([1; 8]);

    let flipped = |bits: u8| word ^ (ONES * u64::from(bits));
    // What is taken from a smaller byte is borrowed from its highest bit. Bytes beyond ASCII have
    // that bit themselves.
    let quote_or_control = flipped(b'"' ^ 0x20).wrapping_sub(ONES * 0x21);
    let backslash = flipped(b'\\').wrapping_sub(ONES);
    (quote_or_control | backslash) & !word & (ONES << 7)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_characters_are_escaped() {
        for (length, byte) in
            (0..20).flat_map(|length| (0..0x20_u8).map(move |byte| (length, byte)))
        {
            let (before, raw) = ("é".repeat(length), char::from(byte));
            for text in [
                format!("\"{before}{raw}\""),
                format!("[\"{before}{raw}aaaaaaaa\"]"),
                format!("{{\"{before}{raw}\":0}}"),
            ] {
                assert_eq!(scan(&text), Err(Flaw::Syntax), "{text:?}");
            }
            assert_eq!(scan(&format!("\"{before}\\u00{byte:02x}\"")), Ok(()));
        }
    }

    #[test]
    fn the_first_mark_is_at_the_first_byte_that_is_not_plain() {
        let is_plain = |byte: u8| byte >= 0x20 && byte != b'"' && byte != b'\\';
        for byte in 0..=u8::MAX {
            for (at, others) in (0..8).flat_map(|at| [b'a', b' ', 0x80, 0xff].map(|b| (at, b))) {
                // What stands behind it must not matter.
                for behind in [others, 0, b'"', byte] {
                    let mut word = [others; 8];
                    word[at..].fill(behind);
                    word[at] = byte;
                    let first = word.iter().position(|byte| !is_plain(*byte));
                    let mark = marks(u64::from_le_bytes(word));
                    let marked = (mark != 0).then(|| mark.trailing_zeros() as usize / 8);
                    assert_eq!(marked, first, "{word:?}");
                }
            }
        }
    }
}
