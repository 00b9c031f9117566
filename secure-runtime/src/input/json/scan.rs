//! Whether a text is one JSON value that every reader understands in the same way.
//!
//! `serde_json` lets the last of two equal keys win, other readers take the first, and a proxy
//! that inspects the body may be one of them. So a key that comes twice is refused, at every
//! level, compared after its escapes are resolved (RFC 8259 section 4, RFC 7493 section 2.3).
//!
//! The grammar is checked here in full, so that a syntax error is one (400) even where the type
//! finds fault with an earlier value (422). The loop does not recurse: depth costs no stack.

use std::borrow::Cow;

use super::super::names::Names;

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
}

enum Container<'a> {
    Array,
    Object(Names<'a>),
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
            b'"' => self.string().map(drop)?,
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
                    let mut names = Names::default();
                    self.key(&mut names)?;
                    self.enter(Container::Object(names))?;
                    return Ok(Value::Open);
                }
            }
            _ => return Err(Flaw::Syntax),
        }
        Ok(Value::Complete)
    }

    /// What follows a complete value: true if the text is complete, false if a value comes next.
    fn close(&mut self) -> Result<bool, Flaw> {
        loop {
            let Some(container) = self.open.pop() else {
                self.whitespace();
                return if self.rest.is_empty() {
                    Ok(true)
                } else {
                    Err(Flaw::Syntax)
                };
            };
            match (container, self.token()?) {
                (Container::Array, b']') | (Container::Object(_), b'}') => {}
                (Container::Array, b',') => {
                    self.open.push(Container::Array);
                    return Ok(false);
                }
                (Container::Object(mut names), b',') => {
                    self.key(&mut names)?;
                    self.open.push(Container::Object(names));
                    return Ok(false);
                }
                _ => return Err(Flaw::Syntax),
            }
        }
    }

    fn enter(&mut self, container: Container<'a>) -> Result<(), Flaw> {
        if self.open.len() >= MAX_DEPTH {
            return Err(Flaw::TooDeep);
        }
        self.open.push(container);
        Ok(())
    }

    /// A key with its colon.
    fn key(&mut self, names: &mut Names<'a>) -> Result<(), Flaw> {
        if self.token()? != b'"' {
            return Err(Flaw::Syntax);
        }
        let name = self.string()?;
        if name.starts_with(RESERVED) {
            return Err(Flaw::ReservedKey);
        }
        if !names.insert(name) {
            return Err(Flaw::DuplicateKey);
        }
        if self.token()? != b':' {
            return Err(Flaw::Syntax);
        }
        Ok(())
    }

    /// The rest of a string after its opening quote, its escapes resolved.
    fn string(&mut self) -> Result<Cow<'a, str>, Flaw> {
        let start = self.position();
        let mut escaped = false;
        loop {
            match self.byte()? {
                b'"' => break,
                b'\\' => {
                    escaped = true;
                    self.escape()?;
                }
                0..=0x1f => return Err(Flaw::Syntax),
                _ => {}
            }
        }
        if escaped {
            let quoted = start.saturating_sub(1)..self.position();
            let quoted = self.text.get(quoted).ok_or(Flaw::Syntax)?;
            return serde_json::from_str(quoted)
                .map(Cow::Owned)
                .map_err(|_| Flaw::Syntax);
        }
        let plain = start..self.position().saturating_sub(1);
        self.text.get(plain).map(Cow::Borrowed).ok_or(Flaw::Syntax)
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
        let mut any = false;
        while self.take(b"0123456789") {
            any = true;
        }
        any
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
        while self.take(b" \n\r\t") {}
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
