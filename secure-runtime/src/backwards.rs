//! Text that is written from its end, as numbers are: nobody needs to know how long they are.
//!
//! For the values of header fields, without the machinery of `write!`, which would cost more than
//! all the rest of a field.

/// Digits of the greatest number.
pub(crate) const MOST_DIGITS: usize = 20;

/// A text in the end of some room.
pub(crate) struct Backwards<'a> {
    room: &'a mut [u8],
    start: usize,
}

impl<'a> Backwards<'a> {
    pub(crate) fn new(room: &'a mut [u8]) -> Self {
        Self {
            start: room.len(),
            room,
        }
    }

    /// Puts `text` before what is there. Where there is no room for it, it is left out: who makes
    /// the room must know the longest text.
    #[inline]
    pub(crate) fn text(&mut self, text: &[u8]) {
        if let Some(start) = self.start.checked_sub(text.len())
            && let Some(room) = self.room.get_mut(start..self.start)
        {
            room.copy_from_slice(text);
            self.start = start;
        }
    }

    #[inline]
    pub(crate) fn number(&mut self, mut number: u64) {
        loop {
            // A remainder of ten fits.
            self.text(&[b'0' + (number % 10) as u8]);
            number /= 10;
            if number == 0 {
                return;
            }
        }
    }

    pub(crate) fn written(&self) -> &[u8] {
        self.room.get(self.start..).unwrap_or_default()
    }
}
