//! JSON pointers (RFC 6901) to what is wrong.

use std::fmt::Write;

use serde_path_to_error::Segment;

/// A pointer holds names that the client chose; a longer one stops at the value that encloses it,
/// so that an answer cannot be made large.
const MAX_LENGTH: usize = 256;

/// A JSON pointer under construction.
#[derive(Default)]
pub(super) struct Pointer {
    text: String,
    full: bool,
}

impl Pointer {
    pub(super) fn from_path(path: &serde_path_to_error::Path) -> Self {
        let mut pointer = Self::default();
        for segment in path {
            match segment {
                Segment::Enum { variant: name } | Segment::Map { key: name } => pointer.push(name),
                Segment::Seq { index } => pointer.push_index(*index),
                // The key of a map that is not a string: the pointer ends at the map.
                Segment::Unknown => break,
            }
        }
        pointer
    }

    pub(super) fn push(&mut self, name: &str) {
        let before = self.text.len();
        if !self.full {
            self.text.push('/');
            for char in name.chars().take(MAX_LENGTH) {
                match char {
                    '/' => self.text.push_str("~1"),
                    '~' => self.text.push_str("~0"),
                    char => self.text.push(char),
                }
            }
        }
        if self.text.len() > MAX_LENGTH {
            self.text.truncate(before);
            self.full = true;
        }
    }

    pub(super) fn push_index(&mut self, index: usize) {
        if !self.full {
            // Writing to a string does not fail.
            let _ = write!(self.text, "/{index}");
        }
    }

    pub(super) fn finish(self) -> String {
        self.text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pointer(names: &[&str]) -> String {
        let mut pointer = Pointer::default();
        for name in names {
            pointer.push(name);
        }
        pointer.finish()
    }

    #[test]
    fn escapes() {
        assert_eq!(pointer(&[]), "");
        assert_eq!(pointer(&["a", "b"]), "/a/b");
        assert_eq!(pointer(&[""]), "/");
        assert_eq!(pointer(&["a/b", "m~n", "~1"]), "/a~1b/m~0n/~01");
    }

    #[test]
    fn a_long_one_stops_at_the_enclosing_value() {
        let long = "x".repeat(MAX_LENGTH);
        assert_eq!(pointer(&["a", &long, "b"]), "/a");
        assert_eq!(pointer(&[&"/".repeat(1_000_000)]), "");
    }
}
