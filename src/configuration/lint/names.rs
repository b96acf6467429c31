//! Names that end up in commands on targets: legal ones only.

use super::context::Context;
use crate::configuration::diagnostic::quote::quoted;
use crate::configuration::diagnostic::{Code, Diagnostic};

pub fn check(context: &mut Context<'_>) {
    for rule in [unit, account] {
        if let Some(mistake) = rule(context) {
            context.report(mistake);
        }
    }
    modules(context);
}

fn unit(context: &Context<'_>) -> Option<Diagnostic> {
    let unit: String = context.read("application.unit")?;
    if is_service(&unit) {
        return None;
    }
    let help = if unit.contains('.') {
        "write a name such as chatmrpt.service".to_owned()
    } else {
        format!("write {unit}.service")
    };
    let mistake = context
        .at(
            Code::RolloutUnitName,
            "application.unit",
            format!("{} is not the name of a systemd service", quoted(&unit)),
        )
        .because("a service's name is letters, digits and `:-_.@\\`, and ends in .service")
        .help(help);
    Some(mistake)
}

/// By systemd.unit(5): at most 255 characters, and not a template without an instance.
fn is_service(unit: &str) -> bool {
    unit.strip_suffix(".service").is_some_and(|stem| {
        !stem.is_empty()
            && !stem.starts_with(['-', '@'])
            && !stem.ends_with('@')
            && unit.len() <= 255
            && stem.bytes().all(|byte| byte.is_ascii_alphanumeric() || b":-_.@\\".contains(&byte))
    })
}

fn account(context: &Context<'_>) -> Option<Diagnostic> {
    let user: String = context.read("application.user")?;
    if is_account(&user) {
        return None;
    }
    let mistake = context
        .at(Code::RolloutAccountName, "application.user", format!("{} is not the name of an account", quoted(&user)))
        .because(
            "an account's name is lower-case letters, digits, `_` and `-`, at most 32, and does not start with a digit",
        )
        .help("write the account the service runs as, such as ec2-user");
    Some(mistake)
}

/// By useradd(8), strictly: what every distribution accepts.
fn is_account(user: &str) -> bool {
    user.len() <= 32
        && user.starts_with(|first: char| first.is_ascii_lowercase() || first == '_')
        && user.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"_-".contains(&byte))
}

fn modules(context: &mut Context<'_>) {
    for position in 0..context.count("application.modules") {
        let path = format!("application.modules.{position}");
        let Some(module) = context.read::<String>(&path).filter(|module| !is_module(module)) else { continue };
        let advice = module.replace('-', "_").to_lowercase();
        let help = if is_module(&advice) {
            format!("write the name after `import`, probably {advice}")
        } else {
            "write the name after `import`, such as flask_session".to_owned()
        };
        let mistake = context
            .at(Code::RolloutModuleName, &path, format!("{} is not the name of a Python module", quoted(&module)))
            .because("it is what stands after `import`, which is not always the name of the package")
            .help(help);
        context.report(mistake);
    }
}

/// Identifiers joined by dots; ASCII only, because the name becomes part of a command.
fn is_module(name: &str) -> bool {
    name.split('.').all(is_identifier)
}

/// A name as Python, C and the shell know them.
pub fn is_identifier(name: &str) -> bool {
    name.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_')
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}
