//! Every rule, one after the other.

use std::path::Path;

use super::context::Context;
use super::{
    cache, cohort, comparison, environment, files, journeys, names, places, production, soak, targets, text, times,
    tuning,
};
use crate::configuration::diagnostic::Diagnostic;
use crate::configuration::source::Source;
use crate::configuration::tree::Node;

/// Every rule, over what is right of one rollout: in `right`, every wrong value is refused.
pub fn lint(source: &Source, right: &Node, base: Option<&Path>) -> Vec<Diagnostic> {
    let mut context = Context::new(source, right);
    text::check(&mut context);
    places::check(&mut context);
    names::check(&mut context);
    environment::check(&mut context);
    targets::check(&mut context);
    production::check(&mut context);
    cache::check(&mut context);
    times::check(&mut context);
    comparison::check(&mut context);
    tuning::check(&mut context);
    soak::check(&mut context);
    cohort::check(&mut context);
    journeys::check(&mut context);
    if let Some(base) = base {
        files::check(&mut context, base);
    }
    context.into_found()
}
