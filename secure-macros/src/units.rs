//! Text with units: `15min`, `64KB`; and quotas, in a file of their own.

mod quota;

pub(crate) use self::quota::{Quota, WORDS, attempts, is_quota, quota};
use crate::errors::{Wrong, wrong};

const MINUTE: u64 = 60;
const HOUR: u64 = 60 * MINUTE;
const DAY: u64 = 24 * HOUR;

/// The longest `max_age`: a session that is older than a year is no session.
pub(crate) const LONGEST_AGE: u64 = 366 * DAY;
/// The longest `body_timeout`: a slower upload is an attack or wants a protocol of its own.
pub(crate) const LONGEST_UPLOAD: u64 = HOUR;
/// The longest that a revoked token may go on: later, most of them have expired on their own.
pub(crate) const LONGEST_STALENESS: u64 = HOUR;
/// The longest window and lock of `login`: whoever is locked out for longer needs a way back that
/// does not wait.
pub(crate) const LONGEST_LOCK: u64 = DAY;
/// Units of time as written, and what else people write.
const TIME: &[(&str, u64, &[&str])] = &[
    ("s", 1, &["sec", "secs", "second", "seconds"]),
    ("min", MINUTE, &["m", "mins", "minute", "minutes"]),
    ("h", HOUR, &["hr", "hrs", "hours"]),
    ("hour", HOUR, &[]),
    ("day", DAY, &["d", "days"]),
];

const SIZES: &[(&str, u64)] = &[
    ("B", 1),
    ("KB", 1_000),
    ("MB", 1_000_000),
    ("GB", 1_000_000_000),
    ("KiB", 1 << 10),
    ("MiB", 1 << 20),
    ("GiB", 1 << 30),
];

/// Seconds of a text such as `15min`, at least one and at most `longest`.
pub(crate) fn duration(text: &str, longest: u64) -> Result<u64, Wrong> {
    match duration_or_zero(text, longest)? {
        0 => Err(wrong!(
            "`{text}` is no time at all";
            help: "the shortest is `1s`"
        )),
        seconds => Ok(seconds),
    }
}

/// Seconds of a text such as `15min`, at most `longest`; `0s` is none.
pub(crate) fn duration_or_zero(text: &str, longest: u64) -> Result<u64, Wrong> {
    let (number, unit) = split(text);
    if number.is_empty() {
        return Err(wrong!(
            "`{text}` is no duration";
            help: "write a whole number and a unit, as in `15min`"
        ));
    }
    let factor = if unit.is_empty() {
        return Err(wrong!(
            "`{text}` has no unit";
            help: "write `{number}s`, `{number}min`, `{number}h` or `{number}day`"
        ));
    } else {
        time_unit(unit).ok_or_else(|| unknown_time_unit(text, number, unit))?
    };
    let too_long = || {
        let longest = in_words(longest);
        wrong!("`{text}` is too long"; help: "the longest is `{longest}`")
    };
    let seconds = whole(number)
        .and_then(|number| number.checked_mul(factor))
        .ok_or_else(too_long)?;
    if seconds > longest {
        return Err(too_long());
    }
    Ok(seconds)
}

fn unknown_time_unit(text: &str, number: &str, unit: &str) -> Wrong {
    if unit.starts_with(['.', ',', '_']) {
        return wrong!(
            "`{text}` is no whole number";
            help: "write it in a smaller unit, as in `90s` for one minute and a half"
        );
    }
    if unit.starts_with(char::is_whitespace) && time_unit(unit.trim()).is_some() {
        let unit = unit.trim();
        return wrong!("`{text}` has a space in it"; help: "write `{number}{unit}`");
    }
    let unit = unit.trim();
    let help = match meant_time_unit(unit) {
        Some(meant) => format!("write `{number}{meant}`"),
        None => "units of time are `s`, `min`, `h` (or `hour`) and `day`".to_owned(),
    };
    Wrong {
        what: format!("unknown unit `{unit}` of time"),
        help,
    }
}

/// Bytes of a text such as `64KB`.
pub(crate) fn size(text: &str) -> Result<u64, Wrong> {
    let (number, unit) = split(text);
    if number.is_empty() {
        return Err(wrong!(
            "`{text}` is no size";
            help: "write a whole number and a unit, as in `64KB`"
        ));
    }
    if unit.is_empty() {
        return Err(wrong!(
            "`{text}` has no unit";
            help: "write `{number}B`, `{number}KB` (1000 bytes) or `{number}KiB` (1024 bytes)"
        ));
    }
    let found = SIZES.iter().find(|(name, _)| *name == unit);
    let Some((_, factor)) = found else {
        return Err(unknown_size_unit(text, number, unit));
    };
    let bytes = whole(number).and_then(|number| number.checked_mul(*factor));
    match bytes {
        Some(0) => Err(wrong!(
            "`{text}` lets no body through";
            help: "the smallest is `1B`; a handler without a body needs no `max_body`"
        )),
        Some(bytes) => Ok(bytes),
        None => Err(wrong!(
            "`{text}` is more than can be counted";
            help: "the largest is `{LARGEST}B`"
        )),
    }
}

const LARGEST: u64 = u64::MAX;

fn unknown_size_unit(text: &str, number: &str, unit: &str) -> Wrong {
    if unit.starts_with(['.', ',', '_']) {
        return wrong!(
            "`{text}` is no whole number";
            help: "write it in a smaller unit, as in `1500KB` for one megabyte and a half"
        );
    }
    if unit.starts_with(char::is_whitespace) && SIZES.iter().any(|(name, _)| *name == unit.trim()) {
        let unit = unit.trim();
        return wrong!("`{text}` has a space in it"; help: "write `{number}{unit}`");
    }
    let unit = unit.trim();
    let meant = SIZES.iter().find(|(name, _)| {
        let short = name.trim_end_matches('B');
        name.eq_ignore_ascii_case(unit) || (!short.is_empty() && short.eq_ignore_ascii_case(unit))
    });
    let help = match meant {
        Some((meant, _)) => format!("write `{number}{meant}`"),
        None => "units of size are `B`, `KB`, `MB`, `GB` (1000-based), `KiB`, `MiB` and `GiB` \
                 (1024-based)"
            .to_owned(),
    };
    Wrong {
        what: format!("unknown unit `{unit}` of size"),
        help,
    }
}

/// Leading digits, and the rest.
fn split(text: &str) -> (&str, &str) {
    let end = text
        .find(|character: char| !character.is_ascii_digit())
        .unwrap_or(text.len());
    text.split_at(end)
}

/// A number of digits only; `None` if it is too large.
fn whole(digits: &str) -> Option<u64> {
    digits.parse().ok()
}

fn time_unit(unit: &str) -> Option<u64> {
    let found = TIME.iter().find(|(name, ..)| *name == unit);
    found.map(|(_, seconds, _)| *seconds)
}

/// The unit that a misspelt one stands for.
fn meant_time_unit(unit: &str) -> Option<&'static str> {
    let unit = unit.to_ascii_lowercase();
    let found = TIME
        .iter()
        .find(|(name, _, others)| *name == unit || others.contains(&unit.as_str()));
    found.map(|(name, ..)| *name)
}

fn in_words(seconds: u64) -> String {
    match seconds {
        _ if seconds.is_multiple_of(DAY) => format!("{}day", seconds / DAY),
        _ if seconds.is_multiple_of(HOUR) => format!("{}h", seconds / HOUR),
        _ => format!("{seconds}s"),
    }
}
