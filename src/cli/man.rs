//! `migrate man`: the manual.

use std::path::PathBuf;

use serde_json::json;

use super::answer::{Answer, Trouble};
use crate::core::Exit;

/// Options of `migrate man`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  migrate man | man -l -       read it
  migrate man --directory man1 write one page per command")]
pub struct ManArgs {
    /// Write one page per command into this directory.
    #[arg(long, value_name = "DIR")]
    directory: Option<PathBuf>,
}

impl ManArgs {
    pub(super) fn run(self, program: clap::Command) -> Result<Answer, Trouble> {
        let trouble = |error: std::io::Error| {
            Trouble::new(
                Exit::Internal,
                format!("the pages could not be written: {error}"),
                "choose another --directory",
            )
        };
        match self.directory {
            None => {
                let mut page = Vec::new();
                clap_mangen::Man::new(program).render(&mut page).map_err(trouble)?;
                let text = String::from_utf8_lossy(&page).into_owned();
                let result = json!({ "page": text });
                Ok(Answer::pass(text, result).product())
            }
            Some(directory) => {
                std::fs::create_dir_all(&directory).map_err(trouble)?;
                clap_mangen::generate_to(program, &directory).map_err(trouble)?;
                let text = format!("written to {}", directory.display());
                Ok(Answer::pass(text, json!({ "directory": directory })))
            }
        }
    }
}
