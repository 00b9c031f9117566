//! Random schedules of opening, refreshing, stealing and waiting, against a model that keeps every
//! token that there ever was in a list.

use proptest::{collection::vec, prelude::*};

use super::*;

#[derive(Clone, Debug)]
enum Step {
    /// A subject logs in.
    Open(u8),
    /// Presents one of all tokens that were ever issued, counted from the newest.
    Refresh(u8),
    /// Ends the session of one of them.
    End(u8),
    EndAll(u8),
    /// Seconds.
    Wait(u32),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        2 => (0..3_u8).prop_map(Step::Open),
        // Mostly new ones: else every session ends at its second step.
        6 => prop_oneof![3 => 0..4_u8, 1 => 0..60_u8].prop_map(Step::Refresh),
        1 => (0..8_u8).prop_map(Step::End),
        1 => (0..3_u8).prop_map(Step::EndAll),
        3 => prop_oneof![3 => 0..12_u32, 1 => 0..400_u32, 1 => 0..4000_u32].prop_map(Step::Wait),
    ]
}

const IDLE: u64 = 1800;
const ABSOLUTE: u64 = 5400;
const GRACE: u64 = 10;
const MAX_PER_SUBJECT: usize = 3;

/// A session as the model knows it: its tokens by their texts, each with when it was spent.
struct Family {
    subject: u8,
    opened: u64,
    renewed: u64,
    ended: bool,
    tokens: Vec<String>,
}

impl Family {
    fn is_over(&self, now: u64) -> bool {
        self.ended || now >= self.renewed + IDLE || now >= self.opened + ABSOLUTE
    }
}

async fn run(steps: &[Step]) {
    let rig = rig_with(|settings| {
        settings.access_lifetime = MINUTE * 5;
        settings.idle_lifetime = Duration::from_secs(IDLE);
        settings.absolute_lifetime = Duration::from_secs(ABSOLUTE);
        settings.retry_grace = Duration::from_secs(GRACE);
        settings.max_sessions_per_subject = NonZeroUsize::new(MAX_PER_SUBJECT).unwrap();
    });
    let mut now = 0_u64;
    let mut families: Vec<Family> = Vec::new();
    // Every token with its family, and the access token that came with it.
    let mut issued: Vec<(usize, IssuedTokens)> = Vec::new();
    for step in steps {
        // No two calls in one millisecond: which of two sessions was unused for longer is then
        // known.
        rig.hand.advance(Duration::from_millis(1));
        match step {
            Step::Wait(seconds) => {
                rig.hand.advance(Duration::from_secs(u64::from(*seconds)));
                now += u64::from(*seconds);
            }
            Step::Open(subject) => {
                let name = format!("subject-{subject}");
                let tokens = rig.issuer.open_session(Subject::new(name, "web")).await;
                let tokens = tokens.unwrap();
                let living = || {
                    families
                        .iter()
                        .enumerate()
                        .filter(|(_, family)| family.subject == *subject && !family.is_over(now))
                };
                if living().count() >= MAX_PER_SUBJECT {
                    let last = |family: &Family| {
                        let text = family.tokens.last().unwrap();
                        issued
                            .iter()
                            .position(|(_, t)| t.refresh_token().expose() == text)
                    };
                    let oldest = living().min_by_key(|(_, family)| last(family)).unwrap().0;
                    families[oldest].ended = true;
                }
                families.push(Family {
                    subject: *subject,
                    opened: now,
                    renewed: now,
                    ended: false,
                    tokens: vec![tokens.refresh_token().expose().to_owned()],
                });
                issued.push((families.len() - 1, tokens));
            }
            Step::Refresh(back) => {
                let Some(place) = issued.len().checked_sub(usize::from(*back) + 1) else {
                    continue;
                };
                let (of, tokens) = issued[place].clone();
                let text = tokens.refresh_token().expose();
                let family = &mut families[of];
                let position = family.tokens.iter().position(|token| token == text);
                let age = family.tokens.len() - 1 - position.unwrap();
                let expected = if family.ended {
                    "invalid"
                } else if family.is_over(now) {
                    family.ended = true;
                    "expired"
                } else if age == 0 || (age == 1 && now < family.renewed + GRACE) {
                    "ok"
                } else {
                    family.ended = true;
                    "reused"
                };
                let outcome = rig.issuer.refresh(tokens.refresh_token()).await;
                let renewed = outcome.as_ref().ok().cloned();
                let outcome = kind(outcome);
                // An expired session may have been swept already.
                let swept = expected == "expired" && outcome == "invalid";
                assert!(outcome == expected || swept, "{outcome} for {expected}");
                if let Some(renewed) = renewed {
                    let text = renewed.refresh_token().expose().to_owned();
                    if age == 0 {
                        assert!(!family.tokens.contains(&text));
                        family.tokens.push(text);
                        family.renewed = now;
                    } else {
                        assert_eq!(family.tokens.last(), Some(&text));
                    }
                    issued.push((of, renewed));
                }
            }
            Step::End(back) => {
                let Some(place) = issued.len().checked_sub(usize::from(*back) + 1) else {
                    continue;
                };
                let (of, tokens) = &issued[place];
                let name = format!("subject-{}", families[*of].subject);
                let id = tokens.session_id();
                rig.issuer.end_session_of(&name, id).await.unwrap();
                families[*of].ended = true;
            }
            Step::EndAll(subject) => {
                let name = format!("subject-{subject}");
                rig.issuer.end_sessions(&name).await.unwrap();
                for family in &mut families {
                    family.ended |= family.subject == *subject;
                }
            }
        }
        // Of a family that was ended no access token is good; of one that lives, each is that has
        // not expired.
        for (of, tokens) in issued.iter().rev().take(12) {
            let family = &families[*of];
            match rig.caller(tokens).await {
                Ok(_) => assert!(!family.ended || now >= family.renewed + IDLE),
                Err(Refusal::CredentialsRevoked) => assert!(family.ended),
                Err(refusal) => assert_eq!(refusal, Refusal::CredentialsInvalid),
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]

    #[test]
    fn every_schedule_is_as_the_model_says(steps in vec(step(), 1..60)) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(run(&steps));
    }
}
