//! Files that the rollout names, on this machine.

use std::path::Path;

use super::context::Context;
use crate::configuration::diagnostic::Code;
use crate::configuration::diagnostic::quote::quoted;

pub fn check(context: &mut Context<'_>, base: &Path) {
    for path in ["ssh.config", "cache.tls.ca_file"] {
        let Some(file) = context.read::<String>(path) else { continue };
        if base.join(&file).is_file() {
            continue;
        }
        let mistake = context
            .at(Code::RolloutMissingFile, path, format!("there is no file {} here", quoted(&file)))
            .because(format!("it is looked up from {}", base.display()))
            .help("write its path relative to rollout.yaml, or run where it exists")
            .warning();
        context.report(mistake);
    }
}
