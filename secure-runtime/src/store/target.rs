//! Where the store is, and which of several servers is the one to write to.

use std::{fmt, time::Duration};

use redis::{
    AsyncConnectionConfig, Client, ConnectionAddr, ConnectionInfo, FromRedisValue,
    IntoConnectionInfo, RedisError, TlsCertificates, aio::MultiplexedConnection, cmd,
};
use tokio::time::timeout;

use super::Fault;

/// How long it may take to find and reach a server, in the background.
const CONNECT: Duration = Duration::from_millis(700);
/// How long one of several servers may take that are asked for the way.
const ASK_THE_WAY: Duration = Duration::from_millis(300);

const WANTED: &str = "write a URL, as in `redis://user:password@host:6379/0`, `rediss://..` for \
                      TLS, `redis+sentinel://host:26379,host:26379/NAME` or \
                      `redis+cluster://host:7000,host:7001`";

/// A URL of the settings, understood. It holds the password, and shows nothing of itself.
#[derive(Clone)]
pub(crate) struct Target {
    kind: Kind,
    /// The servers of the URL; each holds what it takes to log in.
    servers: Vec<ConnectionInfo>,
    authority: Option<Vec<u8>>,
}

#[derive(Clone)]
enum Kind {
    Cluster,
    Sentinel { name: String },
    Single,
}

impl Target {
    /// Understands a URL; the error is for an operator and shows nothing of it.
    pub(crate) fn parse(url: &str) -> Result<Self, &'static str> {
        let (scheme, rest) = url.split_once("://").ok_or(WANTED)?;
        if rest.contains('#') {
            return Err("write the URL without `#`; certificates are always verified");
        }
        let (tls, kind) = match scheme {
            "redis" => ("redis", None),
            "rediss" => ("rediss", None),
            "redis+cluster" => ("redis", Some("cluster")),
            "rediss+cluster" => ("rediss", Some("cluster")),
            "redis+sentinel" => ("redis", Some("sentinel")),
            "rediss+sentinel" => ("rediss", Some("sentinel")),
            _ => return Err(WANTED),
        };
        let (login, rest) = match rest.rsplit_once('@') {
            Some((login, rest)) => (format!("{login}@"), rest),
            None => (String::new(), rest),
        };
        let (hosts, path) = rest.split_once('/').unwrap_or((rest, ""));
        let (kind, path, port) = match kind {
            None => (Kind::Single, path, 6379),
            Some("cluster") if path.is_empty() => (Kind::Cluster, "", 6379),
            Some("cluster") => {
                return Err("a cluster has no databases: end the URL after the hosts");
            }
            Some(_) => {
                let (name, database) = path.split_once('/').unwrap_or((path, ""));
                if name.is_empty() {
                    return Err("write the name that the sentinels know, as in `../mymaster`");
                }
                let name = name.to_owned();
                (Kind::Sentinel { name }, database, 26379)
            }
        };
        if matches!(kind, Kind::Single) && hosts.contains(',') {
            return Err("several hosts: write `redis+sentinel://` or `redis+cluster://`");
        }
        let server = |host: &str| {
            let has_port = host
                .rsplit_once(':')
                .is_some_and(|(_, port)| !port.contains(']'));
            let host = if has_port {
                host.to_owned()
            } else {
                format!("{host}:{port}")
            };
            format!("{tls}://{login}{host}/{path}")
                .into_connection_info()
                .map_err(|_| WANTED)
        };
        Ok(Self {
            kind,
            servers: hosts.split(',').map(server).collect::<Result<_, _>>()?,
            authority: None,
        })
    }

    /// Trusts the certificates of this PEM in place of the system's.
    pub(crate) fn with_authority(mut self, pem: Option<Vec<u8>>) -> Self {
        self.authority = pem;
        self
    }

    /// Whether another server may take over.
    pub(super) fn is_replicated(&self) -> bool {
        !matches!(self.kind, Kind::Single)
    }

    pub(super) fn has_sentinels(&self) -> bool {
        matches!(self.kind, Kind::Sentinel { .. })
    }

    /// Connects to the server that takes writes for `slot_of`.
    pub(super) async fn connect(
        &self,
        slot_of: &str,
    ) -> Result<(MultiplexedConnection, String), Fault> {
        let connect = async {
            let address = self.locate(slot_of).await?;
            let place = place(address.addr());
            Ok((self.open(address).await?, place))
        };
        timeout(CONNECT, connect).await.map_err(|_| Fault::Silent)?
    }

    /// The address that the sentinels agree on at the moment.
    pub(super) async fn current(&self, slot_of: &str) -> Result<String, Fault> {
        let located = timeout(CONNECT, self.locate(slot_of)).await;
        located
            .map_err(|_| Fault::Silent)?
            .map(|server| place(server.addr()))
    }

    async fn locate(&self, slot_of: &str) -> Result<ConnectionInfo, Fault> {
        let template = self.servers.first().ok_or(Fault::Silent)?;
        let found = match &self.kind {
            Kind::Single => return Ok(template.clone()),
            Kind::Sentinel { name } => self.ask_sentinels(name).await,
            Kind::Cluster => self.ask_cluster(slot_of).await,
        };
        let (host, port) = found?;
        let address = match template.addr() {
            ConnectionAddr::TcpTls { .. } => ConnectionAddr::TcpTls {
                host,
                port,
                insecure: false,
                tls_params: None,
            },
            _ => ConnectionAddr::Tcp(host, port),
        };
        Ok(template.clone().set_addr(address))
    }

    /// The address with the highest epoch: a sentinel that was cut off still knows an older one.
    async fn ask_sentinels(&self, name: &str) -> Result<(String, u16), Fault> {
        let answers = self.servers.iter().map(|sentinel| async move {
            let answer = timeout(ASK_THE_WAY, async {
                let mut connection = self.open_sentinel(sentinel).await?;
                let facts: Vec<String> = cmd("SENTINEL")
                    .arg("MASTER")
                    .arg(name)
                    .query_async(&mut connection)
                    .await?;
                Ok::<_, Fault>(facts)
            })
            .await
            .map_err(|_| Fault::Silent)??;
            let fact = |wanted: &str| {
                let mut pairs = answer.chunks_exact(2);
                pairs.find_map(|pair| match pair {
                    [name, value] if name == wanted => Some(value.as_str()),
                    _ => None,
                })
            };
            let epoch = fact("config-epoch").and_then(|epoch| epoch.parse::<u64>().ok());
            let port = fact("port").and_then(|port| port.parse::<u16>().ok());
            match (epoch, fact("ip"), port) {
                (Some(epoch), Some(host), Some(port)) => Ok((epoch, (host.to_owned(), port))),
                _ => Err(Fault::Silent),
            }
        });
        let mut fault = Fault::Silent;
        let mut best: Option<(u64, (String, u16))> = None;
        for answer in futures_util::future::join_all(answers).await {
            match answer {
                Ok(answer) if best.as_ref().is_none_or(|best| best.0 < answer.0) => {
                    best = Some(answer);
                }
                Ok(_) => {}
                Err(other) => fault = other,
            }
        }
        best.map(|(_, address)| address).ok_or(fault)
    }

    /// Sentinels mostly ask for no password, and refuse one that they do not ask for.
    async fn open_sentinel(
        &self,
        sentinel: &ConnectionInfo,
    ) -> Result<MultiplexedConnection, Fault> {
        let anonymous = sentinel.clone().set_redis_settings(Default::default());
        let mut connection = self.open(anonymous).await?;
        match cmd("PING").query_async::<()>(&mut connection).await {
            Ok(()) => Ok(connection),
            Err(error) if error.code() == Some("NOAUTH") => {
                let login = sentinel.redis_settings().clone().set_db(0);
                self.open(sentinel.clone().set_redis_settings(login)).await
            }
            Err(error) => Err(error.into()),
        }
    }

    async fn ask_cluster(&self, slot_of: &str) -> Result<(String, u16), Fault> {
        let mut fault = Fault::Silent;
        for server in &self.servers {
            let asked = timeout(ASK_THE_WAY, async {
                let mut connection = self.open(server.clone()).await?;
                let slot: i64 = ask(&mut connection, &["CLUSTER", "KEYSLOT", slot_of]).await?;
                let ranges: Vec<redis::Value> = ask(&mut connection, &["CLUSTER", "SLOTS"]).await?;
                Ok::<_, Fault>(owner(slot, ranges))
            });
            match asked.await {
                // Without an address the owner is the one that was asked.
                Ok(Ok(Some((host, port)))) if host.is_empty() => {
                    if let ConnectionAddr::Tcp(host, _) | ConnectionAddr::TcpTls { host, .. } =
                        server.addr()
                    {
                        return Ok((host.clone(), port));
                    }
                }
                Ok(Ok(Some(address))) => return Ok(address),
                Ok(Ok(None)) => {}
                Ok(Err(other)) => fault = other,
                Err(_) => {}
            }
        }
        Err(fault)
    }

    async fn open(&self, server: ConnectionInfo) -> Result<MultiplexedConnection, Fault> {
        let client = match server.addr() {
            ConnectionAddr::TcpTls { .. } => {
                // With two libraries compiled in, rustls panics unless one is chosen. Who has
                // chosen before us has chosen.
                let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
                let certificates = TlsCertificates {
                    client_tls: None,
                    root_cert: self.authority.clone(),
                };
                Client::build_with_tls(server, certificates)
            }
            _ => Client::open(server),
        };
        // Each command has a limit of its own.
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(CONNECT))
            .set_response_timeout(None);
        Ok(client?
            .get_multiplexed_async_connection_with_config(&config)
            .await?)
    }
}

async fn ask<T: FromRedisValue>(
    connection: &mut MultiplexedConnection,
    words: &[&str],
) -> Result<T, RedisError> {
    let mut command = redis::Cmd::new();
    for word in words {
        command.arg(*word);
    }
    command.query_async(connection).await
}

/// The first server listed for the range that `slot` is in.
fn owner(slot: i64, ranges: Vec<redis::Value>) -> Option<(String, u16)> {
    ranges.into_iter().find_map(|range| {
        let redis::Value::Array(mut range) = range else {
            return None;
        };
        let number = |value: Option<&redis::Value>| match value {
            Some(redis::Value::Int(number)) => Some(*number),
            _ => None,
        };
        if !(number(range.first())? <= slot && slot <= number(range.get(1))?) || range.len() < 3 {
            return None;
        }
        let redis::Value::Array(server) = range.swap_remove(2) else {
            return None;
        };
        let port = u16::try_from(number(server.get(1))?).ok()?;
        let host = server.into_iter().next()?;
        Some((
            Option::<String>::from_redis_value(host)
                .ok()?
                .unwrap_or_default(),
            port,
        ))
    })
}

fn place(address: &ConnectionAddr) -> String {
    address.to_string()
}

/// How many servers, not which, and no password.
impl fmt::Debug for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Target")
            .field("servers", &self.servers.len())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls() {
        for (url, servers) in [
            ("redis://localhost", "localhost:6379"),
            ("redis://u:p%40@h:1/2", "h:1"),
            ("rediss://h", "h:6379"),
            ("redis://[::1]", "::1:6379"),
            ("redis://[::1]:7", "::1:7"),
            ("redis+sentinel://:p@a,b:1/shop/3", "a:26379 b:1"),
            ("rediss+sentinel://a/shop", "a:26379"),
            ("redis+cluster://u:p@a:1,b:2", "a:1 b:2"),
        ] {
            let target = Target::parse(url).unwrap();
            let places = target.servers.iter().map(|server| place(server.addr()));
            assert_eq!(places.collect::<Vec<_>>().join(" "), servers, "{url}");
        }
    }

    #[test]
    fn what_is_no_url_is_refused_and_not_shown() {
        for url in [
            "",
            "localhost:6379",
            "http://hunter2@h",
            "redis://hunter2@",
            "redis://hunter2@h/x",
            "rediss://hunter2@h/#insecure",
            "redis://hunter2@a,b",
            "redis+sentinel://hunter2@a:1",
            "redis+sentinel://hunter2@a:1/",
            "redis+cluster://hunter2@a/1",
        ] {
            let problem = Target::parse(url).unwrap_err();
            assert!(!problem.contains("hunter2"), "{problem}");
        }
    }

    #[test]
    fn debug_shows_no_password() {
        let target = Target::parse("redis://hunter1:hunter2@hunter3").unwrap();
        assert!(!format!("{target:?}").contains("hunter"));
    }
}
