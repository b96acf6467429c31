//! Phase 3: limits of the load that judge nothing, and pairs of requests that find nothing.

use std::collections::{BTreeMap, BTreeSet};

use super::context::Context;
use super::{journeys, requests};
use crate::configuration::diagnostic::Code;
use crate::core::rollout::{JourneyRequest, Load, Name, Percent, Piece, pieces};

pub fn check(context: &mut Context<'_>) {
    limits(context);
    duplicate_names(context);
    for position in 0..context.count("shared_state") {
        if context.is_full() {
            return;
        }
        pair(context, &format!("shared_state.{position}"));
    }
}

fn limits(context: &mut Context<'_>) {
    for (path, example) in [("load.error_ceiling", "1%"), ("load.max_load", "90%"), ("load.critical_load", "98%")] {
        if context.read(path).is_some_and(Percent::is_zero) {
            let mistake = context
                .at(Code::RolloutLoadLimits, path, format!("`{path}` is nothing at all"))
                .because("no load could ever keep it")
                .help(format!("write a percentage such as {example}"));
            context.report(mistake);
        }
    }
    // One that is not written has its default, unless it is written and wrong.
    let (max_load, critical_load) = Load::DEFAULT_LIMITS;
    let limit = |path: &str, default: Percent| match context.root.at(path) {
        None => Some(default),
        Some(_) => context.read(path),
    };
    let both = limit("load.max_load", max_load).zip(limit("load.critical_load", critical_load));
    let Some((max_load, critical_load)) = both.filter(|(max_load, critical_load)| critical_load < max_load) else {
        return;
    };
    let path = if context.root.at("load.critical_load").is_some() { "load.critical_load" } else { "load.max_load" };
    let mistake = context
        .at(Code::RolloutLoadLimits, path, format!("a load of {critical_load} is taken off at once"))
        .because(format!("one of {max_load} is still allowed (`load.max_load`)"))
        .help("write a `critical_load` that is not below `max_load`");
    context.report(mistake);
}

fn duplicate_names(context: &mut Context<'_>) {
    let mut seen: BTreeMap<Name, String> = BTreeMap::new();
    for position in 0..context.count("shared_state") {
        let path = format!("shared_state.{position}.name");
        let Some(name) = context.read::<Name>(&path) else { continue };
        let Some(earlier) = seen.insert(name, path.clone()) else { continue };
        let earlier = context.line(&earlier);
        let mistake = context
            .at(Code::RolloutSharedState, &path, format!("a pair on line {earlier} has this name too"))
            .because("their measurements could not be told apart")
            .help("write another name");
        context.report(mistake);
    }
}

fn pair(context: &mut Context<'_>, place: &str) {
    let mut extracted = BTreeSet::new();
    let mut requests = Vec::new();
    for part in ["write", "read"] {
        let path = format!("{place}.{part}");
        // Nothing is known about a read when something is wrong about what is written.
        let Some(node) = context.root.at(&path).filter(|node| !node.is_flawed()) else { return };
        let Some(request) = super::context::read::<JourneyRequest>(node) else { return };
        requests::check(context, node, &request, &path);
        journeys::references_among(context, &request.sent_texts(), &path, &extracted);
        extracted.extend(request.extract.keys().map(String::clone));
        journeys::references_among(context, &request.expected_texts(), &path, &extracted);
        requests.push(request);
    }
    let [write, read] = requests.as_slice() else { return };
    // Whatever another user, or an earlier time, has left would be right, too.
    let varies = |text: &str| {
        pieces(text).is_ok_and(|pieces| {
            pieces.iter().any(|piece| matches!(piece, Piece::Variable(name) if write.extract.contains_key(*name)))
        })
    };
    if read.expected_texts().iter().any(|(_, text)| varies(text)) {
        return;
    }
    let mistake = context
        .at(Code::RolloutSharedState, &format!("{place}.read"), "this request expects nothing that was written before")
        .because("a worker that knows nothing of it would answer as well as one that does")
        .help("let `write` extract a value, and `read` expect it: `expect: { json: { /count: \"${count}\" } }`");
    context.report(mistake);
}
