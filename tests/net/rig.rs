//! A server on a port of its own, and connections to it that send whatever a test likes.

use std::{
    future::Future,
    net::SocketAddr,
    num::NonZeroUsize,
    sync::Arc,
    time::{Duration, Instant},
};

use rustls::{
    ClientConfig, RootCertStore,
    crypto::aws_lc_rs,
    pki_types::{CertificateDer, ServerName},
};
use secure_runtime::{
    Clock, Routes, Running, Security, Server, Settings, settings::TlsSettings, testing::Tokens,
};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    net::TcpStream,
};
use tokio_rustls::{TlsConnector, client::TlsStream};

/// Nothing here takes as long, unless it hangs.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// Waits for `future`, and fails where it hangs.
pub(crate) async fn soon<F: Future>(what: &str, future: F) -> F::Output {
    match tokio::time::timeout(PATIENCE, future).await {
        Ok(output) => output,
        Err(_) => panic!("{what}: still waiting after {PATIENCE:?}"),
    }
}

/// One worker on any free port, over TLS with the development certificate.
pub(crate) fn settings() -> Settings {
    let mut settings = Settings::default();
    settings.server.address = SocketAddr::from(([127, 0, 0, 1], 0)).into();
    settings.server.workers = NonZeroUsize::new(1);
    settings.tls = Some(TlsSettings::Development);
    settings
}

/// What these settings make, for a service without tokens.
pub(crate) fn security(settings: Settings) -> Security {
    settings.check().unwrap();
    let builder = Security::builder().settings(settings);
    builder.clock(Clock::system()).build().unwrap()
}

/// A running server, and who issues tokens for it.
pub(crate) struct Service {
    pub(crate) running: Running,
    pub(crate) tokens: Tokens,
}

impl Service {
    pub(crate) async fn start(routes: impl Fn(&mut Routes) + Clone + Send + 'static) -> Self {
        Self::start_with(settings(), routes).await
    }

    pub(crate) async fn start_with(
        settings: Settings,
        routes: impl Fn(&mut Routes) + Clone + Send + 'static,
    ) -> Self {
        let clock = Clock::system();
        let tokens = Tokens::new(&clock);
        let security = Security::builder()
            .settings(settings)
            .clock(clock)
            .issuer(tokens.issuer())
            .build()
            .unwrap();
        let running = Server::new(security, routes).start().await.unwrap();
        Self { running, tokens }
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.running.addresses()[0]
    }

    /// `authorization: Bearer ..` of a customer, with its end of line.
    pub(crate) fn customer(&self) -> String {
        let token = self.tokens.token("ann").role("customer").sign();
        format!("authorization: Bearer {token}\r\n")
    }

    /// A TLS connection that trusts the development certificate.
    pub(crate) async fn tls(&self, protocol: &str) -> TlsStream<TcpStream> {
        let certificate = self.running.development_certificate().unwrap().der();
        connect_tls(self.address(), certificate, protocol).await
    }

    /// A connection for HTTP/1.1.
    pub(crate) async fn connect(&self) -> Connection {
        match self.running.development_certificate() {
            Some(_) => Connection::over(self.tls("http/1.1").await),
            None => Connection::over(TcpStream::connect(self.address()).await.unwrap()),
        }
    }

    /// The answer to one request on a connection of its own.
    pub(crate) async fn ask(&self, request: &str) -> Answer {
        let mut connection = self.connect().await;
        connection.send(request).await;
        connection.answer().await
    }

    /// An HTTP/2 connection.
    pub(crate) async fn h2(&self) -> h2::client::SendRequest<bytes::Bytes> {
        let stream = self.tls("h2").await;
        let (sender, connection) = soon("handshake", h2::client::handshake(stream))
            .await
            .unwrap();
        tokio::spawn(async move {
            let _ = connection.await;
        });
        soon("readiness", sender.ready()).await.unwrap()
    }

    pub(crate) async fn stop(self) {
        self.running.stop(false).await;
    }
}

pub(crate) async fn connect_tls(
    address: SocketAddr,
    certificate: &CertificateDer<'static>,
    protocol: &str,
) -> TlsStream<TcpStream> {
    let socket = TcpStream::connect(address).await.unwrap();
    tls_over(socket, certificate, protocol).await
}

/// TLS on a connection that is there already.
pub(crate) async fn tls_over(
    socket: TcpStream,
    certificate: &CertificateDer<'static>,
    protocol: &str,
) -> TlsStream<TcpStream> {
    let mut roots = RootCertStore::empty();
    roots.add(certificate.clone()).unwrap();
    let mut config = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = vec![protocol.as_bytes().to_vec()];
    let name = ServerName::try_from("localhost").unwrap();
    soon(
        "TLS handshake",
        TlsConnector::from(Arc::new(config)).connect(name, socket),
    )
    .await
    .unwrap()
}

pub(crate) trait Stream: AsyncRead + AsyncWrite + Unpin {}
impl<S: AsyncRead + AsyncWrite + Unpin> Stream for S {}

/// An HTTP/1.1 connection that keeps what was read beyond an answer.
pub(crate) struct Connection {
    pub(crate) stream: Box<dyn Stream>,
    buffer: Vec<u8>,
}

/// An answer, its framing checked.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    /// Status line and fields.
    pub(crate) head: String,
    pub(crate) body: String,
}

impl Answer {
    /// The only field of this name.
    pub(crate) fn field(&self, name: &str) -> Option<&str> {
        let mut found = self.head.lines().skip(1).filter_map(|line| {
            let (its_name, value) = line.split_once(':')?;
            its_name.eq_ignore_ascii_case(name).then(|| value.trim())
        });
        let first = found.next();
        assert_eq!(found.next(), None, "{name} twice: {}", self.head);
        first
    }

    pub(crate) fn closes(&self) -> bool {
        self.field("connection") == Some("close")
    }
}

impl Connection {
    pub(crate) fn over(stream: impl Stream + 'static) -> Self {
        Self {
            stream: Box::new(stream),
            buffer: Vec::new(),
        }
    }

    pub(crate) async fn send(&mut self, bytes: impl AsRef<[u8]>) {
        let sending = async {
            self.stream.write_all(bytes.as_ref()).await.unwrap();
            self.stream.flush().await.unwrap();
        };
        soon("sending", sending).await;
    }

    /// Sends `chunk` over and over until the server cuts it off; how long that takes.
    pub(crate) async fn send_for_ever(&mut self, chunk: &[u8]) -> Duration {
        let start = Instant::now();
        while start.elapsed() < PATIENCE {
            match tokio::time::timeout(PATIENCE, self.stream.write(chunk)).await {
                Ok(Ok(_)) => tokio::time::sleep(Duration::from_millis(5)).await,
                Ok(Err(_)) => return start.elapsed(),
                Err(_) => break,
            }
        }
        panic!("still taking after {:?}", start.elapsed());
    }

    /// The next final answer, `100 Continue` skipped.
    pub(crate) async fn answer(&mut self) -> Answer {
        self.answer_to("GET").await
    }

    /// The answer to a request of this method: one to HEAD has no body.
    pub(crate) async fn answer_to(&mut self, method: &str) -> Answer {
        loop {
            let answer = soon("answer", self.read_answer(method)).await;
            let answer = answer.unwrap_or_else(|| {
                panic!(
                    "closed without an answer; got {:?}",
                    String::from_utf8_lossy(&self.buffer)
                )
            });
            if answer.status != 100 {
                return answer;
            }
        }
    }

    /// The next answer; `None` if the connection ends instead.
    pub(crate) async fn read_answer(&mut self, method: &str) -> Option<Answer> {
        let end = loop {
            if let Some(at) = self.buffer.windows(4).position(|four| four == b"\r\n\r\n") {
                break at;
            }
            if !self.read_more().await {
                return None;
            }
        };
        let head = String::from_utf8(self.buffer[..end].to_vec()).unwrap();
        self.buffer.drain(..end + 4);
        let status = head[9..12].parse().unwrap();
        let mut answer = Answer {
            status,
            head,
            body: String::new(),
        };
        if method == "HEAD" || status < 200 || status == 204 || status == 304 {
            return Some(answer);
        }
        let length = match answer.field("content-length") {
            Some(length) => length.parse().unwrap(),
            None => {
                assert_eq!(
                    answer.field("transfer-encoding"),
                    Some("chunked"),
                    "{answer:?}"
                );
                answer.body = self.read_chunks().await?;
                return Some(answer);
            }
        };
        assert_eq!(answer.field("transfer-encoding"), None, "{answer:?}");
        let body = self.take(length).await?;
        answer.body = String::from_utf8(body).unwrap();
        Some(answer)
    }

    async fn read_chunks(&mut self) -> Option<String> {
        let mut whole = Vec::new();
        loop {
            let end = loop {
                if let Some(at) = self.buffer.windows(2).position(|two| two == b"\r\n") {
                    break at;
                }
                if !self.read_more().await {
                    return None;
                }
            };
            let line = self.take(end + 2).await?;
            let size = std::str::from_utf8(&line[..end]).unwrap();
            let size = usize::from_str_radix(size, 16).unwrap();
            let chunk = self.take(size + 2).await?;
            whole.extend_from_slice(&chunk[..size]);
            if size == 0 {
                return String::from_utf8(whole).ok();
            }
        }
    }

    async fn take(&mut self, length: usize) -> Option<Vec<u8>> {
        while self.buffer.len() < length {
            if !self.read_more().await {
                return None;
            }
        }
        Some(self.buffer.drain(..length).collect())
    }

    async fn read_more(&mut self) -> bool {
        self.buffer.reserve(16 << 10);
        matches!(self.stream.read_buf(&mut self.buffer).await, Ok(read) if read > 0)
    }

    /// All that still comes until the server closes, and how long that takes.
    pub(crate) async fn rest(&mut self) -> (String, Duration) {
        let start = Instant::now();
        soon("end of connection", async {
            while self.read_more().await {}
        })
        .await;
        let rest = String::from_utf8_lossy(&std::mem::take(&mut self.buffer)).into_owned();
        (rest, start.elapsed())
    }
}

pub(crate) fn pem(label: &str, der: &[u8]) -> String {
    pem::encode(&pem::Pem::new(label, der))
}
