//! Amounts per time: `5/15min per ip burst 10` of `rate`, `5/15min` of `login`.

use super::{DAY, LONGEST_LOCK, in_words, meant_time_unit, split, time_unit, whole};
use crate::errors::{Wrong, wrong};
use crate::model::{Per, Sharing};
use crate::vocabulary::nearest;

/// The most guesses at one account in a window (NIST SP 800-63B-4 section 3.2.2).
const MOST_ATTEMPTS: u32 = 100;
/// The longest period of a quota; longer ones would outlive the counters.
const LONGEST_PERIOD: u64 = 31 * DAY;
/// The longest time in which a burst is earned back; keeps the runtime's arithmetic in range.
const LONGEST_REFILL: u64 = 366 * DAY;
/// The most requests in a second: the runtime counts in nanoseconds and wants some of them.
const MOST_PER_SECOND: u64 = 1_000_000;

/// A quota as written: `per` may be left out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Quota {
    /// The text with its spaces in order.
    pub(crate) text: String,
    pub(crate) limit: u32,
    pub(crate) period: u32,
    pub(crate) burst: u32,
    pub(crate) per: Option<Per>,
    pub(crate) sharing: Sharing,
}

impl Quota {
    /// Whether every request that the other one refuses is refused by this one too.
    pub(crate) fn implies(&self, other: &Self) -> bool {
        let slower = u64::from(self.period) * u64::from(other.limit)
            >= u64::from(other.period) * u64::from(self.limit);
        // What one process counts says nothing about what all of them count.
        let wider = self.sharing == other.sharing || self.sharing == Sharing::Exact;
        slower && self.burst <= other.burst && wider
    }
}

/// The words that may stand after the amount of a quota.
pub(crate) const WORDS: &[&str] = &["burst", "leased", "local", "per"];

/// Whether a text is meant as a quota, and not as the name of one.
pub(crate) fn is_quota(text: &str) -> bool {
    text.contains('/')
        || text
            .trim_start()
            .starts_with(|first: char| first.is_ascii_digit())
}

/// `N/[count]unit [per ip|user|route] [burst N] [leased|local]`.
pub(crate) fn quota(text: &str) -> Result<Quota, Wrong> {
    let mut words = text.split_whitespace();
    let amount = words.next().unwrap_or_default();
    if text.contains('/') && !amount.contains('/') {
        return Err(wrong!(
            "`{text}` does not begin with a quota";
            help: "write `N/unit` without spaces, as in `10/min`"
        ));
    }
    let (limit, period) = amount_per_time(amount)?;

    let mut per = None;
    let mut burst = None;
    let mut sharing = Sharing::Exact;
    while let Some(word) = words.next() {
        match word {
            "per" if per.is_none() => per = Some(counted_by(words.next(), amount)?),
            "burst" if burst.is_none() => burst = Some(burst_of(words.next(), amount)?),
            "leased" if sharing == Sharing::Exact => sharing = Sharing::Leased,
            "local" if sharing == Sharing::Exact => sharing = Sharing::Local,
            "leased" | "local" if word != sharing.as_str() => {
                return Err(wrong!(
                    "a quota that is `leased` and `local`";
                    help: "remove `local` where processes count together, `leased` where each counts for itself"
                ));
            }
            "per" | "burst" | "leased" | "local" => {
                return Err(wrong!(
                    "`{word}` twice in one quota";
                    help: "remove one of them, or write two quotas: `rate = [\"..\", \"..\"]`"
                ));
            }
            _ => return Err(unknown_word(word, amount)),
        }
    }
    let canonical = canonical(amount, per, burst, sharing);
    let burst = burst.unwrap_or(limit);
    if u64::from(burst) * period / u64::from(limit) > LONGEST_REFILL {
        return Err(wrong!(
            "`burst {burst}` takes more than a year to be earned back";
            help: "write a smaller burst, or a larger quota than `{amount}`"
        ));
    }
    let period = u32::try_from(period).map_err(|_| period_too_long(amount))?;
    Ok(Quota {
        text: canonical,
        limit,
        period,
        burst,
        per,
        sharing,
    })
}

/// `5/15min` of `login`: attempts and seconds.
pub(crate) fn attempts(text: &str) -> Result<(u32, u64), Wrong> {
    let mut words = text.split_whitespace();
    let amount = words.next().unwrap_or_default();
    if let Some(word) = words.next()
        && amount.contains('/')
    {
        if amount.ends_with(|last: char| last.is_ascii_digit()) && time_unit(word).is_some() {
            return Err(wrong!(
                "`{text}` has a space in it";
                help: "write `attempts = \"{amount}{word}\"`"
            ));
        }
        return Err(wrong!(
            "`{word}` after the amount of `attempts`";
            help: "write `attempts = \"{amount}\"`: attempts are counted by account and by address"
        ));
    }
    if !amount.contains('/') && !split(amount).0.is_empty() {
        let number = split(amount).0;
        return Err(wrong!(
            "`{text}` does not say in which time";
            help: "write `attempts = \"{number}/15min\"`"
        ));
    }
    let (attempts, window) = amount_per_time(text)?;
    if attempts > MOST_ATTEMPTS {
        return Err(wrong!(
            "`{text}` is too many guesses at one account";
            help: "the most is `{MOST_ATTEMPTS}`; people need `5/15min`"
        ));
    }
    if window > LONGEST_LOCK {
        let longest = in_words(LONGEST_LOCK);
        return Err(wrong!("the time of `{text}` is too long"; help: "the longest is `{longest}`"));
    }
    Ok((attempts, window))
}

fn canonical(amount: &str, per: Option<Per>, burst: Option<u32>, sharing: Sharing) -> String {
    let mut text = amount.to_owned();
    if let Some(per) = per {
        text.push_str(" per ");
        text.push_str(per.as_str());
    }
    if let Some(burst) = burst {
        text.push_str(&format!(" burst {burst}"));
    }
    if sharing != Sharing::Exact {
        text.push(' ');
        text.push_str(sharing.as_str());
    }
    text
}

impl Per {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Ip => "ip",
            Self::Route => "route",
            Self::User => "user",
        }
    }
}

impl Sharing {
    fn as_str(self) -> &'static str {
        match self {
            Self::Exact => "exact",
            Self::Leased => "leased",
            Self::Local => "local",
        }
    }
}

/// `10/min` or `5/15min`: requests and seconds.
fn amount_per_time(amount: &str) -> Result<(u32, u64), Wrong> {
    let Some((number, period)) = amount.split_once('/') else {
        return Err(match split(amount) {
            ("", _) => wrong!("`{amount}` is no quota"; help: "write `N/unit`, as in `10/min`"),
            (number, _) => wrong!(
                "quota `{amount}` has no period";
                help: "write `{number}/s`, `{number}/min`, `{number}/h` or `{number}/day`"
            ),
        });
    };
    if number.is_empty() {
        return Err(wrong!("quota `{amount}` has no number"; help: "write `10{amount}`"));
    }
    if !split(number).1.is_empty() {
        return Err(wrong!(
            "`{number}` in `{amount}` is no whole number";
            help: "write `N/unit`, as in `10/min`"
        ));
    }
    let limit = whole(number).and_then(|number| u32::try_from(number).ok());
    let Some(limit) = limit else {
        let most = u32::MAX;
        return Err(
            wrong!("`{number}` is more than a quota can count"; help: "the most is `{most}`"),
        );
    };
    let seconds = period_of(period, amount)?;
    if limit == 0 {
        return Err(wrong!(
            "quota `{amount}` admits nobody";
            help: "the smallest is `1/{period}`; a handler that nobody may call needs no route"
        ));
    }
    if u64::from(limit) > seconds.saturating_mul(MOST_PER_SECOND) {
        return Err(wrong!(
            "quota `{amount}` is more than {MOST_PER_SECOND} requests a second";
            help: "the most is `{MOST_PER_SECOND}/s`"
        ));
    }
    Ok((limit, seconds))
}

/// `min` or `15min` after the slash, in seconds.
fn period_of(period: &str, amount: &str) -> Result<u64, Wrong> {
    let (count, unit) = split(period);
    if unit.is_empty() {
        return Err(wrong!(
            "quota `{amount}` has no unit of time";
            help: "write `{amount}s`, `{amount}min`, `{amount}h` or `{amount}day`"
        ));
    }
    let Some(factor) = time_unit(unit) else {
        return Err(match meant_time_unit(unit) {
            Some(meant) => {
                let right = format!("{}{meant}", amount.trim_end_matches(unit));
                wrong!("unknown rate unit `{unit}`"; help: "write `{right}`")
            }
            None => wrong!(
                "unknown rate unit `{unit}`";
                help: "write `N/unit` with unit `s`, `min`, `h` or `day`, as in `rate = \"10/min\"`"
            ),
        });
    };
    let count = if count.is_empty() {
        Some(1)
    } else {
        whole(count)
    };
    match count.and_then(|count| count.checked_mul(factor)) {
        Some(0) => Err(wrong!(
            "the period of quota `{amount}` is zero";
            help: "leave the number out, as in `10/{unit}`"
        )),
        Some(seconds) if seconds <= LONGEST_PERIOD => Ok(seconds),
        _ => Err(period_too_long(amount)),
    }
}

fn period_too_long(amount: &str) -> Wrong {
    let longest = in_words(LONGEST_PERIOD);
    wrong!("the period of quota `{amount}` is too long"; help: "the longest is `{longest}`")
}

fn counted_by(word: Option<&str>, amount: &str) -> Result<Per, Wrong> {
    match word {
        Some("ip") => Ok(Per::Ip),
        Some("route") => Ok(Per::Route),
        Some("user") => Ok(Per::User),
        Some(other) => Err(wrong!(
            "`per {other}` is unknown";
            help: "write `{amount} per ip`, `{amount} per user` or `{amount} per route`"
        )),
        None => Err(wrong!(
            "`per` without a word after it";
            help: "write `{amount} per ip`, `{amount} per user` or `{amount} per route`"
        )),
    }
}

fn burst_of(word: Option<&str>, amount: &str) -> Result<u32, Wrong> {
    let number = word.filter(|word| split(word).1.is_empty());
    match number.and_then(whole).map(u32::try_from) {
        Some(Ok(0)) => Err(wrong!(
            "a burst of zero admits nobody";
            help: "the smallest is `{amount} burst 1`"
        )),
        Some(Ok(burst)) => Ok(burst),
        None if number.is_none() => Err(wrong!(
            "`burst` without a whole number after it";
            help: "write `{amount} burst 20`"
        )),
        Some(Err(_)) | None => {
            let most = u32::MAX;
            Err(
                wrong!("the burst of `{amount}` is more than can be counted"; help: "the most is `{most}`"),
            )
        }
    }
}

fn unknown_word(word: &str, amount: &str) -> Wrong {
    if word.contains('/') {
        return wrong!(
            "two quotas in one text";
            help: "write a list: `rate = [\"{amount}\", \"{word}\"]`"
        );
    }
    if let Some(near) = nearest(word, WORDS.iter().copied()) {
        return wrong!("unknown word `{word}` in a quota"; help: "did you mean `{near}`?");
    }
    wrong!(
        "unknown word `{word}` in a quota";
        help: "after `{amount}` stand `per ip`, `per user` or `per route`, `burst N`, and `leased` or `local`"
    )
}
