//! The names that an object or a query already has.

use std::{borrow::Cow, collections::HashSet};

/// As long as there are few names, comparing beats hashing.
const FEW: usize = 16;

/// Sets of names that a client chose, of which the one that was opened last is closed first. Small
/// ones share a piece of memory.
#[derive(Default)]
pub(super) struct Names<'a> {
    few: Vec<&'a str>,
}

/// One set; [`Names`] holds what is in it.
pub(super) enum Set<'a> {
    /// What stands from there to the end.
    Few { from: usize },
    /// Hashed with a secret, against names that were chosen to collide.
    Many(HashSet<Cow<'a, str>>),
}

impl<'a> Names<'a> {
    /// A set without names, to be closed before any other that is open is used again.
    pub(super) fn open(&mut self) -> Set<'a> {
        if self.few.capacity() == 0 {
            self.few.reserve(FEW);
        }
        Set::Few {
            from: self.few.len(),
        }
    }

    /// Adds a name to the set that was opened last; false if it is there already.
    pub(super) fn insert(&mut self, set: &mut Set<'a>, name: Cow<'a, str>) -> bool {
        if let (Set::Few { from }, Cow::Borrowed(name)) = (&*set, &name) {
            let names = self.few.get(*from..).unwrap_or_default();
            if names.contains(name) {
                return false;
            }
            if names.len() < FEW {
                self.few.push(name);
                return true;
            }
        }
        self.insert_in_many(set, name)
    }

    /// For names beyond the first few, and for those that are no piece of the text.
    #[cold]
    fn insert_in_many(&mut self, set: &mut Set<'a>, name: Cow<'a, str>) -> bool {
        match set {
            Set::Few { from } => {
                let mut many: HashSet<_> = self.few.drain(*from..).map(Cow::Borrowed).collect();
                let is_new = many.insert(name);
                *set = Set::Many(many);
                is_new
            }
            Set::Many(many) => many.insert(name),
        }
    }

    /// Forgets the set that was opened last.
    pub(super) fn close(&mut self, set: Set<'a>) {
        if let Set::Few { from } = set {
            self.few.truncate(from);
        }
    }
}
