//! The declared journeys on the copy or a release, by two users who take turns, every answer looked at.

use std::time::Duration;

use serde_json::json;

use super::copy_access::Trial;
use crate::core::rollout::HumanDuration;
use crate::core::{Failure, Measurement, Verdict};
use crate::steps::ReadContext;
use crate::steps::measure::measurement;

/// The users on the copy: nobody else is on it.
pub const ON_THE_COPY: [u32; 2] = [1, 2];

/// Lets both make every request of every journey, one after the other: who gets what belongs to the other shows.
pub async fn by_two_users(
    context: &ReadContext<'_>,
    trial: &Trial<'_>,
    users: [u32; 2],
) -> Result<Measurement, Failure> {
    let resource = trial.resource();
    let journeys = &context.rollout().journeys;
    let mut requests = 0_u32;
    for journey in journeys {
        context.say(format!("two users walk the journey `{}` on {}", journey.name, trial.name()));
        let mut browsers = [trial.open(users[0], Vec::new()).await?, trial.open(users[1], Vec::new()).await?];
        for request in &journey.requests {
            for (browser, user) in browsers.iter_mut().zip(users) {
                let answer = browser.request(request).await?;
                requests += 1;
                if let Some(problem) = answer.problem {
                    let words = format!("`{}/{}` fails for user {user}: {problem}", journey.name, request.title());
                    let data = json!({ "journey": journey.name, "request": request.title(), "status": answer.status });
                    return Ok(measurement(Verdict::Abort, resource, words, data));
                }
            }
            let think = request.think.map_or(Duration::ZERO, HumanDuration::get);
            context.ports.clock.sleep(think).await;
        }
    }
    let data = json!({ "journeys": journeys.len(), "requests": requests });
    Ok(if requests == 0 {
        let words = "no journey was walked: rollout.yaml declares no `journeys`";
        measurement(Verdict::Inconclusive, resource, words, data)
    } else {
        let words = format!("two users got what they expect from {requests} requests of {} journeys", journeys.len());
        measurement(Verdict::Pass, resource, words, data)
    })
}
