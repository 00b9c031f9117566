//! Servers of this program, and entries in their Redis.

use std::{
    fs,
    io::{Read, Write},
    time::Duration,
};

use secure_bench::{
    ISSUER, Identity,
    rig::{
        Result, process,
        redis::{Redis, encode},
    },
};

use crate::server::SERVE;

/// The variable in which a server finds the key of the issuer.
pub(crate) const PUBLIC_KEY: &str = "BENCH_PUBLIC_KEY";
/// Where entries are.
const ENTRIES: &str = "{secure}:revocation:entries";

/// A server of this program.
pub(crate) struct Server {
    process: process::Server,
    pub(crate) port: u16,
}

impl Server {
    pub(crate) fn start(identity: &Identity, redis: &Redis, proxied: bool) -> Result<Self> {
        let proxies = if proxied { "proxied" } else { "direct" };
        let arguments = [SERVE, &redis.url(), proxies];
        let key = identity.verifier().key();
        let process = process::Server::start(&arguments, &[(PUBLIC_KEY, key)])?;
        let port = process.port();
        Ok(Self { process, port })
    }

    /// Waits until the server knows every entry, and returns how long that took from its start.
    pub(crate) fn followed(&mut self) -> Result<Duration> {
        let seconds: f64 = self.process.line()?.parse()?;
        Ok(Duration::from_secs_f64(seconds))
    }

    /// The most memory that it had since the last call of `forget_peak`, and what it has, in bytes.
    pub(crate) fn memory(&self) -> Result<(usize, usize)> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.id()))?;
        let bytes = |name: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(name));
            let kib = line.and_then(|line| line.split_whitespace().next()?.parse::<usize>().ok());
            kib.map(|kib| kib * 1024).ok_or("the system does not tell")
        };
        Ok((bytes("VmHWM:")?, bytes("VmRSS:")?))
    }

    /// How long its threads have computed.
    pub(crate) fn computed(&self) -> Result<Duration> {
        self.process.process().computed()
    }

    pub(crate) fn forget_peak(&self) -> Result {
        Ok(fs::write(format!("/proc/{}/clear_refs", self.id()), "5")?)
    }

    fn id(&self) -> u32 {
        self.process.process().id()
    }
}

/// How many entries there are.
pub(crate) fn entries(redis: &Redis) -> Result<usize> {
    let answer = redis.ask(&["HLEN", ENTRIES])?;
    Ok(answer.trim_start_matches(':').trim().parse()?)
}

/// Writes revocations of single tokens, as a process would have written them.
pub(crate) fn fill(redis: &Redis, count: usize) -> Result {
    const TOGETHER: usize = 1000;
    let mut stream = redis.connect()?;
    for first in (0..count).step_by(TOGETHER) {
        let mut words = vec!["HSET".to_owned(), ENTRIES.to_owned()];
        for number in first..count.min(first + TOGETHER) {
            words.push(format!("t{}:{ISSUER}{}", ISSUER.len(), name(number)));
            words.push("4000000000000:4000000060000".to_owned());
        }
        let words = words.iter().map(String::as_str).collect::<Vec<_>>();
        stream.write_all(encode(&words).as_bytes())?;
        let mut answer = [0; 64];
        let _ = stream.read(&mut answer)?;
    }
    match entries(redis)? {
        entries if entries == count => Ok(()),
        entries => Err(format!("{entries} entries instead of {count}").into()),
    }
}

/// A token with this id.
pub(crate) fn token(identity: &Identity, id: &str) -> String {
    identity.token("customer-4711", id)
}

/// As long as a UUID.
pub(crate) fn name(number: usize) -> String {
    let tail = number.wrapping_mul(0x9e37_79b9) & 0xffff_ffff_ffff;
    format!("{number:08x}-0000-4000-8000-{tail:012x}")
}
