//! The names that an object or a query already has.

use std::{borrow::Cow, collections::HashSet, mem};

/// As long as there are few names, comparing beats hashing.
const FEW: usize = 16;

/// A set of names that a client chose: in a large one, keys are hashed with a secret.
#[derive(Default)]
pub(super) struct Names<'a> {
    few: Vec<Cow<'a, str>>,
    many: HashSet<Cow<'a, str>>,
}

impl<'a> Names<'a> {
    /// Adds a name; false if it is there already.
    pub(super) fn insert(&mut self, name: Cow<'a, str>) -> bool {
        if !self.many.is_empty() {
            return self.many.insert(name);
        }
        if self.few.contains(&name) {
            return false;
        }
        self.few.push(name);
        if self.few.len() > FEW {
            self.many.extend(mem::take(&mut self.few));
        }
        true
    }
}
