//! Hosts and instances: which is which, once each.

use super::context::Context;
use crate::core::rollout::{ProductionTarget, RefusedSource, STAGING, SshHost};
use crate::spec::diagnostic::Code;
use crate::spec::diagnostic::quote::quoted;

pub fn check(context: &mut Context<'_>) {
    reserved_names(context);
    staging_is_production(context);
    duplicates(context);
    refused_targets(context);
}

/// The part of a host that says which machine it is: without the account, in lower case.
fn machine(host: &SshHost) -> String {
    let text = host.as_str();
    text.rsplit_once('@').map_or(text, |(_, machine)| machine).to_lowercase()
}

fn reserved_names(context: &mut Context<'_>) {
    for (position, target) in context.rollout.production.targets.iter().enumerate() {
        if target.name.as_str() != STAGING {
            continue;
        }
        let path = format!("production.targets.{position}.name");
        let mistake = context
            .at(Code::RolloutReservedName, &path, "a production target cannot be called `staging`")
            .because("that is what the staging host is called in output and in the journal")
            .help(format!("write another name, such as production-{}", position + 1));
        context.report(mistake);
    }
}

fn staging_is_production(context: &mut Context<'_>) {
    let staging = &context.rollout.staging;
    for (position, target) in context.rollout.production.targets.iter().enumerate() {
        let same_host = machine(&target.host) == machine(&staging.host);
        let same_instance = target.instance == staging.instance;
        for (same, key, value) in
            [(same_host, "host", target.host.as_str()), (same_instance, "instance", target.instance.as_str())]
        {
            if !same {
                continue;
            }
            let line = context.line(&format!("staging.{key}"));
            let path = format!("production.targets.{position}.{key}");
            let message = format!("the {key} {} of {} is also staging's", quoted(value), quoted(target.name.as_str()));
            let mistake = context
                .at(Code::RolloutStagingIsProduction, &path, message)
                .because(format!("phases 1 to 3 change staging (line {line}), and must not touch production"))
                .help("write the production instance here, or another staging host there");
            context.report(mistake);
        }
    }
}

fn duplicates(context: &mut Context<'_>) {
    let targets = &context.rollout.production.targets;
    type Identity = fn(&ProductionTarget) -> String;
    let identities: [(&str, Identity); 3] = [
        ("name", |target| target.name.to_string()),
        ("host", |target| machine(&target.host)),
        ("instance", |target| target.instance.to_string()),
    ];
    for (key, identity) in identities {
        for (position, target) in targets.iter().enumerate() {
            let Some(first) = targets[..position].iter().position(|earlier| identity(earlier) == identity(target))
            else {
                continue;
            };
            let line = context.line(&format!("production.targets.{first}.{key}"));
            let path = format!("production.targets.{position}.{key}");
            let message = format!("two production targets have the {key} {}", quoted(&identity(target)));
            let mistake = context
                .at(Code::RolloutDuplicateTarget, &path, message)
                .because(format!("the other is on line {line}; each instance is changed once"))
                .help(format!("write this target's own {key}, or remove one of the two"));
            context.report(mistake);
        }
    }
}

fn refused_targets(context: &mut Context<'_>) {
    let sources = &context.rollout.cache.refused_from;
    for (position, source) in sources.iter().enumerate() {
        let path = format!("cache.refused_from.{position}");
        if sources[..position].contains(source) {
            let mistake = context
                .at(Code::RolloutRefusedTwice, &path, format!("{} is listed twice", quoted(&source.to_string())))
                .help("remove one of the two")
                .warning();
            context.report(mistake);
        }
        let RefusedSource::Host(host) = source else { continue };
        let staging = std::iter::once((&context.rollout.staging.host, STAGING));
        let production = context.rollout.production.targets.iter().map(|target| (&target.host, target.name.as_str()));
        let Some((_, name)) = staging.chain(production).find(|(known, _)| machine(known) == machine(host)) else {
            continue;
        };
        let message = format!("{} must not be refused: it is {}", quoted(host.as_str()), quoted(name));
        let mistake = context
            .at(Code::RolloutRefusedTarget, &path, message)
            .because("the store exists for the targets; these are places that must not reach it")
            .help("write `operator`, or a host that is no target");
        context.report(mistake);
    }
}
