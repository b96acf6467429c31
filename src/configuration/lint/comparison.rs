//! Limits of the side-by-side comparison that judge nothing.

use super::context::Context;
use crate::configuration::diagnostic::Code;
use crate::core::rollout::{Comparison, Percent};

pub fn check(context: &mut Context<'_>) {
    no_tolerance(context);
    order(context);
}

fn no_tolerance(context: &mut Context<'_>) {
    let each = [("comparison.slower", "10%"), ("comparison.error_ceiling", "1%"), ("comparison.more_errors", "0.5%")];
    for (path, example) in each {
        if context.read(path).is_some_and(Percent::is_zero) {
            let mistake = context
                .at(Code::RolloutComparisonLimits, path, format!("`{path}` is nothing at all"))
                .because("no measurement can exclude every difference, so the comparison would never pass")
                .help(format!("write a percentage such as {example}"));
            context.report(mistake);
        }
    }
}

fn order(context: &mut Context<'_>) {
    // One that is not written has its default, unless it is written and wrong.
    let defaults = Comparison::default();
    let limit = |path: &str, default: Percent| match context.root.at(path) {
        None => Some(default),
        Some(_) => context.read(path),
    };
    let slower = limit("comparison.slower", defaults.slower);
    let far_slower = limit("comparison.far_slower", defaults.far_slower);
    let Some((slower, far_slower)) = slower.zip(far_slower).filter(|(slower, far_slower)| far_slower <= slower) else {
        return;
    };
    let message = format!("a copy that is {far_slower} slower is rolled back");
    let mistake = context
        .at(Code::RolloutComparisonLimits, "comparison.far_slower", message)
        .because(format!("one that is {slower} slower still passes (`comparison.slower`)"))
        .help("write more than `slower`, such as 50%");
    context.report(mistake);
}
