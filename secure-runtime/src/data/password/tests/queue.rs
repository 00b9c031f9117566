use std::sync::mpsc;

use futures_util::{FutureExt, future::join_all};
use tokio::task::yield_now;

use super::*;

fn small() -> Passwords {
    with(|settings| {
        settings.max_concurrent = Some(number(2));
        settings.max_waiting = Some(number(4));
    })
}

/// Keeps every turn until what it returns is dropped. The work has begun when it returns: what
/// has not could still be given up.
async fn occupy(
    passwords: &Passwords,
) -> (Vec<mpsc::Sender<()>>, Vec<tokio::task::JoinHandle<()>>) {
    let (begin, mut begun) = tokio::sync::mpsc::unbounded_channel();
    let occupied = (0..2)
        .map(|_| {
            let (sender, receiver) = mpsc::channel::<()>();
            let passwords = passwords.clone();
            let begin = begin.clone();
            let task = tokio::spawn(async move {
                let work = move |_: &Parts| {
                    begin.send(()).unwrap();
                    // Ends when the sender is dropped.
                    let _ = receiver.recv();
                    Ok(())
                };
                passwords.run(work).await.unwrap();
            });
            (sender, task)
        })
        .unzip();
    for _ in 0..2 {
        begun.recv().await.unwrap();
    }
    occupied
}

/// A login flood: with all turns taken, exactly as many wait as may, the rest is refused at once,
/// and the thread that serves is free all the while. This runtime has one.
#[tokio::test]
async fn a_flood_is_refused_beyond_the_waiting_room() {
    let passwords = small();
    let stored = hash(&passwords, RIGHT).await;
    let (turns, tasks) = occupy(&passwords).await;
    let password = Password::from(RIGHT);
    let mut flood = (0..200)
        .map(|_| Box::pin(passwords.verify(&password, Some(&stored))))
        .collect::<Vec<_>>();
    // Polled once each: whoever is refused has the answer already.
    let first: Vec<_> = flood.iter_mut().map(FutureExt::now_or_never).collect();
    let refused = first.iter().flatten().collect::<Vec<_>>();
    assert_eq!(refused.len(), 196);
    assert!(
        refused
            .iter()
            .all(|answer| **answer == Err(PasswordError::Overloaded))
    );
    assert_eq!(
        first.iter().take(4).flatten().count(),
        0,
        "those who came first wait"
    );
    let counts = passwords.counts();
    assert_eq!(
        (counts.running, counts.waiting, counts.refused),
        (2, 4, 196)
    );
    assert_eq!(counts.computed, 1, "nothing was hashed for the flood yet");

    drop(turns);
    let waited = join_all(flood.into_iter().take(4)).await;
    assert!(waited.iter().all(|answer| answer.as_ref().unwrap().matches));
    join_all(tasks).await;
    let counts = passwords.counts();
    assert_eq!((counts.running, counts.waiting), (0, 0));
    assert_eq!(counts.computed, 5);
}

/// However many come, never more than `max_concurrent` are at work, in no more memory than that.
#[tokio::test]
async fn memory_is_that_of_as_many_as_work_at_a_time() {
    let passwords = with(|settings| {
        settings.memory = 64 << 10;
        settings.max_concurrent = Some(number(2));
        settings.max_waiting = Some(number(1000));
    });
    let password = Password::from(RIGHT);
    let answers = join_all((0..200).map(|_| passwords.verify(&password, None))).await;
    assert!(answers.iter().all(Result::is_ok));
    assert_eq!(passwords.counts().computed, 200);
    let kib = passwords.0.memory.kib();
    assert!((64..=128).contains(&kib), "{kib}");
}

/// Who goes away while waiting leaves the place to the next one, and is not worked for.
#[tokio::test]
async fn who_goes_away_frees_the_place() {
    let passwords = small();
    let (turns, tasks) = occupy(&passwords).await;
    let password = Password::from(RIGHT);
    let wait = || {
        let mut call = Box::pin(passwords.verify(&password, None));
        assert_eq!((&mut call).now_or_never(), None);
        call
    };
    let waiting = [wait(), wait(), wait(), wait()];
    assert_eq!(
        passwords.verify(&password, None).now_or_never(),
        Some(Err(PasswordError::Overloaded))
    );
    drop(waiting);
    assert_eq!(passwords.counts().waiting, 0);
    let waiting = wait();
    drop(turns);
    waiting
        .await
        .unwrap()
        .matches
        .then(|| panic!("nobody has a password"));
    join_all(tasks).await;
    assert_eq!(passwords.counts().computed, 1);
}

/// Who goes away while the hash is computed does not make room for another one beside it.
#[tokio::test]
async fn what_has_begun_keeps_its_turn() {
    let passwords = small();
    let (turns, tasks) = occupy(&passwords).await;
    for task in &tasks {
        task.abort();
    }
    join_all(tasks).await;
    let counts = passwords.counts();
    assert_eq!((counts.running, counts.waiting), (2, 0));
    drop(turns);
    while passwords.counts().running > 0 {
        yield_now().await;
    }
    assert_eq!(verify(&passwords, RIGHT, None).await, (false, false));
}

/// Work that panics refuses its caller, and gives its turn back.
#[tokio::test]
async fn a_panic_costs_no_turn() {
    let passwords = small();
    for _ in 0..10 {
        let answer = passwords.run::<()>(|_| panic!("as asked for")).await;
        assert_eq!(answer, Err(PasswordError::Failed));
    }
    assert_eq!(passwords.counts().running, 0);
    assert_eq!(verify(&passwords, RIGHT, None).await, (false, false));
}
