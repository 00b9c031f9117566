//! The process that is measured: one stack, one worker.

use std::{
    env,
    io::{self, Read},
    thread,
    time::Duration,
};

use actix_web::{App, HttpServer, rt::time::sleep, web};
use redis::aio::MultiplexedConnection;
use rustls::{
    ServerConfig,
    pki_types::{PrivateKeyDer, pem::PemObject},
};
use secure_bench::{
    Algorithm, Verifier,
    rig::Result,
    stacks::{bare, hand, ours},
};
use secure_runtime::{
    Routes, Security, Settings,
    settings::{RateLimitFields, RedisSettings},
};

use crate::{
    hand_redis,
    limited::{self, Script},
    revoked,
};

/// The argument that makes a server of this program; stack, scheme and algorithm follow.
pub(crate) const SERVE: &str = "--serve";
/// The variable with the key of the issuer.
pub(crate) const KEY: &str = "BENCH_KEY";
/// The variable with the URL of Redis.
pub(crate) const REDIS: &str = "BENCH_REDIS";

/// Bytes for verified tokens: enough for 100,000 of them.
const LARGE_CACHE: u64 = 512 << 20;

/// What stands before the handlers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stack {
    Bare,
    Hand,
    HandRedis,
    Secured,
    /// With room for all tokens of a large rotation.
    SecuredLarge,
    /// Behind a proxy, which names other addresses.
    SecuredProxied,
    SecuredRedis,
    /// With Redis, and as the next.
    SecuredRedisScarce,
    /// Which tells callers of quotas when little is left of them.
    SecuredScarce,
}

impl Stack {
    const ALL: [Self; 9] = [
        Self::Bare,
        Self::Hand,
        Self::HandRedis,
        Self::Secured,
        Self::SecuredLarge,
        Self::SecuredProxied,
        Self::SecuredRedis,
        Self::SecuredRedisScarce,
        Self::SecuredScarce,
    ];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Bare => "bare",
            Self::Hand => "hand",
            Self::HandRedis => "hand-redis",
            Self::Secured => "secured",
            Self::SecuredLarge => "secured-large",
            Self::SecuredProxied => "secured-proxied",
            Self::SecuredRedis => "secured-redis",
            Self::SecuredRedisScarce => "secured-redis-scarce",
            Self::SecuredScarce => "secured-scarce",
        }
    }
}

/// Starts an app of each stack in the same way. It says where it listens.
macro_rules! serve {
    ($https:expr, $app:expr) => {{
        let server = HttpServer::new($app).workers(1);
        let address = ("127.0.0.1", 0);
        let server = match $https {
            true => server.bind_rustls_0_23(address, tls()?)?,
            false => server.bind(address)?,
        };
        let port = server.addrs().first().ok_or("it does not listen")?.port();
        println!("{port}");
        server.run().await?;
        Ok(())
    }};
}

#[actix_web::main]
pub(crate) async fn serve(stack: &str, scheme: &str, algorithm: &str) -> Result {
    let stack = Stack::ALL.into_iter().find(|known| known.name() == stack);
    let https = scheme == "https";
    let algorithm = Algorithm::named(algorithm).ok_or("no such algorithm")?;
    let verifier = Verifier::new(algorithm, env::var(KEY)?);
    thread::spawn(|| {
        // Ends with the process that has started it.
        io::stdin().read_to_end(&mut Vec::new()).ok();
        std::process::exit(0);
    });
    let stack = stack.ok_or("no such stack")?;
    match stack {
        Stack::Bare => serve!(https, || App::new().configure(bare::configure)),
        Stack::Hand => {
            let checks = web::Data::new(hand::Checks::new(&verifier));
            serve!(https, move || hand::app(checks.clone(), hand::routes))
        }
        Stack::HandRedis => {
            let (redis, script) = by_hand().await?;
            let checks = hand_redis::Checks::new(&verifier, redis, script);
            let checks = web::Data::new(checks);
            serve!(https, move || hand_redis::app(checks.clone()))
        }
        Stack::Secured | Stack::SecuredLarge | Stack::SecuredProxied | Stack::SecuredScarce => {
            let security = security(stack, &verifier, https)?;
            serve!(https, move || {
                App::new()
                    .configure(security.routes(ours::routes))
                    .wrap(security.shield())
            })
        }
        Stack::SecuredRedis | Stack::SecuredRedisScarce => {
            let url = env::var(REDIS)?;
            let security = security(stack, &verifier, https)?;
            while security.revocations().age().is_none() || security.limits().instances().is_none()
            {
                sleep(Duration::from_millis(10)).await;
            }
            let client = redis::Client::open(url)?;
            let (connection, script) = by_hand().await?;
            serve!(https, move || {
                App::new()
                    .app_data(web::Data::new(client.clone()))
                    .app_data(web::Data::new(connection.clone()))
                    .app_data(web::Data::new(script.clone()))
                    .configure(security.routes(shared_routes))
                    .wrap(security.shield())
            })
        }
    }
}

/// What needs a Redis.
fn shared_routes(routes: &mut Routes) {
    ours::shared_routes(routes);
    revoked::routes(routes);
    limited::routes(routes);
}

/// What one needs for Redis without this crate.
async fn by_hand() -> Result<(MultiplexedConnection, Script)> {
    let client = redis::Client::open(env::var(REDIS)?)?;
    let mut connection = client.get_multiplexed_async_connection().await?;
    let script = Script::load(&mut connection).await?;
    Ok((connection, script))
}

fn security(stack: Stack, verifier: &Verifier, https: bool) -> Result<Security> {
    let mut settings = Settings::default();
    settings.danger.plaintext = !https;
    if let Stack::SecuredScarce | Stack::SecuredRedisScarce = stack {
        settings.limits.fields = RateLimitFields::Scarce;
    }
    match stack {
        Stack::SecuredLarge => settings.tokens.cache = LARGE_CACHE,
        Stack::SecuredProxied => {
            let proxies = &mut settings.client_address.trusted_proxies;
            proxies.push("127.0.0.1/32".parse()?);
        }
        Stack::SecuredRedis | Stack::SecuredRedisScarce => {
            settings.redis = Some(RedisSettings::new(env::var(REDIS)?.as_str()));
        }
        _ => {}
    }
    let security = Security::builder().issuer(verifier.issuer());
    Ok(security.settings(settings).build()?)
}

fn tls() -> Result<ServerConfig> {
    let signed = rcgen::generate_simple_self_signed(["localhost".to_owned()])?;
    let key = PrivateKeyDer::from_pem_slice(
        pem::encode(&pem::Pem::new(
            "PRIVATE KEY",
            signed.signing_key.serialize_der(),
        ))
        .as_bytes(),
    )?;
    Ok(ServerConfig::builder()
        .with_no_client_auth()
        .with_single_cert(vec![signed.cert.der().clone()], key)?)
}
