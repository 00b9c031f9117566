//! Two processes of the system that share one Redis, and 16 clients who ask without a pause.

use std::{
    io::{BufRead, BufReader},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use futures_util::future::{join, join_all};

use crate::{
    instance::pause,
    server::{Redis, until},
};

const CLIENTS: usize = 16;

struct Served {
    child: Child,
    port: u16,
}

impl Drop for Served {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Two that know of each other.
fn start(redis: &Redis) -> [Served; 2] {
    let mut outputs = Vec::new();
    let all = [(); 2].map(|()| {
        let mut child = Command::new(env!("CARGO_BIN_EXE_limits-under-test"))
            .args([&redis.url(), "2"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let port = lines.next().unwrap().unwrap().parse().unwrap();
        outputs.push(lines);
        Served { child, port }
    });
    for mut lines in outputs {
        assert_eq!(lines.next().unwrap().unwrap(), "ready");
    }
    all
}

/// An answer of one of the processes.
#[derive(Clone, Copy, Debug)]
struct Answer {
    process: usize,
    status: u16,
    begin: Instant,
    end: Instant,
}

/// The answers to clients who turn from one process to the other for so long, in the order in
/// which they asked.
async fn flood(all: &[Served; 2], path: &str, time: Duration) -> Vec<Answer> {
    let http = awc::Client::default();
    let start = Instant::now();
    let clients = (0..CLIENTS).map(|number| {
        let http = &http;
        async move {
            let mut answers = Vec::new();
            while start.elapsed() < time {
                let process = (number + answers.len()) % all.len();
                let url = format!("http://127.0.0.1:{}{path}", all[process].port);
                let begin = Instant::now();
                let mut answer = http.get(url).send().await.unwrap();
                // Or the connection could not be used again.
                answer.body().await.unwrap();
                answers.push(Answer {
                    process,
                    status: answer.status().as_u16(),
                    begin,
                    end: Instant::now(),
                });
            }
            answers
        }
    });
    let mut answers = join_all(clients).await.concat();
    answers.sort_by_key(|answer| answer.begin);
    for answer in &answers {
        assert!(matches!(answer.status, 200 | 429 | 503), "{answer:?}");
    }
    answers
}

/// The same, while Redis is killed after a third of it; and when that was.
async fn flood_and_kill(
    redis: &mut Redis,
    all: &[Served; 2],
    path: &str,
    third: Duration,
) -> (Vec<Answer>, Instant) {
    let kill = async {
        pause(third.as_millis() as u64).await;
        redis.kill();
        Instant::now()
    };
    join(flood(all, path, third * 3), kill).await
}

fn admitted(answers: &[Answer]) -> Vec<Answer> {
    let admitted = answers.iter().filter(|answer| answer.status == 200);
    admitted.copied().collect()
}

/// In each window of what was admitted at most `burst + floor(W / interval)`.
fn assert_bound(admitted: &[Answer], burst: usize, interval: Duration) {
    for (place, first) in admitted.iter().enumerate() {
        let mut end = first.end;
        for (others, last) in admitted[place..].iter().enumerate() {
            end = end.max(last.end);
            let window = end - first.begin;
            let bound = burst + (window.as_micros() / interval.as_micros()) as usize;
            assert!(others < bound, "{} in {window:?}", others + 1);
        }
    }
}

/// L10: 50 at once and one each 10 ms, whoever is asked; and none without the store (L15).
#[actix_web::test]
async fn l10_two_processes_admit_what_one_may() {
    let mut redis = Redis::start();
    let all = start(&redis);
    let third = Duration::from_millis(700);
    let (answers, killed) = flood_and_kill(&mut redis, &all, "/exact", third).await;
    let admitted = admitted(&answers);
    println!("{} of {} admitted", admitted.len(), answers.len());
    assert_bound(&admitted, 50, Duration::from_millis(10));
    // It is not for want of trying: half of what there was.
    assert!(admitted.len() >= 60, "{}", admitted.len());
    for process in 0..all.len() {
        assert!(admitted.iter().any(|answer| answer.process == process));
    }
    assert!(answers.iter().any(|answer| answer.status == 429));
    let after = answers.iter().filter(|answer| answer.begin > killed);
    let after: Vec<_> = after.collect();
    assert!(after.len() > 100, "{}", after.len());
    // Who was denied before is denied until his time has come.
    assert!(after.iter().all(|answer| answer.status != 200));
    let last = after.last().unwrap();
    assert_eq!(last.status, 503, "{last:?}");
}

/// What two processes took ahead is in the bound; without the store it lasts for a second.
#[actix_web::test]
async fn two_processes_with_leases_stay_below_the_stated_bound() {
    let mut redis = Redis::start();
    let all = start(&redis);
    let third = Duration::from_millis(1_200);
    let (answers, killed) = flood_and_kill(&mut redis, &all, "/leased", third).await;
    let admitted = admitted(&answers);
    println!("{} of {} admitted", admitted.len(), answers.len());
    // 1000 at once, one each 60 ms, and two hold 100 each, or what comes back in a second.
    assert_bound(&admitted, 1_000 + 17, Duration::from_millis(60));
    assert!(admitted.len() >= 500, "{}", admitted.len());
    let lives = Duration::from_secs(1);
    assert!(admitted.iter().all(|answer| answer.begin < killed + lives));
    assert_eq!(answers.last().unwrap().status, 503);
}

/// L15: the begin of an outage is worth one more burst, of which each process has its share.
#[actix_web::test]
async fn l15_two_processes_without_the_store_admit_their_shares() {
    let mut redis = Redis::start();
    let all = start(&redis);
    let third = Duration::from_millis(700);
    let (answers, killed) = flood_and_kill(&mut redis, &all, "/share", third).await;
    let admitted = admitted(&answers);
    println!("{} of {} admitted", admitted.len(), answers.len());
    let (whole, part) = (Duration::from_millis(50), Duration::from_millis(100));
    // Who gets no answer in time is in an outage too: it need not begin with the kill.
    assert_bound(&admitted, 2 * 40, whole / 2);
    let (before, after): (Vec<_>, _) = admitted
        .iter()
        .partition::<Vec<Answer>, _>(|answer| answer.begin <= killed);
    assert!(before.len() >= 40, "{}", before.len());
    assert_bound(&after, 40, whole);
    for process in 0..all.len() {
        let its_own = after.iter().filter(|answer| answer.process == process);
        let its_own: Vec<_> = its_own.copied().collect();
        assert_bound(&its_own, 20, part);
        // What it answered between the two is not known here.
        assert!(its_own.len() >= 10, "{}", its_own.len());
    }
}

/// L15: a store that came back with nothing, was seen by one process and went again makes no share
/// larger.
#[actix_web::test]
async fn l15_a_store_that_came_back_empty_for_a_moment_changes_no_share() {
    let mut redis = Redis::start();
    let all = start(&redis);
    redis.kill();
    redis.restart_empty();
    let count = "return #redis.call('KEYS', '*limit:instances')";
    until("a process gives a sign", || {
        redis.ask(&["EVAL", count, "0"]) == ":1\r\n"
    });
    redis.kill();
    let answers = flood(&all, "/share", Duration::from_millis(1_400)).await;
    let admitted = admitted(&answers);
    println!("{} of {} admitted", admitted.len(), answers.len());
    assert_bound(&admitted, 40, Duration::from_millis(50));
    for process in 0..all.len() {
        let its_own = admitted.iter().filter(|answer| answer.process == process);
        let its_own: Vec<_> = its_own.copied().collect();
        assert_bound(&its_own, 20, Duration::from_millis(100));
        assert!(its_own.len() >= 20, "{}", its_own.len());
    }
}
