//! Environment variables of the copy: names that can be set, values that fit a line, none of `migrate`'s own.

use super::context::Context;
use crate::configuration::diagnostic::Code;
use crate::configuration::diagnostic::quote::quoted;

/// What the names of our own variables begin with.
const OURS: &str = "MIGRATE_";

/// Where they are written.
const ENVIRONMENT: &str = "staging.copy.environment";

pub fn check(context: &mut Context<'_>) {
    let Some(environment) = context.root.at(ENVIRONMENT) else { return };
    let written =
        environment.entries().iter().filter_map(|entry| Some((entry.key.text.clone(), entry.value.text()?.to_owned())));
    for (name, value) in written.collect::<Vec<_>>() {
        let path = format!("{ENVIRONMENT}.{name}");
        let mistake = if name.starts_with(OURS) {
            context
                .at(Code::RolloutReservedVariable, &path, format!("{} is not for rollout.yaml to set", quoted(&name)))
                .because(format!("names that begin with {OURS} are the session bridge's: `migrate` sets them itself"))
                .help("write another name, or leave it out")
        } else if !is_variable(&name) {
            context
                .at(
                    Code::RolloutEnvironmentName,
                    &path,
                    format!("{} is not the name of an environment variable", quoted(&name)),
                )
                .because("a name is upper-case letters, digits and `_`, and does not start with a digit")
                .help("write a name such as SESSION_COOKIE_SAMESITE")
        } else if value.contains(['\n', '\r', '\0']) {
            context
                .at(Code::RolloutEnvironmentValue, &path, format!("the value of {name} is more than one line"))
                .because("the copy reads its variables from a file with one of them on each line")
                .help("write it on one line")
        } else {
            continue;
        };
        context.report(mistake);
    }
}

/// `[A-Z_][A-Z0-9_]*`: what every shell and service manager takes.
fn is_variable(name: &str) -> bool {
    name.starts_with(|first: char| first.is_ascii_uppercase() || first == '_')
        && name.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_')
}
