//! Records in the Redis that processes share: each question is one script, in the server's time.
//!
//! The scripts say in Lua what `rules.rs` says; tests compare them. No request waits for more than
//! 50 ms. A script that was carried out though its answer did not arrive has counted a failure
//! that was none: in doubt there is one guess less.
//!
//! Keys expire with what they hold. Clients make them: an account that somebody has tried and let
//! go costs about 500 bytes for a day, in a key of the account and one of the pair. Their number is
//! bounded by what one network may do, and by nine tenths of the server's `maxmemory`, from which on
//! logins are refused: the rest is for quotas and revocations, which would be refused with them.

use std::{fmt, sync::Arc, time::Duration};

use super::{
    key::{Key, Subject},
    rules::{Limits, Outcome, Reason, Reservation, Rules, State, Verdict},
};
use crate::store::{Script, Server, Silent, Store};

/// How long a question may take.
const QUESTION: Duration = Duration::from_millis(50);

macro_rules! with_records {
    ($script:literal) => {
        Script::new(concat!(
            include_str!("scripts/records.lua"),
            include_str!($script)
        ))
    };
}

static RESERVE: Script = with_records!("scripts/reserve.lua");
static SETTLE: Script = with_records!("scripts/settle.lua");
static STATE: Script = with_records!("scripts/state.lua");
static FORGIVE: Script = Script::new(include_str!("scripts/forgive.lua"));

pub(super) struct Shared {
    server: Arc<Server>,
    /// Keeps the connection alive.
    _store: Store,
    /// A connection whose answers may take long, where it matters what they are.
    #[cfg(test)]
    patient: Option<crate::store::Connection>,
}

impl Shared {
    pub(super) fn new(store: Store) -> Self {
        // The two that each login needs; the others are sent when somebody asks.
        for script in [&RESERVE, &SETTLE] {
            store.server().keep(script);
        }
        Self {
            server: Arc::clone(store.server()),
            _store: store,
            #[cfg(test)]
            patient: None,
        }
    }

    /// One that waits for its answers.
    #[cfg(test)]
    pub(super) async fn patient(store: Store) -> Self {
        let mut shared = Self::new(store);
        while shared.patient.is_none() {
            shared.patient = shared.server.connect(Duration::from_secs(5)).await.ok();
        }
        shared
    }

    /// Judges an attempt and counts it as a failure. `now` is for tests: else it is the server's.
    pub(super) async fn reserve(
        &self,
        subject: &Subject,
        rules: &Rules,
        now: Option<u64>,
    ) -> Result<Verdict, Silent> {
        let arguments = arguments(now, subject, rules);
        let answer = self.ask(&RESERVE, &self.keys(subject), arguments).await?;
        verdict(&answer).ok_or(Silent)
    }

    /// Says what became of an attempt.
    pub(super) async fn settle(
        &self,
        subject: &Subject,
        rules: &Rules,
        reservation: &Reservation,
        outcome: Outcome,
        now: Option<u64>,
    ) -> Result<(), Silent> {
        let mut arguments = arguments(now, subject, rules);
        let outcome = match outcome {
            Outcome::Neither => "neither",
            Outcome::Success => "success",
        };
        arguments.extend([
            reservation.at.to_string(),
            flag(reservation.known_device),
            outcome.to_owned(),
        ]);
        let keys = self.keys(subject);
        self.ask(&SETTLE, &keys, arguments).await.map(drop)
    }

    pub(super) async fn forgive(
        &self,
        marks: Key,
        enable: bool,
        now: Option<u64>,
    ) -> Result<(), Silent> {
        let arguments = vec![time(now), flag(enable)];
        self.ask(&FORGIVE, &[self.name('m', marks)], arguments)
            .await
            .map(drop)
    }

    pub(super) async fn state(
        &self,
        marks: Key,
        account: Key,
        rules: &Rules,
        now: Option<u64>,
    ) -> Result<State, Silent> {
        let subject = Subject {
            marks,
            account,
            pair: account,
            network: account,
            device: None,
            password: None,
            is_bannable: false,
        };
        let arguments = arguments(now, &subject, rules);
        let answer = self.ask(&STATE, &self.keys(&subject), arguments).await?;
        state(&answer).ok_or(Silent)
    }

    async fn ask(
        &self,
        script: &Script,
        keys: &[String],
        arguments: Vec<String>,
    ) -> Result<Vec<String>, Silent> {
        #[cfg(test)]
        if let Some(patient) = &self.patient {
            let limit = Duration::from_secs(20);
            let answer = script.ask(patient, keys, arguments, limit).await;
            return answer.map_err(|fault| panic!("{fault}"));
        }
        self.server.run(script, keys, arguments, QUESTION).await
    }

    fn keys(&self, subject: &Subject) -> [String; 7] {
        let absent = Key(0);
        let device = subject.device.map_or(absent, |device| device.key);
        [
            self.name('m', subject.marks),
            self.name('a', subject.account),
            self.name('p', subject.pair),
            self.name('n', subject.network),
            self.server.name("login:everybody"),
            self.name('d', device),
            self.name('w', subject.password.unwrap_or(absent)),
        ]
    }

    fn name(&self, kind: char, key: Key) -> String {
        self.server.name(&format!("login:{kind}:{:032x}", key.0))
    }
}

fn arguments(now: Option<u64>, subject: &Subject, rules: &Rules) -> Vec<String> {
    let Rules {
        attempts,
        window,
        lock,
        limits,
    } = rules;
    let Limits {
        free_failures,
        delay,
        max_delay,
        disable_after,
        network_failures,
        network_accounts,
        network_ban,
        max_network_ban,
        password_accounts,
        global_failures,
        device_max_age,
    } = limits;
    let attempt = subject.attempt();
    vec![
        time(now),
        attempts.to_string(),
        window.to_string(),
        lock.to_string(),
        free_failures.to_string(),
        delay.to_string(),
        max_delay.to_string(),
        disable_after.to_string(),
        network_failures.to_string(),
        network_accounts.to_string(),
        password_accounts.to_string(),
        global_failures.to_string(),
        network_ban.to_string(),
        max_network_ban.to_string(),
        device_max_age.to_string(),
        format!("{:016x}", attempt.account),
        attempt.device.unwrap_or(0).to_string(),
        flag(attempt.has_password),
        flag(attempt.is_bannable),
    ]
}

fn time(now: Option<u64>) -> String {
    now.map_or_else(String::new, |now| now.to_string())
}

fn flag(is: bool) -> String {
    if is { "1" } else { "0" }.to_owned()
}

fn verdict(answer: &[String]) -> Option<Verdict> {
    let answer: Vec<&str> = answer.iter().map(String::as_str).collect();
    Some(match answer.as_slice() {
        [
            "admitted",
            at,
            failures,
            locks,
            disables,
            known_device,
            alarm,
        ] => Verdict::Admitted(Reservation {
            at: at.parse().ok()?,
            failures: failures.parse().ok()?,
            locks: *locks == "1",
            disables: *disables == "1",
            known_device: *known_device == "1",
            alarm: *alarm == "1",
        }),
        ["refused", reason, wait] => Verdict::Refused(match *reason {
            "delayed" => Reason::Delayed,
            "disabled" => Reason::Disabled,
            "locked" => Reason::Locked,
            "network" => Reason::Network {
                wait: wait.parse().ok()?,
            },
            "password" => Reason::Password,
            _ => return None,
        }),
        _ => return None,
    })
}

fn state(answer: &[String]) -> Option<State> {
    let [failures, wait, disabled] = answer else {
        return None;
    };
    Some(State {
        failures: failures.parse().ok()?,
        wait: wait.parse().ok()?,
        disabled: disabled == "1",
    })
}

impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shared").finish_non_exhaustive()
    }
}
