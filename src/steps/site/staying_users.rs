//! Users who stay: they sign in once, and are asked who they are again and again with the cookies they have.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Serialize;

use crate::core::Failure;
use crate::core::rollout::{IDENTITY, Journey, JourneyRequest};
use crate::ports::{Browser, Browsers, Clock, LoadTarget};

/// The bridge's header: `pid=1; read=redis; wrote=both`.
const HEADER: &str = "x-migrate-sessions";
/// The maximum number of examples that are kept.
const MAX_EXAMPLES: usize = 3;

/// How a journey's users sign in, and how they are asked who they are.
pub struct SignInScript<'a> {
    signing_in: &'a [JourneyRequest],
    asking: &'a JourneyRequest,
}

impl<'a> SignInScript<'a> {
    /// The beginning of the first journey that asks, by a GET, who the user is.
    ///
    /// # Errors
    /// `Permanent` when there is no such journey.
    pub fn of(journeys: &'a [Journey]) -> Result<Self, Failure> {
        let asks = |request: &JourneyRequest| request.get.is_some() && request.extract.contains_key(IDENTITY);
        journeys
            .iter()
            .find_map(|journey| {
                let at = journey.requests.iter().position(asks)?;
                Some(Self { signing_in: &journey.requests[..at], asking: &journey.requests[at] })
            })
            .ok_or_else(|| {
                Failure::permanent("no journey in rollout.yaml asks by GET who the user is")
                    .hint("give a GET request of a journey `extract: { identity: ... }`, then `migrate replan`")
            })
    }
}

impl<'a> SignInScript<'a> {
    /// What a user does to sign in.
    pub fn signing_in(&self) -> &'a [JourneyRequest] {
        self.signing_in
    }
}

/// What users observed in one stretch of time.
#[derive(Debug, Clone, Default, Serialize)]
pub struct UserObservations {
    /// Requests.
    pub asked: u64,
    /// Answers of 500 and above.
    pub server_errors: u64,
    /// Answers that were not as expected, those above included: mostly a user who is not known any more.
    pub wrong: u64,
    /// Requests without an answer.
    pub unanswered: u64,
    /// What was said about the first ones of these.
    pub examples: Vec<String>,
    /// The slowest answer.
    pub slowest_ms: u64,
    /// From which store the bridge says it read, and how often.
    pub read: BTreeMap<String, u64>,
}

impl UserObservations {
    /// Requests that were not answered as they should have been.
    pub fn bad(&self) -> u64 {
        self.wrong + self.unanswered
    }

    fn example(&mut self, words: String) {
        if self.examples.len() < MAX_EXAMPLES {
            self.examples.push(words);
        }
    }
}

/// One user who stays.
pub struct StayingUser {
    number: u32,
    browser: Box<dyn Browser>,
}

impl StayingUser {
    /// Signs a user in. A user who could not sign in is in `seen`, and is asked no more.
    ///
    /// # Errors
    /// When there is no way to the copy at all.
    pub async fn sign_in(
        browsers: &dyn Browsers,
        clock: &dyn Clock,
        target: &LoadTarget,
        number: u32,
        script: &SignInScript<'_>,
        seen: &mut UserObservations,
    ) -> Result<Option<Self>, Failure> {
        let mut user = Self { number, browser: browsers.open(target, number, Vec::new()).await? };
        for request in script.signing_in {
            let bad = seen.bad();
            user.make(clock, request, seen).await;
            if seen.bad() > bad {
                return Ok(None);
            }
        }
        Ok(Some(user))
    }

    /// Asks who the user is. The store that the bridge read from, when the answer was right and says so.
    pub async fn ask(
        &mut self,
        clock: &dyn Clock,
        script: &SignInScript<'_>,
        seen: &mut UserObservations,
    ) -> Option<String> {
        let read = self.make(clock, script.asking, seen).await?;
        *seen.read.entry(read.clone()).or_default() += 1;
        Some(read)
    }

    async fn make(
        &mut self,
        clock: &dyn Clock,
        request: &JourneyRequest,
        seen: &mut UserObservations,
    ) -> Option<String> {
        let start = clock.elapsed();
        let answer = self.browser.request(request).await;
        let took = clock.elapsed().saturating_sub(start);
        seen.asked += 1;
        seen.slowest_ms = seen.slowest_ms.max(milliseconds(took));
        let said = |words: &str| format!("user {}, {}: {words}", self.number, request.title());
        match answer {
            Err(failure) => {
                seen.unanswered += 1;
                seen.example(said(&failure.message));
                None
            }
            Ok(answer) => {
                seen.server_errors += u64::from(answer.status >= 500);
                let problem = answer
                    .problem
                    .clone()
                    .or_else(|| (answer.status >= 500).then(|| format!("the copy answered {}", answer.status)));
                if let Some(problem) = problem {
                    seen.wrong += 1;
                    seen.example(said(&problem));
                    return None;
                }
                Some(read_from(&answer.headers).unwrap_or("unsaid").to_owned())
            }
        }
    }
}

fn read_from(headers: &[(String, String)]) -> Option<&str> {
    let (_, value) = headers.iter().find(|(name, _)| name == HEADER)?;
    value.split(';').find_map(|part| part.trim().strip_prefix("read="))
}

pub fn milliseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::read_from;

    #[test]
    fn the_store_is_read_from_the_header() {
        let header = |value: &str| vec![("x-migrate-sessions".to_owned(), value.to_owned())];
        assert_eq!(read_from(&header("pid=12; read=redis; wrote=both")), Some("redis"));
        assert_eq!(read_from(&header("pid=12")), None);
        assert_eq!(read_from(&[]), None);
    }
}
