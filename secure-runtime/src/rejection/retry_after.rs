//! The value of `Retry-After` (RFC 9110 section 10.2.3), in whole seconds.

use std::cell::RefCell;

use actix_web::http::header::HeaderValue;

use crate::backwards::{Backwards, MOST_DIGITS};

/// A flood is told the same again and again, so the last values are kept, in each thread for itself.
const KEPT: usize = 64;

const ZERO: HeaderValue = HeaderValue::from_static("0");

thread_local! {
    static VALUES: RefCell<[Option<(u64, HeaderValue)>; KEPT]> =
        const { RefCell::new([const { None }; KEPT]) };
}

/// The value.
pub(crate) fn value(seconds: u64) -> HeaderValue {
    let place = seconds as usize % KEPT;
    let kept = VALUES.with_borrow_mut(|values| {
        let kept = values.get_mut(place)?;
        if let Some((its_seconds, value)) = kept
            && *its_seconds == seconds
        {
            return Some(value.clone());
        }
        Some(kept.insert((seconds, write(seconds))).1.clone())
    });
    // There is a place for every remainder.
    kept.unwrap_or_else(|| write(seconds))
}

fn write(seconds: u64) -> HeaderValue {
    let mut room = [0; MOST_DIGITS];
    let mut value = Backwards::new(&mut room);
    value.number(seconds);
    // Digits are a value of a field.
    HeaderValue::from_bytes(value.written()).unwrap_or(ZERO)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// L5: more of them than are kept, in turns, and those that share a place.
    #[test]
    fn l5_values_that_are_kept_are_not_mixed_up() {
        for _ in 0..2 {
            for seconds in (0..200).chain([1, 65, 1, 129, u64::MAX, u64::MAX - 64]) {
                for _ in 0..2 {
                    assert_eq!(value(seconds), seconds.to_string().as_str());
                }
            }
        }
    }
}
