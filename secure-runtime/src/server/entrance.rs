//! What is asked of a connection before anything is done for it: where it comes from, whether that
//! is banned, and how many its client has.
//!
//! A TLS handshake takes more of a core than most requests. Who is refused anyway gets none.

use std::{
    net::{IpAddr, SocketAddr},
    rc::Rc,
    task::{Context, Poll},
    time::Duration,
};

use actix_service::{Service, ServiceFactory, fn_factory};
use actix_web::rt::net::TcpStream;
use futures_util::future::LocalBoxFuture;
use socket2::SockRef;

use super::{
    per_client::{Open, PerClient, default_most},
    proxy_protocol::Gate,
};
use crate::{address::ClientAddress, security::Security};

/// A connection that came in, and its peer.
pub(super) type Guest = (TcpStream, SocketAddr);

/// Stands before TLS; one for the workers of a server.
#[derive(Clone)]
pub(super) struct Entrance {
    security: Security,
    /// Where a PROXY protocol header tells the peer.
    gate: Option<Gate>,
    clients: PerClient,
    is_before_tls: bool,
}

/// The connection is to be closed, and was counted.
#[derive(Debug)]
struct Refused;

impl Entrance {
    /// For a server with so many places for connections.
    pub(super) fn new(security: Security, places: usize, is_before_tls: bool) -> Self {
        let settings = &security.settings().server;
        let most = settings.max_connections_per_client;
        Self {
            gate: settings.proxy_protocol.then(|| Gate::new(security.clone())),
            clients: PerClient::new(most.unwrap_or_else(|| default_most(places))),
            is_before_tls,
            security,
        }
    }

    /// Puts the entrance before what is done with a connection.
    pub(super) fn before<F>(
        self,
        inside: F,
    ) -> impl ServiceFactory<TcpStream, Config = (), Response = (), Error = (), InitError = ()>
    where
        F: ServiceFactory<Guest, Config = (), Response = (), Error = (), InitError = ()>,
        F::Service: 'static,
    {
        fn_factory(move || {
            let entrance = self.clone();
            let inside = inside.new_service(());
            async move {
                Ok(Entered {
                    entrance: Rc::new(entrance),
                    inside: Rc::new(inside.await?),
                })
            }
        })
    }

    /// The peer of a connection, and its place among those of its client.
    async fn admit(&self, stream: &mut TcpStream) -> Result<(SocketAddr, Option<Open>), ()> {
        let peer = match &self.gate {
            Some(gate) => gate.receive(stream).await?,
            // Who has gone already is not waited for.
            None => stream.peer_addr().map_err(drop)?,
        };
        match self.judge(peer.ip()) {
            Ok(open) => Ok((peer, open)),
            Err(Refused) => {
                // The system keeps nothing of a connection that is reset, and a minute's memory of
                // one that is closed: a flood would fill that. It may be gone already.
                SockRef::from(&*stream)
                    .set_linger(Some(Duration::ZERO))
                    .ok();
                Err(())
            }
        }
    }

    /// `None` where the peer is a trusted proxy: it is no client, and has those of all of them.
    fn judge(&self, peer: IpAddr) -> Result<Option<Open>, Refused> {
        let addresses = self.security.addresses();
        let address = ClientAddress::from(peer);
        if addresses.trusts(Some(address)) {
            return Ok(None);
        }
        // Without TLS the answer of a ban costs little, and whoever passes requests on needs one.
        if self.is_before_tls && self.security.bans().refuses_connection(peer) {
            addresses.notice_banned();
            return Err(Refused);
        }
        let prefix = self.security.settings().client_address.ipv6_prefix;
        let client = address.network(prefix);
        let open = self.clients.open(client);
        if open.is_none() {
            addresses.notice_excess(client);
        }
        open.map(Some).ok_or(Refused)
    }
}

/// What a worker does with each connection.
struct Entered<S> {
    entrance: Rc<Entrance>,
    inside: Rc<S>,
}

impl<S> Service<TcpStream> for Entered<S>
where
    S: Service<Guest, Response = (), Error = ()> + 'static,
{
    type Response = ();
    type Error = ();
    type Future = LocalBoxFuture<'static, Result<(), ()>>;

    fn poll_ready(&self, context: &mut Context<'_>) -> Poll<Result<(), ()>> {
        self.inside.poll_ready(context)
    }

    fn call(&self, mut stream: TcpStream) -> Self::Future {
        let (entrance, inside) = (Rc::clone(&self.entrance), Rc::clone(&self.inside));
        Box::pin(async move {
            // INVARIANT: held until the connection ends, however it does: all that is done with it
            // is done in this future.
            let (peer, _open) = entrance.admit(&mut stream).await?;
            inside.call((stream, peer)).await
        })
    }
}
