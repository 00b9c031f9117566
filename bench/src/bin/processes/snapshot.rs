//! Many entries: read at the start, and told again after a loss.

use std::{
    thread,
    time::{Duration, Instant},
};

use secure_bench::{
    Algorithm, Identity,
    rig::{Result, client::Client, redis::Redis},
};

use crate::children::{self, Server, fill, name, token};

const MIB: f64 = 1024.0 * 1024.0;

pub(crate) fn measure(entries: usize) -> Result {
    let identity = Identity::new(Algorithm::EdDsa);
    let redis = Redis::start()?;
    let mut server = Server::start(&identity, &redis, false)?;
    server.followed()?;
    let (empty, _) = server.memory()?;
    drop(server);
    fill(&redis, entries)?;
    println!(
        "| entries | known after | of it the process computed | Redis computed | peak memory, bytes an \
         entry | memory afterwards |"
    );
    println!("|---:|---:|---:|---:|---:|---:|");
    for _ in 0..5 {
        let before = redis.computed()?;
        let mut server = Server::start(&identity, &redis, false)?;
        let took = server.followed()?;
        let (here, there) = (server.computed()?, redis.computed()? - before);
        let (peak, now) = server.memory()?;
        let each = |bytes: usize| bytes.saturating_sub(empty) as f64 / entries as f64;
        let (peak, now) = (each(peak), each(now));
        println!("| {entries} | {took:.2?} | {here:.2?} | {there:.2?} | {peak:.0} | {now:.0} |");
    }
    Ok(())
}

pub(crate) fn republish(entries: usize) -> Result {
    let identity = Identity::new(Algorithm::EdDsa);
    let mut redis = Redis::start()?;
    fill(&redis, entries)?;
    let mut servers = [
        Server::start(&identity, &redis, true)?,
        Server::start(&identity, &redis, true)?,
    ];
    for server in &mut servers {
        server.followed()?;
        server.forget_peak()?;
    }
    let [first, _] = &servers;
    let (_, before) = first.memory()?;
    let tokens = (0..50).map(|number| token(&identity, &name(number * (entries / 50))));
    let tokens = tokens.collect::<Vec<_>>();
    let good = token(&identity, "good");

    redis.restart_empty()?;
    let start = Instant::now();
    let mut late = Server::start(&identity, &redis, true)?;
    let mut client = Client::connect(late.port)?;
    let mut told = None;
    let mut questions = 0_u32;
    loop {
        for token in &tokens {
            questions += 1;
            // From a new address each time: refusals of one are counted.
            let [_, a, b, c] = questions.to_be_bytes();
            let status = client.ask("GET", "/on", token, &format!("10.{a}.{b}.{c}"))?;
            if !matches!(status, 401 | 503) {
                return Err(
                    format!("a revoked token: {status} after {:?}", start.elapsed()).into(),
                );
            }
        }
        if told.is_none() && children::entries(&redis)? == entries {
            told = Some(start.elapsed());
        }
        if client.ask("GET", "/on", &good, "10.255.0.1")? == 200 {
            break;
        }
        thread::sleep(Duration::from_millis(10));
    }
    let well = start.elapsed();
    for token in &tokens {
        let status = client.ask("GET", "/on", token, "10.255.0.2")?;
        if status != 401 {
            return Err(format!("a revoked token: {status}").into());
        }
    }
    let mut others = [Duration::ZERO; 2];
    for (server, took) in servers.iter().zip(&mut others) {
        let mut client = Client::connect(server.port)?;
        while client.ask("GET", "/on", &good, "10.255.0.1")? != 200 {
            thread::sleep(Duration::from_millis(10));
        }
        *took = start.elapsed();
    }
    let known = late.followed()?;
    let (peak, after) = first.memory()?;
    println!("{entries} entries, lost by Redis, known to two processes, while a third starts");
    println!("told again after {:.2?}", told.unwrap_or_default());
    println!("the third knows all {known:.2?} after its start, and answers after {well:.2?}");
    println!(
        "the two answer again after {:.2?} and {:.2?}",
        others[0], others[1]
    );
    println!("{questions} questions with revoked tokens meanwhile, none accepted");
    let mib = |bytes: usize| bytes as f64 / MIB;
    println!(
        "one that tells: {:.0} MiB before, {:.0} MiB at most, {:.0} MiB afterwards",
        mib(before),
        mib(peak),
        mib(after)
    );
    Ok(())
}
