//! What can stop a service from starting.

use std::{fmt, io};

use crate::settings::ListenAddress;

/// Why a service did not start, or stopped.
///
/// The text says what failed and what to do about it, on as many lines as there are mistakes. It
/// never contains a configured value, so it can be logged as it is.
///
/// ```
/// use secure_runtime::Settings;
///
/// let error = Settings::from_toml(
///     "[server]\n\
///      address = 8443\n\
///      worker = 2\n\
///      [tls]\n\
///      development = true\n",
/// )
/// .unwrap_err();
/// assert_eq!(
///     error.to_string(),
///     "the settings have 2 mistakes:\n\
///      - `server.address`: write an address and a port, as in `127.0.0.1:8443`, or \
///      `unix:/run/shop.sock`\n\
///      - `server.worker`: unknown key, did you mean `workers`?",
/// );
/// ```
#[derive(thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The address is taken, or is not one of this machine.
    #[error("cannot listen on {address}; choose another `server.address` or free this one")]
    Bind {
        /// Where the server was to listen.
        address: ListenAddress,
        /// What the operating system says.
        source: io::Error,
    },
    /// The revocations of the last run cannot be read, or new ones not be kept.
    #[error("the revocations cannot be kept: {0}")]
    Revocations(#[from] crate::revocation::RevocationError),
    /// What is configured cannot do what the routes' policies demand.
    #[error("the routes cannot be served as they are configured: {0}")]
    Routes(Mistakes),
    /// The server stopped on its own.
    #[error("the server stopped")]
    Serve(#[source] io::Error),
    /// The settings are incomplete or contradict themselves.
    #[error("the settings have {0}")]
    Settings(Mistakes),
}

/// What [`Display`](fmt::Display) says, with the cause: it is what a `main` that returns an error
/// prints.
impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")?;
        match std::error::Error::source(self) {
            Some(source) => write!(f, ": {source}"),
            None => Ok(()),
        }
    }
}

/// Everything that is wrong at once, in the order in which it was found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Mistakes(Vec<Mistake>);

/// One thing that is wrong, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mistake {
    key: String,
    source: Option<String>,
    problem: String,
}

impl Mistakes {
    /// Adds `mistake`, unless something is already known to be wrong at its place: a value that
    /// could not be read must not be called missing as well.
    pub(crate) fn add(&mut self, mistake: Mistake) {
        let covered = !mistake.key.is_empty()
            && self.0.iter().any(|known| {
                known.key.strip_prefix(&mistake.key).is_some_and(|rest| {
                    rest.is_empty() || rest.starts_with('.') || rest.starts_with('[')
                })
            });
        if !covered {
            self.0.push(mistake);
        }
    }

    /// `Ok` where there are none, else an error that `wrap` makes of them.
    pub(crate) fn into_result(self, wrap: fn(Self) -> Error) -> Result<(), Error> {
        if self.0.is_empty() {
            Ok(())
        } else {
            Err(wrap(self))
        }
    }

    /// Each mistake.
    pub fn iter(&self) -> impl Iterator<Item = &Mistake> {
        self.0.iter()
    }

    pub(crate) fn iter_mut(&mut self) -> impl Iterator<Item = &mut Mistake> {
        self.0.iter_mut()
    }
}

impl Mistake {
    /// Something wrong at `key`, which is a path such as `issuers[0].audience`.
    ///
    /// `problem` says what to do. It must not contain the value.
    pub(crate) fn new(key: impl Into<String>, problem: impl Into<String>) -> Self {
        Self {
            key: key.into(),
            source: None,
            problem: problem.into(),
        }
    }

    /// The same mistake, found in a file or an environment variable called `source`.
    pub(crate) fn found_in(&mut self, source: String) {
        self.source = Some(source);
    }

    /// The same mistake, seen from the table that holds the table at `outer`.
    pub(crate) fn within(mut self, outer: &str) -> Self {
        self.key = match self.key.as_str() {
            "" => outer.to_owned(),
            key => format!("{outer}.{key}"),
        };
        self
    }

    /// Where in the settings, as in `issuers[0].audience`; empty for a whole file.
    pub fn key(&self) -> &str {
        &self.key
    }

    /// The file or the environment variable that it comes from, where it is known.
    pub fn source(&self) -> Option<&str> {
        self.source.as_deref()
    }

    /// What is wrong, and what to write.
    pub fn problem(&self) -> &str {
        &self.problem
    }
}

impl From<Mistake> for Mistakes {
    fn from(mistake: Mistake) -> Self {
        Self(vec![mistake])
    }
}

/// `1 mistake:` or `N mistakes:`, then a line for each.
impl fmt::Display for Mistakes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.len() {
            1 => write!(f, "1 mistake:")?,
            count => write!(f, "{count} mistakes:")?,
        }
        for mistake in &self.0 {
            write!(f, "\n- {mistake}")?;
        }
        Ok(())
    }
}

impl fmt::Display for Mistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.key.as_str(), &self.source) {
            ("", None) => write!(f, "{}", self.problem),
            ("", Some(source)) => write!(f, "{source}: {}", self.problem),
            (key, None) => write!(f, "`{key}`: {}", self.problem),
            (key, Some(source)) => write!(f, "`{key}` ({source}): {}", self.problem),
        }
    }
}
