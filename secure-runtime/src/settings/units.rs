//! Durations and sizes as text, in the grammar of the attribute.

use std::time::Duration;

/// `30s`, `15min`, `2h`, `1hour` or `7day`.
pub(super) fn duration(text: &str) -> Option<Duration> {
    let (number, unit) = split(text)?;
    let seconds = match unit {
        "s" => 1,
        "min" => 60,
        "h" | "hour" => 60 * 60,
        "day" => 24 * 60 * 60,
        _ => return None,
    };
    number.checked_mul(seconds).map(Duration::from_secs)
}

/// `512B`, `64KB`, `1MiB`; nothing needs no unit, so `0` is a size.
pub(super) fn size(text: &str) -> Option<u64> {
    if text == "0" {
        return Some(0);
    }
    let (number, unit) = split(text)?;
    let bytes = match unit {
        "B" => 1,
        "KB" => 1000,
        "MB" => 1000 * 1000,
        "GB" => 1000 * 1000 * 1000,
        "KiB" => 1 << 10,
        "MiB" => 1 << 20,
        "GiB" => 1 << 30,
        _ => return None,
    };
    number.checked_mul(bytes)
}

/// `10%`; nothing needs no sign, so `0` is a share.
pub(super) fn percent(text: &str) -> Option<u8> {
    if text == "0" {
        return Some(0);
    }
    let (number, "%") = split(text)? else {
        return None;
    };
    u8::try_from(number).ok()
}

fn split(text: &str) -> Option<(u64, &str)> {
    let end = text.find(|c: char| !c.is_ascii_digit())?;
    let (number, unit) = text.split_at(end);
    Some((number.parse().ok()?, unit))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations() {
        for (text, seconds) in [
            ("0s", Some(0)),
            ("30s", Some(30)),
            ("15min", Some(900)),
            ("2h", Some(7200)),
            ("1hour", Some(3600)),
            ("7day", Some(604_800)),
            ("", None),
            ("s", None),
            ("30", None),
            ("30 s", None),
            ("-1s", None),
            ("+1s", None),
            ("1.5s", None),
            ("1S", None),
            ("1m", None),
            ("1s1s", None),
            ("18446744073709551615s", Some(u64::MAX)),
            ("18446744073709551616s", None),
            ("18446744073709551615min", None),
        ] {
            assert_eq!(duration(text), seconds.map(Duration::from_secs), "{text}");
        }
    }

    #[test]
    fn percents() {
        for (text, number) in [
            ("0", Some(0)),
            ("0%", Some(0)),
            ("10%", Some(10)),
            ("255%", Some(255)),
            ("256%", None),
            ("10", None),
            ("10 %", None),
            ("%", None),
            ("-1%", None),
            ("1.5%", None),
            ("10%%", None),
        ] {
            assert_eq!(percent(text), number, "{text}");
        }
    }

    #[test]
    fn sizes() {
        for (text, bytes) in [
            ("0", Some(0)),
            ("0B", Some(0)),
            ("512B", Some(512)),
            ("64KB", Some(64_000)),
            ("2MB", Some(2_000_000)),
            ("1GB", Some(1_000_000_000)),
            ("64KiB", Some(65_536)),
            ("2MiB", Some(2_097_152)),
            ("1GiB", Some(1_073_741_824)),
            ("1", None),
            ("1kb", None),
            ("1 MB", None),
            ("MB", None),
            ("18446744073709551615KB", None),
        ] {
            assert_eq!(size(text), bytes, "{text}");
        }
    }
}
