//! The memory that hashes are computed in, used again.
//!
//! An allocator keeps what is freed, for each of its arenas, so freeing would bound nothing. Used
//! again, there is as much of it as there are turns of the queue; and its pages are there already,
//! which saves a good part of the time.

use std::sync::{Mutex, PoisonError};

use argon2::Block;

use super::error::PasswordError;

/// Buffers that nobody uses at the moment.
///
/// INVARIANT: [`lend`](Self::lend) is called in a turn of the queue only, so there are never more
/// buffers than turns.
#[derive(Default)]
pub(super) struct Memory(Mutex<Vec<Vec<Block>>>);

impl Memory {
    /// Lends `count` blocks of a KiB, or more. What is in them is what the last hash left, which
    /// Argon2 overwrites before it reads.
    pub(super) fn lend<T>(
        &self,
        count: usize,
        work: impl FnOnce(&mut [Block]) -> T,
    ) -> Result<T, PasswordError> {
        let mut blocks = self.free().pop().unwrap_or_default();
        if blocks.len() < count {
            // Given back first: growing would hold both.
            blocks = Vec::new();
            blocks
                .try_reserve_exact(count)
                .map_err(|_| PasswordError::Failed)?;
            blocks.resize(count, Block::new());
        }
        let done = work(&mut blocks);
        self.free().push(blocks);
        Ok(done)
    }

    fn free(&self) -> std::sync::MutexGuard<'_, Vec<Vec<Block>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    #[cfg(test)]
    pub(super) fn kib(&self) -> usize {
        self.free().iter().map(Vec::len).sum()
    }
}
