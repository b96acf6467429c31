//! Ports and directories on staging: the copy beside the original, never in its way.

use super::context::Context;
use crate::configuration::diagnostic::{Code, Diagnostic};
use crate::core::rollout::{AbsolutePath, Port};

pub fn check(context: &mut Context<'_>) {
    for rule in [same_port, privileged_port, overlapping_directories] {
        if let Some(mistake) = rule(context) {
            context.report(mistake);
        }
    }
}

fn same_port(context: &Context<'_>) -> Option<Diagnostic> {
    let (original, copy): (Port, Port) = (context.read("application.port")?, context.read("staging.copy.port")?);
    if original != copy {
        return None;
    }
    let line = context.line("application.port");
    let mistake = context
        .at(Code::RolloutSamePort, "staging.copy.port", format!("the copy cannot listen on port {copy} too"))
        .because(format!("the original listens there, on the same host (`application.port`, line {line})"))
        .help("write another port, such as 8081");
    Some(mistake)
}

fn privileged_port(context: &Context<'_>) -> Option<Diagnostic> {
    let (port, user): (Port, String) = (context.read("staging.copy.port")?, context.read("application.user")?);
    if port.number() >= 1024 || user == "root" {
        return None;
    }
    let mistake = context
        .at(Code::RolloutPrivilegedPort, "staging.copy.port", format!("`{user}` may not listen on port {port}"))
        .because("ports below 1024 are for root, unless the host says otherwise")
        .help("write a port from 1024 on, such as 8081")
        .warning();
    Some(mistake)
}

fn overlapping_directories(context: &Context<'_>) -> Option<Diagnostic> {
    let original: AbsolutePath = context.read("application.directory")?;
    let copy: AbsolutePath = context.read("staging.copy.directory")?;
    let (original, copy) = (original.as_str(), copy.as_str());
    let inside = |inner: &str, outer: &str| inner.strip_prefix(outer).is_some_and(|rest| rest.starts_with('/'));
    let message = if copy == original {
        "the copy's directory is the original's"
    } else if inside(copy, original) {
        "the copy's directory is inside the original's"
    } else if inside(original, copy) {
        "the copy's directory holds the original's"
    } else {
        return None;
    };
    let line = context.line("application.directory");
    let mistake = context
        .at(Code::RolloutOverlappingDirectories, "staging.copy.directory", message)
        .because(format!("a rollback deletes the copy, and the original is {original} (line {line})"))
        .help(format!("write a directory beside it, such as {original}-redis-test"));
    Some(mistake)
}
