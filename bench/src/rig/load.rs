//! As many requests as a server answers, from a few connections.
//!
//! By `wrk` where there is one: it needs so little of its processor that the server is what is
//! measured. Threads of this program do it otherwise, over plain HTTP only.

use std::{
    env, fs,
    path::PathBuf,
    process::Command,
    sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering},
    thread,
    time::{Duration, Instant},
};

use super::{Result, client::Client};

/// How long a sample is.
pub const TIME: Duration = Duration::from_secs(1);
const CONNECTIONS: usize = 8;
/// The program of `wrk` that takes prepared requests in turn.
const ROTATE: &str = include_str!("rotate.lua");

/// What is sent, in turn.
#[derive(Debug)]
pub struct Requests {
    texts: Vec<String>,
    refused: bool,
    /// Where the next sample begins.
    next: AtomicUsize,
    folder: PathBuf,
}

/// What was answered.
#[derive(Clone, Copy, Debug)]
pub struct Answered {
    /// How many.
    pub requests: u64,
    /// In this time.
    pub time: Duration,
}

/// Whether `wrk` is there.
pub fn has_wrk() -> bool {
    Command::new("wrk").arg("-v").output().is_ok()
}

impl Requests {
    /// Whole requests; `refused` if answers are to be refusals, all of them.
    pub fn new(texts: Vec<String>, refused: bool) -> Result<Self> {
        static COUNT: AtomicUsize = AtomicUsize::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let folder = env::temp_dir().join(format!("secure-bench-{}-{number}", std::process::id()));
        fs::create_dir_all(&folder)?;
        fs::write(folder.join("rotate.lua"), ROTATE)?;
        let mut file = texts.join("\0");
        file.push('\0');
        fs::write(folder.join("requests"), file)?;
        Ok(Self {
            texts,
            refused,
            next: AtomicUsize::new(0),
            folder,
        })
    }

    /// Sends each of the first once over plain HTTP, and demands this status.
    pub fn check(&self, port: u16, most: usize, expected: u16) -> Result {
        let mut client = Client::connect(port)?;
        for request in self.texts.iter().take(most) {
            let status = client.send(request.as_bytes())?;
            if status != expected {
                let line = request.lines().next().unwrap_or_default();
                return Err(format!("`{line}`: {status} instead of {expected}").into());
            }
        }
        Ok(())
    }

    /// Sends for a while.
    pub fn send(&self, url: &str, port: u16) -> Result<Answered> {
        let first = self.next.load(Ordering::Relaxed);
        let answered = match has_wrk() {
            true => self.by_wrk(url, first),
            false if url.starts_with("https:") => Err("HTTPS needs `wrk`".into()),
            false => self.by_threads(port, first),
        }?;
        // The next sample goes on where this one ends, so that all have their turn.
        let next = first + answered.requests as usize;
        self.next.store(next % self.texts.len(), Ordering::Relaxed);
        Ok(answered)
    }

    fn by_wrk(&self, url: &str, first: usize) -> Result<Answered> {
        let output = Command::new("wrk")
            .args(["-t1", &format!("-c{CONNECTIONS}")])
            .arg(format!("-d{}s", TIME.as_secs()))
            .arg("-s")
            .args([self.folder.join("rotate.lua").as_os_str(), url.as_ref()])
            .arg("--")
            .arg(self.folder.join("requests"))
            .arg(first.to_string())
            .output()?;
        let report = String::from_utf8(output.stdout)?;
        let line = report
            .lines()
            .find_map(|line| line.strip_prefix("measured "));
        let numbers = line.map(|line| {
            line.split(' ')
                .map(|word| word.parse::<u64>().unwrap_or_default())
                .collect::<Vec<_>>()
        });
        let Some([requests @ (1..), micros, refused, 0]) = numbers.as_deref() else {
            let errors = String::from_utf8_lossy(&output.stderr);
            return Err(format!("wrk: {report}{errors}").into());
        };
        if *refused != if self.refused { *requests } else { 0 } {
            return Err(format!("{refused} of {requests} were refused").into());
        }
        Ok(Answered {
            requests: *requests,
            time: Duration::from_micros(*micros),
        })
    }

    fn by_threads(&self, port: u16, first: usize) -> Result<Answered> {
        let is_over = AtomicBool::new(false);
        let (answered, failed) = (AtomicU64::new(0), AtomicU64::new(0));
        let start = Instant::now();
        thread::scope(|scope| {
            for number in 0..CONNECTIONS {
                let mut texts = self.texts.iter().cycle().skip(first + number);
                let (is_over, answered, failed) = (&is_over, &answered, &failed);
                scope.spawn(move || {
                    let mut client = Client::connect(port).ok();
                    while !is_over.load(Ordering::Relaxed) {
                        let text = texts.next().map(String::as_bytes).unwrap_or_default();
                        let status = client.as_mut().map(|client| client.send(text));
                        match status {
                            Some(Ok(status)) if (status >= 400) == self.refused => answered,
                            _ => failed,
                        }
                        .fetch_add(1, Ordering::Relaxed);
                    }
                });
            }
            thread::sleep(TIME);
            is_over.store(true, Ordering::Relaxed);
        });
        match (answered.into_inner(), failed.into_inner()) {
            (requests @ 1.., 0) => Ok(Answered {
                requests,
                time: start.elapsed(),
            }),
            (_, failed) => Err(format!("{failed} answers were not as expected").into()),
        }
    }
}

impl Drop for Requests {
    fn drop(&mut self) {
        // What is left in the folder of temporary files is nobody's loss.
        fs::remove_dir_all(&self.folder).ok();
    }
}
