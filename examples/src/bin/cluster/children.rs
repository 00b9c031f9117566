//! The processes of the tour. Each is killed when its owner drops it.

use std::{
    fs,
    io::{self, BufRead, BufReader, ErrorKind, Read, Write},
    net::{TcpListener, TcpStream},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use pem::Pem;
use rustls::pki_types::CertificateDer;
use secure_examples::keys::DevelopmentKey;
use secure_runtime::{Clock, testing::Tokens};

use crate::Result;

/// The argument that makes a shop of this program.
pub(crate) const SHOP: &str = "--shop";

const NO_REDIS: &str = "\
`redis-server` is not installed:
  Debian, Ubuntu   apt install redis-server
  macOS            brew install redis";

/// How long a process may take to start.
const PATIENCE: Duration = Duration::from_secs(10);

const ISSUER: &str = "https://id.shop.example";
const AUDIENCE: &str = "https://shop.example";

/// What the shops have in common: a certificate, keys, secrets, settings.
pub(crate) struct Folder {
    path: PathBuf,
    pub(crate) certificate: CertificateDer<'static>,
    pub(crate) tokens: Tokens,
}

impl Folder {
    pub(crate) fn new(redis: &Redis) -> Result<Self> {
        let path = own_folder("shops")?;
        let tls = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()])?;
        let write = |name: &str, label: &str, der: &[u8]| {
            let text = pem::encode(&Pem::new(label, der));
            fs::write(path.join(name), text)
        };
        write("chain.pem", "CERTIFICATE", tls.cert.der())?;
        let private_key = tls.signing_key.serialize_der();
        write("key.pem", "PRIVATE KEY", &private_key)?;
        let id = DevelopmentKey::generate()?;
        fs::write(path.join("id.pem"), &id.public)?;
        fs::write(path.join("shop.pem"), DevelopmentKey::generate()?.private)?;
        // What an operator makes once with `openssl rand -base64 32`.
        for file in ["refresh.secret", "login.secret"] {
            fs::write(path.join(file), secret()?)?;
        }
        let settings = format!(
            r#"
realm = "shop"

[server]
address = "127.0.0.1:0"

[tls]
certificate = "chain.pem"
private_key = "key.pem"

[redis]
url = "redis://127.0.0.1:{}"

[[issuers]]
issuer = "{ISSUER}"
audience = "{AUDIENCE}"

[[issuers.keys]]
algorithm = "EdDSA"
public_key_file = "id.pem"

[token_issuer]
issuer = "https://shop.example"
audience = "{AUDIENCE}"
refresh_secret_file = "refresh.secret"

[[token_issuer.keys]]
id = "cluster"
private_key_file = "shop.pem"

[login]
secret_file = "login.secret"
"#,
            redis.port
        );
        fs::write(path.join("secure.toml"), settings)?;
        let clock = Clock::system();
        Ok(Self {
            path,
            certificate: tls.cert.der().clone(),
            tokens: Tokens::with_key(ISSUER, AUDIENCE, &id.private, &id.public, &clock),
        })
    }
}

/// Random bytes in base64: those of a key that is good for nothing else.
fn secret() -> Result<String> {
    let key = DevelopmentKey::generate()?.private;
    Ok(key.lines().filter(|line| !line.starts_with('-')).collect())
}

impl Drop for Folder {
    fn drop(&mut self) {
        fs::remove_dir_all(&self.path).ok();
    }
}

/// A shop over HTTPS.
pub(crate) struct Shop {
    child: Child,
    pub(crate) base: String,
}

impl Shop {
    pub(crate) fn start(folder: &Folder) -> Result<Self> {
        let mut command = Command::new(std::env::current_exe()?);
        command.arg(SHOP).current_dir(&folder.path);
        // Nothing that is set for other programs is a setting of this one.
        for (name, _) in std::env::vars_os() {
            if name.to_string_lossy().to_uppercase().starts_with("SECURE_") {
                command.env_remove(name);
            }
        }
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut shop = Self {
            child: command.spawn()?,
            base: String::new(),
        };
        let says = shop.child.stdout.take().ok_or("a shop has no output")?;
        let mut port = String::new();
        BufReader::new(says).read_line(&mut port)?;
        match port.trim() {
            "" => Err("a shop did not start".into()),
            port => {
                shop.base = format!("https://localhost:{port}");
                Ok(shop)
            }
        }
    }
}

impl Drop for Shop {
    fn drop(&mut self) {
        end(&mut self.child);
    }
}

/// Ends this process when the one that has started it is gone, however that ended.
pub(crate) fn end_with_parent() {
    thread::spawn(|| {
        io::stdin().read_to_end(&mut Vec::new()).ok();
        std::process::exit(0);
    });
}

/// A Redis that keeps nothing on disk.
pub(crate) struct Redis {
    child: Child,
    folder: PathBuf,
    port: u16,
}

impl Redis {
    pub(crate) fn start() -> Result<Self> {
        // A port that was free a moment ago.
        let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        let folder = own_folder("redis")?;
        let redis = Self {
            child: spawn(port, &folder)?,
            folder,
            port,
        };
        redis.wait()?;
        Ok(redis)
    }

    /// As a machine that fails: nothing is written, nobody is told.
    pub(crate) fn kill(&mut self) {
        end(&mut self.child);
    }

    /// Starts it again, with nothing in it.
    pub(crate) fn restart(&mut self) -> Result {
        self.child = spawn(self.port, &self.folder)?;
        self.wait()
    }

    fn wait(&self) -> Result {
        let start = Instant::now();
        while !self.answers() {
            if start.elapsed() > PATIENCE {
                return Err("`redis-server` does not answer".into());
            }
            thread::sleep(Duration::from_millis(10));
        }
        Ok(())
    }

    fn answers(&self) -> bool {
        let ask = || {
            let mut stream = TcpStream::connect(("127.0.0.1", self.port))?;
            stream.set_read_timeout(Some(Duration::from_secs(1)))?;
            stream.write_all(b"PING\r\n")?;
            let mut answer = [0; 5];
            stream.read_exact(&mut answer)?;
            Ok::<_, io::Error>(answer == *b"+PONG")
        };
        ask().unwrap_or(false)
    }
}

impl Drop for Redis {
    fn drop(&mut self) {
        end(&mut self.child);
        fs::remove_dir_all(&self.folder).ok();
    }
}

fn spawn(port: u16, folder: &Path) -> Result<Child> {
    let spawned = Command::new("redis-server")
        .args(["--port", &port.to_string(), "--bind", "127.0.0.1"])
        .args(["--save", "", "--appendonly", "no"])
        .current_dir(folder)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .spawn();
    match spawned {
        Ok(child) => Ok(child),
        Err(error) if error.kind() == ErrorKind::NotFound => Err(NO_REDIS.into()),
        Err(error) => Err(format!("`redis-server` cannot be run: {error}").into()),
    }
}

fn own_folder(name: &str) -> io::Result<PathBuf> {
    let name = format!("secure-cluster-{name}-{}", std::process::id());
    let path = std::env::temp_dir().join(name);
    fs::create_dir_all(&path)?;
    Ok(path)
}

fn end(child: &mut Child) {
    // One that has ended already is no problem.
    child.kill().ok();
    child.wait().ok();
}
