//! A Redis that keeps nothing on disk.

use std::{
    env,
    io::{Read, Write},
    net::{TcpListener, TcpStream},
    process::{Command, Stdio},
    thread,
    time::Duration,
};

use super::{Result, process::Process};

/// A `redis-server`; it is killed when this is dropped.
#[derive(Debug)]
pub struct Redis {
    process: Process,
    port: u16,
}

impl Redis {
    /// Starts one, and waits until it answers.
    pub fn start() -> Result<Self> {
        let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        let redis = Self {
            process: spawn(port)?,
            port,
        };
        redis.wait();
        Ok(redis)
    }

    /// Where it is.
    pub fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    /// How long it has computed.
    pub fn computed(&self) -> Result<Duration> {
        self.process.computed()
    }

    /// Kills it, and starts it again with nothing in it.
    pub fn restart_empty(&mut self) -> Result {
        // The port must be free before the next one takes it.
        self.process.stop();
        self.process = spawn(self.port)?;
        self.wait();
        Ok(())
    }

    fn wait(&self) {
        while self.ask(&["PING"]).is_err() {
            thread::sleep(Duration::from_millis(5));
        }
    }

    /// The answer to a command, as it stands on the wire.
    pub fn ask(&self, words: &[&str]) -> Result<String> {
        let mut stream = self.connect()?;
        stream.write_all(encode(words).as_bytes())?;
        let mut answer = vec![0; 4096];
        let length = stream.read(&mut answer)?;
        answer.truncate(length);
        Ok(String::from_utf8(answer)?)
    }

    /// A connection to it.
    pub fn connect(&self) -> std::io::Result<TcpStream> {
        TcpStream::connect(("127.0.0.1", self.port))
    }
}

/// A command as it stands on the wire.
pub fn encode(words: &[&str]) -> String {
    let mut text = format!("*{}\r\n", words.len());
    for word in words {
        text += &format!("${}\r\n{word}\r\n", word.len());
    }
    text
}

fn spawn(port: u16) -> Result<Process> {
    let mut command = Command::new("redis-server");
    command
        .args(["--port", &port.to_string(), "--bind", "127.0.0.1"])
        .args(["--save", "", "--appendonly", "no", "--dir"])
        .arg(env::temp_dir())
        .stdout(Stdio::null());
    Process::start(&mut command)
        .map_err(|error| format!("`redis-server` (apt install redis-server): {error}").into())
}
