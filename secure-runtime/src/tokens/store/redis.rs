//! Sessions that many processes share, in Redis.
//!
//! A hash for each session, which expires by itself; a sorted set of a subject's sessions, by when
//! they were renewed; and one of all, by when they end, which is what the bound counts. Each
//! operation is one script, so one step; what [`present.lua`](self) decides is what
//! [`Session::present`] does, and a test holds the two against each other.
//!
//! A server that is emptied or fails over may lose what it had acknowledged. A session that is lost
//! is a login more. Where only the last rotation is lost, the client's newest token is of a
//! generation that the store does not know, and is refused; the one before is good again, until
//! it or the session ends. The list of revocations has guards of its own.

use std::{borrow::Cow, fmt, sync::Arc, time::Duration};

use aws_lc_rs::digest;
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use redis::{Cmd, FromRedisValue, cmd};
use serde::{Deserialize, Serialize};

use crate::{
    store::{Server, script},
    tokens::{
        Subject, TokenError,
        refresh::{Proof, SessionId},
        session::{Limits, Outcome, Session},
    },
};

/// How long a question may take, as of revocations.
const QUESTION: Duration = Duration::from_millis(50);
/// How long a change may take.
const CHANGE: Duration = Duration::from_millis(90);
/// A session is kept so much longer than it is good, in milliseconds: clocks may differ by that
/// much.
const KEPT_LONGER: u64 = 10 * 60 * 1000;
/// The fields of a session, in the order in which they are read.
const FIELDS: [&str; 6] = [
    "proof",
    "generation",
    "renewed",
    "opened",
    "auth_time",
    "subject",
];

pub(crate) struct RedisSessions {
    limits: Limits,
    /// No handle on the store: the list of revocations beside these sessions has one, and what it
    /// has in the background must end before it does.
    server: Arc<Server>,
    /// All sessions.
    all: String,
    /// What the names of sessions begin with.
    prefix: String,
    /// A connection whose answers may take long, where it matters what they are.
    #[cfg(test)]
    patient: Option<crate::store::Connection>,
}

/// A subject as it is stored.
#[derive(Serialize, Deserialize)]
struct Stored<'a> {
    sub: Cow<'a, str>,
    client_id: Cow<'a, str>,
    roles: Cow<'a, [String]>,
    scopes: Cow<'a, [String]>,
    amr: Cow<'a, [String]>,
}

impl RedisSessions {
    pub(super) fn new(server: Arc<Server>, limits: Limits) -> Self {
        Self {
            limits,
            all: server.name("sessions:all"),
            prefix: server.name("session:"),
            server,
            #[cfg(test)]
            patient: None,
        }
    }

    /// One that waits for its answers.
    #[cfg(test)]
    pub(super) async fn patient(server: Arc<Server>, limits: Limits) -> Self {
        let mut sessions = Self::new(server, limits);
        while sessions.patient.is_none() {
            sessions.patient = sessions.server.connect(Duration::from_secs(5)).await.ok();
        }
        sessions
    }

    pub(super) async fn open(
        &self,
        session: &Session,
        now: u64,
    ) -> Result<Option<SessionId>, TokenError> {
        let Limits {
            absolute,
            max_sessions,
            max_per_subject,
            ..
        } = self.limits;
        let subject = &session.subject;
        let stored = Stored {
            sub: Cow::from(&subject.name),
            client_id: Cow::from(&subject.client_id),
            roles: Cow::from(&subject.roles),
            scopes: Cow::from(&subject.scopes),
            amr: Cow::from(&subject.methods),
        };
        let values = [
            encode(&session.proof),
            session.generation.to_string(),
            session.renewed_at.to_string(),
            session.opened_at.to_string(),
            session.auth_time.to_string(),
            serde_json::to_string(&stored).map_err(|_| TokenError::Undecided)?,
        ];
        let fields = FIELDS.iter().zip(values);
        let arguments = [
            hex(session.id),
            now.to_string(),
            session.deadline(&self.limits).to_string(),
            KEPT_LONGER.to_string(),
            absolute.saturating_add(KEPT_LONGER).to_string(),
            max_per_subject.to_string(),
            max_sessions.to_string(),
            self.prefix.clone(),
            super::SWEPT_PER_CALL.to_string(),
            session.renewed_at.to_string(),
        ];
        let arguments = arguments.into_iter();
        let fields = fields.flat_map(|(name, value)| [(*name).to_owned(), value]);
        let keys = self.keys(session.id, &subject.name);
        let command = script(
            include_str!("scripts/open.lua"),
            &[&keys.0, &keys.1, &self.all],
            arguments.chain(fields),
        );
        let (answer, ended): (String, String) = self.ask(&command, CHANGE).await?;
        match answer.as_str() {
            "opened" => Ok(of_hex(&ended)),
            _ => Err(TokenError::Full { max_sessions }),
        }
    }

    pub(super) async fn find(&self, id: SessionId) -> Result<Option<Session>, TokenError> {
        let mut command = cmd("HMGET");
        command.arg(self.name(id)).arg(&FIELDS);
        let row: Vec<Option<String>> = self.ask(&command, QUESTION).await?;
        match row.into_iter().collect::<Option<Vec<_>>>() {
            None => Ok(None),
            Some(row) => read(id, &row).map(Some).ok_or(TokenError::Undecided),
        }
    }

    pub(super) async fn present(
        &self,
        session: &Session,
        generation: u32,
        proof: &Proof,
        now: u64,
    ) -> Result<(Outcome, Option<Session>), TokenError> {
        let Limits {
            idle,
            absolute,
            grace,
            ..
        } = self.limits;
        let keys = self.keys(session.id, &session.subject.name);
        let arguments = [
            hex(session.id),
            generation.to_string(),
            encode(proof),
            now.to_string(),
            idle.to_string(),
            absolute.to_string(),
            grace.to_string(),
            KEPT_LONGER.to_string(),
            absolute.saturating_add(KEPT_LONGER).to_string(),
        ];
        let command = script(
            include_str!("scripts/present.lua"),
            &[&keys.0, &keys.1, &self.all],
            arguments,
        );
        let (outcome, newest, renewed_at): (String, u32, u64) = self.ask(&command, CHANGE).await?;
        let outcome = match outcome.as_str() {
            "expired" => Outcome::Expired,
            "retried" => Outcome::Retried,
            "reused" => Outcome::Reused,
            "rotated" => Outcome::Rotated,
            _ => return Ok((Outcome::Unknown, None)),
        };
        let session = Session {
            generation: newest,
            renewed_at,
            ..session.clone()
        };
        Ok((outcome, Some(session)))
    }

    pub(super) async fn end(&self, id: SessionId, subject: &str) -> Result<bool, TokenError> {
        let keys = self.keys(id, subject);
        let command = script(
            include_str!("scripts/end.lua"),
            &[&keys.0, &keys.1, &self.all],
            [hex(id), subject.to_owned()],
        );
        self.ask(&command, CHANGE).await
    }

    pub(super) async fn end_all(
        &self,
        subject: &str,
        keep: Option<SessionId>,
    ) -> Result<Vec<SessionId>, TokenError> {
        let command = script(
            include_str!("scripts/end_all.lua"),
            &[&self.name_of_list(subject), &self.all],
            [keep.map(hex).unwrap_or_default(), self.prefix.clone()],
        );
        let ended: Vec<String> = self.ask(&command, CHANGE).await?;
        Ok(ended.iter().filter_map(|id| of_hex(id)).collect())
    }

    pub(super) async fn list(&self, subject: &str, now: u64) -> Result<Vec<Session>, TokenError> {
        let arguments = [self.prefix.as_str()].into_iter().chain(FIELDS);
        let command = script(
            include_str!("scripts/list.lua"),
            &[&self.name_of_list(subject)],
            arguments.map(str::to_owned),
        );
        let rows: Vec<Vec<String>> = self.ask(&command, QUESTION).await?;
        let sessions = rows.iter().map(|row| {
            let (id, fields) = row.split_first()?;
            read(of_hex(id)?, fields)
        });
        let mut sessions: Vec<_> = sessions
            .collect::<Option<_>>()
            .ok_or(TokenError::Undecided)?;
        sessions.retain(|session| now < session.deadline(&self.limits));
        Ok(sessions)
    }

    pub(super) async fn count(&self) -> Result<usize, TokenError> {
        let mut command = cmd("ZCARD");
        command.arg(&self.all);
        self.ask(&command, QUESTION).await
    }

    async fn ask<T: FromRedisValue>(
        &self,
        command: &Cmd,
        limit: Duration,
    ) -> Result<T, TokenError> {
        #[cfg(test)]
        if let Some(patient) = &self.patient {
            let answer = patient.ask(command, Duration::from_secs(20)).await;
            return answer.map_err(|fault| panic!("{fault}"));
        }
        let answer = self.server.ask(command, limit).await;
        answer.map_err(|_| TokenError::Undecided)
    }

    fn name(&self, id: SessionId) -> String {
        format!("{}{}", self.prefix, hex(id))
    }

    /// By a hash: a subject may be long, and is nobody's business who lists the names of keys.
    fn name_of_list(&self, subject: &str) -> String {
        let hash = digest::digest(&digest::SHA256, subject.as_bytes());
        let hash = URL_SAFE_NO_PAD.encode(hash);
        self.server.name(&format!("sessions:of:{hash}"))
    }

    fn keys(&self, id: SessionId, subject: &str) -> (String, String) {
        (self.name(id), self.name_of_list(subject))
    }
}

fn read(id: SessionId, fields: &[String]) -> Option<Session> {
    let [proof, generation, renewed_at, opened_at, auth_time, subject] = fields else {
        return None;
    };
    let stored: Stored<'_> = serde_json::from_str(subject).ok()?;
    let mut subject = Subject::new(stored.sub, stored.client_id);
    subject.roles = stored.roles.into_owned();
    subject.scopes = stored.scopes.into_owned();
    subject.methods = stored.amr.into_owned();
    Some(Session {
        id,
        subject: Arc::new(subject),
        auth_time: auth_time.parse().ok()?,
        opened_at: opened_at.parse().ok()?,
        renewed_at: renewed_at.parse().ok()?,
        generation: generation.parse().ok()?,
        proof: Proof(URL_SAFE_NO_PAD.decode(proof).ok()?.try_into().ok()?),
    })
}

fn encode(proof: &Proof) -> String {
    URL_SAFE_NO_PAD.encode(proof.0)
}

/// In hexadecimal, ids have the order of their bytes, as they have in memory.
fn hex(id: SessionId) -> String {
    format!("{:032x}", u128::from_be_bytes(id.0))
}

fn of_hex(text: &str) -> Option<SessionId> {
    let number = u128::from_str_radix(text, 16).ok()?;
    (text.len() == 32).then(|| SessionId(number.to_be_bytes()))
}

impl fmt::Debug for RedisSessions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisSessions").finish_non_exhaustive()
    }
}
