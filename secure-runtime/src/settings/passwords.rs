//! `[passwords]`: what hashes cost, how many at a time, and which passwords are taken.

use std::{num::NonZeroUsize, path::PathBuf};

use super::{
    Settings,
    read::{Table, count, parsed, text, texts},
    units,
};
use crate::error::{Mistake, Mistakes};

/// The least that the OWASP Password Storage Cheat Sheet names for Argon2id: KiB of memory, and
/// iterations. All of them are equally hard to guess.
const OWASP: &[(u32, u32)] = &[
    (47_104, 1),
    (19_456, 2),
    (12_288, 3),
    (9_216, 4),
    (7_168, 5),
];

/// More than anybody waits for, for each hash.
const MAX_MEMORY: u64 = 4 << 30;
const MAX_ITERATIONS: usize = 1_000;
const MAX_PARALLELISM: usize = 16;

/// NIST SP 800-63B-4 section 3.1.1.2: fewer only beside a second factor, and 64 must be taken.
const MIN_LENGTHS: std::ops::RangeInclusive<usize> = 8..=64;

/// `[passwords]`. Needs the feature `passwords`.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct PasswordSettings {
    /// Bytes that a hash takes while it is computed. Default: 19 MiB.
    ///
    /// With [`iterations`](Self::iterations) at least what OWASP names: 46 MiB and 1, 19 MiB and 2,
    /// 12 MiB and 3, 9 MiB and 4, or 7 MiB and 5.
    pub memory: u64,
    /// How often the memory is gone through. Default: 2.
    pub iterations: NonZeroUsize,
    /// Lanes of the memory, at most 16. They are computed one after the other, so more help
    /// nobody here. Default: 1.
    pub parallelism: NonZeroUsize,
    /// Most bytes that a stored hash may ask for. Default: `memory`; more where that was lowered.
    /// Times `max_concurrent`, it is what hashing takes at the most.
    pub max_memory: Option<u64>,
    /// Hashes that are computed at a time. Default: one for each core.
    pub max_concurrent: Option<NonZeroUsize>,
    /// Calls that wait for their turn; beyond that they are answered 503. Default: 16 for each
    /// that is computed.
    pub max_waiting: Option<NonZeroUsize>,
    /// Fewest characters of a new password, 8 to 64; the type that a handler takes may ask for
    /// more, and by default asks for 15. Default: 8.
    pub min_length: usize,
    /// Least score of zxcvbn for a new password: 1, what is guessed in more than a thousand
    /// attempts, to 4, in more than 10^10. Default: 3, in more than 10^8.
    pub min_score: u8,
    /// Names of the service and of its company, of which a password must not consist. The
    /// `realm` is one of them anyway.
    pub names: Vec<String>,
    /// File of passwords that are not taken, one a line, in UTF-8. Default: none, beyond the
    /// common ones that zxcvbn knows. Each takes 8 bytes of memory.
    pub blocklist: Option<PathBuf>,
}

impl Default for PasswordSettings {
    fn default() -> Self {
        const fn number(number: usize) -> NonZeroUsize {
            match NonZeroUsize::new(number) {
                Some(number) => number,
                None => NonZeroUsize::MIN,
            }
        }
        Self {
            memory: 19 << 20,
            iterations: number(2),
            parallelism: number(1),
            max_memory: None,
            max_concurrent: None,
            max_waiting: None,
            min_length: *MIN_LENGTHS.start(),
            min_score: 3,
            names: Vec::new(),
            blocklist: None,
        }
    }
}

impl PasswordSettings {
    /// KiB of memory, iterations and lanes of a new hash.
    pub(crate) fn cost(&self) -> (u32, u32, u32) {
        let number = |number: NonZeroUsize| u32::try_from(number.get()).unwrap_or(u32::MAX);
        (
            kib(self.memory),
            number(self.iterations),
            number(self.parallelism),
        )
    }

    /// KiB that a stored hash may ask for.
    #[cfg(feature = "passwords")]
    pub(crate) fn max_memory_kib(&self) -> u32 {
        kib(self.max_memory.unwrap_or(self.memory))
    }
}

fn kib(bytes: u64) -> u32 {
    u32::try_from(bytes >> 10).unwrap_or(u32::MAX)
}

pub(super) fn read(table: &mut Table<'_>) -> PasswordSettings {
    const SIZE: &str = "write a number and a unit, `KiB`, `MiB` or `GiB`, as in `19MiB`";
    let default = PasswordSettings::default();
    PasswordSettings {
        memory: table
            .optional("memory", parsed(units::size, SIZE))
            .unwrap_or(default.memory),
        iterations: table
            .optional("iterations", count)
            .unwrap_or(default.iterations),
        parallelism: table
            .optional("parallelism", count)
            .unwrap_or(default.parallelism),
        max_memory: table.optional("max_memory", parsed(units::size, SIZE)),
        max_concurrent: table.optional("max_concurrent", count),
        max_waiting: table.optional("max_waiting", count),
        min_length: table
            .optional("min_length", count)
            .map_or(default.min_length, NonZeroUsize::get),
        min_score: table
            .optional("min_score", count)
            .map_or(default.min_score, |score| {
                u8::try_from(score.get()).unwrap_or(u8::MAX)
            }),
        names: table.optional("names", texts).unwrap_or(default.names),
        blocklist: table.optional("blocklist", text).map(Into::into),
    }
}

pub(super) fn check(settings: &Settings, mistakes: &mut Mistakes) {
    let passwords = &settings.passwords;
    let mut mistake = |key: &str, problem: &str| {
        mistakes.add(Mistake::new(format!("passwords.{key}"), problem));
    };
    if !cfg!(feature = "passwords") && *passwords != PasswordSettings::default() {
        mistakes.add(Mistake::new(
            "passwords",
            "this program was compiled without it; add the feature `passwords` of \
             `secure-runtime`",
        ));
        return;
    }
    let (memory, iterations, lanes) = passwords.cost();
    if passwords.memory > MAX_MEMORY || u64::from(memory) < 8 * u64::from(lanes) {
        mistake(
            "memory",
            "write `8KiB` for each lane to `4GiB`, as in `19MiB`",
        );
    }
    if passwords.iterations.get() > MAX_ITERATIONS {
        mistake("iterations", "write at most 1000");
    }
    if passwords.parallelism.get() > MAX_PARALLELISM {
        mistake("parallelism", "write at most 16");
    }
    let is_enough = OWASP
        .iter()
        .any(|(least, times)| memory >= *least && iterations >= *times);
    // Whoever gets hold of the hashes would find the passwords.
    if !is_enough && !settings.danger.weak_password_hashing {
        mistake(
            "memory",
            "below what OWASP asks for; write at least `19MiB` with 2 iterations, or `46MiB` \
             with 1, `12MiB` with 3, `9MiB` with 4, `7MiB` with 5",
        );
    }
    if passwords
        .max_memory
        .is_some_and(|most| most < passwords.memory || most > MAX_MEMORY)
    {
        mistake("max_memory", "write `memory` or more, up to `4GiB`");
    }
    if !MIN_LENGTHS.contains(&passwords.min_length) {
        mistake("min_length", "write 8 to 64");
    }
    if !(1..=4).contains(&passwords.min_score) {
        mistake("min_score", "write 1 to 4");
    }
}
