//! A process as far as revocation goes: its settings, its routes, its connections.

use std::{
    fs,
    net::{IpAddr, Ipv4Addr, SocketAddr},
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU32, Ordering},
    },
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use actix_http::Request;
use actix_web::{
    App, Error, HttpResponse, Responder,
    body::MessageBody,
    dev::{Service, ServiceResponse},
    get,
    http::{Method, StatusCode, header},
    post,
    test::{TestRequest, init_service},
};
use futures_util::future::LocalBoxFuture;
use secure_runtime::{
    Clock, Principal, Rejection, RevocationList, RevocationTarget, Routes, Security, Settings,
    secured,
    settings::RedisSettings,
    testing::{Token, Tokens},
};

/// How old the knowledge may be, on [`one`] and [`local`].
pub(crate) const BOUND: Duration = Duration::from_secs(1);
/// No request waits longer for the store, in any fault.
pub(crate) const LONGEST_WAIT: Duration = Duration::from_millis(100);
/// Threads of the test's own process may be late by this much on a loaded machine.
pub(crate) const SLACK: Duration = Duration::from_millis(200);

#[secured(revocation = "1s", rate = "100000/s local")]
#[get("/one")]
async fn one() -> impl Responder {
    HttpResponse::Ok()
}

#[secured(revocation = "0s", rate = "100000/s local")]
#[get("/zero")]
async fn zero() -> impl Responder {
    HttpResponse::Ok()
}

#[secured(revocation = "1s", outage = "local", rate = "100000/s local")]
#[get("/local")]
async fn local() -> impl Responder {
    HttpResponse::Ok()
}

#[secured(revocation = "1s", outage = "local", rate = "100000/s local")]
#[post("/logout")]
async fn logout(
    caller: Principal,
    revocations: RevocationList,
) -> Result<impl Responder, Rejection> {
    revocations.revoke(&caller).await?;
    Ok(HttpResponse::Ok())
}

/// For who is refused here already, and not yet elsewhere.
#[secured(revocation(off = "a test logs out again"), rate = "100000/s local")]
#[post("/logout-again")]
async fn logout_again(
    caller: Principal,
    revocations: RevocationList,
) -> Result<impl Responder, Rejection> {
    revocations.revoke(&caller).await?;
    Ok(HttpResponse::Ok())
}

fn routes(routes: &mut Routes) {
    routes
        .service(one)
        .service(zero)
        .service(local)
        .service(logout)
        .service(logout_again);
}

/// Of a process that shares the Redis at `url`.
pub(crate) fn settings(url: &str) -> Settings {
    let mut settings = Settings::default();
    settings.danger.plaintext = true;
    let mut redis = RedisSettings::new(url);
    redis.prefix = "test".to_owned();
    settings.redis = Some(redis);
    settings
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    Accepted,
    Refused,
    /// 503.
    Undecided,
}

/// The store does not say that it has a revocation.
#[derive(Debug)]
pub(crate) struct NotStored;

type Answered = LocalBoxFuture<'static, (StatusCode, Option<String>)>;

pub(crate) struct Instance {
    pub(crate) security: Security,
    tokens: Tokens,
    app: Box<dyn Fn(Request) -> Answered>,
}

impl Instance {
    /// One that knows everything.
    pub(crate) async fn ready(url: &str) -> Self {
        let instance = Self::new(url).await;
        instance.wait().await;
        instance
    }

    pub(crate) async fn new(url: &str) -> Self {
        Self::with(url, Clock::system(), |_| {}).await
    }

    pub(crate) async fn with(
        url: &str,
        clock: Clock,
        configure: impl FnOnce(&mut Settings),
    ) -> Self {
        let tokens = Tokens::new(&Clock::system());
        let mut settings = settings(url);
        configure(&mut settings);
        settings.check().unwrap();
        let security = Security::builder()
            .clock(clock)
            .issuer(tokens.issuer())
            .settings(settings)
            .build()
            .unwrap();
        let app = App::new()
            .configure(security.routes(routes))
            .wrap(security.shield());
        let app = init_service(app).await;
        Self {
            security,
            tokens,
            app: Box::new(move |request| Box::pin(answer(app.call(request)))),
        }
    }

    /// Until the knowledge is fresh and the store is asked again.
    pub(crate) async fn wait(&self) {
        let start = Instant::now();
        while !self.is_well().await {
            assert!(
                start.elapsed() < Duration::from_secs(20),
                "the store is not followed"
            );
            pause(5).await;
        }
    }

    pub(crate) async fn is_well(&self) -> bool {
        self.is_fresh(BOUND) && self.verdict("nobody", Duration::ZERO).await == Verdict::Accepted
    }

    pub(crate) fn is_fresh(&self, bound: Duration) -> bool {
        let age = self.security.revocations().age();
        age.is_some_and(|age| age <= bound)
    }

    /// A token of this name, and always the same subject.
    pub(crate) fn token(&self, name: &str) -> Token {
        self.tokens.token("somebody").claim("jti", name)
    }

    pub(crate) fn target(&self, name: &str) -> RevocationTarget {
        RevocationTarget::Token {
            issuer: self.issuer(),
            token_id: name.to_owned(),
        }
    }

    pub(crate) fn issuer(&self) -> String {
        "https://issuer.test".to_owned()
    }

    /// The verdict, once there is one: on a machine that is busy with other things a healthy store
    /// can be late too.
    pub(crate) async fn decided(&self, name: &str, bound: Duration) -> Verdict {
        let start = Instant::now();
        loop {
            match self.verdict(name, bound).await {
                Verdict::Undecided if start.elapsed() < Duration::from_secs(20) => pause(5).await,
                verdict => return verdict,
            }
        }
    }

    /// Logs out until the store says that it has it, for the same reason.
    pub(crate) async fn surely_revoke(&self, name: &str) {
        let start = Instant::now();
        let mut path = "/logout";
        while self.revoke_at(path, name).await.is_err() {
            assert!(start.elapsed() < Duration::from_secs(20), "{name}");
            // What the store has not acknowledged holds here, and refuses a second logout.
            path = "/logout-again";
            pause(5).await;
        }
    }

    /// Logs out, with the token of this name.
    pub(crate) async fn revoke(&self, name: &str) -> Result<(), NotStored> {
        self.revoke_at("/logout", name).await
    }

    async fn revoke_at(&self, path: &str, name: &str) -> Result<(), NotStored> {
        let request = TestRequest::post().uri(path);
        match self.send(request, &self.token(name)).await {
            Verdict::Accepted => Ok(()),
            Verdict::Refused | Verdict::Undecided => Err(NotStored),
        }
    }

    /// What becomes of a request with this token, on the route with this bound.
    pub(crate) async fn verdict(&self, name: &str, bound: Duration) -> Verdict {
        let path = if bound.is_zero() { "/zero" } else { "/one" };
        self.ask(path, &self.token(name)).await
    }

    pub(crate) async fn ask(&self, path: &str, token: &Token) -> Verdict {
        self.send(TestRequest::get().uri(path), token).await
    }

    /// What becomes of a request with the text of a token, on the route with [`BOUND`].
    pub(crate) async fn bear(&self, token: &str) -> Verdict {
        self.send_text(TestRequest::get().uri("/one"), token).await
    }

    async fn send(&self, request: TestRequest, token: &Token) -> Verdict {
        self.send_text(request, &token.sign()).await
    }

    async fn send_text(&self, request: TestRequest, token: &str) -> Verdict {
        // From a new address each time: refusals of one are counted.
        static CALLERS: AtomicU32 = AtomicU32::new(1);
        let caller = Ipv4Addr::from(CALLERS.fetch_add(1, Ordering::Relaxed));
        let request = request
            .peer_addr(SocketAddr::new(IpAddr::V4(caller), 50_000))
            .insert_header((header::AUTHORIZATION, format!("Bearer {token}")))
            .to_request();
        let watch = match *request.method() {
            Method::POST => Watch::start_with_keepers(),
            _ => Watch::start(),
        };
        let (status, retry_after) = (self.app)(request).await;
        let took = watch.took();
        assert!(took < LONGEST_WAIT + SLACK, "{took:?}");
        match status {
            StatusCode::OK => Verdict::Accepted,
            StatusCode::UNAUTHORIZED => Verdict::Refused,
            StatusCode::SERVICE_UNAVAILABLE => {
                assert!(retry_after.is_some());
                Verdict::Undecided
            }
            _ => panic!("{status}"),
        }
    }

    pub(crate) async fn until_refused(&self, name: &str) -> Duration {
        let start = Instant::now();
        while self.verdict(name, BOUND).await != Verdict::Refused {
            assert!(
                start.elapsed() < Duration::from_secs(15),
                "`{name}` is not refused"
            );
            tokio::time::sleep(Duration::from_micros(500)).await;
        }
        start.elapsed()
    }
}

async fn answer<B: MessageBody>(
    answered: impl Future<Output = Result<ServiceResponse<B>, Error>>,
) -> (StatusCode, Option<String>) {
    let response = answered.await.unwrap();
    let retry_after = response.headers().get(header::RETRY_AFTER);
    let retry_after = retry_after.map(|value| value.to_str().unwrap().to_owned());
    (response.status(), retry_after)
}

/// Measures what a request waits for the store: the time that passes, but for that in which its
/// threads waited for a processor: that in which it is served, and that which keeps the list of
/// revocations. On a loaded machine that can be more than the store may take, and says nothing of it.
pub(crate) struct Watch {
    start: Instant,
    own: Duration,
    keepers: Vec<(PathBuf, Duration)>,
}

impl Watch {
    /// For a request that revokes nothing.
    pub(crate) fn start() -> Self {
        Self::with(Vec::new())
    }

    /// For one that does.
    fn start_with_keepers() -> Self {
        let threads = fs::read_dir("/proc/self/task").unwrap();
        let threads = threads.map(|thread| thread.unwrap().path());
        let keeps = |thread: &PathBuf| {
            let name = fs::read_to_string(thread.join("comm"));
            name.is_ok_and(|name| name.trim() == KEEPER)
        };
        let keepers = threads.filter(keeps);
        Self::with(keepers.map(|keeper| {
            let before = starved(&keeper);
            (keeper, before)
        }))
    }

    fn with(keepers: impl IntoIterator<Item = (PathBuf, Duration)>) -> Self {
        Self {
            keepers: keepers.into_iter().collect(),
            own: starved(Path::new(OWN)),
            start: Instant::now(),
        }
    }

    pub(crate) fn took(&self) -> Duration {
        let passed = self.start.elapsed();
        let own = starved(Path::new(OWN)) - self.own;
        // Which of them is that of the instance is not known.
        let keepers = self.keepers.iter();
        let keepers = keepers.map(|(keeper, before)| starved(keeper).saturating_sub(*before));
        passed.saturating_sub(own + keepers.max().unwrap_or_default())
    }
}

const OWN: &str = "/proc/thread-self";
/// The thread that keeps a list.
const KEEPER: &str = "revocations";

/// How long a thread was ready and had no processor, since its begin; zero where it has ended.
fn starved(thread: &Path) -> Duration {
    let told = fs::read_to_string(thread.join("schedstat")).unwrap_or_default();
    let nanos = told
        .split(' ')
        .nth(1)
        .map_or(0, |nanos| nanos.parse().unwrap());
    Duration::from_nanos(nanos)
}

/// A clock that goes, and is wrong by so many seconds.
pub(crate) struct WrongClock {
    pub(crate) clock: Clock,
    stops: Arc<AtomicBool>,
}

impl WrongClock {
    pub(crate) fn by(seconds: i64) -> Self {
        let (clock, hand) = Clock::manual();
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
        let wanted = now.as_secs().saturating_add_signed(seconds);
        hand.advance(Duration::from_secs(wanted - clock.unix_seconds()));
        let stops = Arc::new(AtomicBool::new(false));
        let stopped = Arc::clone(&stops);
        std::thread::spawn(move || {
            let mut last = Instant::now();
            while !stopped.load(Ordering::Relaxed) {
                std::thread::sleep(Duration::from_millis(2));
                hand.advance(last.elapsed());
                last = Instant::now();
            }
        });
        Self { clock, stops }
    }
}

impl Drop for WrongClock {
    fn drop(&mut self) {
        self.stops.store(true, Ordering::Relaxed);
    }
}

pub(crate) async fn eventually(what: &str, mut is_so: impl FnMut() -> bool) {
    let start = Instant::now();
    while !is_so() {
        assert!(
            start.elapsed() < Duration::from_secs(20),
            "not in time: {what}"
        );
        pause(5).await;
    }
}

pub(crate) async fn pause(millis: u64) {
    tokio::time::sleep(Duration::from_millis(millis)).await;
}
