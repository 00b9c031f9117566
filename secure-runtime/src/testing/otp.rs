//! What an authenticator app does.

use crate::{clock::Clock, otp::OtpSecret};

/// The code that an app shows at the clock's time.
///
/// ```
/// use secure_runtime::{Clock, otp::OtpSecret, testing::one_time_code};
///
/// let secret = OtpSecret::new()?;
/// assert_eq!(one_time_code(&secret, &Clock::system()).len(), 6);
/// # Ok::<(), secure_runtime::Rejection>(())
/// ```
pub fn one_time_code(secret: &OtpSecret, clock: &Clock) -> String {
    secret.code_at(clock.unix_seconds()).unwrap()
}
