//! Real `redis-server` processes.

use std::{
    fs,
    io::{Read, Write},
    net::{TcpListener, TcpStream},
    path::PathBuf,
    process::{Child, Command, Stdio},
    sync::atomic::{AtomicU32, Ordering},
    thread,
    time::{Duration, Instant},
};

/// A server of this test alone; killed when dropped.
pub(crate) struct Redis {
    child: Child,
    pub(crate) port: u16,
    folder: PathBuf,
    arguments: Vec<String>,
}

impl Redis {
    /// One that keeps nothing on disk.
    pub(crate) fn start() -> Self {
        Self::with(&["--appendonly", "no"])
    }

    /// One that has every write on disk before it answers.
    pub(crate) fn durable() -> Self {
        Self::with(&["--appendonly", "yes", "--appendfsync", "always"])
    }

    pub(crate) fn with(arguments: &[&str]) -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("secure-redis-{}-{count}", std::process::id());
        let folder = std::env::temp_dir().join(name);
        fs::create_dir_all(&folder).unwrap();
        let port = free_port();
        let arguments = arguments.iter().map(|argument| (*argument).to_owned());
        let arguments = arguments.collect::<Vec<_>>();
        let child = spawn(port, &folder, &arguments);
        let mut redis = Self {
            child,
            port,
            folder,
            arguments,
        };
        redis.wait();
        redis
    }

    pub(crate) fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    /// `kill -9`.
    pub(crate) fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Starts it again at the same port, with what it had written to disk.
    pub(crate) fn restart(&mut self) {
        self.child = spawn(self.port, &self.folder, &self.arguments);
        self.wait();
    }

    /// Starts it again at the same port, with nothing.
    pub(crate) fn restart_empty(&mut self) {
        fs::remove_dir_all(&self.folder).unwrap();
        fs::create_dir_all(&self.folder).unwrap();
        self.restart();
    }

    /// `SIGSTOP`: the kernel goes on accepting connections.
    pub(crate) fn stop(&self) {
        self.signal("-STOP");
    }

    /// `SIGCONT`.
    pub(crate) fn go_on(&self) {
        self.signal("-CONT");
    }

    fn signal(&self, signal: &str) {
        let status = Command::new("kill")
            .args([signal, &self.child.id().to_string()])
            .status();
        assert!(status.unwrap().success());
    }

    /// What it answers to a command, as it stands on the wire.
    pub(crate) fn ask(&self, words: &[&str]) -> String {
        ask(self.port, words).unwrap()
    }

    /// A user with the rights that the documentation of the settings asks for, and no others.
    pub(crate) fn add_user(&self, name: &str, password: &str, prefix: &str) {
        let mut words = ["ACL", "SETUSER", name, "on"].map(str::to_owned).to_vec();
        words.extend([format!(">{password}"), format!("~{{{prefix}}}:*")]);
        words.push("-@all".to_owned());
        words.extend(documented_commands().map(|command| format!("+{command}")));
        let answer = self.ask(&words.iter().map(String::as_str).collect::<Vec<_>>());
        assert!(answer.starts_with("+OK"), "{answer}");
    }

    /// Until this server answers, and not one of other tests that has taken the port meanwhile.
    fn wait(&mut self) {
        until("the server answers", || {
            if self.child.try_wait().unwrap().is_some() {
                self.child = spawn(self.port, &self.folder, &self.arguments);
            }
            let has_answered = |words: &[&str], part: &str| {
                ask(self.port, words).is_ok_and(|answer| answer.contains(part))
            };
            let process = format!("process_id:{}\r\n", self.child.id());
            has_answered(&["INFO", "server"], &process) && has_answered(&["PING"], "+PONG")
        });
    }
}

impl Drop for Redis {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        let _ = fs::remove_dir_all(&self.folder);
    }
}

/// A cluster of three primaries.
pub(crate) struct Cluster(pub(crate) [Redis; 3]);

impl Cluster {
    pub(crate) fn start() -> Self {
        let servers = [(); 3]
            .map(|()| Redis::with(&["--cluster-enabled", "yes", "--cluster-node-timeout", "2000"]));
        let ranges = [("0", "5460"), ("5461", "10922"), ("10923", "16383")];
        for (server, (first, last)) in servers.iter().zip(ranges) {
            server.ask(&["CLUSTER", "ADDSLOTSRANGE", first, last]);
        }
        let (first, others) = servers.split_first().unwrap();
        for server in others {
            first.ask(&["CLUSTER", "MEET", "127.0.0.1", &server.port.to_string()]);
        }
        for server in &servers {
            until("the cluster is whole", || {
                let facts = server.ask(&["CLUSTER", "INFO"]);
                facts.contains("cluster_state:ok") && facts.contains("cluster_known_nodes:3")
            });
        }
        Self(servers)
    }

    pub(crate) fn url(&self) -> String {
        self.url_with("")
    }

    /// As the user `login`, which ends in `@`.
    pub(crate) fn url_with(&self, login: &str) -> String {
        let hosts = self.0.iter();
        let hosts = hosts.map(|server| format!("127.0.0.1:{}", server.port));
        let hosts = hosts.collect::<Vec<_>>().join(",");
        format!("redis+cluster://{login}{hosts}")
    }
}

fn spawn(port: u16, folder: &PathBuf, arguments: &[String]) -> Child {
    let mut command = Command::new("redis-server");
    // A sentinel wants its configuration in a file that it can write to.
    if let [first, rest @ ..] = arguments
        && first == "--sentinel"
    {
        let file = folder.join("sentinel.conf");
        let lines = rest.join("\n");
        fs::write(&file, format!("port {port}\n{lines}\n")).unwrap();
        command.arg(file).arg("--sentinel");
    } else {
        command.args(["--port", &port.to_string(), "--save", ""]);
        command.args(arguments);
    }
    command
        .current_dir(folder)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("`redis-server` cannot be run: install Debian's package `redis-server`")
}

fn ask(port: u16, words: &[&str]) -> std::io::Result<String> {
    let mut stream = TcpStream::connect(("127.0.0.1", port))?;
    stream.set_read_timeout(Some(Duration::from_secs(2)))?;
    let mut command = format!("*{}\r\n", words.len());
    for word in words {
        command += &format!("${}\r\n{word}\r\n", word.len());
    }
    stream.write_all(command.as_bytes())?;
    let mut answer = vec![0; 64 * 1024];
    let length = stream.read(&mut answer)?;
    Ok(String::from_utf8_lossy(&answer[..length]).into_owned())
}

/// The commands that the documentation of the settings has an operator allow.
pub(crate) fn documented_commands() -> impl Iterator<Item = &'static str> {
    let text = include_str!("../../secure-runtime/src/settings/redis.rs");
    let (_, text) = text.split_once("and the commands\n").unwrap();
    let (text, _) = text.split_once(". ").unwrap();
    text.split('`').skip(1).step_by(2)
}

/// A port that was free a moment ago. A cluster also listens at that port plus 10,000, and the system
/// hands out ports from 32,768 on: both are below.
pub(crate) fn free_port() -> u16 {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    loop {
        let offset = std::process::id() * 37 + NEXT.fetch_add(1, Ordering::Relaxed);
        let port = 12_000 + u16::try_from(offset % 10_000).unwrap();
        if TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return port;
        }
    }
}

/// Waits for something that another process does.
pub(crate) fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let start = Instant::now();
    while !is_so() {
        assert!(
            start.elapsed() < Duration::from_secs(15),
            "not in time: {what}"
        );
        thread::sleep(Duration::from_millis(20));
    }
}
