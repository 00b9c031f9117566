//! A Redis and servers; each is killed when its owner drops it.

use std::{
    env, fs,
    io::{BufRead, BufReader, Lines, Read, Write},
    net::{TcpListener, TcpStream},
    process::{Child, ChildStdout, Command, Stdio},
    thread,
    time::Duration,
};

use rcgen::PublicKeyData;
use secure_runtime::{
    Clock,
    testing::{Token, Tokens},
};

use crate::{Result, server::SERVE};

pub(crate) const ISSUER: &str = "https://id.example.com";
pub(crate) const AUDIENCE: &str = "https://orders.example.com";
/// The variable in which a server finds the key of the issuer.
pub(crate) const PUBLIC_KEY: &str = "BENCH_PUBLIC_KEY";

/// Signs tokens that the servers take.
pub(crate) struct Identity {
    tokens: Tokens,
    public: String,
}

impl Identity {
    pub(crate) fn new() -> Result<Self> {
        let key = rcgen::KeyPair::generate_for(&rcgen::PKCS_ED25519)?;
        let encode = |label: &str, der: Vec<u8>| pem::encode(&pem::Pem::new(label, der));
        let private = encode("PRIVATE KEY", key.serialize_der());
        let public = encode("PUBLIC KEY", key.subject_public_key_info());
        let tokens = Tokens::with_key(ISSUER, AUDIENCE, &private, &public, &Clock::system());
        Ok(Self { tokens, public })
    }

    pub(crate) fn token(&self, id: &str) -> String {
        let token: Token = self.tokens.token("customer-4711").claim("jti", id);
        token.expires_in(Duration::from_secs(3600)).sign()
    }
}

/// A server of this program.
pub(crate) struct Server {
    child: Child,
    says: Lines<BufReader<ChildStdout>>,
    pub(crate) port: u16,
}

impl Server {
    pub(crate) fn start(identity: &Identity, redis: &Redis, proxied: bool) -> Result<Self> {
        let mut child = Command::new(env::current_exe()?)
            .args([
                SERVE,
                &redis.url(),
                if proxied { "proxied" } else { "direct" },
            ])
            .env(PUBLIC_KEY, &identity.public)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let says = child.stdout.take().ok_or("a server has no output")?;
        let mut says = BufReader::new(says).lines();
        let port = says.next().ok_or("a server did not start")??.parse()?;
        Ok(Self { child, says, port })
    }

    /// Waits until the server knows every entry, and returns how long that took from its start.
    pub(crate) fn followed(&mut self) -> Result<Duration> {
        let seconds: f64 = self.says.next().ok_or("a server has ended")??.parse()?;
        Ok(Duration::from_secs_f64(seconds))
    }

    /// The most memory that it had since the last call of `forget_peak`, and what it has, in bytes.
    pub(crate) fn memory(&self) -> Result<(usize, usize)> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id()))?;
        let bytes = |name: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(name));
            let kib = line.and_then(|line| line.split_whitespace().next()?.parse::<usize>().ok());
            kib.map(|kib| kib * 1024).ok_or("the system does not tell")
        };
        Ok((bytes("VmHWM:")?, bytes("VmRSS:")?))
    }

    /// How long its threads have computed.
    pub(crate) fn computed(&self) -> Result<Duration> {
        computed(&self.child)
    }

    pub(crate) fn forget_peak(&self) -> Result {
        Ok(fs::write(
            format!("/proc/{}/clear_refs", self.child.id()),
            "5",
        )?)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

/// A Redis that keeps nothing on disk.
pub(crate) struct Redis {
    child: Child,
    port: u16,
}

impl Redis {
    pub(crate) fn start() -> Result<Self> {
        let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        let redis = Self {
            child: spawn(port)?,
            port,
        };
        redis.wait();
        Ok(redis)
    }

    pub(crate) fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    /// How long it has computed.
    pub(crate) fn computed(&self) -> Result<Duration> {
        computed(&self.child)
    }

    pub(crate) fn restart_empty(&mut self) -> Result {
        self.child.kill()?;
        self.child.wait()?;
        self.child = spawn(self.port)?;
        self.wait();
        Ok(())
    }

    fn wait(&self) {
        while self.ask(&["PING"]).is_err() {
            thread::sleep(Duration::from_millis(5));
        }
    }

    /// The answer, as it stands on the wire.
    pub(crate) fn ask(&self, words: &[&str]) -> Result<String> {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port))?;
        stream.write_all(encode(words).as_bytes())?;
        let mut answer = vec![0; 4096];
        let length = stream.read(&mut answer)?;
        answer.truncate(length);
        Ok(String::from_utf8(answer)?)
    }

    pub(crate) fn entries(&self) -> Result<usize> {
        let answer = self.ask(&["HLEN", "{secure}:revocation:entries"])?;
        Ok(answer.trim_start_matches(':').trim().parse()?)
    }

    /// Revocations of single tokens, as a process would have written them.
    pub(crate) fn fill(&self, count: usize) -> Result {
        const TOGETHER: usize = 1000;
        let mut stream = TcpStream::connect(("127.0.0.1", self.port))?;
        for first in (0..count).step_by(TOGETHER) {
            let mut words = vec!["HSET".to_owned(), "{secure}:revocation:entries".to_owned()];
            for number in first..count.min(first + TOGETHER) {
                words.push(format!("t{}:{ISSUER}{}", ISSUER.len(), name(number)));
                words.push("4000000000000:4000000060000".to_owned());
            }
            let words = words.iter().map(String::as_str).collect::<Vec<_>>();
            stream.write_all(encode(&words).as_bytes())?;
            let mut answer = [0; 64];
            let _ = stream.read(&mut answer)?;
        }
        match self.entries()? {
            entries if entries == count => Ok(()),
            entries => Err(format!("{entries} entries instead of {count}").into()),
        }
    }
}

impl Drop for Redis {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

/// As long as a UUID.
pub(crate) fn name(number: usize) -> String {
    let tail = number.wrapping_mul(0x9e37_79b9) & 0xffff_ffff_ffff;
    format!("{number:08x}-0000-4000-8000-{tail:012x}")
}

fn encode(words: &[&str]) -> String {
    let mut text = format!("*{}\r\n", words.len());
    for word in words {
        text += &format!("${}\r\n{word}\r\n", word.len());
    }
    text
}

fn spawn(port: u16) -> Result<Child> {
    let folder = env::temp_dir();
    Command::new("redis-server")
        .args(["--port", &port.to_string(), "--bind", "127.0.0.1"])
        .args(["--save", "", "--appendonly", "no", "--dir"])
        .arg(folder)
        .stdout(Stdio::null())
        .spawn()
        .map_err(|error| format!("`redis-server` (apt install redis-server): {error}").into())
}

/// Of all threads that are still there.
fn computed(child: &Child) -> Result<Duration> {
    let mut nanos = 0;
    for task in fs::read_dir(format!("/proc/{}/task", child.id()))? {
        let facts = fs::read_to_string(task?.path().join("schedstat"))?;
        let fact = facts.split_whitespace().next();
        nanos += fact.ok_or("the system does not tell")?.parse::<u64>()?;
    }
    Ok(Duration::from_nanos(nanos))
}
