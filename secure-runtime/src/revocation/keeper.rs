//! The thread that makes every change: in memory, and in the file where there is one.
//!
//! One writer, so that memory and file see changes in one order. Revocations that wait are
//! written together and cost one `fsync`. A revocation is in memory before it is in the file, so
//! that it holds here even where the disk fails; a lift is in the file first, so that it holds
//! nowhere before it holds for good.

use std::{
    io,
    sync::{
        Arc,
        mpsc::{self, Receiver, RecvTimeoutError, Sender},
    },
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use tokio::sync::oneshot;

#[cfg(feature = "redis")]
use super::redis;
use super::{
    RevocationEntry,
    entries::Writer,
    error::RevocationError,
    file::{Journal, Record},
};
use crate::clock::Clock;

/// How often entries that refuse nothing any more are looked for.
const SWEEP_INTERVAL: Duration = Duration::from_secs(60);

/// Changes that are written together.
const MOST_TOGETHER: usize = 4096;

/// Something for the thread to do, and whom to tell.
pub(super) enum Order {
    Change(Record, Answer<bool>),
    /// What other processes have changed. It comes from where it is kept, so not into a file.
    #[cfg(feature = "redis")]
    Apply(Vec<redis::Change>, oneshot::Sender<Result<(), redis::Full>>),
    List(Answer<Vec<RevocationEntry>>),
    #[cfg(test)]
    Break(Answer<()>),
    #[cfg(test)]
    Sweep(Answer<usize>),
}

pub(super) type Answer<T> = oneshot::Sender<Result<T, RevocationError>>;

/// The thread, which ends when this is dropped.
pub(super) struct Keeper {
    orders: Option<Sender<Order>>,
    thread: Option<JoinHandle<()>>,
}

impl Keeper {
    pub(super) fn start(
        writer: Writer,
        journal: Option<Journal>,
        max_entries: usize,
        clock: Clock,
    ) -> io::Result<Self> {
        let (orders, inbox) = mpsc::channel();
        let work = Work {
            writer,
            journal,
            max_entries,
            clock,
        };
        let thread = thread::Builder::new()
            .name("revocations".into())
            .spawn(move || work.run(&inbox))?;
        Ok(Self {
            orders: Some(orders),
            thread: Some(thread),
        })
    }

    #[cfg(feature = "redis")]
    pub(super) fn orders(&self) -> Option<Sender<Order>> {
        self.orders.clone()
    }

    /// Has something done. It is done even if nobody waits for the answer any more.
    pub(super) async fn ask<T>(
        &self,
        order: impl FnOnce(Answer<T>) -> Order,
    ) -> Result<T, RevocationError> {
        let (answer, answered) = oneshot::channel();
        self.orders
            .as_ref()
            .and_then(|orders| orders.send(order(answer)).ok())
            .ok_or(RevocationError::Stopped)?;
        answered.await.unwrap_or(Err(RevocationError::Stopped))
    }
}

impl Drop for Keeper {
    /// Waits for what was ordered, and gives the file back.
    fn drop(&mut self) {
        self.orders = None;
        if let Some(thread) = self.thread.take() {
            // A thread that panicked has ended too.
            thread.join().ok();
        }
    }
}

struct Work {
    writer: Writer,
    journal: Option<Journal>,
    max_entries: usize,
    clock: Clock,
}

/// Revocations that are in memory and wait for the file.
#[derive(Default)]
struct Batch {
    lines: String,
    answers: Vec<Answer<bool>>,
}

impl Work {
    fn run(mut self, inbox: &Receiver<Order>) {
        let mut swept = Instant::now();
        loop {
            match inbox.recv_timeout(SWEEP_INTERVAL) {
                Ok(first) => {
                    let more = inbox.try_iter().take(MOST_TOGETHER);
                    self.obey(std::iter::once(first).chain(more));
                }
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return,
            }
            if swept.elapsed() >= SWEEP_INTERVAL {
                self.sweep();
                swept = Instant::now();
            }
        }
    }

    fn obey(&mut self, orders: impl Iterator<Item = Order>) {
        let mut batch = Batch::default();
        for order in orders {
            match order {
                Order::Change(record @ Record::Revoke { .. }, answer) => {
                    match self.revoke(&record) {
                        Ok(line) => {
                            batch.lines.push_str(&line);
                            batch.answers.push(answer);
                        }
                        Err(error) => tell(answer, Err(error)),
                    }
                }
                // What was ordered before is done before.
                Order::Change(record, answer) => {
                    self.flush(std::mem::take(&mut batch));
                    tell(answer, self.lift(&record));
                }
                #[cfg(feature = "redis")]
                Order::Apply(changes, answer) => {
                    self.flush(std::mem::take(&mut batch));
                    answer.send(self.apply(changes)).ok();
                }
                Order::List(answer) => {
                    self.flush(std::mem::take(&mut batch));
                    tell(answer, Ok(self.list()));
                }
                #[cfg(test)]
                Order::Break(answer) => {
                    if let Some(journal) = &mut self.journal {
                        journal.break_it();
                    }
                    tell(answer, Ok(()));
                }
                #[cfg(test)]
                Order::Sweep(answer) => tell(answer, Ok(self.sweep())),
            }
        }
        self.flush(batch);
    }

    /// Revokes in memory; the line for the file, or nothing where there is none.
    fn revoke(&mut self, record: &Record) -> Result<String, RevocationError> {
        let Record::Revoke { target, time } = record else {
            return Ok(String::new());
        };
        let line = match &self.journal {
            Some(_) => line(record)?,
            None => String::new(),
        };
        let mut inserted = self.writer.insert(target.key(), *time);
        if inserted.is_err() && self.sweep() > 0 {
            inserted = self.writer.insert(target.key(), *time);
        }
        inserted.map_err(|room| RevocationError::no_room(room, self.max_entries))?;
        Ok(line)
    }

    fn flush(&mut self, batch: Batch) {
        let Batch { lines, answers } = batch;
        let written = match &mut self.journal {
            Some(journal) if !answers.is_empty() => {
                // A failure may be cured by a new file.
                journal
                    .append(&lines, answers.len(), &self.writer)
                    .or_else(|error| {
                        tracing::warn!(%error, "writing the revocations failed, trying a new file");
                        journal.append(&lines, answers.len(), &self.writer)
                    })
            }
            _ => Ok(()),
        };
        if let Err(error) = &written {
            tracing::error!(
                %error,
                revocations = answers.len(),
                "revocations hold in this process, and a restart would forget them"
            );
        }
        for answer in answers {
            tell(answer, written.clone().map(|()| true));
        }
    }

    fn lift(&mut self, record: &Record) -> Result<bool, RevocationError> {
        let Record::Lift { target } = record else {
            return Ok(false);
        };
        if let Some(journal) = &mut self.journal {
            journal.append(&line(record)?, 1, &self.writer)?;
        }
        Ok(self.writer.remove(target.key()))
    }

    #[cfg(feature = "redis")]
    fn apply(&mut self, changes: Vec<redis::Change>) -> Result<(), redis::Full> {
        for change in changes {
            match change {
                redis::Change::Lifted(target) => {
                    self.writer.remove(target.key());
                }
                redis::Change::Revoked(record) => {
                    let record = Record::Revoke {
                        target: record.target,
                        time: record.cut_off_ms,
                    };
                    self.revoke(&record).map_err(|_| redis::Full)?;
                }
            }
        }
        Ok(())
    }

    fn list(&self) -> Vec<RevocationEntry> {
        let retention = self.writer.retention();
        let mut entries = Vec::with_capacity(self.writer.entries().len());
        let Ok(()) = self.writer.entries().each(|key, time| {
            entries.push(RevocationEntry::new(key, time, retention));
            Ok::<(), std::convert::Infallible>(())
        });
        entries.sort_unstable_by(|a, b| a.target.cmp(&b.target));
        entries
    }

    /// In whole seconds, as the lifetime of tokens is judged: a fraction more and an entry would
    /// go before the last token that it refuses.
    fn sweep(&mut self) -> usize {
        let now = self.clock.unix_seconds().saturating_mul(1000);
        self.writer.sweep(now)
    }
}

fn line(record: &Record) -> Result<String, RevocationError> {
    // Texts and numbers are always JSON.
    record.line().map_err(|error| RevocationError::Io {
        action: "encode a line of",
        file: "the revocations".into(),
        source: Arc::new(error),
    })
}

fn tell<T>(answer: Answer<T>, outcome: Result<T, RevocationError>) {
    // Who has gone away does not want to know.
    answer.send(outcome).ok();
}
