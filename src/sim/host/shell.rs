//! A very small shell.

use super::state::Host;
use crate::ports::{CommandOutput, Script};

impl Host {
    /// Runs a script: `touch FILE`, `rm FILE`, `test FILE`, `test FILE || exit CODE`, `echo TEXT`, `true`, `false`,
    /// `exit CODE`, one a line, until one fails.
    pub(in crate::sim) fn run(&mut self, script: &Script) -> CommandOutput {
        let mut said = String::new();
        let ended = |code: i32, stdout: String, stderr: String| CommandOutput { code, stdout, stderr };
        for line in script.0.lines().map(str::trim).filter(|line| !line.is_empty()) {
            let words: Vec<&str> = line.split_whitespace().collect();
            let code = match words.as_slice() {
                ["true"] => 0,
                ["false"] => 1,
                ["touch", file] => {
                    self.files.insert((*file).to_owned());
                    0
                }
                ["rm", file] => {
                    self.files.remove(*file);
                    0
                }
                ["test", file] => i32::from(!self.files.contains(*file)),
                ["test", file, "||", "exit", code] => match self.files.contains(*file) {
                    true => 0,
                    false => code.parse().unwrap_or(2),
                },
                ["echo", text] => {
                    said.push_str(text);
                    said.push('\n');
                    0
                }
                ["exit", code] => return ended(code.parse().unwrap_or(2), said, String::new()),
                _ => return ended(127, said, format!("sh: {line}: not found")),
            };
            if code != 0 {
                return ended(code, said, format!("{line}: exit code {code}"));
            }
        }
        ended(0, said, String::new())
    }
}
