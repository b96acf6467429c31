//! Limits of the soak that judge nothing.

use super::context::Context;
use crate::configuration::diagnostic::Code;
use crate::core::rollout::{Comparison, Percent};

pub fn check(context: &mut Context<'_>) {
    for (path, example) in [("soak.slower", "20%"), ("soak.error_ceiling", "1%")] {
        if context.read(path).is_some_and(Percent::is_zero) {
            let mistake = context
                .at(Code::RolloutSoakLimits, path, format!("`{path}` is nothing at all"))
                .because("no measurement can exclude every difference, so no look would ever be good enough")
                .help(format!("write a percentage such as {example}"));
            context.report(mistake);
        }
    }
    order(context);
}

fn order(context: &mut Context<'_>) {
    let written = |path: &&&str| context.root.at(path).is_some();
    let Some(path) = ["soak.far_slower", "soak.slower"].iter().find(written) else { return };
    // What is not written here is as in the comparison; what is not written there has its default, unless it is wrong.
    let defaults = Comparison::default();
    let limit = |name: &str, default: Percent| {
        let own = format!("soak.{name}");
        let path = if context.root.at(&own).is_some() { own } else { format!("comparison.{name}") };
        if context.root.at(&path).is_none() { Some(default) } else { context.read(&path) }
    };
    let both = limit("slower", defaults.slower).zip(limit("far_slower", defaults.far_slower));
    let Some((slower, far_slower)) = both.filter(|(slower, far_slower)| far_slower <= slower) else { return };
    let message = format!("a target that is {far_slower} slower is rolled back");
    let mistake = context
        .at(Code::RolloutSoakLimits, path, message)
        .because(format!("one that is {slower} slower still passes (`slower`, here or in `comparison`)"))
        .help("write more for `far_slower` than for `slower`, such as 50%");
    context.report(mistake);
}
