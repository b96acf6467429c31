//! `migrate completions`: a completion script for a shell.

use clap_complete::Shell;
use serde_json::json;

use super::answer::Answer;

/// Options of `migrate completions`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  migrate completions bash > ~/.local/share/bash-completion/completions/migrate
  migrate completions zsh > ~/.zfunc/_migrate")]
pub struct CompletionsArgs {
    /// Which shell.
    shell: Shell,
}

impl CompletionsArgs {
    pub(super) fn run(self, mut program: clap::Command) -> Answer {
        let mut script = Vec::new();
        clap_complete::generate(self.shell, &mut program, "migrate", &mut script);
        let text = String::from_utf8_lossy(&script).into_owned();
        let result = json!({ "script": text });
        Answer::pass(text, result).product()
    }
}
