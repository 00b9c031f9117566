//! Mistakes about where the server listens and whom it believes.

use super::*;

#[test]
fn every_mistake_about_listening_has_its_message() {
    each_has_its_message(&[
        // server
        (
            "[server]\naddress = \"localhost\"",
            "`server.address`: write an address and a port, as in `127.0.0.1:8443`, or `unix:/run/shop.sock`",
        ),
        (
            "[server]\ntransport = \"http\"",
            "`server.transport`: write `https` or `behind_proxy`",
        ),
        (
            "[server]\nworkers = 0",
            "`server.workers`: write a number from 1",
        ),
        (
            "[server]\nworkers = -1",
            "`server.workers`: write a number from 1",
        ),
        (
            "[server]\nshutdown_timeout = 30",
            "`server.shutdown_timeout`: write a number and a unit, `s`, `min`, `h` or `day`, as in `30s`",
        ),
        (
            "[server]\nheader_timeout = \"5 sec\"",
            "`server.header_timeout`: write a number and a unit, `s`, `min`, `h` or `day`, as in `30s`",
        ),
        (
            "[server]\nheader_timeout = \"0s\"",
            "`server.header_timeout`: write at least `1s`; without an end, slow clients hold every connection",
        ),
        (
            "[server]\nmax_connections = true",
            "`server.max_connections`: write a number from 1",
        ),
        (
            "[server]\nworkers = 513",
            "`server.workers`: write a number up to 512, as in `8`",
        ),
        (
            "[server]\nmax_connections_per_client = 0",
            "`server.max_connections_per_client`: write a number from 1",
        ),
        (
            "[server]\nmax_connections_per_client = 10\n[client_address]\nhops = 1",
            "`server.max_connections_per_client`: with `client_address.hops` every peer is a proxy, \
             which has no such bound; remove this, or write the proxies' networks in \
             `client_address.trusted_proxies`",
        ),
        (
            "[server]\ntransport = \"behind_proxy\"",
            "`client_address.trusted_proxies`: missing; write the network of the proxy that ends \
             TLS, as in `[\"10.0.0.0/8\"]`",
        ),
        // client_address
        (
            "[client_address]\ntrusted_proxies = [\"proxy\"]",
            "`client_address.trusted_proxies`: write a list of networks, as in `[\"10.0.0.0/8\", \"::1\"]`, or `unix`",
        ),
        (
            "[client_address]\ntrusted_proxies = [1]",
            "`client_address.trusted_proxies`: write a list of texts, as in `[\"a\", \"b\"]`",
        ),
        (
            "[client_address]\ntrusted_proxies = [\"0.0.0.0/0\"]",
            "`client_address.trusted_proxies`: a network of prefix length 0 trusts every client; write the proxies' own networks",
        ),
        (
            "[client_address]\ntrusted_proxies = [\"::/0\"]",
            "`client_address.trusted_proxies`: a network of prefix length 0 trusts every client; write the proxies' own networks",
        ),
        (
            "[client_address]\nheader = \"x-real-ip\"",
            "`client_address.header`: write `x-forwarded-for` or `forwarded`",
        ),
        (
            "[client_address]\nhops = 0",
            "`client_address.hops`: write a number from 1",
        ),
        (
            "[client_address]\nhops = 2\ntrusted_proxies = [\"10.0.0.0/8\"]",
            "`client_address.hops`: `trusted_proxies` has networks as well; remove one of the two",
        ),
        (
            "[client_address]\nipv6_prefix = 31",
            "`client_address.ipv6_prefix`: write a number of bits from 32 to 64",
        ),
        (
            "[client_address]\nipv6_prefix = 312",
            "`client_address.ipv6_prefix`: write a number of bits from 32 to 64",
        ),
        // socket files
        (
            "[server]\naddress = \"unix:shop.sock\"",
            "`server.address`: write an address and a port, as in `127.0.0.1:8443`, or `unix:/run/shop.sock`",
        ),
        (
            "[server]\naddress = \"unix:/run/shop.sock\"\n[client_address]\ntrusted_proxies = [\"unix\"]",
            "`server.transport`: a socket file carries no TLS; write `behind_proxy`, and leave `[tls]` out",
        ),
        (
            "[server]\nsocket_mode = \"666\"",
            "`server.socket_mode`: write `600` for the owner alone, or `660` for the group as well",
        ),
        (
            "[server]\nsocket_mode = 660",
            "`server.socket_mode`: write `600` for the owner alone, or `660` for the group as well",
        ),
        // The mode as it is by default, too.
        (
            "[server]\nsocket_mode = \"660\"",
            "`server.socket_mode`: `server.address` is no socket file; remove this, or write `unix:` \
             and a path there",
        ),
        (
            "[client_address]\ntrusted_proxies = [\"10.0.0.0/8\", \"unix\"]",
            "`client_address.trusted_proxies`: nothing listens at a socket file; remove `unix`, or \
             write `unix:` and a path in `server.address`",
        ),
        // PROXY protocol
        (
            "[server]\nproxy_protocol = true",
            "`server.proxy_protocol`: nobody is trusted to tell where a connection comes from; write \
             the load balancers' networks in `client_address.trusted_proxies`",
        ),
        (
            "[server]\nproxy_protocol = true\n[client_address]\nhops = 1",
            "`server.proxy_protocol`: nobody is trusted to tell where a connection comes from; write \
             the load balancers' networks in `client_address.trusted_proxies`",
        ),
    ]);
}

const SOCKET_FILE: &str = "[server]\naddress = \"unix:/run/shop.sock\"\n";

#[test]
fn a_socket_file_wants_a_proxy_that_is_trusted() {
    for (text, mistakes) in [
        (
            "transport = \"behind_proxy\"\n[client_address]\ntrusted_proxies = [\"unix\"]",
            &[][..],
        ),
        (
            "transport = \"behind_proxy\"\n[client_address]\nhops = 2\ntrusted_proxies = [\"unix\"]",
            &[],
        ),
        (
            "transport = \"behind_proxy\"\n[client_address]\ntrusted_proxies = [\"10.0.0.0/8\"]",
            &["client_address.trusted_proxies"],
        ),
        (
            "transport = \"behind_proxy\"\n[client_address]\nhops = 1",
            &["client_address.trusted_proxies"],
        ),
        (
            "transport = \"behind_proxy\"\nproxy_protocol = true\n[client_address]\ntrusted_proxies = [\"unix\", \"10.0.0.0/8\"]",
            &["server.proxy_protocol"],
        ),
        (
            "transport = \"behind_proxy\"\nmax_connections_per_client = 10\n[client_address]\ntrusted_proxies = [\"unix\"]",
            &["server.max_connections_per_client"],
        ),
        // HTTPS stays what it is.
        (
            "[danger]\nplaintext = true\n[client_address]\ntrusted_proxies = [\"unix\"]",
            &["server.transport"],
        ),
        (
            "",
            &["tls", "server.transport", "client_address.trusted_proxies"],
        ),
    ] {
        let found = match Settings::from_toml(&format!("{SOCKET_FILE}{text}")) {
            Ok(_) => Vec::new(),
            Err(Error::Settings(found)) => found.iter().map(|m| m.key().to_owned()).collect(),
            Err(other) => panic!("{other}"),
        };
        assert_eq!(found, mistakes, "{text}");
    }
}

/// To count hops is to trust whoever connects, also with what says that TLS was there.
#[test]
fn behind_a_proxy_hops_do_without_networks() {
    let settings = "[server]\ntransport = \"behind_proxy\"\n[client_address]\nhops = 1";
    Settings::from_toml(settings).unwrap();
}
