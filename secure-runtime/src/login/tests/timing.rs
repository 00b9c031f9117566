//! G7 with a real clock: whether a password was checked cannot be told from the time of a refusal.

use std::time::{Duration, Instant};

use crate::{
    clock::Clock,
    login::pace::{Pace, Start},
};

/// Most that two medians of 60 answers each may differ: below one step. A machine under load gets
/// three tries, and each measures both kinds in turn.
const ALIKE: Duration = Duration::from_millis(6);

#[actix_web::test]
async fn g7_checked_and_unchecked_take_the_same_time() {
    let clock = Clock::system();
    let mut differences = Vec::new();
    for _ in 0..3 {
        let pace = Pace::default();
        let (mut checked, mut unchecked) = (Vec::new(), Vec::new());
        for number in 0..70_u64 {
            let began = Instant::now();
            let start = Start::now(&clock);
            // What a password hash does to a thread, and not always for as long.
            let busy = Duration::from_micros(3_000 + number % 7 * 2_500);
            while began.elapsed() < busy {
                std::hint::spin_loop();
            }
            pace.checked(start, &clock).await;
            checked.push(began.elapsed());
            let began = Instant::now();
            pace.unchecked(Start::now(&clock), &clock).await;
            unchecked.push(began.elapsed());
        }
        let quantile = |times: &mut Vec<Duration>, part: usize| {
            // Without the first ones, where little was learnt yet.
            let mut times = times.split_off(10);
            times.sort_unstable();
            times[times.len() * part / 100]
        };
        let [checked, unchecked] = [&mut checked, &mut unchecked]
            .map(|times| [25, 50, 75].map(|part| quantile(&mut times.clone(), part)));
        let difference = checked[1].abs_diff(unchecked[1]);
        // A refusal that waits for nothing would be 10 ms ahead; one that always waits for the
        // default 240 ms behind.
        if difference <= ALIKE {
            return;
        }
        differences.push((checked, unchecked));
    }
    panic!("{differences:?}");
}
