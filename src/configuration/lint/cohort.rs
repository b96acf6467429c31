//! Phase 4: synthetic users who are users of a load as well.

use super::context::Context;
use crate::configuration::diagnostic::Code;
use crate::core::rollout::Comparison;

/// The original twice, and the copy: each with users of its own.
const ARMS: u32 = 3;

pub fn check(context: &mut Context<'_>) {
    let Some(first) = context.read::<u32>("cohort.first_user") else { return };
    let compared = match context.root.at("comparison.users") {
        None => Some(Comparison::default().users),
        Some(_) => context.read("comparison.users"),
    };
    let load: Option<u32> = context.read("load.users");
    let highest = load.max(compared.map(|users| users.saturating_mul(ARMS)));
    let Some(highest) = highest.filter(|highest| first <= *highest) else { return };
    let mistake = context
        .at(Code::RolloutCohortNumbers, "cohort.first_user", format!("user {first} is one of a load, too"))
        .because(format!("loads have the users 1 to {highest}: who signs out there would be signed out here"))
        .help("write a number above all of them, or leave it out");
    context.report(mistake);
}
