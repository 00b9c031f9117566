//! The PROXY protocol: a load balancer that passes TCP on tells in front of a connection where it
//! comes from.
//!
//! <https://www.haproxy.org/download/3.2/doc/proxy-protocol.txt>, versions 1 and 2. A header is
//! read from trusted proxies only, and a connection without one is closed: if both kinds were
//! served, a client could leave the header to the balancer or write its own.

#[cfg(test)]
mod tests;

use std::{
    io,
    net::{Ipv4Addr, SocketAddr},
    time::Duration,
};

use actix_web::rt::net::TcpStream;
use proxy_header::{ParseConfig, Protocol, ProxyHeader};
use tokio::{
    io::{AsyncRead, AsyncReadExt},
    time,
};

use crate::security::Security;

/// What version 2 begins with.
const SIGNATURE: [u8; 12] = *b"\r\n\r\n\0\r\nQUIT\n";

/// Most bytes of a header of version 2. Addresses take 52 at most; beyond them are values that
/// are not read, of which a client's certificate is the largest.
const MAX_HEADER: usize = 4096;

/// Most bytes of a line of version 1, as its specification counts them.
const MAX_LINE: usize = 107;

/// The peer of a connection whose header tells no address: nobody's, and never trusted.
const NOBODY: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::UNSPECIFIED), 0);

/// Lets connections through that come from a trusted proxy and say where from.
#[derive(Clone)]
pub(super) struct Gate {
    security: Security,
    deadline: Duration,
}

/// Why a connection is closed.
#[derive(Debug, thiserror::Error)]
enum Refused {
    #[error("its header did not arrive in time")]
    Late,
    #[error("what it began with is no header")]
    Malformed,
    #[error("it broke off: {0}")]
    Network(#[from] io::Error),
    /// Checks of the balancer whether this port is open.
    #[error("it ended before anything was sent")]
    Silent,
    #[error("its header is too long")]
    TooLong,
    #[error("its peer is no trusted proxy")]
    Untrusted,
}

/// Where a connection comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Source {
    /// The load balancer itself, which asks whether the server is well.
    Balancer,
    Client(SocketAddr),
    /// A client that has no IP address, or one that the balancer does not know.
    Unknown,
}

impl Gate {
    pub(super) fn new(security: Security) -> Self {
        Self {
            deadline: security.settings().server.header_timeout,
            security,
        }
    }

    /// Reads the header of a connection; the peer that it tells.
    ///
    /// # Errors
    ///
    /// It was noticed already; to drop the connection is all there is to do.
    pub(super) async fn receive(&self, stream: &mut TcpStream) -> Result<SocketAddr, ()> {
        self.peer(stream).await.map_err(|refused| match refused {
            Refused::Silent => {}
            refused => self.security.addresses().notice_refused(&refused),
        })
    }

    async fn peer(&self, stream: &mut TcpStream) -> Result<SocketAddr, Refused> {
        let balancer = stream.peer_addr()?;
        if !self.security.addresses().is_proxy(balancer.ip()) {
            return Err(Refused::Untrusted);
        }
        let source = time::timeout(self.deadline, read_header(stream))
            .await
            .map_err(|_| Refused::Late)??;
        Ok(match source {
            Source::Balancer => balancer,
            Source::Client(address) => address,
            Source::Unknown => NOBODY,
        })
    }
}

/// Reads a header, and not a byte more.
async fn read_header(stream: &mut (impl AsyncRead + Unpin)) -> Result<Source, Refused> {
    let mut start = [0; SIGNATURE.len()];
    let (first, rest) = start.split_at_mut(1);
    if stream.read(first).await? == 0 {
        return Err(Refused::Silent);
    }
    stream.read_exact(rest).await?;
    if start == SIGNATURE {
        read_binary(stream).await
    } else if start.starts_with(b"PROXY ") {
        read_line(&start, stream).await
    } else {
        Err(Refused::Malformed)
    }
}

/// Version 2, behind its signature.
async fn read_binary(stream: &mut (impl AsyncRead + Unpin)) -> Result<Source, Refused> {
    let mut fixed = [0; 4];
    stream.read_exact(&mut fixed).await?;
    let [command, _, high, low] = fixed;
    let length = usize::from(u16::from_be_bytes([high, low]));
    let start = SIGNATURE.len() + fixed.len();
    if start + length > MAX_HEADER {
        return Err(Refused::TooLong);
    }
    let mut header = Vec::with_capacity(start + length);
    header.extend(SIGNATURE);
    header.extend(fixed);
    header.resize(start + length, 0);
    stream
        .read_exact(header.get_mut(start..).unwrap_or_default())
        .await?;
    // LOCAL: whatever else there is means nothing.
    if command == 0x20 {
        return Ok(Source::Balancer);
    }
    parse(&header)
}

/// Version 1, of which `start` was read. Its end is its line's, so it is read byte by byte.
async fn read_line(start: &[u8], stream: &mut (impl AsyncRead + Unpin)) -> Result<Source, Refused> {
    let mut line = Vec::with_capacity(MAX_LINE);
    line.extend_from_slice(start);
    while !line.ends_with(b"\r\n") {
        if line.len() == MAX_LINE {
            return Err(Refused::TooLong);
        }
        line.push(stream.read_u8().await?);
    }
    parse(&line)
}

/// A whole header.
fn parse(header: &[u8]) -> Result<Source, Refused> {
    let config = ParseConfig {
        include_tlvs: false,
        allow_v1: true,
        allow_v2: true,
    };
    let (parsed, length) = ProxyHeader::parse(header, config).map_err(|_| Refused::Malformed)?;
    if length != header.len() {
        return Err(Refused::Malformed);
    }
    match parsed.proxied_address() {
        Some(addresses) if addresses.protocol == Protocol::Stream => {
            Ok(Source::Client(addresses.source))
        }
        Some(_) => Err(Refused::Malformed),
        None => Ok(Source::Unknown),
    }
}
