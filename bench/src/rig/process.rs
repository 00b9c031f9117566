//! A process that ends with its owner, and what it has computed.

use std::{
    env, fs,
    io::{BufRead, BufReader, Lines},
    path::Path,
    process::{Child, ChildStdout, Command, Stdio},
    time::Duration,
};

use super::Result;

/// A child process; it is killed when this is dropped.
#[derive(Debug)]
pub struct Process(Child);

/// A process of this program that serves, and says things.
#[derive(Debug)]
pub struct Server {
    process: Process,
    says: Lines<BufReader<ChildStdout>>,
    port: u16,
}

impl Process {
    /// Starts it.
    pub fn start(command: &mut Command) -> std::io::Result<Self> {
        command.spawn().map(Self)
    }

    /// How long its threads have computed, of those that are still there.
    pub fn computed(&self) -> Result<Duration> {
        let tasks = fs::read_dir(format!("/proc/{}/task", self.0.id()))?;
        tasks.map(|task| computed_by(&task?.path())).sum()
    }

    /// Kills it, and waits until it is gone.
    pub fn stop(&mut self) {
        // It may be gone already.
        self.0.kill().ok();
        self.0.wait().ok();
    }

    /// What the system calls it.
    pub fn id(&self) -> u32 {
        self.0.id()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.stop();
    }
}

impl Server {
    /// This program with these arguments and variables, which first says its port.
    pub fn start(arguments: &[&str], variables: &[(&str, &str)]) -> Result<Self> {
        let mut process = Process::start(
            Command::new(env::current_exe()?)
                .args(arguments)
                .envs(variables.iter().copied())
                .stdin(Stdio::piped())
                .stdout(Stdio::piped()),
        )?;
        let says = process.0.stdout.take().ok_or("a server has no output")?;
        let mut says = BufReader::new(says).lines();
        let port = says.next().ok_or("a server did not start")??.parse()?;
        Ok(Self {
            process,
            says,
            port,
        })
    }

    /// Where it listens.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The next line that it says.
    pub fn line(&mut self) -> Result<String> {
        Ok(self.says.next().ok_or("a server has ended")??)
    }

    /// What the system knows of it.
    pub fn process(&self) -> &Process {
        &self.process
    }
}

/// How long the calling thread has computed.
pub fn computed() -> Result<Duration> {
    computed_by(Path::new("/proc/thread-self"))
}

fn computed_by(task: &Path) -> Result<Duration> {
    let facts = fs::read_to_string(task.join("schedstat"))?;
    let nanos = facts.split_whitespace().next();
    let nanos = nanos.ok_or("the system does not tell")?.parse()?;
    Ok(Duration::from_nanos(nanos))
}
