//! Whether the original knows a session of the copy. It must not: what the copy does stays with the copy.

use std::collections::BTreeSet;

use serde_json::json;

use super::copy_access;
use crate::core::rollout::{BuiltIn, IDENTITY, Journey, JourneyRequest, Piece, pieces};
use crate::core::{Failure, Measurement, Secret, Verdict};
use crate::ports::BrowserCookie;
use crate::steps::ReadContext;
use crate::steps::measure::measurement;

/// Hands the copy's session to the original, under the original's own cookie names, and looks whether it knows the
/// user. Its requests only read.
pub async fn unknown_to_the_original(
    context: &ReadContext<'_>,
    user: u32,
    session: &Secret,
) -> Result<Measurement, Failure> {
    let rollout = context.rollout();
    let target = copy_access::original(rollout);
    let resource = target.endpoint.to_string();
    let Some(journey) = rollout.journeys.first() else {
        let words = "the original cannot be asked for the copy's session: rollout.yaml declares no `journeys`";
        return Ok(measurement(Verdict::Inconclusive, resource, words, json!({})));
    };
    // A user of the original's own, to learn what its session cookie is called, and that a known user gets what the
    // journey expects.
    let mut regular = context.ports.browsers.open(&target, user, Vec::new()).await?;
    let mut names = BTreeSet::new();
    for request in &journey.requests {
        let answer = regular.request(request).await?;
        if let Some(problem) = answer.problem {
            let words = format!("the original fails `{}/{}`: {problem}", journey.name, request.title());
            return Ok(measurement(Verdict::Inconclusive, resource, words, json!({ "status": answer.status })));
        }
        names.extend(regular.cookies().into_iter().map(|cookie| cookie.name));
    }
    let borrowed = || names.iter().map(|name| as_cookie(name, session)).collect::<Vec<_>>();
    let mut asked = 0;
    for request in telling(journey) {
        let mut stranger = context.ports.browsers.open(&target, user, Vec::new()).await?;
        if stranger.request(request).await?.problem.is_none() {
            // The same answer for everybody: it says nothing.
            continue;
        }
        asked += 1;
        let mut visitor = context.ports.browsers.open(&target, user, borrowed()).await?;
        if visitor.request(request).await?.problem.is_none() {
            let words = format!(
                "the original knows the copy's session (`{}`): the copy writes into the original's sessions",
                request.title()
            );
            return Ok(measurement(Verdict::Abort, resource, words, json!({ "cookies": names })));
        }
    }
    let data = json!({ "cookies": names, "requests": asked });
    Ok(if asked == 0 || names.is_empty() {
        let words = format!(
            "nothing in the journey `{}` tells a known user of the original from a stranger: no GET request of it expects or extracts who the user is",
            journey.name
        );
        measurement(Verdict::Inconclusive, resource, words, data)
    } else {
        measurement(Verdict::Pass, resource, "the original does not know the copy's session", data)
    })
}

/// The requests that change nothing and may tell who somebody is, the likeliest first.
pub fn telling(journey: &Journey) -> impl Iterator<Item = &JourneyRequest> {
    let identifies = |request: &&JourneyRequest| request.extract.contains_key(IDENTITY);
    let reads = || journey.requests.iter().filter(|request| request.get.is_some() && stands_alone(request));
    reads().filter(identifies).chain(reads().filter(move |request| !identifies(request)))
}

/// Whether a request can be made without the ones before it: it inserts nothing that they extract.
fn stands_alone(request: &JourneyRequest) -> bool {
    let texts = request.sent_texts().into_iter().chain(request.expected_texts());
    texts.map(|(_, text)| text).all(|text| {
        pieces(text).is_ok_and(|pieces| {
            pieces.iter().all(|piece| match piece {
                Piece::Variable(name) => BuiltIn::named(name).is_some() || request.extract.contains_key(*name),
                Piece::Text(_) => true,
            })
        })
    })
}

fn as_cookie(name: &str, value: &Secret) -> BrowserCookie {
    BrowserCookie { name: name.to_owned(), value: Secret::new(value.expose().to_owned()), path: "/".to_owned() }
}
