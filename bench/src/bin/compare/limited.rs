//! The same handler with quotas of each kind, and with what one writes without this crate.

use actix_web::{HttpRequest, HttpResponse, Responder, get, web};
use redis::{Client, RedisResult, aio::MultiplexedConnection, cmd, pipe};
use secure_runtime::{Routes, secured};

#[secured(public, rate = "1000000/s local")]
#[get("/memory")]
async fn memory() -> impl Responder {
    "ok"
}

#[secured(public, rate = "1000000/s burst 100000 leased")]
#[get("/leased")]
async fn leased() -> impl Responder {
    "ok"
}

#[secured(public, rate = "1000000/s")]
#[get("/exact")]
async fn exact() -> impl Responder {
    "ok"
}

/// A fixed window, in one call.
const SCRIPT: &str = "\
local count = redis.call('INCR', KEYS[1])
if count == 1 then redis.call('EXPIRE', KEYS[1], ARGV[1]) end
return count";

/// The name that Redis gives the script.
#[derive(Clone)]
pub(crate) struct Script(String);

impl Script {
    pub(crate) async fn load(redis: &mut MultiplexedConnection) -> RedisResult<Self> {
        let mut command = cmd("SCRIPT");
        command.arg("LOAD").arg(SCRIPT);
        Ok(Self(command.query_async(redis).await?))
    }

    /// How many there were in the window.
    pub(crate) async fn count(
        &self,
        key: &str,
        redis: &mut MultiplexedConnection,
    ) -> RedisResult<u64> {
        let mut command = cmd("EVALSHA");
        command.arg(&self.0).arg(1).arg(key).arg(3600);
        command.query_async(redis).await
    }
}

/// One script a request, over one connection.
#[get("/lua")]
async fn lua(
    request: HttpRequest,
    redis: web::Data<MultiplexedConnection>,
    script: web::Data<Script>,
) -> HttpResponse {
    let mut redis = MultiplexedConnection::clone(&redis);
    answer(script.count(&key("lua", &request), &mut redis).await)
}

/// A connection and a transaction of three commands for each request: what the middleware of
/// `actix-limitation` 0.6 does.
#[get("/commands")]
async fn commands(request: HttpRequest, redis: web::Data<Client>) -> HttpResponse {
    let key = key("commands", &request);
    let count = async {
        let mut connection = redis.get_multiplexed_async_connection().await?;
        let mut pipe = pipe();
        pipe.atomic();
        pipe.cmd("SET")
            .arg(&key)
            .arg(0)
            .arg("EX")
            .arg(3600)
            .arg("NX");
        pipe.ignore().cmd("INCR").arg(&key).cmd("TTL").arg(&key);
        let (count, _): (u64, u64) = pipe.query_async(&mut connection).await?;
        Ok(count)
    };
    answer(count.await)
}

fn key(kind: &str, request: &HttpRequest) -> String {
    let address = request.peer_addr().map(|address| address.ip().to_string());
    format!("{kind}:{}", address.unwrap_or_default())
}

fn answer(count: RedisResult<u64>) -> HttpResponse {
    match count {
        Ok(count) if count <= 1_000_000_000 => HttpResponse::Ok().body("ok"),
        Ok(_) => HttpResponse::TooManyRequests().finish(),
        Err(_) => HttpResponse::ServiceUnavailable().finish(),
    }
}

pub(crate) fn routes(routes: &mut Routes) {
    secure_bench::demand_nothing(routes);
    routes.service(memory).service(leased).service(exact);
    routes.unguarded("/by-hand", "what the others are compared with", |config| {
        config.service(lua).service(commands);
    });
}
