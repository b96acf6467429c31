//! User journeys: what can be sent, and what would prove something.

use std::collections::{BTreeMap, BTreeSet};

use super::context::{Context, read};
use super::requests;
use crate::configuration::diagnostic::Code;
use crate::configuration::diagnostic::quote::quoted;
use crate::configuration::suggest::nearest;
use crate::configuration::tree::Node;
use crate::core::rollout::{BuiltIn, IDENTITY, Journey, JourneyRequest, Name, Piece, pieces};

/// No real journey knows more values; a list of more helps nobody.
const MOST_NAMES: usize = 100;

pub fn check(context: &mut Context<'_>) {
    duplicate_names(context);
    for (position, journey) in context.root.at("journeys").map(Node::items).unwrap_or_default().iter().enumerate() {
        let requests = journey.at("requests").map(Node::items).unwrap_or_default();
        let mut known = Known { requests, number: 0, certain: true, names: BTreeSet::new() };
        for (number, node) in requests.iter().enumerate() {
            if context.is_full() {
                return;
            }
            let place = format!("journeys.{position}.requests.{number}");
            let request: Option<JourneyRequest> = read(node);
            known.number = number;
            if let Some(request) = &request {
                requests::check(context, node, request, &place);
                references(context, &request.sent_texts(), &place, &known);
            }
            known.add(node);
            if let Some(request) = &request {
                references(context, &request.expected_texts(), &place, &known);
            }
        }
        no_identity(context, journey, position);
    }
}

/// The values that are known at one request of a journey.
struct Known<'a> {
    requests: &'a [Node],
    number: usize,
    /// Whether these are all: nothing before that extracts a value is wrong.
    certain: bool,
    names: BTreeSet<&'a str>,
}

impl<'a> Known<'a> {
    fn add(&mut self, request: &'a Node) {
        self.certain &= request.lacks("extract") || request.at("extract").is_some_and(Node::is_whole_map);
        self.names.extend(extracted(request));
    }

    /// Whether this request or a later one extracts the value.
    fn comes_later(&self, name: &str) -> bool {
        self.requests.iter().skip(self.number).flat_map(extracted).any(|later| later == name)
    }
}

/// The names that a request gives to values; what is extracted may be wrong.
fn extracted(request: &Node) -> impl Iterator<Item = &str> {
    request.get("extract").map(Node::entries).unwrap_or_default().iter().map(|entry| entry.key.text.as_str())
}

fn duplicate_names(context: &mut Context<'_>) {
    let mut seen: BTreeMap<Name, String> = BTreeMap::new();
    for position in 0..context.count("journeys") {
        let path = format!("journeys.{position}.name");
        let Some(name) = context.read::<Name>(&path) else { continue };
        let Some(earlier) = seen.insert(name, path.clone()) else { continue };
        if context.is_full() {
            return;
        }
        let earlier = context.line(&earlier);
        let mistake = context
            .at(Code::JourneysDuplicateName, &path, format!("a journey on line {earlier} has this name too"))
            .because("their measurements would be counted together")
            .help("write another name");
        context.report(mistake);
    }
}

/// References of a request that is in no journey: only these names, and those of the user, are known.
pub fn references_among(context: &mut Context<'_>, texts: &[(String, &str)], place: &str, names: &BTreeSet<String>) {
    let names = names.iter().map(String::as_str).collect();
    references(context, texts, place, &Known { requests: &[], number: 0, certain: true, names });
}

fn references(context: &mut Context<'_>, texts: &[(String, &str)], place: &str, known: &Known<'_>) {
    for (inner, text) in texts {
        if context.is_full() {
            return;
        }
        let path = format!("{place}.{inner}");
        match pieces(text) {
            Err(broken) => {
                let mistake = context
                    .at(Code::JourneysBrokenReference, &path, broken.to_string())
                    .because("a name is lower-case letters, digits and `_`")
                    .help("write ${name}, with a name that an earlier request extracts, or ${user}");
                context.report(mistake);
            }
            Ok(_) if !known.certain => {}
            Ok(pieces) => {
                let names = pieces.into_iter().filter_map(|piece| match piece {
                    Piece::Variable(name) => Some(name),
                    Piece::Text(_) => None,
                });
                let unknown = names.filter(|name| BuiltIn::named(name).is_none() && !known.names.contains(name));
                for name in unknown.collect::<BTreeSet<_>>() {
                    unknown_variable(context, &path, name, known);
                }
            }
        }
    }
}

fn unknown_variable(context: &mut Context<'_>, path: &str, name: &str, known: &Known<'_>) {
    let names = known.names.iter().copied().take(MOST_NAMES);
    let all: Vec<&str> = names.chain(BuiltIn::ALL.map(BuiltIn::name)).collect();
    let help = if known.comes_later(name) {
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

/// A journey that would look the same to everybody proves nothing about sessions. In what is wrong about one, there may
/// be the proof.
fn no_identity(context: &mut Context<'_>, node: &Node, position: usize) {
    let Some(journey) = read::<Journey>(node).filter(|_| !node.is_flawed()) else { return };
    if journey.requests.iter().any(proves_identity) {
        return;
    }
    let message = format!("nothing in journey `{}` proves who the user is taken for", journey.name);
    let mistake = context
        .at(Code::JourneysNoIdentity, &format!("journeys.{position}.name"), message)
        .because("a lost session, or another user's session, would go unnoticed: an answer without a session is often a 200 too")
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
