//! The shop as a process of its own, configured as an operator does it.

use std::{
    fs,
    io::{BufRead, BufReader, Read},
    net::SocketAddr,
    path::PathBuf,
    process::{Child, Command, ExitStatus, Stdio},
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
        mpsc,
    },
    thread,
    time::{Duration, Instant},
};

use rcgen::PublicKeyData;
use rustls::{
    client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
    pki_types::{CertificateDer, ServerName, UnixTime},
};
use secure_runtime::{Clock, testing::Tokens};
use tokio::net::TcpStream;
use tokio_rustls::client::TlsStream;

use crate::rig::{Answer, Connection, PATIENCE, connect_tls, pem, soon};

const SETTINGS: &str = r#"
realm = "shop"

[server]
address = "127.0.0.1:0"
workers = 2
shutdown_timeout = "10s"

[tls]
certificate = "chain.pem"
private_key = "key.pem"
"#;

const ISSUER: &str = r#"
[[issuers]]
issuer = "https://id.test"
audience = "shop.test"

[[issuers.keys]]
algorithm = "EdDSA"
public_key_file = "id.pem"

[token_issuer]
issuer = "https://shop.test"
audience = "shop.test"

[[token_issuer.keys]]
id = "test"
private_key_file = "shop.pem"
"#;

/// A folder with `secure.toml` and all that it names.
pub(crate) struct Folder {
    path: PathBuf,
    pub(crate) certificate: CertificateDer<'static>,
    pub(crate) tokens: Tokens,
}

impl Folder {
    pub(crate) fn new() -> Self {
        Self::with(&format!("{SETTINGS}{ISSUER}"))
    }

    pub(crate) fn without_issuer() -> Self {
        Self::with(SETTINGS)
    }

    fn with(settings: &str) -> Self {
        static COUNT: AtomicUsize = AtomicUsize::new(0);
        let name = format!(
            "secure-shop-{}-{}",
            std::process::id(),
            COUNT.fetch_add(1, Ordering::Relaxed)
        );
        let path = std::env::temp_dir().join(name);
        fs::create_dir_all(&path).unwrap();
        let write = |name, text: &str| fs::write(path.join(name), text).unwrap();

        let tls = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
        write("chain.pem", &pem("CERTIFICATE", tls.cert.der()));
        write(
            "key.pem",
            &pem("PRIVATE KEY", &tls.signing_key.serialize_der()),
        );
        let id = rcgen::KeyPair::generate_for(&rcgen::PKCS_ED25519).unwrap();
        let public = pem("PUBLIC KEY", &id.subject_public_key_info());
        write("id.pem", &public);
        let own = rcgen::KeyPair::generate_for(&rcgen::PKCS_ED25519).unwrap();
        write("shop.pem", &pem("PRIVATE KEY", &own.serialize_der()));
        write("secure.toml", settings);
        Self {
            certificate: tls.cert.der().clone(),
            tokens: Tokens::with_key(
                "https://id.test",
                "shop.test",
                &pem("PRIVATE KEY", &id.serialize_der()),
                &public,
                &Clock::system(),
            ),
            path,
        }
    }

    /// The shop in this folder; nothing of the test's own environment is a setting.
    pub(crate) fn command(&self) -> Command {
        self.equip(Command::new(env!("CARGO_BIN_EXE_shop-under-test")))
    }

    /// The same, after what a shell does first.
    #[cfg(target_os = "linux")]
    fn command_after(&self, first: &str) -> Command {
        let mut command = Command::new("sh");
        command.args(["-c", &format!("{first} && exec \"$0\"")]);
        command.arg(env!("CARGO_BIN_EXE_shop-under-test"));
        self.equip(command)
    }

    fn equip(&self, mut command: Command) -> Command {
        command.current_dir(&self.path).stdin(Stdio::null());
        for (name, _) in std::env::vars_os() {
            if name.to_string_lossy().to_uppercase().starts_with("SECURE_") {
                command.env_remove(name);
            }
        }
        command
    }

    /// What a start that fails says, and its status.
    pub(crate) fn fail(&self, variables: &[(&str, &str)]) -> (ExitStatus, String) {
        let mut child = self
            .command()
            .envs(variables.iter().copied())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let status = ended(&mut child, PATIENCE);
        let mut text = String::new();
        child
            .stderr
            .take()
            .unwrap()
            .read_to_string(&mut text)
            .unwrap();
        (status, text)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.path);
    }
}

/// Waits for the process, and ends it where that takes too long.
pub(crate) fn ended(child: &mut Child, patience: Duration) -> ExitStatus {
    let start = Instant::now();
    loop {
        if let Some(status) = child.try_wait().unwrap() {
            return status;
        }
        if start.elapsed() > patience {
            child.kill().unwrap();
            child.wait().unwrap();
            panic!("still running after {patience:?}");
        }
        thread::sleep(Duration::from_millis(10));
    }
}

/// Where a process listens that does not say it.
#[cfg(target_os = "linux")]
pub(crate) fn listens_at(child: &Child) -> SocketAddr {
    const LISTENING: &str = "0A";
    let process = format!("/proc/{}", child.id());
    let start = Instant::now();
    while start.elapsed() < PATIENCE {
        let sockets: Vec<String> = fs::read_dir(format!("{process}/fd"))
            .unwrap()
            .filter_map(|file| fs::read_link(file.ok()?.path()).ok())
            .filter_map(|link| {
                Some(
                    link.to_str()?
                        .strip_prefix("socket:[")?
                        .strip_suffix(']')?
                        .to_owned(),
                )
            })
            .collect();
        let table = fs::read_to_string(format!("{process}/net/tcp")).unwrap();
        for line in table.lines().skip(1) {
            let columns: Vec<&str> = line.split_whitespace().collect();
            if columns[3] == LISTENING && sockets.iter().any(|socket| socket == columns[9]) {
                let (_, port) = columns[1].split_once(':').unwrap();
                return ([127, 0, 0, 1], u16::from_str_radix(port, 16).unwrap()).into();
            }
        }
        thread::sleep(Duration::from_millis(10));
    }
    panic!("the process does not listen");
}

/// A TLS connection to a server whose certificate exists in its process only.
pub(crate) async fn connect_tls_unverified(address: SocketAddr) -> TlsStream<TcpStream> {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = rustls::ClientConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .unwrap()
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(Anybody(provider)))
        .with_no_client_auth();
    let socket = TcpStream::connect(address).await.unwrap();
    let connector = tokio_rustls::TlsConnector::from(Arc::new(config));
    let connecting = connector.connect("localhost".try_into().unwrap(), socket);
    soon("TLS handshake", connecting).await.unwrap()
}

#[derive(Debug)]
struct Anybody(Arc<rustls::crypto::CryptoProvider>);

impl ServerCertVerifier for Anybody {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &rustls::DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn verify_tls13_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &rustls::DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn supported_verify_schemes(&self) -> Vec<rustls::SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}

/// A running shop.
pub(crate) struct Shop {
    pub(crate) child: Child,
    pub(crate) address: SocketAddr,
    pub(crate) folder: Folder,
    log: Arc<Mutex<Vec<String>>>,
}

impl Shop {
    pub(crate) fn start() -> Self {
        Self::start_with(&[])
    }

    /// The same, with variables beside the settings of its file.
    pub(crate) fn start_with(variables: &[(&str, &str)]) -> Self {
        let folder = Folder::new();
        let command = folder.command();
        Self::run(folder, command, variables)
    }

    /// The same, where a shell does something first.
    #[cfg(target_os = "linux")]
    pub(crate) fn start_after(first: &str, variables: &[(&str, &str)]) -> Self {
        let folder = Folder::new();
        let command = folder.command_after(first);
        Self::run(folder, command, variables)
    }

    fn run(folder: Folder, mut command: Command, variables: &[(&str, &str)]) -> Self {
        let mut child = command
            .envs(variables.iter().copied())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let output = BufReader::new(child.stdout.take().unwrap());
        let log = Arc::new(Mutex::new(Vec::new()));
        let lines = Arc::clone(&log);
        let (found, address) = mpsc::channel();
        // Reads on until the process ends: it must never wait for its log.
        thread::spawn(move || {
            for line in output.lines().map_while(Result::ok) {
                if let Some((_, address)) = line.split_once("listening address=") {
                    let _ = found.send(address.trim().parse().unwrap());
                }
                lines.lock().unwrap().push(line);
            }
        });
        match address.recv_timeout(PATIENCE) {
            Ok(address) => Self {
                child,
                address,
                folder,
                log,
            },
            Err(_) => {
                let _ = child.kill();
                let _ = child.wait();
                panic!("the shop does not listen");
            }
        }
    }

    /// The lines of its log, so far, that have this in them.
    #[cfg(target_os = "linux")]
    pub(crate) fn logged(&self, text: &str) -> Vec<String> {
        let log = self.log.lock().unwrap();
        log.iter()
            .filter(|line| line.contains(text))
            .cloned()
            .collect()
    }

    pub(crate) async fn connect(&self) -> Connection {
        Connection::over(connect_tls(self.address, &self.folder.certificate, "http/1.1").await)
    }

    pub(crate) async fn ask(&self, request: impl AsRef<[u8]>) -> Answer {
        let mut connection = self.connect().await;
        connection.send(request).await;
        connection.answer().await
    }

    /// Asks it to stop, as an operator does.
    pub(crate) fn terminate(&self) {
        let process = rustix::process::Pid::from_child(&self.child);
        rustix::process::kill_process(process, rustix::process::Signal::TERM).unwrap();
    }
}

impl Drop for Shop {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
