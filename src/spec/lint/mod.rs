//! What an operator would call a mistake although every value is legal by itself.

mod cache;
mod context;
mod files;
mod names;
mod places;
mod targets;
mod text;
mod times;

use std::path::Path;

pub use self::cache::is_secret;
use self::context::Context;
pub use self::names::is_identifier;
use super::diagnostic::Diagnostic;
use super::source::Source;
use super::tree::Node;
use crate::core::rollout::Rollout;

/// Every rule, over one rollout.
pub fn lint(source: &Source, root: &Node, rollout: &Rollout, base: Option<&Path>) -> Vec<Diagnostic> {
    let mut context = Context::new(source, root, rollout);
    text::check(&mut context);
    places::check(&mut context);
    names::check(&mut context);
    targets::check(&mut context);
    cache::check(&mut context);
    times::check(&mut context);
    if let Some(base) = base {
        files::check(&mut context, base);
    }
    context.into_found()
}
