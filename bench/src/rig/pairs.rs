//! Pairs of samples, so that what else the machine does meets both.
//!
//! Each sample stands between two of what it is compared with. Where these differ by more than
//! [`DISTURBED`], something else was running, and the rate does not count. What the server has
//! computed counts always: time that others had the processor is not in it.

use super::Result;

/// How far apart two samples of one thing may be, as a share of their mean.
pub const DISTURBED: f64 = 0.04;

/// One measurement of a route.
#[derive(Clone, Copy, Debug)]
pub struct Sample {
    /// Requests a second.
    pub rate: f64,
    /// Seconds that the server computed for a request.
    pub computed: f64,
}

/// What the pairs of one thing with its baseline have shown.
#[derive(Clone, Debug, Default)]
pub struct Pairs {
    /// Pairs that were made.
    pub made: usize,
    /// Of the undisturbed ones: rates as shares of the baseline's.
    pub rates: Vec<f64>,
    /// What the server computed for a request, as shares of the baseline's.
    pub computed: Vec<f64>,
    /// How much more that was, in seconds.
    pub more: Vec<f64>,
    /// Of the baseline, undisturbed: requests a second.
    pub baseline: Vec<f64>,
}

/// Median and quartiles.
#[derive(Clone, Copy, Debug)]
pub struct Quartiles {
    /// A quarter is below.
    pub low: f64,
    /// A half is below.
    pub median: f64,
    /// A quarter is above.
    pub high: f64,
}

/// Compares each rival with the baseline, so many times, in turns.
pub fn compare(
    rounds: usize,
    baseline: &mut dyn FnMut() -> Result<Sample>,
    rivals: &mut [&mut dyn FnMut() -> Result<Sample>],
) -> Result<Vec<Pairs>> {
    let mut pairs = vec![Pairs::default(); rivals.len()];
    let mut before = baseline()?;
    for _ in 0..rounds {
        for (rival, pairs) in rivals.iter_mut().zip(&mut pairs) {
            let with = rival()?;
            let after = baseline()?;
            pairs.add(before, with, after);
            before = after;
        }
    }
    Ok(pairs)
}

impl Pairs {
    fn add(&mut self, before: Sample, with: Sample, after: Sample) {
        let mean = |a: f64, b: f64| (a + b) / 2.0;
        let without = Sample {
            rate: mean(before.rate, after.rate),
            computed: mean(before.computed, after.computed),
        };
        self.made += 1;
        if (before.rate - after.rate).abs() <= DISTURBED * without.rate {
            self.rates.push(with.rate / without.rate);
            self.baseline.push(without.rate);
        }
        self.computed.push(with.computed / without.computed);
        self.more.push(with.computed - without.computed);
    }
}

impl Quartiles {
    /// Of these values, if there are any.
    pub fn of(values: &[f64]) -> Option<Self> {
        let mut sorted = values.to_vec();
        Some(Self {
            low: quantile(&mut sorted, 0.25)?,
            median: quantile(&mut sorted, 0.5)?,
            high: quantile(&mut sorted, 0.75)?,
        })
    }
}

/// The value below which a share of them lies; sorts them.
pub fn quantile<T: Copy + PartialOrd>(values: &mut [T], share: f64) -> Option<T> {
    values.sort_by(|a, b| a.partial_cmp(b).unwrap_or(std::cmp::Ordering::Equal));
    let at = (values.len() as f64 * share) as usize;
    values.get(at.min(values.len().saturating_sub(1))).copied()
}
