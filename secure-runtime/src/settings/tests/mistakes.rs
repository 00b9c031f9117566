//! Each mistake and what is said about it.

use super::*;

#[test]
fn every_mistake_has_its_message() {
    each_has_its_message(&[
        // the shape
        (
            "realm = \"shop",
            "not TOML at line 1, column 14: invalid basic string, expected `\"`",
        ),
        (
            "[server]\nworkers = 1\nworkers = 2",
            "not TOML at line 3, column 1: duplicate key",
        ),
        (
            "[server]\nworkers = 99999999999999999999",
            "not TOML, or a number in it is too large",
        ),
        ("server = 1", "`server`: write a table, as in `[server]`"),
        (
            "[issuers]\nissuer = \"a\"",
            "`issuers`: write a list of tables, as in `[[issuers]]`",
        ),
        (
            "issuers = [1]",
            "`issuers[0]`: write a list of tables, as in `[[issuers]]`",
        ),
        // names
        ("[sever]", "`sever`: unknown key, did you mean `server`?"),
        (
            "colour = 1",
            "`colour`: unknown key; known here: `realm`, `resource_metadata`, `server`, `tls`, \
             `client_address`, `issuers`, `tokens`, `limits`, `bans`, `login`, `redis`, `revocation`, `token_issuer`, `clients`, `passwords`, `danger`",
        ),
        (
            "[server]\nadress = 1",
            "`server.adress`: unknown key, did you mean `address`?",
        ),
        (
            "[server]\nport = 1",
            "`server.port`: unknown key, did you mean `address`?",
        ),
        (
            "\"\\u001b[2J\" = 1",
            "`\\u{1b}[2J`: unknown key; known here: `realm`, `resource_metadata`, `server`, `tls`, `client_address`, `issuers`, `tokens`, `limits`, `bans`, `login`, `redis`, `revocation`, `token_issuer`, `clients`, `passwords`, `danger`",
        ),
        (
            "[danger]\nplain_text = true",
            "`danger.plain_text`: unknown key, did you mean `plaintext`?",
        ),
        // bans
        (
            "[bans]\nmax_entries = 0",
            "`bans.max_entries`: write a number from 1",
        ),
        (
            "[[bans.rules]]\non = \"logon\"\ncount = 1\nwithin = \"1s\"\nban = \"1s\"",
            "`bans.rules[0].on`: write one of `authentication`, `authorization`, `firewall`, \
             `input`, `login`, `not_found`, `quota`, or a list of them",
        ),
        (
            "[[bans.rules]]\non = []\ncount = 1\nwithin = \"1s\"\nban = \"1s\"",
            "`bans.rules[0].on`: the list is empty; write what is counted, as in `authentication`",
        ),
        (
            "[[bans.rules]]\non = \"login\"\nwithin = \"1s\"\nban = \"1s\"",
            "`bans.rules[0].count`: missing",
        ),
        (
            "[[bans.rules]]\non = \"login\"\ncount = 10001\nwithin = \"1s\"\nban = \"1s\"",
            "`bans.rules[0].count`: write a number up to 10000",
        ),
        (
            "[[bans.rules]]\non = \"login\"\ncount = 1\nwithin = \"2day\"\nban = \"1s\"",
            "`bans.rules[0].within`: write `1s` to `1day`, as in `1min`",
        ),
        (
            "[[bans.rules]]\non = \"login\"\ncount = 1\nwithin = \"1s\"\nban = \"0s\"",
            "`bans.rules[0].ban`: write `1s` to `366day`, as in `1h`",
        ),
        (
            "[[bans.rules]]\non = \"login\"\ncount = 1\nwithin = \"1s\"\nban = \"2h\"\nmax = \"1h\"",
            "`bans.rules[0].max`: write at least the time of `ban`",
        ),
        (
            "[[bans.rules]]\non = \"login\"\ncount = 1\nwithin = \"1s\"\nban = \"2h\"\nmax = \"367day\"",
            "`bans.rules[0].max`: write at most `366day`",
        ),
        // realm, resource_metadata
        ("realm = \"\"", "`realm`: the value is empty"),
        ("realm = 7", "`realm`: write text in quotes"),
        (
            "realm = 'a\"b'",
            "`realm`: write printable ASCII without `\"` and `\\`, as in `shop`",
        ),
        (
            "realm = 'a\\b'",
            "`realm`: write printable ASCII without `\"` and `\\`, as in `shop`",
        ),
        (
            "realm = \"a\\r\\nb\"",
            "`realm`: write printable ASCII without `\"` and `\\`, as in `shop`",
        ),
        (
            "realm = \"caf\u{e9}\"",
            "`realm`: write printable ASCII without `\"` and `\\`, as in `shop`",
        ),
        (
            "resource_metadata = \"http://a\"",
            "`resource_metadata`: write a URL that begins with `https://`",
        ),
        // tokens, limits, danger
        (
            "[tokens]\nleeway = \"6min\"",
            "`tokens.leeway`: write at most `5min`",
        ),
        (
            "[tokens]\ncache = \"32mb\"",
            "`tokens.cache`: write a number and a unit, `B`, `KB`, `MB`, `GB`, `KiB`, `MiB` or `GiB`, as in `32MiB`, or `0`",
        ),
        (
            "[tokens]\nmax_lifetime = \"0s\"",
            "`tokens.max_lifetime`: write `1s` to `366day`, as in `24h`",
        ),
        (
            "[tokens]\nmax_lifetime = \"367day\"",
            "`tokens.max_lifetime`: write `1s` to `366day`, as in `24h`",
        ),
        (
            "[revocation]\nmax_entries = 0",
            "`revocation.max_entries`: write a number from 1",
        ),
        (
            "[redis]\nurl = \"redis://h\"\nprefix = \"a{b}\"",
            "`redis.prefix`: write up to 64 letters, digits, `-`, `_`, `.` or `:`, as in `shop`",
        ),
        ("[redis]\nca_file = \"a.pem\"", "`redis.url`: missing"),
        (
            "[redis]\nurl = \"redis://h\"\n[revocation]\nfile = \"a\"",
            "`revocation.file`: `[redis]` is given as well, and keeps revocations too; remove one of the two",
        ),
        (
            "[revocation]\nfile = \"\"",
            "`revocation.file`: the value is empty",
        ),
        (
            "[limits]\nmax_keys = 0",
            "`limits.max_keys`: write a number from 1",
        ),
        (
            "[limits]\ninstances = 3",
            "`limits.instances`: `[redis]` is missing, without which each process counts for itself; \
             remove this, or add it",
        ),
        (
            "[limits]\nmax_in_flight = 0",
            "`limits.max_in_flight`: write a number from 1",
        ),
        (
            "[limits]\nreserved_for_critical = 10",
            "`limits.reserved_for_critical`: write a number and `%`, `0%` to `90%`, as in `10%`",
        ),
        (
            "[limits]\nreserved_for_critical = \"91%\"",
            "`limits.reserved_for_critical`: write at most `90%`",
        ),
        (
            "[limits]\nfields = \"rarely\"",
            "`limits.fields`: write `always`, `never` or `scarce`",
        ),
        (
            "[login]\nfree_failures = 100",
            "`login.free_failures`: write less than `login.disable_after`",
        ),
        (
            "[login]\nfree_failures = \"4\"\ndisable_after = 101",
            "`login.disable_after`: write a number from 1 to 100",
        ),
        (
            "[login]\ndelay = \"0s\"",
            "`login.delay`: write at least `1s`",
        ),
        (
            "[login]\ndelay = \"2h\"",
            "`login.delay`: write at most `login.max_delay`",
        ),
        (
            "[login]\nmax_delay = \"2day\"",
            "`login.max_delay`: write at most `24h`",
        ),
        (
            "[login]\nnetwork_ban = \"0s\"",
            "`login.network_ban`: write at least `1s`",
        ),
        (
            "[login]\nnetwork_ban = \"2h\"",
            "`login.network_ban`: write at most `login.max_network_ban`",
        ),
        (
            "[login]\nmax_network_ban = \"2day\"",
            "`login.max_network_ban`: write at most `24h`",
        ),
        (
            "[login]\nnetwork_failures = 10001",
            "`login.network_failures`: write a number from 1 to 10000",
        ),
        (
            "[login]\npassword_accounts = 0",
            "`login.password_accounts`: write a number from 1",
        ),
        (
            "[login]\nglobal_failures = 5000000000",
            "`login.global_failures`: write a number from 1",
        ),
        (
            "[login]\ndevice_max_age = \"367day\"",
            "`login.device_max_age`: write `1s` to `366day`, as in `30day`",
        ),
        (
            "[login]\nsecret_file = \"a\"\nsecret_env = \"B\"",
            "`login`: write one of `secret_base64`, `secret_env` and `secret_file`",
        ),
        (
            "[danger]\nplaintext = \"yes\"",
            "`danger.plaintext`: write `true` or `false`",
        ),
        (
            "[danger]\nplaintext = true",
            "`danger.plaintext`: `[tls]` is given as well; remove one of the two",
        ),
        (
            "[danger]\nplaintext = true\n[server]\ntransport = \"behind_proxy\"",
            "`danger.plaintext`: `server.transport` says that a proxy ends TLS; remove one of the two",
        ),
    ]);
}

#[test]
fn all_mistakes_are_reported_at_once() {
    let error = load(
        Some("realm = 1\n[server]\nworker = 1\naddress = 2\n[tokens]\nleeway = \"1day\"\n"),
        &[("SECURE__LIMITS__MAX_KEYS", "many"), ("SECURE__COLOR", "")],
    )
    .unwrap_err();
    assert_eq!(
        error.to_string(),
        "the settings have 7 mistakes:\n\
         - `realm` (secure.toml): write text in quotes\n\
         - `server.address` (secure.toml): write an address and a port, as in `127.0.0.1:8443`, or \
         `unix:/run/shop.sock`\n\
         - `server.worker` (secure.toml): unknown key, did you mean `workers`?\n\
         - `limits.max_keys` (SECURE__LIMITS__MAX_KEYS): write a number from 1\n\
         - `color` (SECURE__COLOR): unknown key; known here: `realm`, `resource_metadata`, \
           `server`, `tls`, `client_address`, `issuers`, `tokens`, `limits`, `bans`, `login`, `redis`, `revocation`, `token_issuer`, `clients`, `passwords`, `danger`\n\
         - `tls` (secure.toml): missing; write the paths of PEM files, \
           `certificate = \"chain.pem\"` and `private_key = \"key.pem\"`, or \
           `development = true` for a self-signed certificate\n\
         - `tokens.leeway` (secure.toml): write at most `5min`"
    );
}
