//! Every rule, one after the other.

use std::path::Path;

use super::context::Context;
use super::{cache, files, journeys, names, places, targets, text, times};
use crate::core::rollout::Rollout;
use crate::spec::diagnostic::Diagnostic;
use crate::spec::source::Source;
use crate::spec::tree::Node;

/// Every rule, over one rollout.
pub fn lint(source: &Source, root: &Node, rollout: &Rollout, base: Option<&Path>) -> Vec<Diagnostic> {
    let mut context = Context::new(source, root, rollout);
    text::check(&mut context);
    places::check(&mut context);
    names::check(&mut context);
    targets::check(&mut context);
    cache::check(&mut context);
    times::check(&mut context);
    journeys::check(&mut context);
    if let Some(base) = base {
        files::check(&mut context, base);
    }
    context.into_found()
}
