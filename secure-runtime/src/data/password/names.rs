//! Passwords that are made of names.

use unicode_normalization::UnicodeNormalization;

/// Most names that are looked for, and most characters of each that are looked at: both may come
/// from a client.
const MAX_NAMES: usize = 64;
const MAX_NAME: usize = 256;

/// Shorter names are in too many words.
const MIN_NAME: usize = 3;

/// So many digits and signs around names add nothing: a date has eight.
const MAX_FILLING: usize = 8;

/// Names that others know, and their parts: `ann@shop.example` has `ann`, `shop` and `example`.
#[derive(Clone, Debug, Default)]
pub(super) struct Names(Vec<Vec<char>>);

impl Names {
    pub(super) fn of<'a>(names: impl IntoIterator<Item = &'a str>) -> Self {
        let mut found = Vec::new();
        for name in names {
            let chars: Vec<char> = name
                .nfc()
                .flat_map(char::to_lowercase)
                .take(MAX_NAME)
                .collect();
            let parts = chars.split(|char| !char.is_alphanumeric());
            for part in parts.chain([chars.as_slice()]) {
                if part.len() >= MIN_NAME && found.len() < MAX_NAMES {
                    found.push(part.to_vec());
                }
            }
        }
        Self(found)
    }

    /// These names and others.
    pub(super) fn and(&self, others: &Self) -> Self {
        Self([self.0.as_slice(), &others.0].concat())
    }

    /// The names as text, for an estimate.
    pub(super) fn texts(&self) -> impl Iterator<Item = String> {
        self.0.iter().map(|name| name.iter().collect())
    }

    /// Whether `password` consists of these names, forwards or backwards, in any letter case and
    /// with the usual signs for letters, and of a few digits and signs.
    pub(super) fn make_up(&self, password: &str) -> bool {
        let plain: Vec<char> = password.chars().flat_map(char::to_lowercase).collect();
        let folded = fold(&plain);
        let names: Vec<Vec<char>> = self.0.iter().map(|name| fold(name)).collect();
        // How much filling it takes at the least to get to each character, if it can be reached.
        let mut filling: Vec<Option<usize>> = vec![None; plain.len() + 1];
        if let Some(first) = filling.first_mut() {
            *first = Some(0);
        }
        for at in 0..plain.len() {
            let Some(cost) = filling.get(at).copied().flatten() else {
                continue;
            };
            let rest = folded.get(at..).unwrap_or_default();
            let mut reach = |steps: usize, cost: usize| {
                if let Some(place) = filling.get_mut(at + steps) {
                    *place = Some(place.map_or(cost, |known| known.min(cost)));
                }
            };
            if plain.get(at).is_some_and(|char| !char.is_alphabetic()) {
                reach(1, cost + 1);
            }
            for name in &names {
                let is_here = rest.starts_with(name)
                    || rest
                        .get(..name.len())
                        .is_some_and(|part| part.iter().eq(name.iter().rev()));
                if is_here {
                    reach(name.len(), cost);
                }
            }
        }
        match filling.last().copied().flatten() {
            // All filling is no name at all.
            Some(cost) => cost <= MAX_FILLING && cost < plain.len(),
            None => false,
        }
    }
}

/// One character for all that stand for each other. `1` is written for `i` and for `l`.
fn fold(chars: &[char]) -> Vec<char> {
    let fold = |char: &char| match char {
        '0' => 'o',
        '1' | '!' | '|' | 'l' => 'i',
        '3' => 'e',
        '4' | '@' => 'a',
        '5' | '$' => 's',
        '7' | '+' => 't',
        other => *other,
    };
    chars.iter().map(fold).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// W4
    #[test]
    fn what_is_made_of_names() {
        let names = Names::of(["Ann.Smith@example.com", "shop", "Łódź", "a"]);
        for (password, made) in [
            ("ann.smith@example.com", true),
            ("annsmithannsmith", true),
            ("AnnSmith20261122", true),
            ("4nn-$m1th-$h0p!!", true),
            ("htimshtimshtims", true),
            ("shopshopshopshop", true),
            ("pohs-shop-2026!!", true),
            ("łódźłódźłódź", true),
            ("annsmith123456789", false), // nine digits: left to the estimate
            ("annsmithx2026", false),
            ("12345678", false),
            ("!!!!!!!!", false),
            ("aaaaaaaa", false),
            ("", false),
            ("shops are for shopping", false),
        ] {
            assert_eq!(names.make_up(password), made, "{password}");
        }
        assert!(!Names::default().make_up("annsmithannsmith"));
    }

    #[test]
    fn names_are_bounded() {
        let many: Vec<String> = (0..1000).map(|number| format!("name{number}")).collect();
        assert_eq!(Names::of(many.iter().map(String::as_str)).0.len(), 64);
        let long = "n".repeat(100_000);
        let names = Names::of([long.as_str()]);
        assert!(names.0.iter().all(|name| name.len() <= 256));
    }
}
