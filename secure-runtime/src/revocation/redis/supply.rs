//! Keeps a good connection ready for requests.

use std::{sync::Arc, sync::atomic::Ordering, time::Duration};

use tokio::time::{interval, sleep, timeout};

use super::{QUESTION, SETTLE, Shared, fault::Fault, link::Link};

/// Between two attempts to connect.
const PAUSE: Duration = Duration::from_millis(150);
/// Between two probes.
const PROBE: Duration = Duration::from_millis(250);
/// Between two questions to the sentinels.
const LOOK_AROUND: Duration = Duration::from_secs(1);
/// How long the first commands of a connection may take.
const OPENING: Duration = Duration::from_millis(500);

/// Never ends.
pub(super) async fn run(shared: &Shared) {
    loop {
        if let Ok(link) = connect(shared).await {
            shared.failures.store(0, Ordering::Relaxed);
            shared.link.store(Some(Arc::new(link.clone())));
            watch(shared, &link).await;
            shared.link.store(None);
        }
        sleep(PAUSE).await;
    }
}

/// A connection that answers as fast as requests need it.
async fn connect(shared: &Shared) -> Result<Link, Fault> {
    let opened = Link::connect(&shared.target, &shared.names, SETTLE, OPENING).await;
    let (link, _) = opened?;
    link.entries(&[], QUESTION).await?;
    Ok(link)
}

/// Returns when the connection is no longer good.
async fn watch(shared: &Shared, link: &Link) {
    let mut probes = interval(PROBE);
    let mut look_around = interval(LOOK_AROUND);
    let mut failed = 0;
    loop {
        tokio::select! {
            () = shared.link_failed.notified() => return,
            _ = probes.tick() => match link.entries(&[], QUESTION).await {
                Ok(_) => failed = 0,
                // One slow answer is no fault.
                Err(fault) if fault.breaks_connection() || failed > 0 => return,
                Err(_) => failed += 1,
            },
            _ = look_around.tick(), if shared.target.has_sentinels() => {
                let current = timeout(PROBE, shared.target.current(shared.names.slot_of())).await;
                if let Ok(Ok(place)) = current && place != link.place {
                    shared.moved.notify_one();
                    return;
                }
            }
        }
    }
}
