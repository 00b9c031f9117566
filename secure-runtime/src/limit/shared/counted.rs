//! How many processes there are, made of what the store counts.
//!
//! A store that came back with nothing counts those who have given a sign since: one, then two;
//! and one that others cannot reach counts without them. Who believes that, and is cut off then,
//! takes too large a share of the quotas. So more is believed at once, and fewer only after many
//! answers in a row.

use super::presence::GONE_AFTER;

/// Answers in a row after which the first number is believed. Whoever lives and reaches the store
/// has given a sign between the first of them and the last.
const CERTAIN_AFTER: u32 = GONE_AFTER + 2;

/// Answers in a row after which fewer are believed than before: a minute of them.
const FEWER_AFTER: u32 = 60;

#[derive(Debug, Default)]
pub(super) struct Counted {
    /// What is believed; 0 for nothing yet.
    instances: u32,
    /// Answers in a row that said less, or anything where nothing is believed yet.
    answers: u32,
    /// The most of them.
    most: u32,
}

impl Counted {
    /// The store has counted so many: what is believed then, 0 for nothing yet.
    pub(super) fn hear(&mut self, instances: u32) -> u32 {
        let is_first = self.instances == 0;
        self.answers += 1;
        self.most = self.most.max(instances);
        let enough = if is_first { CERTAIN_AFTER } else { FEWER_AFTER };
        let is_more = !is_first && instances >= self.instances;
        if is_more || self.answers >= enough {
            *self = Self {
                instances: self.most,
                ..Self::default()
            };
        }
        self.instances
    }

    /// The store is silent: what is heard next is another row.
    pub(super) fn interrupt(&mut self) {
        (self.answers, self.most) = (0, 0);
    }
}
