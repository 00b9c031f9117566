//! What several topics share: a journal of what happened in which order, uploads that watch their
//! reader, the log as it is written, and handlers whose policy is chosen at run time.

use std::{
    cell::RefCell,
    collections::VecDeque,
    fmt,
    pin::Pin,
    sync::Once,
    task::{Context, Poll},
};

use actix_web::{
    Handler,
    dev::Payload,
    error::PayloadError,
    http::{Method, header::WWW_AUTHENTICATE},
};
use bytes::Bytes;
use futures_util::{Stream, future::LocalBoxFuture};
use secure_runtime::{
    Access, Policy, Secured,
    private::{self, Call, Refused},
    testing::TestResponse,
};
use serde_json::Value;
use tracing::{
    Event, Metadata, Subscriber,
    field::{Field, Visit},
    span,
};

/// Something that happened while a request was served.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Moment {
    /// The body was asked for bytes.
    Polled,
    /// The handler's own code ran.
    Ran,
    /// A refusal was decided.
    Refused,
}

thread_local! {
    static JOURNAL: RefCell<Vec<Moment>> = const { RefCell::new(Vec::new()) };
}

/// Writes into the journal of this thread.
pub(crate) fn note(moment: Moment) {
    JOURNAL.with_borrow_mut(|journal| journal.push(moment));
}

/// What happened since the last call.
pub(crate) fn take_journal() -> Vec<Moment> {
    JOURNAL.take()
}

/// How an [`Upload`] goes on when its chunks are sent.
#[derive(Clone, Copy, Debug)]
pub(crate) enum End {
    /// The connection breaks.
    Broken,
    /// The client sends more and more.
    Endless,
    /// The client is done.
    Finished,
    /// The client says nothing more.
    Silent,
}

/// A body of unknown length that notes in the journal when it is asked for.
pub(crate) struct Upload {
    chunks: VecDeque<Bytes>,
    end: End,
}

impl Upload {
    pub(crate) fn new(chunks: impl IntoIterator<Item = impl Into<Bytes>>, end: End) -> Self {
        Self {
            chunks: chunks.into_iter().map(Into::into).collect(),
            end,
        }
    }

    /// One chunk, and no end.
    pub(crate) fn silent_after(chunk: impl Into<Bytes>) -> Self {
        Self::new([chunk.into()], End::Silent)
    }
}

/// What an endless upload sends each time.
pub(crate) const ENDLESS_CHUNK: usize = 4096;

impl Stream for Upload {
    type Item = Result<Bytes, PayloadError>;

    fn poll_next(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        note(Moment::Polled);
        if let Some(chunk) = self.chunks.pop_front() {
            return Poll::Ready(Some(Ok(chunk)));
        }
        match self.end {
            End::Broken => Poll::Ready(Some(Err(PayloadError::Incomplete(None)))),
            End::Endless => Poll::Ready(Some(Ok(Bytes::from_static(&[b' '; ENDLESS_CHUNK])))),
            End::Finished => Poll::Ready(None),
            End::Silent => Poll::Pending,
        }
    }
}

impl From<Upload> for Payload {
    fn from(upload: Upload) -> Self {
        Self::Stream {
            payload: Box::pin(upload),
        }
    }
}

/// One record of the log.
#[derive(Clone, Debug)]
pub(crate) struct Record {
    pub(crate) target: String,
    pub(crate) fields: Vec<(String, String)>,
}

impl Record {
    pub(crate) fn field(&self, name: &str) -> Option<&str> {
        self.fields
            .iter()
            .find(|(known, _)| known == name)
            .map(|(_, value)| value.as_str())
    }
}

/// The log of this thread, of every target, from now until it is dropped.
pub(crate) struct Log(());

thread_local! {
    static LOG: RefCell<Option<Vec<Record>>> = const { RefCell::new(None) };
}

impl Log {
    pub(crate) fn capture() -> Self {
        // One for the process: tracing asks a subscriber of one thread on behalf of all.
        static INSTALLED: Once = Once::new();
        INSTALLED.call_once(|| {
            tracing::subscriber::set_global_default(Recorder).unwrap();
            tracing::callsite::rebuild_interest_cache();
        });
        LOG.set(Some(Vec::new()));
        Self(())
    }

    /// The records since the last call.
    pub(crate) fn take(&self) -> Vec<Record> {
        LOG.replace(Some(Vec::new())).unwrap()
    }

    /// The audit records since the last call.
    pub(crate) fn take_audit(&self) -> Vec<Record> {
        let mut records = self.take();
        records.retain(|record| record.target == "secure_runtime::audit");
        records
    }
}

impl Drop for Log {
    fn drop(&mut self) {
        LOG.set(None);
    }
}

struct Recorder;

fn keep(record: Record) {
    LOG.with_borrow_mut(|log| {
        if let Some(log) = log {
            if record.target == "secure_runtime::audit" {
                note(Moment::Refused);
            }
            log.push(record);
        }
    });
}

impl Subscriber for Recorder {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }

    fn new_span(&self, attributes: &span::Attributes<'_>) -> span::Id {
        // Values of spans reach the log too.
        let mut record = Record {
            target: attributes.metadata().target().to_owned(),
            fields: Vec::new(),
        };
        attributes.record(&mut record);
        keep(record);
        span::Id::from_u64(1)
    }

    fn record(&self, _: &span::Id, values: &span::Record<'_>) {
        let mut record = Record {
            target: "span".to_owned(),
            fields: Vec::new(),
        };
        values.record(&mut record);
        keep(record);
    }

    fn record_follows_from(&self, _: &span::Id, _: &span::Id) {}

    fn event(&self, event: &Event<'_>) {
        let mut record = Record {
            target: event.metadata().target().to_owned(),
            fields: Vec::new(),
        };
        event.record(&mut record);
        keep(record);
    }

    fn enter(&self, _: &span::Id) {}

    fn exit(&self, _: &span::Id) {}
}

impl Visit for Record {
    fn record_str(&mut self, field: &Field, value: &str) {
        self.fields
            .push((field.name().to_owned(), value.to_owned()));
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.fields
            .push((field.name().to_owned(), format!("{value:?}")));
    }
}

/// A policy that a test changes with `..public()`: nothing is asked.
pub(crate) fn public() -> Policy {
    Policy {
        handler: "suite::judged",
        file: file!(),
        line: line!(),
        access: Access::Public { reason: None },
        outage: secure_runtime::Outage::Deny,
        quotas: &[],
        cost: 1,
        concurrency: None,
        priority: secure_runtime::Priority::Normal,
        max_body: 1000,
        body_timeout: std::time::Duration::from_secs(10),
        allow: None,
        login: None,
        inputs: &[],
    }
}

/// A handler that asks for the policy that `policy` gives at the time, and answers `through`.
pub(crate) fn judged(
    policy: impl Fn() -> &'static Policy + Clone + 'static,
) -> impl Handler<(Call,), Output = Secured, Future = LocalBoxFuture<'static, Secured>> {
    move |call: Call| -> LocalBoxFuture<'static, Secured> {
        let policy = policy();
        Box::pin(async move {
            let outcome: Result<Secured, Refused> = async {
                let mut admission = call.admit(policy);
                let admitted = admission.judged().await?;
                let response = private::response(admitted, "through");
                Ok(private::respond(admitted, response).await)
            }
            .await;
            outcome.into()
        })
    }
}

/// The pointers of a refusal's errors.
pub(crate) fn pointers(response: &TestResponse) -> Vec<String> {
    let problem: Value = response.json();
    let errors = problem.get("errors").and_then(Value::as_array);
    errors
        .into_iter()
        .flatten()
        .map(|error| error["pointer"].as_str().unwrap().to_owned())
        .collect()
}

/// The challenge of a 401 or 403.
pub(crate) fn challenge(response: &TestResponse) -> &str {
    assert_eq!(response.headers().get_all(WWW_AUTHENTICATE).count(), 1);
    response.header("www-authenticate").unwrap()
}

/// All methods that actix has a name for, but for CONNECT.
pub(crate) const METHODS: [Method; 8] = [
    Method::DELETE,
    Method::GET,
    Method::HEAD,
    Method::OPTIONS,
    Method::PATCH,
    Method::POST,
    Method::PUT,
    Method::TRACE,
];
