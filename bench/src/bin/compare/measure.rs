//! Runs the groups, one after the other, each with servers of its own.

use secure_bench::{
    Algorithm, Identity,
    rig::{
        Result,
        load::{Requests, has_wrk},
        pairs::{Pairs, Sample, compare},
        process::Server,
        redis::Redis,
    },
    stacks::item::BODY,
};

use crate::{
    first_sight,
    rows::{self, Goal, Measured, Sends, Target},
    serve,
};

/// A server, and what is sent to it.
struct Subject<'a> {
    server: &'a Server,
    url: String,
    requests: Requests,
}

/// Measures the rows of which the filter finds something in the names, or those with a goal.
pub(crate) fn run(filter: &str, rounds: usize, only_goals: bool) -> Result<Vec<Measured>> {
    let redis = Redis::start()?;
    let identities = Algorithm::ALL.map(|algorithm| (algorithm, Identity::new(algorithm)));
    let identity = |algorithm: Algorithm| {
        let found = identities.iter().find(|(known, _)| *known == algorithm);
        found.map(|(_, identity)| identity).ok_or("no such key")
    };
    let mut measured = Vec::new();
    for group in rows::groups() {
        let full_name = |row: &str| format!("{row} / {}", group.name);
        let rows = group.rows.iter();
        let rows = rows.filter(|row| full_name(row.name).contains(filter));
        let rows = rows.filter(|row| !only_goals || row.goal != Goal::None);
        let rows = rows.collect::<Vec<_>>();
        let https = group.baseline.https;
        if rows.is_empty() || (https && !has_wrk()) {
            continue;
        }
        let identity = identity(group.baseline.algorithm)?;
        let mut servers: Vec<(Target, Server)> = Vec::new();
        let targets = std::iter::once(group.baseline).chain(rows.iter().map(|row| row.target));
        for target in targets.clone() {
            if servers.iter().all(|(known, _)| known.stack != target.stack) {
                servers.push((target, start(&target, identity, &redis)?));
            }
        }
        let mut subjects = targets.map(|target| {
            let found = servers
                .iter()
                .find(|(known, _)| known.stack == target.stack);
            let (_, server) = found.ok_or("no server")?;
            Subject::new(&target, server, identity)
        });
        let baseline = subjects.next().ok_or("no baseline")??;
        let rivals = subjects.collect::<Result<Vec<_>>>()?;
        let mut samples = rivals
            .iter()
            .map(|rival| || rival.sample())
            .collect::<Vec<_>>();
        let mut samples = samples
            .iter_mut()
            .map(|sample| sample as &mut dyn FnMut() -> Result<Sample>)
            .collect::<Vec<_>>();
        let pairs = compare(rounds, &mut || baseline.sample(), &mut samples)?;
        for (row, pairs) in rows.iter().zip(pairs) {
            measured.push(note(full_name(row.name), row.goal, pairs));
        }
    }
    measured.extend(first_sight::measure(filter, rounds)?);
    Ok(measured)
}

/// Tells whoever waits.
fn note(name: String, goal: Goal, pairs: Pairs) -> Measured {
    eprintln!("{name}: {} of {} count", pairs.rates.len(), pairs.made);
    Measured { name, goal, pairs }
}

fn start(target: &Target, identity: &Identity, redis: &Redis) -> Result<Server> {
    let scheme = if target.https { "https" } else { "http" };
    let arguments = [
        serve::SERVE,
        target.stack.name(),
        scheme,
        target.algorithm.name(),
    ];
    let key = identity.verifier().key();
    Server::start(
        &arguments,
        &[(serve::KEY, key), (serve::REDIS, &redis.url())],
    )
}

impl<'a> Subject<'a> {
    /// Ready to be measured: every token was seen.
    fn new(target: &Target, server: &'a Server, identity: &Identity) -> Result<Self> {
        let port = server.port();
        let scheme = if target.https { "https" } else { "http" };
        let subject = Self {
            server,
            url: format!("{scheme}://127.0.0.1:{port}"),
            requests: Requests::new(texts(target, identity), target.expected >= 400)?,
        };
        if !target.https {
            if target.path == "/rare" {
                // The one that is admitted.
                subject.requests.check(port, 1, 200)?;
            }
            let most = if target.sends == Sends::Forgeries {
                10
            } else {
                usize::MAX
            };
            subject.requests.check(port, most, target.expected)?;
        }
        Ok(subject)
    }

    fn sample(&self) -> Result<Sample> {
        let process = self.server.process();
        let before = process.computed()?;
        let answered = self.requests.send(&self.url, self.server.port())?;
        let computed = process.computed()? - before;
        let requests = answered.requests as f64;
        Ok(Sample {
            rate: requests / answered.time.as_secs_f64(),
            computed: computed.as_secs_f64() / requests,
        })
    }
}

/// Whole requests.
fn texts(target: &Target, identity: &Identity) -> Vec<String> {
    let path = target.path;
    let whole = |method: &str, fields: &str, body: &str| {
        format!(
            "{method} {path} HTTP/1.1\r\nHost: orders.example.com\r\nAccept: application/json\r\n\
             User-Agent: bench\r\n{fields}\r\n{body}"
        )
    };
    let bearer = |number: usize| {
        let id = format!("a6d1f3c2-9b1e-4f57-8a55-{number:012}");
        let token = identity.token(&format!("customer-{number}"), &id);
        format!("Authorization: Bearer {token}\r\n")
    };
    match target.sends {
        Sends::Body { tokens } => (0..tokens)
            .map(|number| {
                let length = BODY.len();
                let fields = bearer(number)
                    + &format!("Content-Type: application/json\r\nContent-Length: {length}\r\n");
                whole("POST", &fields, BODY)
            })
            .collect(),
        Sends::Forgeries => {
            // A signature of another token.
            let (one, other) = (identity.token("a", "1"), identity.token("b", "2"));
            let signed = one.rsplit_once('.').map_or("", |(signed, _)| signed);
            let signature = other
                .rsplit_once('.')
                .map_or("", |(_, signature)| signature);
            let forged = |number: usize| {
                let [_, a, b, c] = (number as u32).to_be_bytes();
                let fields = format!(
                    "Authorization: Bearer {signed}.{signature}\r\nX-Forwarded-For: 10.{a}.{b}.{c}\r\n"
                );
                whole("GET", &fields, "")
            };
            // So many that none fails to authenticate too often.
            (0..100_000).map(forged).collect()
        }
        Sends::Nothing => vec![whole("GET", "", "")],
        Sends::Tokens(tokens) => (0..tokens)
            .map(|number| whole("GET", &bearer(number), ""))
            .collect(),
    }
}
