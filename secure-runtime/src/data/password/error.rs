//! Why a password was not hashed or verified.

use super::policy::PasswordProblem;
use crate::rejection::{InputError, Refusal, Rejection};

/// When to come back, where too many passwords are being verified: by then the queue of a moment
/// ago is done.
const RETRY_AFTER_SECONDS: u64 = 1;

/// Why a password was not hashed or verified.
///
/// A handler may return it as a [`Rejection`]. None of them tells whether an account exists, but
/// for [`Stored`](Self::Stored).
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PasswordError {
    /// There is no memory, no random salt, or the service is being stopped: 503.
    #[error("passwords cannot be hashed at the moment")]
    Failed,
    /// Too many are waiting already: 503 with `Retry-After`.
    #[error("too many passwords are waiting to be hashed")]
    Overloaded,
    /// The password is not taken: 422 with the reason.
    #[error(transparent)]
    Problem(#[from] PasswordProblem),
    /// What is stored for the account is no Argon2id hash within the bounds that are configured:
    /// 503. Where such accounts are there, turn it into the answer to a wrong password: anything
    /// else tells that the account exists.
    #[error("the stored hash {0}")]
    Stored(&'static str),
}

impl PasswordError {
    /// The refusal, where the password stands at `pointer` of the body (RFC 6901).
    pub fn at(self, pointer: impl Into<String>) -> Rejection {
        let refusal = match self {
            Self::Failed | Self::Stored(_) => Refusal::Undecided,
            Self::Overloaded => Refusal::Overloaded,
            Self::Problem(_) => Refusal::InputInvalid,
        };
        let rejection = Rejection::new(refusal, format!("password: {self}"));
        match self {
            Self::Failed | Self::Overloaded => rejection.with_retry_after(RETRY_AFTER_SECONDS),
            Self::Problem(problem) => rejection.with_errors(vec![InputError {
                source: "body",
                pointer: pointer.into(),
                detail: problem.to_string(),
            }]),
            Self::Stored(_) => rejection,
        }
    }
}

/// As [`at`](PasswordError::at), without saying where.
impl From<PasswordError> for Rejection {
    fn from(error: PasswordError) -> Self {
        error.at("")
    }
}
