//! Reads a table key by key and collects what is wrong with it.
//!
//! Deserializing would stop at the first mistake, and its errors quote the value they reject,
//! which may be a secret.

use std::{cell::RefCell, collections::HashMap};

use config::{Value, ValueKind};

use crate::error::{Mistake, Mistakes};

/// A name that a near miss cannot be guessed from, and what to write in its place.
const MISTAKEN_NAMES: &[(&str, &str)] = &[
    ("aud", "audience"),
    ("cert", "certificate"),
    ("iss", "issuer"),
    ("key", "private_key"),
    ("kid", "id"),
    ("pem", "public_key"),
    ("port", "address"),
    ("secret", "secret_base64"),
];

/// A table that is being read.
pub(super) struct Table<'a> {
    path: String,
    entries: HashMap<String, Value>,
    known: Vec<&'static str>,
    mistakes: &'a RefCell<&'a mut Mistakes>,
}

impl<'a> Table<'a> {
    pub(super) fn root(
        entries: HashMap<String, Value>,
        mistakes: &'a RefCell<&'a mut Mistakes>,
    ) -> Self {
        Self {
            path: String::new(),
            entries,
            known: Vec::new(),
            mistakes,
        }
    }

    fn at(&self, key: &str) -> String {
        if self.path.is_empty() {
            key.to_owned()
        } else {
            format!("{}.{key}", self.path)
        }
    }

    /// What stands between the brackets above the table at `key`: its path without indices.
    fn header(&self, key: &str) -> String {
        self.at(key)
            .split('.')
            .map(|part| part.split('[').next().unwrap_or(part))
            .collect::<Vec<_>>()
            .join(".")
    }

    fn take(&mut self, key: &'static str) -> Option<Value> {
        self.known.push(key);
        self.entries.remove(key)
    }

    /// Records that something is wrong with `key`.
    pub(super) fn mistake(&self, key: &str, problem: impl Into<String>) {
        let mistake = Mistake::new(self.at(key), problem);
        self.mistakes.borrow_mut().add(mistake);
    }

    /// Records that something is wrong with the table itself.
    pub(super) fn mistake_here(&self, problem: impl Into<String>) {
        let mistake = Mistake::new(self.path.clone(), problem);
        self.mistakes.borrow_mut().add(mistake);
    }

    /// The value of `key` as `parse` understands it; `None` where it is absent or wrong.
    ///
    /// What `parse` answers is shown: it must not contain the value.
    pub(super) fn optional<T, E: Into<String>>(
        &mut self,
        key: &'static str,
        parse: impl FnOnce(ValueKind) -> Result<T, E>,
    ) -> Option<T> {
        let value = self.take(key)?;
        parse(value.kind)
            .map_err(|problem| self.mistake(key, problem))
            .ok()
    }

    /// As [`optional`](Self::optional), and its absence is a mistake.
    pub(super) fn required<T, E: Into<String>>(
        &mut self,
        key: &'static str,
        parse: impl FnOnce(ValueKind) -> Result<T, E>,
    ) -> Option<T> {
        let present = self.entries.contains_key(key);
        let value = self.optional(key, parse);
        if !present {
            self.mistake(key, "missing");
        }
        value
    }

    /// How many of `keys` are written; to be asked before they are read.
    pub(super) fn given(&self, keys: &[&str]) -> usize {
        keys.iter()
            .filter(|key| self.entries.contains_key(**key))
            .count()
    }

    /// The table at `key`.
    pub(super) fn table<T>(
        &mut self,
        key: &'static str,
        read: impl FnOnce(&mut Table<'_>) -> T,
    ) -> Option<T> {
        let value = self.take(key)?;
        let wanted = format!("write a table, as in `[{}]`", self.header(key));
        self.inner(key, value, wanted, read)
    }

    /// The list of tables at `key`; empty where there is none.
    pub(super) fn tables<T>(
        &mut self,
        key: &'static str,
        mut read: impl FnMut(&mut Table<'_>) -> T,
    ) -> Vec<T> {
        let wanted = format!("write a list of tables, as in `[[{}]]`", self.header(key));
        match self.take(key).map(|value| value.kind) {
            None => Vec::new(),
            Some(ValueKind::Array(values)) => values
                .into_iter()
                .enumerate()
                .filter_map(|(index, value)| {
                    self.inner(&format!("{key}[{index}]"), value, wanted.clone(), &mut read)
                })
                .collect(),
            Some(_) => {
                self.mistake(key, wanted);
                Vec::new()
            }
        }
    }

    fn inner<T>(
        &self,
        key: &str,
        value: Value,
        wanted: String,
        read: impl FnOnce(&mut Table<'_>) -> T,
    ) -> Option<T> {
        let ValueKind::Table(entries) = value.kind else {
            self.mistake(key, wanted);
            return None;
        };
        let mut table = Table {
            path: self.at(key),
            entries,
            known: Vec::new(),
            mistakes: self.mistakes,
        };
        let read = read(&mut table);
        table.refuse_the_rest();
        Some(read)
    }

    /// Every key that nobody asked for is a mistake.
    pub(super) fn refuse_the_rest(&mut self) {
        let mut rest = self.entries.keys().collect::<Vec<_>>();
        rest.sort();
        for key in rest {
            let problem = match nearest(key, &self.known) {
                Some(name) => format!("unknown key, did you mean `{name}`?"),
                None => format!("unknown key; known here: `{}`", self.known.join("`, `")),
            };
            self.mistake(&key.escape_debug().to_string(), problem);
        }
    }
}

fn nearest(key: &str, known: &[&'static str]) -> Option<&'static str> {
    let mistaken = MISTAKEN_NAMES
        .iter()
        .find(|(name, meant)| *name == key && known.contains(meant))
        .map(|(_, meant)| *meant);
    mistaken.or_else(|| {
        known
            .iter()
            .map(|name| (strsim::damerau_levenshtein(key, name), *name))
            .filter(|(distance, name)| *distance <= (name.len() / 3).max(1))
            .min()
            .map(|(_, name)| name)
    })
}

pub(super) fn text(kind: ValueKind) -> Result<String, &'static str> {
    match kind {
        ValueKind::String(text) if text.is_empty() => Err("the value is empty"),
        ValueKind::String(text) => Ok(text),
        _ => Err("write text in quotes"),
    }
}

/// Text that `parse` understands; `wanted` says what that is.
pub(super) fn parsed<T>(
    parse: impl FnOnce(&str) -> Option<T>,
    wanted: &'static str,
) -> impl FnOnce(ValueKind) -> Result<T, &'static str> {
    move |kind| match kind {
        ValueKind::String(text) => parse(&text).ok_or(wanted),
        // Zero is the same in every unit.
        ValueKind::I64(0) => parse("0").ok_or(wanted),
        _ => Err(wanted),
    }
}

/// `true` or `false`; text in the environment.
pub(super) fn boolean(kind: ValueKind) -> Result<bool, &'static str> {
    match kind {
        ValueKind::Boolean(value) => Ok(value),
        ValueKind::String(text) if text == "true" => Ok(true),
        ValueKind::String(text) if text == "false" => Ok(false),
        _ => Err("write `true` or `false`"),
    }
}

/// A number from 1; text in the environment.
pub(super) fn count(kind: ValueKind) -> Result<std::num::NonZeroUsize, &'static str> {
    match kind {
        ValueKind::I64(number) => usize::try_from(number).ok(),
        ValueKind::String(text) => text.parse().ok(),
        _ => None,
    }
    .and_then(std::num::NonZeroUsize::new)
    .ok_or("write a number from 1")
}

/// A list of texts; separated by commas in the environment.
pub(super) fn texts(kind: ValueKind) -> Result<Vec<String>, &'static str> {
    match kind {
        ValueKind::Array(values) => values
            .into_iter()
            .map(|value| text(value.kind))
            .collect::<Result<_, _>>()
            .map_err(|_| LIST),
        ValueKind::String(list) => list
            .split(',')
            .map(str::trim)
            .filter(|item| !item.is_empty())
            .map(|item| Ok(item.to_owned()))
            .collect(),
        _ => Err(LIST),
    }
}

const LIST: &str = "write a list of texts, as in `[\"a\", \"b\"]`";
