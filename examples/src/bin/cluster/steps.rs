//! The steps of the tour, with what was expected of each.

use std::time::{Duration, Instant};

use actix_web::rt::time::sleep;
use awc::{Client, ClientResponse, http::Method};
use secure_examples::tour;

use crate::{
    Result,
    children::{Folder, Redis, Shop},
};

/// How old the knowledge of the shop's routes may be.
const BOUND: Duration = Duration::from_secs(2);
/// What a request may wait for Redis.
const LONGEST_WAIT: Duration = Duration::from_millis(100);
/// How long everything may take to be as before.
const PATIENCE: Duration = Duration::from_secs(10);
/// Rarely enough that no quota is used up.
const PAUSE: Duration = Duration::from_millis(20);

/// Starts everything, goes through the steps and ends everything; how many went wrong.
pub(crate) async fn run() -> Result<usize> {
    let mut redis = Redis::start()?;
    let folder = Folder::new(&redis)?;
    let [a, b] = [Shop::start(&folder)?, Shop::start(&folder)?];
    let mut tour = Tour {
        client: tour::client(folder.certificate.clone())?,
        longest: Duration::ZERO,
        differences: 0,
    };
    let customer = |name: &str| folder.tokens.token(name).role("customer").sign();
    let (ann, eve) = (customer("ann"), customer("eve"));
    let (cal, cal_phone) = (customer("cal"), customer("cal"));
    let dan = customer("dan");
    let ada = folder.tokens.token("ada").role("admin").sign();

    tour.say(&format!(
        "Two shops, {} and {}, and one Redis",
        a.base, b.base
    ));
    for token in [&ann, &cal, &cal_phone, &dan, &eve] {
        tour.until(&a, token, 200, PATIENCE).await?;
        tour.until(&b, token, 200, PATIENCE).await?;
    }
    tour.expect("A takes Ann's token", &a, "GET /profile", &ann, 200)
        .await?;
    tour.expect("B takes it too", &b, "GET /profile", &ann, 200)
        .await?;

    tour.expect("Ann logs out at A", &a, "POST /logout", &ann, 204)
        .await?;
    tour.expect("A refuses her token at once", &a, "GET /profile", &ann, 401)
        .await?;
    tour.refused_within("B refuses it within 2 s", &b, &ann)
        .await?;
    tour.expect("B takes the token of Eve", &b, "GET /profile", &eve, 200)
        .await?;

    tour.expect(
        "Cal logs out everywhere, at A",
        &a,
        "POST /logout-everywhere",
        &cal,
        204,
    )
    .await?;
    tour.refused_within("B refuses Cal's phone within 2 s", &b, &cal_phone)
        .await?;

    let path = "POST /admin/users/dan/logout";
    tour.expect("an admin logs Dan out, at B", &b, path, &ada, 204)
        .await?;
    tour.refused_within("A refuses Dan within 2 s", &a, &dan)
        .await?;

    tour.say("Fay and Gil have accounts of both shops");
    for email in [FAY, GIL] {
        for shop in [&a, &b] {
            let status = tour.post(shop, "/register", email, PASSWORD).await?.status;
            tour.report("registered", "202", &status.to_string(), status == 202);
        }
    }
    for (email, guesses) in [
        (FAY, [&a, &b, &a, &b].as_slice()),
        (GIL, &[&a, &b, &a, &b, &a]),
    ] {
        for shop in guesses {
            tour.log_in("a guess at the password", shop, email, "a guess", 401)
                .await?;
        }
    }
    for (shop, letter) in [(&a, "A"), (&b, "B")] {
        let shows = format!("four guesses in all: Fay gets in at {letter}");
        tour.log_in(&shows, shop, FAY, PASSWORD, 200).await?;
        let shows = format!("five: Gil does not get in at {letter}");
        tour.log_in(&shows, shop, GIL, PASSWORD, 401).await?;
    }

    let revoked = [
        ("Ann", &ann),
        ("Cal", &cal),
        ("Cal's phone", &cal_phone),
        ("Dan", &dan),
    ];
    tour.say("Redis is killed");
    let healthy = std::mem::take(&mut tour.longest);
    redis.kill();
    let killed = Instant::now();
    for shop in [&a, &b] {
        tour.until(shop, &eve, 503, PATIENCE).await?;
    }
    tour.report(
        "no knowledge, no answer: 503 to Eve",
        "after 2 s at most",
        &in_millis(killed.elapsed()),
        killed.elapsed() < BOUND + PATIENCE / 10,
    );
    tour.expect("with the time to come back", &a, "GET /profile", &eve, 503)
        .await?;
    for (shop, letter) in [(&a, "A"), (&b, "B")] {
        let shows = format!("{letter} checks no password, not even Fay's");
        tour.log_in(&shows, shop, FAY, PASSWORD, 503).await?;
    }
    for (name, token) in revoked {
        let shows = format!("A still refuses {name}");
        tour.expect(&shows, &a, "GET /profile", token, 401).await?;
    }
    for _ in 0..20 {
        for shop in [&a, &b] {
            tour.send(shop, "POST /logout", &eve).await?;
            tour.send(shop, "GET /profile", &eve).await?;
        }
        sleep(PAUSE).await;
    }
    tour.report(
        "no request waits longer for Redis",
        "100 ms at most",
        &in_millis(tour.longest),
        tour.longest <= LONGEST_WAIT + healthy,
    );

    tour.say("Redis is started again, with nothing in it");
    redis.restart()?;
    let restarted = Instant::now();
    for shop in [&a, &b] {
        tour.until(shop, &eve, 200, PATIENCE).await?;
    }
    let after = in_millis(restarted.elapsed());
    tour.report(
        "A and B take the token of Eve again",
        "10 s at most",
        &after,
        true,
    );
    for (shop, letter) in [(&a, "A"), (&b, "B")] {
        let shows = format!("Fay gets in again, at {letter}");
        tour.log_in(&shows, shop, FAY, PASSWORD, 200).await?;
    }
    let c = Shop::start(&folder)?;
    tour.until(&c, &eve, 200, PATIENCE).await?;
    for (shop, letter) in [(&a, "A"), (&b, "B"), (&c, "C, which starts only now,")] {
        for (name, token) in revoked {
            let shows = format!("{letter} refuses {name}");
            tour.expect(&shows, shop, "GET /profile", token, 401)
                .await?;
        }
    }
    println!("\n{} differences", tour.differences);
    Ok(tour.differences)
}

const FAY: &str = "fay@shop.example";
const GIL: &str = "gil@shop.example";
const PASSWORD: &str = "violet tram eats sixteen clouds";

struct Tour {
    client: Client,
    /// What a request has taken at most.
    longest: Duration,
    differences: usize,
}

struct Answer {
    status: u16,
    retry_after: Option<String>,
}

impl Tour {
    fn say(&self, what: &str) {
        println!("\n{what}\n");
    }

    fn report(&mut self, shows: &str, expected: &str, received: &str, is_same: bool) {
        self.differences += usize::from(!is_same);
        let mark = if is_same { ' ' } else { '!' };
        println!("{mark} {shows:46}{expected:24}{received}");
    }

    async fn expect(
        &mut self,
        shows: &str,
        shop: &Shop,
        request: &str,
        token: &str,
        status: u16,
    ) -> Result {
        let answer = self.send(shop, request, token).await?;
        self.compare(shows, status, &answer);
        Ok(())
    }

    async fn log_in(
        &mut self,
        shows: &str,
        shop: &Shop,
        email: &str,
        password: &str,
        status: u16,
    ) -> Result {
        let answer = self.post(shop, "/login", email, password).await?;
        self.compare(shows, status, &answer);
        Ok(())
    }

    fn compare(&mut self, shows: &str, status: u16, answer: &Answer) {
        // Who is to come back is told when.
        let is_same = answer.status == status && (status != 503 || answer.retry_after.is_some());
        let received = match &answer.retry_after {
            Some(seconds) => format!("{}, retry after {seconds} s", answer.status),
            None => answer.status.to_string(),
        };
        self.report(shows, &status.to_string(), &received, is_same);
    }

    async fn refused_within(&mut self, shows: &str, shop: &Shop, token: &str) -> Result {
        let took = self.until(shop, token, 401, BOUND * 2).await?;
        self.report(shows, "401", &in_millis(took), took <= BOUND);
        Ok(())
    }

    /// Asks until the answer is this one; how long that took.
    async fn until(
        &mut self,
        shop: &Shop,
        token: &str,
        status: u16,
        patience: Duration,
    ) -> Result<Duration> {
        let start = Instant::now();
        loop {
            let answer = self.send(shop, "GET /profile", token).await?;
            if answer.status == status {
                return Ok(start.elapsed());
            }
            if start.elapsed() > patience {
                return Err(
                    format!("still {} after {patience:?}, not {status}", answer.status).into(),
                );
            }
            sleep(PAUSE).await;
        }
    }

    async fn send(&mut self, shop: &Shop, request: &str, token: &str) -> Result<Answer> {
        let (method, path) = request.split_once(' ').ok_or("a request has a path")?;
        let method = Method::from_bytes(method.as_bytes())?;
        let request = self
            .client
            .request(method, format!("{}{path}", shop.base))
            .bearer_auth(token);
        let start = Instant::now();
        let response = request.send().await.map_err(|error| error.to_string())?;
        self.longest = self.longest.max(start.elapsed());
        Ok(Answer::of(&response))
    }

    /// Sends an e-mail address and a password. To hash one takes longer than anything else here, so
    /// its time is not measured.
    async fn post(&self, shop: &Shop, path: &str, email: &str, password: &str) -> Result<Answer> {
        let request = self.client.post(format!("{}{path}", shop.base));
        let body = serde_json::json!({ "email": email, "password": password });
        let response = request.send_json(&body).await;
        Ok(Answer::of(&response.map_err(|error| error.to_string())?))
    }
}

impl Answer {
    fn of<S>(response: &ClientResponse<S>) -> Self {
        let retry_after = response.headers().get("retry-after");
        Self {
            status: response.status().as_u16(),
            retry_after: retry_after.and_then(|value| Some(value.to_str().ok()?.to_owned())),
        }
    }
}

fn in_millis(time: Duration) -> String {
    format!("{:.1} ms", time.as_secs_f64() * 1000.0)
}
