//! A TCP proxy that delays, cuts and swallows.

use std::{
    io::{Read, Write},
    net::{Shutdown, TcpListener, TcpStream},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    thread,
    time::Duration,
};

#[derive(Default)]
struct Faults {
    delay_ms: AtomicU64,
    swallows: AtomicBool,
    refuses: AtomicBool,
    /// Pieces with this text do not come out.
    lost: Mutex<Option<&'static str>>,
    open: Mutex<Vec<TcpStream>>,
}

/// Stands between a process and its server.
pub(crate) struct Proxy {
    pub(crate) port: u16,
    faults: Arc<Faults>,
}

impl Proxy {
    pub(crate) fn before(server: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let faults = Arc::new(Faults::default());
        let shared = Arc::clone(&faults);
        // Both end with the test's process.
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                if shared.refuses.load(Ordering::Relaxed) {
                    continue;
                }
                let Ok(server) = TcpStream::connect(("127.0.0.1", server)) else {
                    continue;
                };
                for (from, to) in [(&client, &server), (&server, &client)] {
                    let _ = from.set_nodelay(true);
                    let (from, to) = (from.try_clone().unwrap(), to.try_clone().unwrap());
                    let faults = Arc::clone(&shared);
                    thread::spawn(move || pump(from, to, &faults));
                }
                shared.open.lock().unwrap().extend([client, server]);
            }
        });
        Self { port, faults }
    }

    pub(crate) fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    /// Every piece is late by so much, in each direction.
    pub(crate) fn delay(&self, millis: u64) {
        self.faults.delay_ms.store(millis, Ordering::Relaxed);
    }

    /// Bytes go in and do not come out.
    pub(crate) fn swallow(&self, yes: bool) {
        self.faults.swallows.store(yes, Ordering::Relaxed);
    }

    /// What has this text in it does not come out.
    pub(crate) fn lose(&self, text: Option<&'static str>) {
        *self.faults.lost.lock().unwrap() = text;
    }

    /// Closes every connection, and refuses new ones where `for_good`.
    pub(crate) fn cut(&self, for_good: bool) {
        self.faults.refuses.store(for_good, Ordering::Relaxed);
        for stream in self.faults.open.lock().unwrap().drain(..) {
            let _ = stream.shutdown(Shutdown::Both);
        }
    }
}

fn pump(mut from: TcpStream, mut to: TcpStream, faults: &Faults) {
    let mut piece = vec![0; 64 * 1024];
    while let Ok(length @ 1..) = from.read(&mut piece) {
        let delay = faults.delay_ms.load(Ordering::Relaxed);
        thread::sleep(Duration::from_millis(delay));
        if faults.swallows.load(Ordering::Relaxed) {
            continue;
        }
        let lost = *faults.lost.lock().unwrap();
        if lost.is_some_and(|text| String::from_utf8_lossy(&piece[..length]).contains(text)) {
            continue;
        }
        if to.write_all(&piece[..length]).is_err() {
            break;
        }
    }
    let _ = from.shutdown(Shutdown::Both);
    let _ = to.shutdown(Shutdown::Both);
}
