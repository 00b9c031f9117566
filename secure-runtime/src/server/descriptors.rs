//! How many connections the descriptors of the process are enough for.
//!
//! Where they run out, it is not the newcomer alone who suffers: nothing can be opened any more, not
//! a file and not a connection to a store. So no more connections are taken than there are
//! descriptors for, and further ones wait with the system, as beyond `server.max_connections`.

use std::num::NonZeroUsize;

use crate::settings::{MAX_WORKERS, ServerSettings};

/// Connections of a worker, where `server.max_connections` does not say it.
const CONNECTIONS: u64 = 25_000;

/// Descriptors of a connection: its socket, and the one by which it is closed from outside.
const EACH: u64 = 2;

/// Descriptors for all the rest, where there are enough: listeners, what workers wait with, stores,
/// files, and the connections that handlers make.
const OTHERS: u64 = 1000;

/// With fewer connections for each worker, somebody should hear of it.
const FEW: u64 = 1000;

/// How many connections are taken at a time.
#[derive(Clone, Copy, Debug)]
pub(super) struct Places {
    workers: usize,
    pub(super) of_each_worker: usize,
}

impl Places {
    /// Those of all workers.
    pub(super) fn all(self) -> usize {
        self.workers.saturating_mul(self.of_each_worker)
    }
}

/// As many as the settings ask for, or as there are descriptors for.
///
/// The soft limit of descriptors is raised as far as they need it. It is low for the sake of
/// programs that call `select`, which fails beyond 1024; this one does not.
pub(super) fn places(settings: &ServerSettings) -> Places {
    let workers = settings.workers.map_or_else(cores, NonZeroUsize::get);
    Places {
        workers,
        of_each_worker: connections(settings, workers),
    }
}

fn connections(settings: &ServerSettings, workers: usize) -> usize {
    let demand = Demand {
        workers: u64::try_from(workers).unwrap_or(u64::MAX),
        connections: settings.max_connections.map_or(CONNECTIONS, |connections| {
            u64::try_from(connections.get()).unwrap_or(u64::MAX)
        }),
    };
    let Some(limit) = limit::raise(demand.descriptors()) else {
        return to_usize(demand.connections);
    };
    let connections = demand.connections.min(demand.connections_within(limit));
    if connections < demand.connections {
        tell(&demand, connections, limit, settings.max_connections);
    }
    to_usize(connections)
}

fn tell(demand: &Demand, connections: u64, limit: u64, configured: Option<NonZeroUsize>) {
    let needed = demand.descriptors();
    if configured.is_some() || connections < FEW {
        tracing::warn!(
            code = "descriptors_few",
            connections,
            limit,
            needed,
            "each worker takes fewer connections than `server.max_connections`: the process may \
             not have more file descriptors; raise the hard limit (`ulimit -Hn`, `LimitNOFILE=` of \
             systemd) or lower the setting"
        );
    } else {
        tracing::info!(
            connections,
            limit,
            "each worker takes as many connections as there are file descriptors for"
        );
    }
}

/// As actix-server counts its workers where nobody else does.
fn cores() -> usize {
    std::thread::available_parallelism().map_or(2, |cores| cores.get().min(MAX_WORKERS))
}

fn to_usize(number: u64) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}

/// What was asked for.
struct Demand {
    workers: u64,
    /// Of each worker.
    connections: u64,
}

impl Demand {
    /// Descriptors that are enough for it.
    fn descriptors(&self) -> u64 {
        self.of_one_each()
            .saturating_mul(self.connections)
            .saturating_add(OTHERS)
    }

    /// Connections of each worker, one at least, where there are so many descriptors.
    fn connections_within(&self, descriptors: u64) -> u64 {
        let others = OTHERS.min(descriptors / 4);
        (descriptors.saturating_sub(others) / self.of_one_each()).max(1)
    }

    /// Descriptors where each worker has one connection.
    fn of_one_each(&self) -> u64 {
        self.workers.max(1).saturating_mul(EACH)
    }
}

#[cfg(unix)]
mod limit {
    use std::sync::{Mutex, PoisonError};

    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

    /// Raises the soft limit to `wanted` if it can be; what it is then, or `None` without one.
    pub(super) fn raise(wanted: u64) -> Option<u64> {
        // Two servers that start at a time must not lower what the other has raised.
        static RAISING: Mutex<()> = Mutex::new(());
        let _raising = RAISING.lock().unwrap_or_else(PoisonError::into_inner);
        let limits = getrlimit(Resource::Nofile);
        let soft = limits.current?;
        let mut tried = wanted.min(limits.maximum.unwrap_or(u64::MAX));
        while tried > soft {
            let raised = Rlimit {
                current: Some(tried),
                ..limits
            };
            if setrlimit(Resource::Nofile, raised).is_ok() {
                return Some(tried);
            }
            // macOS refuses what its hard limit seems to allow.
            tried /= 2;
        }
        Some(soft)
    }
}

#[cfg(not(unix))]
mod limit {
    /// Sockets are no descriptors there, and have no limit of their own.
    pub(super) fn raise(_: u64) -> Option<u64> {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_worker_takes_as_many_connections_as_there_are_descriptors_for() {
        for (workers, descriptors, connections) in [
            (1, 0, 1),
            (1, 64, 24),
            (2, 64, 12),
            (1, 1024, 384),
            (4, 1024, 96),
            (8, 524_288, 32_705),
            (512, 64, 1),
            (u64::MAX, u64::MAX, 1),
        ] {
            let demand = Demand {
                workers,
                connections: CONNECTIONS,
            };
            let found = demand.connections_within(descriptors);
            assert_eq!(found, connections, "{workers} {descriptors}");
        }
    }

    #[test]
    fn what_is_needed_is_enough() {
        for (workers, connections, descriptors) in [
            (1, 1, 1002),
            (2, 25_000, 101_000),
            (8, 25_000, 401_000),
            (u64::MAX, 2, u64::MAX),
        ] {
            let demand = Demand {
                workers,
                connections,
            };
            assert_eq!(demand.descriptors(), descriptors);
            if descriptors < u64::MAX {
                assert!(demand.connections_within(descriptors) >= connections);
            }
        }
    }
}
