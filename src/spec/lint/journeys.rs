//! User journeys: what can be sent, and what would prove something.

use std::collections::{BTreeMap, BTreeSet};

use super::context::Context;
use super::requests;
use crate::core::rollout::{BuiltIn, IDENTITY, Journey, JourneyRequest, Piece, pieces};
use crate::spec::diagnostic::Code;
use crate::spec::diagnostic::quote::quoted;
use crate::spec::suggest::nearest;

pub fn check(context: &mut Context<'_>) {
    duplicate_names(context);
    for (position, journey) in context.rollout.journeys.iter().enumerate() {
        let place = format!("journeys.{position}");
        let mut known = BTreeSet::new();
        for (number, request) in journey.requests.iter().enumerate() {
            let place = format!("{place}.requests.{number}");
            requests::check(context, request, &place);
            let later = extracted_after(journey, number);
            references(context, &request.sent_texts(), &place, &known, &later);
            known.extend(request.extract.keys().map(String::as_str));
            references(context, &request.expected_texts(), &place, &known, &later);
        }
        no_identity(context, journey, &place);
    }
}

fn duplicate_names(context: &mut Context<'_>) {
    let mut seen = BTreeMap::new();
    for (position, journey) in context.rollout.journeys.iter().enumerate() {
        let path = format!("journeys.{position}.name");
        let line = context.line(&path);
        let Some(earlier) = seen.insert(journey.name.as_str(), line) else { continue };
        let mistake = context
            .at(Code::JourneysDuplicateName, &path, format!("a journey on line {earlier} has this name too"))
            .because("their measurements would be counted together")
            .help("write another name");
        context.report(mistake);
    }
}

fn extracted_after(journey: &Journey, number: usize) -> BTreeSet<&str> {
    let rest = journey.requests.iter().skip(number);
    rest.flat_map(|request| request.extract.keys().map(String::as_str)).collect()
}

fn references(
    context: &mut Context<'_>,
    texts: &[(String, &str)],
    place: &str,
    known: &BTreeSet<&str>,
    later: &BTreeSet<&str>,
) {
    for (inner, text) in texts {
        let path = format!("{place}.{inner}");
        match pieces(text) {
            Err(broken) => {
                let mistake = context
                    .at(Code::JourneysBrokenReference, &path, broken.to_string())
                    .because("a name is lower-case letters, digits and `_`")
                    .help("write ${name}, with a name that an earlier request extracts, or ${user}");
                context.report(mistake);
            }
            Ok(pieces) => {
                let names = pieces.into_iter().filter_map(|piece| match piece {
                    Piece::Variable(name) => Some(name),
                    Piece::Text(_) => None,
                });
                let unknown = names.filter(|name| BuiltIn::named(name).is_none() && !known.contains(name));
                for name in unknown.collect::<BTreeSet<_>>() {
                    unknown_variable(context, &path, name, known, later);
                }
            }
        }
    }
}

fn unknown_variable(context: &mut Context<'_>, path: &str, name: &str, known: &BTreeSet<&str>, later: &BTreeSet<&str>) {
    let all: Vec<&str> = known.iter().copied().chain(BuiltIn::ALL.map(BuiltIn::name)).collect();
    let help = if later.contains(name) {
        "it is known only after this request: move the extraction forward".to_owned()
    } else {
        match nearest(name, all.iter().copied()) {
            Some(near) => format!("did you mean ${{{near}}}? (known here: {})", all.join(", ")),
            None => format!("add it to `extract` of an earlier request; known here: {}", all.join(", ")),
        }
    };
    let message = format!("nothing before this extracts {}", quoted(name));
    let mistake = context
        .at(Code::JourneysUnknownVariable, path, message)
        .because("every ${name} is a value of the same journey, or of the user itself")
        .help(help);
    context.report(mistake);
}

/// A journey that would look the same to everybody proves nothing about sessions.
fn no_identity(context: &mut Context<'_>, journey: &Journey, place: &str) {
    if journey.requests.iter().any(proves_identity) {
        return;
    }
    let message = format!("nothing in journey `{}` proves who the user is taken for", journey.name);
    let mistake = context
        .at(Code::JourneysNoIdentity, &format!("{place}.name"), message)
        .because("a lost session, or somebody else's, would go unnoticed: an answer without one is often a 200 too")
        .help("expect something with ${user} or an extracted value in it, or extract `identity`")
        .warning();
    context.report(mistake);
}

fn proves_identity(request: &JourneyRequest) -> bool {
    let tells_users_apart = |piece: &Piece<'_>| match piece {
        Piece::Variable(name) => !matches!(BuiltIn::named(name), Some(BuiltIn::Iteration | BuiltIn::Nonce)),
        Piece::Text(_) => false,
    };
    request.extract.contains_key(IDENTITY)
        || request
            .expected_texts()
            .iter()
            .any(|(_, text)| pieces(text).is_ok_and(|pieces| pieces.iter().any(tells_users_apart)))
}
