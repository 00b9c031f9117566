use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    task::{Context, Poll, Wake, Waker},
};

use actix_web::body::{BodySize, BoxBody, MessageBody};
use futures_util::stream;

use super::*;
use crate::{
    input::{body::Body, until_sent::UntilSent},
    rejection::Refusal,
};

fn chunks(count: usize, size: usize) -> impl Iterator<Item = Bytes> {
    std::iter::repeat_n(Bytes::from(vec![b'x'; size]), count)
}

fn body(payload: Payload, limit: u64) -> Body {
    Body::new(payload, limit, TIMEOUT)
}

fn refusal<T>(result: Result<T, Rejection>) -> Refusal {
    match result {
        Ok(_) => panic!("not refused"),
        Err(rejection) => rejection.refusal(),
    }
}

#[actix_web::test]
async fn a_body_is_read_up_to_its_limit() {
    for (count, size, limit) in [(1, 10, 10), (10, 1, 10), (3, 7, 1000), (0, 0, 0), (5, 0, 0)] {
        let (payload, _) = counted(chunks(count, size));
        let mut body = body(payload, limit);
        assert_eq!(body.read().await.unwrap().len(), count * size);
        assert!(body.is_finished());
        assert!(body.refusal().is_none());
    }
}

#[actix_web::test]
async fn h12_a_body_above_the_limit_is_413_and_not_read_on() {
    // Chunked: no length was declared.
    let (payload, count) = counted(chunks(1000, 10));
    let mut body = body(payload, 100);
    assert_eq!(refusal(body.read().await), Refusal::BodyTooLarge);
    assert_eq!(count.get(), 110);
    assert!(!body.is_finished());
    assert_eq!(body.refusal().unwrap().refusal().status(), 413);
    assert!(body.take_remaining().is_some());
}

#[actix_web::test]
async fn one_byte_above_the_limit_is_too_much() {
    let mut body = body(Payload::from(Bytes::from_static(b"12345")), 4);
    assert_eq!(refusal(body.read().await), Refusal::BodyTooLarge);
}

#[actix_web::test]
async fn a_slow_body_is_408() {
    tokio::time::pause();
    let mut slow = body(trickled(b"twelve bytes"), 100);
    assert_eq!(refusal(slow.read().await), Refusal::BodyTimeout);
    assert!(!slow.is_finished());
    assert!(slow.take_remaining().is_some());

    let mut in_time = body(trickled(b"nine byte"), 100);
    assert_eq!(in_time.read().await.unwrap(), "nine byte");
}

/// Counts how often it wakes.
#[derive(Default)]
struct Alarm(AtomicUsize);

impl Wake for Alarm {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

/// Polls, so many times in vain and once more; says how often it was woken meanwhile.
fn poll_by_hand<F: Future>(future: F, pending: usize) -> (Poll<F::Output>, usize) {
    let alarm = Arc::new(Alarm::default());
    let waker = Waker::from(Arc::clone(&alarm));
    let mut cx = Context::from_waker(&waker);
    let mut future = std::pin::pin!(future);
    for _ in 0..pending {
        assert!(future.as_mut().poll(&mut cx).is_pending());
    }
    let last = future.poll(&mut cx);
    (last, alarm.0.load(Ordering::Relaxed))
}

/// There is no runtime here: a timer would panic.
#[test]
fn a_body_that_comes_with_its_head_needs_no_timer() {
    // As in actix-http: the handler is called, then the body is found, then the handler is polled.
    let mut polls = 0;
    let late = stream::poll_fn(move |_| {
        polls += 1;
        match polls {
            1 => Poll::Pending,
            2 => Poll::Ready(Some(Ok::<_, Infallible>(Bytes::from_static(b"late")))),
            _ => Poll::Ready(None),
        }
    });
    let mut late = body(payload(late), 100);
    let (read, wakes) = poll_by_hand(late.read(), 1);
    assert!(matches!(read, Poll::Ready(Ok(bytes)) if bytes == "late"));
    assert_eq!(
        wakes, 1,
        "or nobody asks again, and the deadline is never looked at"
    );
}

#[actix_web::test]
async fn a_body_that_does_not_come_is_asked_for_again_once_and_then_at_the_deadline() {
    tokio::time::pause();
    let mut never = body(payload(stream::pending::<Result<_, Infallible>>()), 100);
    {
        let mut read = std::pin::pin!(never.read());
        let (polled, wakes) = poll_by_hand(read.as_mut(), 9);
        assert!(polled.is_pending());
        assert_eq!(
            wakes, 1,
            "more would keep the worker busy until the deadline"
        );
        tokio::time::advance(TIMEOUT + Duration::from_millis(1)).await;
        let (polled, _) = poll_by_hand(read, 0);
        assert!(matches!(polled, Poll::Ready(Err(_))));
    }
    assert_eq!(never.refusal().unwrap().refusal(), Refusal::BodyTimeout);
}

#[actix_web::test]
async fn the_deadline_runs_from_admission() {
    tokio::time::pause();
    let mut body = body(payload(stream::pending::<Result<_, Infallible>>()), 100);
    tokio::time::advance(TIMEOUT - Duration::from_millis(1)).await;
    let before = tokio::time::Instant::now();
    assert_eq!(refusal(body.read().await), Refusal::BodyTimeout);
    assert!(before.elapsed() < Duration::from_secs(1));
}

#[actix_web::test]
async fn an_endless_deadline_does_not_overflow() {
    let mut body = Body::new(Payload::from(Bytes::from_static(b"x")), 1, Duration::MAX);
    assert_eq!(body.read().await.unwrap(), "x");
}

#[actix_web::test]
async fn a_broken_body_is_400_and_has_no_rest() {
    let chunks = [Ok(Bytes::from_static(b"x")), Err(())];
    let mut body = body(payload(stream::iter(chunks)), 100);
    assert_eq!(refusal(body.read().await), Refusal::BodyMalformed);
    assert!(body.is_finished());
}

#[actix_web::test]
async fn a_second_read_is_refused() {
    let mut body = body(Payload::from(Bytes::from_static(b"x")), 100);
    body.read().await.unwrap();
    assert_eq!(refusal(body.read().await), Refusal::NotConfigured);
    assert!(body.take_stream().is_err());
    assert!(!body.is_absent().await);
}

#[actix_web::test]
async fn absence_is_found_without_losing_bytes() {
    assert!(body(Payload::None, 1).is_absent().await);
    assert!(body(Payload::from(Bytes::new()), 1).is_absent().await);

    let (payload, _) = counted([
        Bytes::new(),
        Bytes::from_static(b"ab"),
        Bytes::from_static(b"c"),
    ]);
    let mut present = body(payload, 3);
    assert!(!present.is_absent().await);
    assert!(!present.is_absent().await);
    assert_eq!(present.read().await.unwrap(), "abc");

    let (payload, _) = counted(chunks(1, 10));
    let mut too_large = body(payload, 9);
    assert!(!too_large.is_absent().await);
    assert_eq!(refusal(too_large.read().await), Refusal::BodyTooLarge);
}

#[actix_web::test]
async fn a_stream_ends_at_the_limit_and_comes_back() {
    let (payload, count) = counted(chunks(1000, 10));
    let mut body = body(payload, 15);
    let mut stream = body.take_stream().unwrap();
    assert!(stream.next().await.unwrap().is_ok());
    assert!(body.refusal().is_none());
    for _ in 0..2 {
        assert!(matches!(
            stream.next().await,
            Some(Err(PayloadError::Overflow))
        ));
    }
    assert_eq!(count.get(), 20);
    assert_eq!(body.refusal().unwrap().refusal(), Refusal::BodyTooLarge);
    assert!(body.take_remaining().is_none(), "the handler still has it");
    drop(stream);
    assert_eq!(body.refusal().unwrap().refusal(), Refusal::BodyTooLarge);
    assert!(body.take_remaining().is_some());
    assert!(body.is_finished());
}

#[actix_web::test]
async fn a_stream_ends_at_the_deadline() {
    tokio::time::pause();
    let mut body = body(trickled(b"twelve bytes"), 100);
    let stream = body.take_stream().unwrap();
    let chunks: Vec<_> = stream.take(11).collect().await;
    assert!(matches!(
        chunks.last(),
        Some(Err(PayloadError::Io(error))) if error.kind() == std::io::ErrorKind::TimedOut
    ));
    assert_eq!(body.refusal().unwrap().refusal(), Refusal::BodyTimeout);
}

#[actix_web::test]
async fn a_stream_read_to_its_end_leaves_nothing() {
    let mut body = body(Payload::from(Bytes::from_static(b"x")), 100);
    let mut stream = body.take_stream().unwrap();
    while stream.next().await.is_some() {}
    assert!(!body.is_finished(), "the handler still has it");
    drop(stream);
    assert!(body.is_finished());
}

#[actix_web::test]
async fn draining_is_bounded_in_bytes() {
    let (little, _) = counted(chunks(10, 10));
    let mut little = body(little, 5);
    assert!(little.read().await.is_err());
    assert!(little.drain(90, TIMEOUT).await, "beyond the limit too");
    assert!(little.is_finished());

    let (much, count) = counted(chunks(1000, 10));
    let mut much = body(much, 5);
    assert!(!much.drain(90, TIMEOUT).await);
    assert_eq!(count.get(), 100);
    assert!(much.take_remaining().is_some());

    assert!(body(Payload::None, 0).drain(0, Duration::ZERO).await);
}

#[actix_web::test]
async fn draining_is_bounded_in_time() {
    tokio::time::pause();
    let before = tokio::time::Instant::now();
    let mut body = body(trickled(b"twelve bytes"), 100);
    assert!(!body.drain(1000, Duration::from_millis(200)).await);
    assert!(before.elapsed() < Duration::from_millis(210));
    assert!(body.take_remaining().is_some());
}

struct DropFlag(Rc<Cell<bool>>);

impl Drop for DropFlag {
    fn drop(&mut self) {
        self.0.set(true);
    }
}

#[actix_web::test]
async fn an_answer_owns_the_payload_until_it_was_sent() {
    for (answer, size) in [
        (BoxBody::new("no"), BodySize::Sized(2)),
        (
            BoxBody::new(actix_web::body::None::new()),
            BodySize::Sized(0),
        ),
    ] {
        let dropped = Rc::new(Cell::new(false));
        let flag = DropFlag(Rc::clone(&dropped));
        let unread = payload(
            stream::pending::<Result<_, Infallible>>().inspect(move |_| {
                let _ = &flag;
            }),
        );
        let mut answer = BoxBody::new(UntilSent::new(answer, unread));
        assert_eq!(answer.size(), size);
        let mut sent = 0;
        while let Some(chunk) =
            std::future::poll_fn(|cx| std::pin::Pin::new(&mut answer).poll_next(cx)).await
        {
            sent += chunk.unwrap().len() as u64;
        }
        assert_eq!(BodySize::Sized(sent), size);
        assert!(!dropped.get());
        drop(answer);
        assert!(dropped.get());
    }
}
