//! Hosts and instances: which is which, once each.

use std::collections::BTreeMap;

use super::context::Context;
use crate::configuration::diagnostic::Code;
use crate::configuration::diagnostic::quote::quoted;
use crate::core::rollout::{InstanceSelector, Name, RefusedSource, STAGING, SshHost};

pub fn check(context: &mut Context<'_>) {
    let targets: Vec<Target> =
        (0..context.count("production.targets")).map(|position| Target::read(context, position)).collect();
    reserved_names(context, &targets);
    staging_is_production(context, &targets);
    duplicates(context, &targets);
    refused_targets(context, &targets);
}

/// A production target, as far as it is right.
struct Target {
    path: String,
    name: Option<Name>,
    host: Option<SshHost>,
    instance: Option<InstanceSelector>,
}

impl Target {
    fn read(context: &Context<'_>, position: usize) -> Self {
        let path = format!("production.targets.{position}");
        let part = |key: &str| format!("{path}.{key}");
        let (name, host) = (context.read(&part("name")), context.read(&part("host")));
        Self { name, host, instance: context.read(&part("instance")), path }
    }

    /// What it is called in a message.
    fn title(&self) -> String {
        self.name.as_ref().map_or_else(|| "a production target".to_owned(), |name| quoted(name.as_str()))
    }
}

/// The part of a host that says which machine it is: without the account, in lower case.
fn machine(host: &SshHost) -> String {
    let text = host.as_str();
    text.rsplit_once('@').map_or(text, |(_, machine)| machine).to_lowercase()
}

fn reserved_names(context: &mut Context<'_>, targets: &[Target]) {
    for (position, target) in targets.iter().enumerate() {
        if target.name.as_ref().is_none_or(|name| name.as_str() != STAGING) {
            continue;
        }
        let path = format!("{}.name", target.path);
        let mistake = context
            .at(Code::RolloutReservedName, &path, "a production target cannot be called `staging`")
            .because("that is what the staging host is called in output and in the journal")
            .help(format!("write another name, such as production-{}", position + 1));
        context.report(mistake);
    }
}

fn staging_is_production(context: &mut Context<'_>, targets: &[Target]) {
    let host: Option<SshHost> = context.read("staging.host");
    let instance: Option<InstanceSelector> = context.read("staging.instance");
    for target in targets {
        let same_host = target.host.as_ref().filter(|own| host.as_ref().map(machine) == Some(machine(own)));
        let same_instance = target.instance.as_ref().filter(|own| instance.as_ref() == Some(*own));
        let same =
            [("host", same_host.map(SshHost::as_str)), ("instance", same_instance.map(InstanceSelector::as_str))];
        for (key, value) in same {
            let Some(value) = value else { continue };
            let line = context.line(&format!("staging.{key}"));
            let path = format!("{}.{key}", target.path);
            let message = format!("the {key} {} of {} is also staging's", quoted(value), target.title());
            let mistake = context
                .at(Code::RolloutStagingIsProduction, &path, message)
                .because(format!("phases 1 to 3 change staging (line {line}), and must not touch production"))
                .help("write the production instance here, or another staging host there");
            context.report(mistake);
        }
    }
}

fn duplicates(context: &mut Context<'_>, targets: &[Target]) {
    type Identity = fn(&Target) -> Option<String>;
    let identities: [(&str, Identity); 3] = [
        ("name", |target| target.name.as_ref().map(Name::to_string)),
        ("host", |target| target.host.as_ref().map(machine)),
        ("instance", |target| target.instance.as_ref().map(InstanceSelector::to_string)),
    ];
    for (key, identity) in identities {
        let mut seen: BTreeMap<String, &str> = BTreeMap::new();
        for target in targets {
            let Some(own) = identity(target) else { continue };
            let Some(first) = seen.get(&own) else {
                seen.insert(own, &target.path);
                continue;
            };
            if context.is_full() {
                return;
            }
            let line = context.line(&format!("{first}.{key}"));
            let path = format!("{}.{key}", target.path);
            let message = format!("two production targets have the {key} {}", quoted(&own));
            let mistake = context
                .at(Code::RolloutDuplicateTarget, &path, message)
                .because(format!("the other is on line {line}; each instance is changed once"))
                .help(format!("write this target's own {key}, or remove one of the two"));
            context.report(mistake);
        }
    }
}

fn refused_targets(context: &mut Context<'_>, targets: &[Target]) {
    let staging: Option<SshHost> = context.read("staging.host");
    let mut needed: BTreeMap<String, String> = BTreeMap::new();
    let production = targets.iter().filter_map(|target| Some((target.host.as_ref()?, target.title())));
    for (host, title) in staging.iter().map(|host| (host, quoted(STAGING))).chain(production) {
        needed.entry(machine(host)).or_insert(title);
    }
    let mut seen = std::collections::BTreeSet::new();
    for position in 0..context.count("cache.refused_from") {
        let path = format!("cache.refused_from.{position}");
        let Some(source) = context.read::<RefusedSource>(&path) else { continue };
        if !seen.insert(source.to_string()) {
            let mistake = context
                .at(Code::RolloutRefusedTwice, &path, format!("{} is listed twice", quoted(&source.to_string())))
                .help("remove one of the two")
                .warning();
            context.report(mistake);
        }
        let RefusedSource::Host(host) = source else { continue };
        let Some(title) = needed.get(&machine(&host)) else { continue };
        let message = format!("{} must not be refused: it is {title}", quoted(host.as_str()));
        let mistake = context
            .at(Code::RolloutRefusedTarget, &path, message)
            .because("the store exists for the targets; these are places that must not reach it")
            .help("write `operator`, or a host that is not a target");
        context.report(mistake);
    }
}
