//! The log as it is written, by every thread of this process.

use std::{
    io::{self, Write},
    sync::{Mutex, Once, PoisonError},
};

static LINES: Mutex<Vec<String>> = Mutex::new(Vec::new());

/// Warnings and errors from now on. Other tests write to it too: look for what none of them says.
pub(crate) struct Log {
    begin: usize,
}

impl Log {
    pub(crate) fn capture() -> Self {
        static INSTALLED: Once = Once::new();
        INSTALLED.call_once(|| {
            tracing_subscriber::fmt()
                .with_max_level(tracing_subscriber::filter::LevelFilter::WARN)
                .with_ansi(false)
                .with_writer(|| Line)
                .init();
        });
        let begin = LINES.lock().unwrap_or_else(PoisonError::into_inner).len();
        Self { begin }
    }

    /// The lines with these words.
    pub(crate) fn lines(&self, words: &str) -> Vec<String> {
        let lines = LINES.lock().unwrap_or_else(PoisonError::into_inner);
        let lines = lines[self.begin..].iter();
        lines.filter(|line| line.contains(words)).cloned().collect()
    }
}

/// `tracing` writes a line at once.
struct Line;

impl Write for Line {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let line = String::from_utf8_lossy(bytes).into_owned();
        let mut lines = LINES.lock().unwrap_or_else(PoisonError::into_inner);
        lines.push(line);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
