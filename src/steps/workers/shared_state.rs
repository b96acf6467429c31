//! Which pairs of requests show whether state is shared: those that are declared, or those that the journeys hold.

use crate::core::rollout::{BuiltIn, IDENTITY, Journey, JourneyRequest, Piece, Rollout, SharedState, pieces};

/// The pairs of a site. Without declared ones: every GET of a journey that expects, and sends, nothing but what one
/// earlier request of it has extracted.
pub fn pairs(rollout: &Rollout) -> Vec<SharedState> {
    if rollout.shared_state.is_empty() {
        rollout.journeys.iter().flat_map(of_journey).collect()
    } else {
        rollout.shared_state.clone()
    }
}

/// The names that a request's texts insert, less those that every user has.
fn inserted<'a>(texts: &[(String, &'a str)]) -> Vec<&'a str> {
    let names = texts.iter().filter_map(|(_, text)| pieces(text).ok()).flatten().filter_map(|piece| match piece {
        Piece::Variable(name) if BuiltIn::named(name).is_none() => Some(name),
        _ => None,
    });
    names.collect()
}

fn of_journey(journey: &Journey) -> Vec<SharedState> {
    let mut found = Vec::new();
    for (position, read) in journey.requests.iter().enumerate().filter(|(_, request)| request.get.is_some()) {
        let expected = inserted(&read.expected_texts());
        let needed = [expected.clone(), inserted(&read.sent_texts())].concat();
        let gives = |write: &&JourneyRequest| {
            let own = |name: &&str| write.extract.contains_key(*name) && *name != IDENTITY;
            !expected.is_empty() && needed.iter().all(own) && inserted(&write.sent_texts()).is_empty()
        };
        if let Some(write) = journey.requests[..position].iter().rev().find(gives) {
            let (write, read) = (write.clone(), read.clone());
            found.push(SharedState { name: journey.name.clone(), write, read });
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_journey_that_reads_what_it_wrote_is_a_pair() {
        let journey: Journey = serde_yaml::from_str(
            "{name: a, requests: [
                {post: /login, extract: {token: {json: /t}}},
                {get: /who, extract: {identity: {json: /user}}, expect: {json: {/user: 'user-${user}'}}},
                {get: /mine, headers: {x: '${token}'}, expect: {body_contains: '${identity}'}},
                {post: /counter, extract: {count: {json: /count}}},
                {get: /counter, expect: {json: {/count: '${count}'}}},
                {get: /token, expect: {json: {/token: '${token}'}}}]}",
        )
        .unwrap();
        let pairs = of_journey(&journey);
        let titles: Vec<(String, String)> = pairs.iter().map(|pair| (pair.write.title(), pair.read.title())).collect();
        let title = |a: &str, b: &str| (a.to_owned(), b.to_owned());
        assert_eq!(titles, [title("POST /counter", "GET /counter"), title("POST /login", "GET /token")]);
    }
}
