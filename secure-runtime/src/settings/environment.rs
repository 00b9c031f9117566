//! Environment variables over the file, by way of the `config` crate.

use std::{
    collections::{BTreeMap, HashMap},
    ffi::OsString,
    path::{Path, PathBuf},
};

use config::{Config, ConfigError, FileFormat, Source, Value};

use crate::error::{Error, Mistake, Mistakes};

/// Names the settings file.
const FILE_VARIABLE: &str = "SECURE_SETTINGS";

const PREFIX: &str = "SECURE__";

/// An index beyond this is a mistake: the list would be filled up to it.
const MAX_INDEX: usize = 99;

/// The variables of the process that are settings.
#[derive(Default)]
pub(super) struct Environment {
    file: Option<PathBuf>,
    /// Path of the key -> the variable's name and its value.
    values: BTreeMap<String, (String, String)>,
}

impl Environment {
    pub(super) fn new(
        variables: impl Iterator<Item = (OsString, OsString)>,
    ) -> Result<Self, Error> {
        let mut environment = Self::default();
        let mut mistakes = Mistakes::default();
        for (name, value) in variables {
            // A name that is not Unicode cannot be one of ours.
            let Some(name) = name.to_str() else { continue };
            if name == FILE_VARIABLE {
                environment.file = Some(value.into());
            } else if let Some((prefix, rest)) = name.split_at_checked(PREFIX.len())
                && prefix.eq_ignore_ascii_case(PREFIX)
                && let Err(problem) = environment.add(name, rest, value)
            {
                let mut mistake = Mistake::new("", problem);
                mistake.found_in(name.escape_debug().to_string());
                mistakes.add(mistake);
            }
        }
        mistakes.into_result(Error::Settings)?;
        Ok(environment)
    }

    fn add(&mut self, name: &str, rest: &str, value: OsString) -> Result<(), &'static str> {
        let key =
            key(rest).ok_or("this names no setting; write it as `SECURE__SERVER__ADDRESS`")?;
        let value = value
            .into_string()
            .map_err(|_| "the value is not text in UTF-8")?;
        match self.values.insert(key, (name.to_owned(), value)) {
            None => Ok(()),
            Some(_) => Err("set twice, in upper and in lower case; keep one"),
        }
    }

    /// The file that the environment names.
    pub(super) fn file(&self) -> Option<&Path> {
        self.file.as_deref()
    }

    /// The variable that sets `key`.
    pub(super) fn variable(&self, key: &str) -> Option<&str> {
        self.values.get(key).map(|(name, _)| name.as_str())
    }

    /// `text` as a tree, with these variables over it.
    pub(super) fn over(&self, text: Option<&str>) -> Result<HashMap<String, Value>, Error> {
        let merge = || {
            let mut builder = Config::builder();
            if let Some(text) = text {
                builder = builder.add_source(config::File::from_str(text, FileFormat::Toml));
            }
            for (key, (_, value)) in &self.values {
                builder = builder.set_override(key, value.as_str())?;
            }
            builder.build()?.collect()
        };
        merge().map_err(|error| Error::Settings(unreadable(text.unwrap_or_default(), error).into()))
    }
}

/// `ISSUERS__0__AUDIENCE` -> `issuers[0].audience`
fn key(name: &str) -> Option<String> {
    let mut key = String::new();
    for part in name.split("__") {
        if part.is_empty()
            || !part
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
        {
            return None;
        }
        if part.bytes().all(|byte| byte.is_ascii_digit()) {
            let index = part.parse::<usize>().ok().filter(|i| *i <= MAX_INDEX)?;
            if key.is_empty() {
                return None;
            }
            key.push_str(&format!("[{index}]"));
        } else {
            if !key.is_empty() {
                key.push('.');
            }
            key.push_str(&part.to_ascii_lowercase());
        }
    }
    Some(key)
}

/// What can be said about text that is not TOML: the parser's own message quotes the line.
fn unreadable(text: &str, error: ConfigError) -> Mistake {
    let cause = match &error {
        ConfigError::FileParse { cause, .. } => cause.downcast_ref::<toml::de::Error>(),
        _ => None,
    };
    let problem = match cause.and_then(|cause| Some((cause.message(), cause.span()?.start))) {
        Some((message, at)) => {
            let before = text.get(..at).unwrap_or(text);
            let line = before.matches('\n').count() + 1;
            let column = before
                .rsplit('\n')
                .next()
                .map_or(0, |line| line.chars().count())
                + 1;
            format!("not TOML at line {line}, column {column}: {message}")
        }
        None => "not TOML, or a number in it is too large".to_owned(),
    };
    Mistake::new("", problem)
}
