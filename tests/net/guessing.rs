//! Guessing at the accounts of the shop, over sockets: how much reaches the password check, and what
//! the time of an answer tells.

use std::{
    net::Ipv4Addr,
    num::NonZeroUsize,
    time::{Duration, Instant},
};

use actix_web::web;
use futures_util::future::join_all;
use secure_examples::shop::{self, Store};
use secure_runtime::{
    Running, Security, Server, Settings,
    data::password::NewPassword,
    settings::{KeySource, Transport},
    testing,
};
use serde_json::json;
use tokio::net::TcpStream;

use crate::rig::{Answer, Connection, security, settings};

const PASSWORD: &str = "violet tram eats sixteen clouds";
/// Connections at a time.
const LANES: u32 = 40;

/// The shop behind a proxy on this machine, which is the test.
struct Shop {
    running: Running,
    security: Security,
    store: web::Data<Store>,
}

impl Shop {
    async fn start(iterations: usize, memory: u64) -> Self {
        let mut settings: Settings = settings();
        settings.tls = None;
        settings.server.transport = Transport::BehindProxy;
        settings.client_address.trusted_proxies = vec!["127.0.0.1".parse().unwrap()];
        settings.danger.weak_password_hashing = true;
        settings.passwords.memory = memory;
        settings.passwords.iterations = NonZeroUsize::new(iterations).unwrap();
        settings.login.secret = Some(KeySource::Secret(vec![7; 32].into()));
        settings.token_issuer = Some(testing::token_issuer());
        let security = security(settings);
        let store = web::Data::new(Store::default());
        let routes = shop::routes(store.clone());
        let server = Server::new(security.clone(), routes);
        Self {
            running: server.start().await.unwrap(),
            security,
            store,
        }
    }

    /// Accounts with one password, hashed once.
    async fn add_accounts(&self, names: impl IntoIterator<Item = String>) {
        let password: NewPassword = PASSWORD.into();
        let hash = self.security.passwords().hash(&password, &[]).await;
        let hash = hash.unwrap().into_string();
        for name in names {
            assert!(self.store.accounts.add(&email(&name), hash.clone()));
        }
    }

    async fn connect(&self) -> Visitor {
        let socket = TcpStream::connect(self.running.addresses()[0]).await;
        let socket = socket.unwrap();
        socket.set_nodelay(true).unwrap();
        Visitor(Connection::over(socket))
    }

    /// How many passwords were checked so far.
    fn checked(&self) -> u64 {
        self.security.logins().counts().checked
    }

    /// Attempts of many visitors at a time, and how many of them led to a check; nobody gets in.
    async fn attack(&self, count: u32, attempt: impl Fn(u32) -> Attempt) -> u64 {
        let before = (self.checked(), self.security.passwords().counts().computed);
        let lane = async |lane: u32| {
            let mut visitor = self.connect().await;
            for number in (lane..count).step_by(LANES as usize) {
                let status = visitor.tries(&attempt(number)).await.status;
                assert!(matches!(status, 401 | 429), "{status}");
            }
        };
        join_all((0..LANES).map(lane)).await;
        let checked = self.checked() - before.0;
        let computed = self.security.passwords().counts().computed - before.1;
        assert_eq!(checked, computed);
        checked
    }
}

/// One connection of the proxy.
struct Visitor(Connection);

struct Attempt {
    from: u32,
    name: String,
    password: String,
    cookie: Option<String>,
}

fn attempt(from: u32, name: impl Into<String>, password: impl Into<String>) -> Attempt {
    Attempt {
        from,
        name: name.into(),
        password: password.into(),
        cookie: None,
    }
}

fn email(name: &str) -> String {
    format!("{name}@shop.example")
}

impl Visitor {
    async fn tries(&mut self, attempt: &Attempt) -> Answer {
        self.0.send(attempt.request()).await;
        self.0.answer().await
    }
}

impl Attempt {
    fn request(&self) -> String {
        let address = Ipv4Addr::from_bits(0x0a00_0000 + self.from);
        let body = json!({ "email": email(&self.name), "password": self.password }).to_string();
        let cookie = self.cookie.as_ref();
        let cookie = cookie.map_or_else(String::new, |cookie| format!("cookie: {cookie}\r\n"));
        format!(
            "POST /login HTTP/1.1\r\nhost: a\r\nx-forwarded-for: {address}\r\n\
             x-forwarded-proto: https\r\ncontent-type: application/json\r\n{cookie}\
             content-length: {}\r\n\r\n{body}",
            body.len()
        )
    }
}

/// G1, G5, G6: ten thousand guesses at one account from one address; one guess each from five
/// thousand; one password at five thousand accounts, from one address and from as many. Of each the
/// stated number is checked; and the owner, locked out meanwhile, gets in at his own device.
#[actix_web::test]
async fn g1_g5_g6_floods_of_guesses_over_sockets() {
    let shop = Shop::start(1, 64 << 10).await;
    let names = ["ann".to_owned(), "bob".to_owned()];
    let many = (0..5_000).map(|number| format!("user{number}"));
    shop.add_accounts(names.into_iter().chain(many)).await;
    let mut home = shop.connect().await;
    let welcome = home.tries(&attempt(9_000, "bob", PASSWORD)).await;
    assert_eq!(welcome.status, 200, "{welcome:?}");
    let cookie = welcome.field("set-cookie").unwrap().split(';').next();
    let cookie = cookie.unwrap().to_owned();

    let guesses = |number: u32| attempt(1, "ann", format!("guess {number}"));
    assert_eq!(shop.attack(10_000, guesses).await, 5);

    let botnet = |number: u32| attempt(100_000 + number, "bob", format!("guess {number}"));
    assert_eq!(shop.attack(5_000, botnet).await, 5);
    let elsewhere = attempt(9_001, "bob", PASSWORD);
    assert_eq!(home.tries(&elsewhere).await.status, 401);
    let owner = Attempt {
        cookie: Some(cookie),
        ..attempt(9_000, "bob", PASSWORD)
    };
    assert_eq!(home.tries(&owner).await.status, 200);

    // From one address: those that a network may fail in a minute.
    let sprayed = |number: u32| attempt(2, format!("user{number}"), "winter 2026 winter");
    assert_eq!(shop.attack(5_000, sprayed).await, 20);
    // From five thousand: those at which one password may fail in an hour.
    let everywhere = |number: u32| {
        let (from, name) = (200_000 + number, format!("user{}", 4_999 - number));
        attempt(from, name, "summer 2026 summer")
    };
    assert_eq!(shop.attack(5_000, everywhere).await, 20);
    shop.running.stop(false).await;
}

/// Answers of each kind.
const SAMPLES: u32 = 80;

/// How often one of `these` takes longer than one of `those`: a half, where they cannot be told
/// apart (the statistic of Mann and Whitney). Ranks do not mind how late a busy machine is now and
/// then.
fn is_slower(these: &[Duration], those: &[Duration]) -> f64 {
    let wins = these.iter().flat_map(|this| {
        let win = |that: &Duration| match this.cmp(that) {
            std::cmp::Ordering::Less => 0.0,
            std::cmp::Ordering::Equal => 0.5,
            std::cmp::Ordering::Greater => 1.0,
        };
        those.iter().map(win)
    });
    wins.sum::<f64>() / (these.len() * those.len()) as f64
}

/// G7: an account that does not exist, a wrong password, and an account that is locked: the same
/// answer, after a time that does not tell which. By chance alone two kinds of 80 differ by 0.05
/// (one standard deviation); what is allowed is four times that, and a busy machine has three tries.
#[actix_web::test]
async fn g7_time_and_answer_tell_nothing_over_sockets() {
    const ALIKE: std::ops::RangeInclusive<f64> = 0.3..=0.7;
    // Takes longer than the steps in which answers leave.
    let shop = Shop::start(10, 4 << 20).await;
    let users = (0..SAMPLES * 4).map(|number| format!("user{number}"));
    shop.add_accounts(users.chain(["ann".to_owned()])).await;
    let mut visitor = shop.connect().await;
    for number in 0..5 {
        let guess = attempt(number, "ann", format!("guess {number}"));
        visitor.tries(&guess).await;
    }
    let mut told = None;
    let mut found = Vec::new();
    for round in 0..3 {
        let mut times = [const { Vec::new() }; 3];
        for number in 0..SAMPLES {
            let number = round * SAMPLES + number;
            // In each order as often: what comes first must not always be the same.
            for place in 0..3 {
                let kind = ((number + place) % 3) as usize;
                let name = match kind {
                    0 => format!("user{number}"),
                    1 => format!("nobody{number}"),
                    _ => "ann".to_owned(),
                };
                let from = 1_000 + number * 3 + kind as u32;
                let guess = attempt(from, name, format!("guess {kind} {number}"));
                let before = shop.checked();
                let start = Instant::now();
                let answer = visitor.tries(&guess).await;
                times[kind].push(start.elapsed());
                assert_eq!(shop.checked() - before, u64::from(kind != 2));
                let mut lines: Vec<_> = answer.head.lines().map(str::to_owned).collect();
                lines.retain(|line| !line.starts_with("date:"));
                lines.sort_unstable();
                let all = (answer.status, lines, answer.body);
                assert_eq!(*told.get_or_insert_with(|| all.clone()), all);
            }
        }
        let [wrong, unknown, locked] = &times;
        let pairs = [(wrong, unknown), (wrong, locked), (unknown, locked)];
        let slower = pairs.map(|(these, those)| is_slower(these, those));
        if slower.iter().all(|slower| ALIKE.contains(slower)) {
            shop.running.stop(false).await;
            return;
        }
        let medians = times.map(|mut times| {
            times.sort_unstable();
            times[times.len() / 2]
        });
        found.push((slower, medians));
    }
    panic!("{found:?}");
}
