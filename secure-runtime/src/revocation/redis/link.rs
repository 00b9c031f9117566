//! A connection to the server that holds the entries, and what can be asked over it.

use std::{sync::Arc, time::Duration};

use redis::{Cmd, FromRedisValue, Value, cmd};

use super::{
    SETTLE,
    fault::Fault,
    record::{Change, CutOff, Record, encode},
};
use crate::{
    revocation::RevocationTarget,
    store::{self, Connection, Server, random_id, script},
};

/// An entry is kept so much longer than it is needed: clocks may differ by that much.
const KEPT_LONGER: Duration = Duration::from_secs(10 * 60);
/// A request that is repeated later than this is taken for a new one.
const REQUEST_REMEMBERED: Duration = Duration::from_secs(10 * 60);
/// Lines of the stream. Who was away for more starts over.
const STREAM_LENGTH: usize = 10_000;
/// Lines that are read at once.
const LINES: usize = 1000;
/// Entries that are read at once. The server does nothing else meanwhile, for a few milliseconds.
const CHUNK: usize = 5000;
/// Of so many entries at once that were lost there are lines in the stream.
const MOST_LINES: usize = 100;
/// Who is silent for so long while it tells what was lost is waited for no longer.
const WAIT_FOR_TELLER: Duration = Duration::from_secs(5);
/// Tellers that never end hold up the others for so long.
const WAIT_FOR_ALL: Duration = Duration::from_secs(60);

/// The names of all keys.
#[derive(Debug)]
pub(super) struct Names {
    entries: String,
    expiry: String,
    state: String,
    stream: String,
    request: String,
    tellers: String,
}

/// The key that says what the store is at: `run` is the identity of its memory, and `opened` the
/// server's time, in milliseconds, at which something was last found lost, or may have been. Every
/// process looks after it all the time; others may read it.
pub(crate) fn state_name(server: &Server) -> String {
    name(server, "state")
}

fn name(server: &Server, last: &str) -> String {
    server.name(&format!("revocation:{last}"))
}

impl Names {
    pub(super) fn new(server: &Server) -> Self {
        let name = |last: &str| name(server, last);
        Self {
            entries: name("entries"),
            expiry: name("expiry"),
            state: state_name(server),
            stream: name("stream"),
            request: name("request"),
            tellers: name("tellers"),
        }
    }
}

/// What the store is at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct State {
    /// Which contents: changes whenever some may have been lost. Empty where there are none.
    pub(super) epoch: String,
    /// How many changes there were.
    pub(super) sequence: u64,
    /// The server's time, in milliseconds since 1970.
    pub(super) now: u64,
    /// From when on everybody has told what may have been lost.
    settled: u64,
}

impl State {
    pub(super) fn is_settled(&self) -> bool {
        self.settled <= self.now
    }
}

/// One change, to be made exactly once however often it is sent.
#[derive(Clone, Debug)]
pub(super) struct Request {
    pub(super) id: String,
    pub(super) target: RevocationTarget,
    /// `None` lifts the entry.
    pub(super) cut_off: Option<CutOff>,
}

/// A connection, and what revocations ask over it.
#[derive(Debug)]
pub(super) struct Link {
    connection: Arc<Connection>,
    names: Arc<Names>,
}

impl Link {
    pub(super) fn new(connection: Arc<Connection>, names: &Arc<Names>) -> Self {
        Self {
            connection,
            names: Arc::clone(names),
        }
    }

    pub(super) fn connection(&self) -> &Arc<Connection> {
        &self.connection
    }

    /// Makes sure that the store has an epoch, and says which.
    pub(super) async fn open(&self, limit: Duration) -> Result<State, Fault> {
        let command = script(
            include_str!("scripts/open.lua"),
            &[&self.names.state, &self.names.stream, &self.names.tellers],
            [
                self.connection.run().to_owned(),
                random_id(),
                SETTLE.as_millis().to_string(),
            ],
        );
        let values = self.connection.ask::<Vec<Value>>(&command, limit).await?;
        state(values).map(|(state, _)| state)
    }

    /// What the store is at, which is the one that was opened.
    pub(super) async fn beat(&self, limit: Duration) -> Result<State, Fault> {
        let command = script(
            include_str!("scripts/beat.lua"),
            &[&self.names.state, &self.names.entries, &self.names.expiry],
            [],
        );
        let values = self.connection.ask::<Vec<Value>>(&command, limit).await?;
        // INVARIANT: after the beat. A copy of an older memory has the same epoch.
        self.connection.check_run(limit).await?;
        state(values).map(|(state, _)| state)
    }

    /// The current entries of some keys; `None` where there is none.
    pub(super) async fn entries(
        &self,
        targets: &[RevocationTarget],
        limit: Duration,
    ) -> Result<(State, Vec<Option<Change>>), Fault> {
        let encoded = targets.iter().map(encode).collect::<Vec<_>>();
        let command = script(
            include_str!("scripts/ask.lua"),
            &[&self.names.state, &self.names.entries],
            std::iter::once(self.connection.run().to_owned()).chain(encoded.iter().cloned()),
        );
        let values = self.connection.ask::<Vec<Value>>(&command, limit).await?;
        let (state, values) = state(values)?;
        let mut values = values.into_iter();
        let entries = encoded.iter().map(|key| {
            match values.next().map(Option::<String>::from_redis_value) {
                // An array of a script ends at its last value.
                None | Some(Ok(None)) => Ok(None),
                Some(Ok(Some(value))) => Change::decode(key, &value)
                    .map(Some)
                    .ok_or(store::Fault::Foreign),
                Some(Err(_)) => Err(store::Fault::Foreign),
            }
        });
        let entries = entries.collect::<Result<_, _>>()?;
        Ok((state, entries))
    }

    /// Makes a change, and says what the entry is now.
    pub(super) async fn write(
        &self,
        request: &Request,
        limit: Duration,
    ) -> Result<(State, Option<Change>), Fault> {
        let (mode, [cut_off, forget_at]) = match request.cut_off {
            Some(cut_off) => ("publish", cut_off.encode()),
            None => ("lift", [String::from("0"), String::from("0")]),
        };
        let names = &self.names;
        let key = encode(&request.target);
        let command = script(
            include_str!("scripts/write.lua"),
            &[
                &names.state,
                &names.entries,
                &names.expiry,
                &names.stream,
                &format!("{}:{}", names.request, request.id),
            ],
            [
                mode.to_owned(),
                REQUEST_REMEMBERED.as_millis().to_string(),
                STREAM_LENGTH.to_string(),
                KEPT_LONGER.as_millis().to_string(),
                self.connection.run().to_owned(),
                key.clone(),
                cut_off,
                forget_at,
            ],
        );
        let (state, rest) = state(self.written(&command, limit).await?)?;
        let value = rest.into_iter().next().map(String::from_redis_value);
        match value {
            Some(Ok(value)) => Ok((state, Change::decode(&key, &value))),
            _ => Err(store::Fault::Foreign.into()),
        }
    }

    /// Tells the store what it may have lost; what it knows better stays.
    pub(super) async fn merge(&self, records: Vec<Record>, limit: Duration) -> Result<(), Fault> {
        let names = &self.names;
        let mut arguments = vec![
            self.connection.run().to_owned(),
            STREAM_LENGTH.to_string(),
            KEPT_LONGER.as_millis().to_string(),
            MOST_LINES.to_string(),
        ];
        arguments.extend(records.iter().flat_map(|record| {
            let cut_off = CutOff::At {
                cut_off_ms: record.cut_off_ms,
                forget_at_ms: record.forget_at_ms,
            };
            let [cut_off, forget_at] = cut_off.encode();
            [encode(&record.target), cut_off, forget_at]
        }));
        let command = script(
            include_str!("scripts/merge.lua"),
            &[&names.state, &names.entries, &names.expiry, &names.stream],
            arguments,
        );
        self.written(&command, limit).await.map(drop)
    }

    /// Has everybody wait for `teller`, who tells what was lost; or no longer.
    pub(super) async fn hold(
        &self,
        teller: &str,
        is_telling: bool,
        limit: Duration,
    ) -> Result<(), Fault> {
        let wait = if is_telling {
            WAIT_FOR_TELLER
        } else {
            Duration::ZERO
        };
        let command = script(
            include_str!("scripts/hold.lua"),
            &[&self.names.state, &self.names.tellers],
            [
                self.connection.run().to_owned(),
                teller.to_owned(),
                wait.as_millis().to_string(),
                SETTLE.as_millis().to_string(),
                WAIT_FOR_ALL.as_millis().to_string(),
            ],
        );
        let answer = self.connection.ask::<String>(&command, limit).await?;
        match answer.as_str() {
            "empty" => Err(Fault::Emptied),
            _ => Ok(()),
        }
    }

    async fn written(&self, command: &Cmd, limit: Duration) -> Result<Vec<Value>, Fault> {
        let values = self.connection.ask::<Vec<Value>>(command, limit).await?;
        match values.first() {
            Some(Value::BulkString(word)) if word == b"empty" => Err(Fault::Emptied),
            _ => Ok(values),
        }
    }

    /// Where the next part of all entries begins, and a part as it is written there; 0 is begin
    /// and end.
    pub(super) async fn scan(
        &self,
        from: u64,
        limit: Duration,
    ) -> Result<(u64, Vec<(String, String)>), Fault> {
        let mut command = cmd("HSCAN");
        command.arg(&self.names.entries).arg(from);
        command.arg("COUNT").arg(CHUNK);
        Ok(self.connection.ask(&command, limit).await?)
    }

    /// The changes after `sequence`; waits up to `wait` for one. `None` where the next one is no
    /// longer, or not yet, in the stream.
    pub(super) async fn follow(
        &self,
        sequence: u64,
        wait: Duration,
        limit: Duration,
    ) -> Result<Option<Vec<(u64, Change)>>, Fault> {
        type Line = (String, Vec<String>);
        let mut command = cmd("XREAD");
        command.arg("COUNT").arg(LINES);
        let millis = u64::try_from(wait.as_millis()).unwrap_or(u64::MAX);
        command.arg("BLOCK").arg(millis.max(1));
        command.arg("STREAMS").arg(&self.names.stream);
        command.arg(format!("{sequence}-0"));
        let read = self
            .connection
            .ask::<Option<Vec<(String, Vec<Line>)>>>(&command, wait + limit);
        let mut lines = Vec::new();
        let mut last = sequence;
        for (id, fields) in read
            .await?
            .into_iter()
            .flatten()
            .flat_map(|(_, lines)| lines)
        {
            let number = id.split('-').next().and_then(|number| number.parse().ok());
            let number = number.ok_or(store::Fault::Foreign)?;
            if number != last + 1 {
                return Ok(None);
            }
            last = number;
            let [_, key, _, value] = fields.as_slice() else {
                return Err(store::Fault::Foreign.into());
            };
            lines.push((
                number,
                Change::decode(key, value).ok_or(store::Fault::Foreign)?,
            ));
        }
        Ok(Some(lines))
    }

    /// Facts about the server, as `INFO` writes them, and settings where it tells them.
    pub(super) async fn facts(&self, limit: Duration) -> Result<String, Fault> {
        let mut facts = String::new();
        for section in ["memory", "persistence", "replication"] {
            let mut command = cmd("INFO");
            command.arg(section);
            facts += &self.connection.ask::<String>(&command, limit).await?;
        }
        for setting in ["save", "min-replicas-to-write"] {
            let mut command = cmd("CONFIG");
            command.arg("GET").arg(setting);
            // Hosted servers refuse that.
            if let Ok(answer) = self.connection.ask::<Vec<String>>(&command, limit).await
                && let Some(value) = answer.get(1)
            {
                facts += &format!("config:{setting}:{value}\r\n");
            }
        }
        Ok(facts)
    }
}

fn state(values: Vec<Value>) -> Result<(State, Vec<Value>), Fault> {
    let mut values = values.into_iter();
    let epoch = values.next().map(String::from_redis_value);
    let sequence = values.next().map(u64::from_redis_value);
    let now = values.next().map(u64::from_redis_value);
    let (Some(Ok(epoch)), Some(Ok(sequence)), Some(Ok(now))) = (epoch, sequence, now) else {
        return Err(store::Fault::Foreign.into());
    };
    let mut rest = values.collect::<Vec<_>>();
    let settled = match rest.first() {
        Some(Value::Int(settled)) => u64::try_from(*settled).unwrap_or(0),
        _ => u64::MAX,
    };
    if settled != u64::MAX {
        rest.remove(0);
    }
    let state = State {
        epoch,
        sequence,
        now,
        settled,
    };
    Ok((state, rest))
}
