//! Ports and directories on staging: the copy beside the original, never in its way.

use super::context::Context;
use crate::spec::diagnostic::Code;

pub fn check(context: &mut Context<'_>) {
    same_port(context);
    privileged_port(context);
    overlapping_directories(context);
}

fn same_port(context: &mut Context<'_>) {
    let (original, copy) = (context.rollout.application.port, context.rollout.staging.copy.port);
    if original != copy {
        return;
    }
    let line = context.line("application.port");
    let mistake = context
        .at(Code::RolloutSamePort, "staging.copy.port", format!("the copy cannot listen on port {copy} too"))
        .because(format!("the original listens there, on the same host (`application.port`, line {line})"))
        .help("write another port, such as 8081");
    context.report(mistake);
}

fn privileged_port(context: &mut Context<'_>) {
    let port = context.rollout.staging.copy.port;
    let user = &context.rollout.application.user;
    if port.number() >= 1024 || user == "root" {
        return;
    }
    let mistake = context
        .at(Code::RolloutPrivilegedPort, "staging.copy.port", format!("`{user}` may not listen on port {port}"))
        .because("ports below 1024 are for root, unless the host says otherwise")
        .help("write a port from 1024 on, such as 8081")
        .warning();
    context.report(mistake);
}

fn overlapping_directories(context: &mut Context<'_>) {
    let original = context.rollout.application.directory.as_str();
    let copy = context.rollout.staging.copy.directory.as_str();
    let inside = |inner: &str, outer: &str| inner.strip_prefix(outer).is_some_and(|rest| rest.starts_with('/'));
    let message = if copy == original {
        "the copy's directory is the original's"
    } else if inside(copy, original) {
        "the copy's directory is inside the original's"
    } else if inside(original, copy) {
        "the copy's directory holds the original's"
    } else {
        return;
    };
    let line = context.line("application.directory");
    let mistake = context
        .at(Code::RolloutOverlappingDirectories, "staging.copy.directory", message)
        .because(format!("a rollback deletes the copy, and the original is {original} (line {line})"))
        .help(format!("write a directory beside it, such as {original}-redis-test"));
    context.report(mistake);
}
