//! How far a journey can be walked so that the user is still known afterwards, and what can be asked then. Found out by
//! somebody who walks it first: a file cannot say which request ends a session.

use super::members::{Pair, ReadScript};
use crate::core::rollout::{IDENTITY, Journey, JourneyRequest};
use crate::core::{Failure, FailureClass};
use crate::ports::{Answer, Browser, LoadTarget};
use crate::steps::ReadContext;
use crate::steps::site::original_session;

/// A journey, as far as its user stays known.
#[derive(Debug, Clone)]
pub struct Known {
    /// The requests that lead there.
    pub walk: Vec<JourneyRequest>,
    /// Writes of `shared_state`, one for each pair of the script.
    pub writes: Vec<JourneyRequest>,
    /// What can be asked then.
    pub script: ReadScript,
}

impl Known {
    /// Walks every journey whose user can be told from a stranger, as this user.
    ///
    /// # Errors
    /// `Permanent` when there is no such journey, or when one fails: that is how the application is before the change.
    pub async fn all(context: &ReadContext<'_>, target: &LoadTarget, scout: u32) -> Result<Vec<Self>, Failure> {
        let mut found = Vec::new();
        for journey in &context.rollout().journeys {
            let scouting = Scouting { context, target, user: scout, journey };
            found.extend(scouting.known().await?);
        }
        if found.is_empty() {
            let message = format!(
                "no journey on {} tells a known user from a stranger: whether a session is kept could not be seen",
                target.name
            );
            return Err(Failure::permanent(message)
                .hint("give a GET request of a journey `extract: { identity: ... }`, then `migrate replan`"));
        }
        Ok(found)
    }
}

/// The walk of one journey.
struct Scouting<'a> {
    context: &'a ReadContext<'a>,
    target: &'a LoadTarget,
    user: u32,
    journey: &'a Journey,
}

impl Scouting<'_> {
    /// The longest beginning after which the user is known; `None` when nothing in the journey tells.
    async fn known(&self) -> Result<Option<Known>, Failure> {
        let tellers = self.tellers().await?;
        if tellers.is_empty() {
            return Ok(None);
        }
        let mut browser = self.open().await?;
        let mut known: Option<(&JourneyRequest, usize)> = None;
        for (at, request) in self.journey.requests.iter().enumerate() {
            let answer = browser.request(request).await?;
            if let Some(problem) = &answer.problem {
                return Err(self.fails(request, problem));
            }
            let asked: Vec<&JourneyRequest> = match known {
                Some((teller, _)) => vec![teller],
                None => tellers.clone(),
            };
            let is_known_by = first_that_knows(&mut *browser, asked).await?;
            match (known, is_known_by) {
                (_, Some(teller)) => known = Some((teller, at)),
                // Whatever was just requested has ended the session.
                (Some(_), None) => break,
                (None, None) => {}
            }
        }
        let Some((teller, last)) = known else {
            let words = "its user is never told from a stranger, although it was walked to its end";
            return Err(self.fails(&JourneyRequest::default(), words));
        };
        Ok(Some(self.cut(teller, last)))
    }

    /// Requests that only read, and that a stranger is refused: the likeliest first.
    async fn tellers(&self) -> Result<Vec<&JourneyRequest>, Failure> {
        let identifies = |request: &&JourneyRequest| request.get.is_some() && request.extract.contains_key(IDENTITY);
        let mut candidates: Vec<&JourneyRequest> = self.journey.requests.iter().filter(identifies).collect();
        let others: Vec<&JourneyRequest> =
            original_session::telling(self.journey).filter(|other| !candidates.contains(other)).collect();
        candidates.extend(others);
        let mut tellers = Vec::new();
        for request in candidates {
            let refused = self.open().await?.request(request).await?;
            // An error of the server's is none of the stranger's.
            if refused.problem.is_some() && refused.status < 500 {
                tellers.push(request);
            }
        }
        Ok(tellers)
    }

    async fn open(&self) -> Result<Box<dyn Browser>, Failure> {
        self.context.ports.browsers.open(self.target, self.user, Vec::new()).await
    }

    fn cut(&self, teller: &JourneyRequest, last: usize) -> Known {
        let walk: Vec<JourneyRequest> = self.journey.requests.iter().take(last + 1).cloned().collect();
        let mut questions = vec![teller.clone()];
        for request in walk.iter().filter(|request| request.get.is_some()) {
            if !questions.contains(request) {
                questions.push(request.clone());
            }
        }
        let shared = &self.context.rollout().shared_state;
        let pairs = shared.iter().map(|pair| Pair { name: pair.name.to_string(), read: pair.read.clone() }).collect();
        Known {
            walk,
            writes: shared.iter().map(|pair| pair.write.clone()).collect(),
            script: ReadScript { journey: self.journey.name.to_string(), questions, pairs },
        }
    }

    fn fails(&self, request: &JourneyRequest, problem: &str) -> Failure {
        let place = match request.methods().is_empty() {
            true => self.journey.name.to_string(),
            false => format!("{}/{}", self.journey.name, request.title()),
        };
        fails(&self.target.name, &place, problem)
    }
}

/// The first of these requests that is answered as to somebody who is known.
async fn first_that_knows<'r>(
    browser: &mut dyn Browser,
    asked: Vec<&'r JourneyRequest>,
) -> Result<Option<&'r JourneyRequest>, Failure> {
    for teller in asked {
        let Answer { problem, .. } = browser.request(teller).await?;
        if problem.is_none() {
            return Ok(Some(teller));
        }
    }
    Ok(None)
}

/// A target that fails what it is asked for. Nothing of the change was there by then.
pub fn fails(target: &str, place: &str, problem: &str) -> Failure {
    Failure::new(FailureClass::Gate, format!("{target} fails `{place}` before it is changed: {problem}"))
        .hint("mend the application or the journeys in rollout.yaml; nothing was changed")
}
