//! One attempt to log in: what happens before the handler and after it, and what is answered.
//!
//! A wrong password, an account that does not exist, one that is locked, one that has to wait and
//! one that is disabled are answered alike: one row of the table of refusals, at the same pace.
//! Only the network is told when to come back, which says nothing of any account.

use std::sync::{Arc, atomic::Ordering};

use actix_web::http::{
    StatusCode,
    header::{HeaderMap, HeaderValue},
};

use super::{
    Handler, Logins,
    key::{MAX_ACCOUNT_BYTES, Subject, normal},
    pace::Start,
    rules::{Outcome, Reason, Reservation, Verdict},
    store::Place,
};
use crate::{
    address::ClientAddress,
    policy::Policy,
    private::Identifier,
    rejection::{Refusal, Rejection},
};

/// What a request says of itself.
pub(crate) struct Presented<'a> {
    pub(crate) address: ClientAddress,
    /// Whether it is the address of a client, and not of a proxy, of this machine, or unknown.
    pub(crate) is_bannable: bool,
    pub(crate) headers: &'a HeaderMap,
    pub(crate) account: Identifier,
    pub(crate) password: Option<Identifier>,
}

/// An attempt whose password is being checked. It has failed, unless it is settled.
#[derive(Debug)]
pub(crate) struct Attempt {
    logins: Logins,
    handler: Arc<Handler>,
    subject: Subject,
    reservation: Reservation,
    place: Place,
    start: Start,
}

/// What becomes of the handler's answer.
pub(crate) enum Settled {
    /// Another goes out in its place.
    Failed(Rejection),
    /// It goes out as it is.
    Neither,
    /// It goes out with this cookie.
    Succeeded(Option<HeaderValue>),
}

impl Logins {
    /// Judges an attempt, and counts it as a failure.
    pub(crate) async fn begin(
        &self,
        policy: &'static Policy,
        presented: Presented<'_>,
    ) -> Result<Attempt, Rejection> {
        let parts = &*self.0;
        let start = Start::now(&parts.clock);
        let handler = self.handler(policy)?;
        if presented.account.len() > MAX_ACCOUNT_BYTES {
            handler.pace.unchecked(start, &parts.clock).await;
            let reason = "login: the name of the account is too long";
            return Err(Rejection::new(Refusal::LoginFailed, reason));
        }
        let subject = self.subject(&handler, &presented);
        let (verdict, place) = parts
            .store
            .reserve(&subject, &handler.rules, policy.outage)
            .await?;
        let reservation = match verdict {
            Verdict::Admitted(reservation) => reservation,
            Verdict::Refused(reason) => {
                return Err(self.refuse(&handler, &subject, reason, start).await);
            }
        };
        self.note_alarm(reservation.alarm);
        parts.counts.checked.fetch_add(1, Ordering::Relaxed);
        Ok(Attempt {
            logins: self.clone(),
            handler,
            subject,
            reservation,
            place,
            start,
        })
    }

    fn subject(&self, handler: &Handler, presented: &Presented<'_>) -> Subject {
        let parts = &*self.0;
        let secret = &parts.secret;
        let name = normal(&presented.account);
        let route = handler.policy.handler;
        let account = secret.account(route, &name);
        let network = secret.network(presented.address.network(parts.ipv6_prefix));
        let password = presented.password.as_ref();
        Subject {
            marks: secret.marks(&name),
            account,
            pair: secret.pair(account, network),
            network,
            device: handler.cookies.find(secret, presented.headers, account),
            password: password.map(|password| secret.password(route, password)),
            is_bannable: presented.is_bannable,
        }
    }

    /// The answer to an attempt whose password is not checked.
    async fn refuse(
        &self,
        handler: &Handler,
        subject: &Subject,
        reason: Reason,
        start: Start,
    ) -> Rejection {
        let Self(parts) = self;
        let counts = &parts.counts;
        let (count, why) = match reason {
            Reason::Delayed => (
                &counts.refused_for_account,
                "login: too soon after a failure",
            ),
            Reason::Disabled => (
                &counts.refused_for_account,
                "login: the account is disabled",
            ),
            Reason::Locked => (&counts.refused_for_account, "login: the account is locked"),
            Reason::Network { .. } => (
                &counts.refused_for_network,
                "login: too many failures from this network",
            ),
            Reason::Password => (
                &counts.refused_for_password,
                "login: the password fails at many accounts",
            ),
        };
        count.fetch_add(1, Ordering::Relaxed);
        let rejection = match reason {
            Reason::Network { wait } => Rejection::new(Refusal::QuotaExceeded, why)
                .with_retry_after(wait.div_ceil(1000).max(1)),
            _ => {
                handler.pace.unchecked(start, &parts.clock).await;
                Rejection::new(Refusal::LoginFailed, why)
            }
        };
        rejection
            .with_event("authn_login_fail_max")
            .with_account(prefix(subject))
    }

    /// Says once when too many begin to fail everywhere, and once when that ends.
    fn note_alarm(&self, alarm: bool) {
        if self.0.alarmed.swap(alarm, Ordering::Relaxed) == alarm {
            return;
        }
        match alarm {
            true => tracing::warn!(
                target: "secure_runtime::audit",
                event = "excess_login_failures",
                "too many logins fail: networks without an earlier success have one attempt a minute"
            ),
            false => tracing::info!(
                target: "secure_runtime::audit",
                event = "excess_login_failures_end",
                "logins fail as often as usual again"
            ),
        }
    }
}

impl Attempt {
    /// Says what became of it, by the status of the handler's answer.
    pub(crate) async fn settle(self, status: StatusCode) -> Settled {
        let parts = &*self.logins.0;
        let counts = &parts.counts;
        if status == StatusCode::UNAUTHORIZED {
            counts.failed.fetch_add(1, Ordering::Relaxed);
            self.audit_failure();
            self.handler.pace.checked(self.start, &parts.clock).await;
            let why = "login: the handler says that the password is wrong";
            let rejection = Rejection::new(Refusal::LoginFailed, why);
            return Settled::Failed(rejection.with_account(prefix(&self.subject)));
        }
        let outcome = match status.is_success() {
            true => Outcome::Success,
            false => Outcome::Neither,
        };
        let Self {
            subject,
            reservation,
            place,
            ..
        } = &self;
        parts
            .store
            .settle(*place, subject, &self.handler.rules, reservation, outcome)
            .await;
        if outcome == Outcome::Neither {
            return Settled::Neither;
        }
        counts.succeeded.fetch_add(1, Ordering::Relaxed);
        self.audit_success();
        // A recovery is later or earlier than it by one clock: that of the records. What this process
        // judges alone, by its own, is no proof to the others.
        if !parts.store.is_authority(*place) {
            return Settled::Succeeded(None);
        }
        let known = subject.device.filter(|_| reservation.known_device);
        let cookies = &self.handler.cookies;
        Settled::Succeeded(cookies.issue(&parts.secret, subject.account, known, reservation.at))
    }

    fn audit_success(&self) {
        let (handler, account) = (self.handler.policy.handler, prefix(&self.subject));
        let failures = self.reservation.failures;
        match failures {
            0 => tracing::info!(
                target: "secure_runtime::audit",
                event = "authn_login_success", handler, account
            ),
            _ => tracing::info!(
                target: "secure_runtime::audit",
                event = "authn_login_successafterfail", handler, account, failures
            ),
        }
    }

    /// The failure itself is logged with its refusal.
    fn audit_failure(&self) {
        let (handler, account) = (self.handler.policy.handler, prefix(&self.subject));
        let Reservation {
            locks, disables, ..
        } = self.reservation;
        let reason = match (disables, locks) {
            (true, _) => "too many failures in a row: it is disabled",
            (false, true) => "too many failures in the window",
            (false, false) => return,
        };
        tracing::warn!(
            target: "secure_runtime::audit",
            event = "authn_login_lock", handler, account, reason
        );
    }
}

/// Enough of a key to find what belongs together in a log.
fn prefix(subject: &Subject) -> String {
    format!("{:08x}", subject.account.half() >> 32)
}
