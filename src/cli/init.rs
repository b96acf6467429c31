//! `migrate init`: a commented rollout.yaml to start from.

use std::fs::OpenOptions;
use std::io::{ErrorKind, Write};

use serde_json::json;

use super::answer::{Answer, Trouble};
use super::session::Session;
use crate::configuration;
use crate::core::Exit;

/// Options of `migrate init`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  migrate init                           write ./rollout.yaml
  migrate init --rollout eu/rollout.yaml write it elsewhere")]
pub struct InitArgs {
    /// Replace a file that is there.
    #[arg(long)]
    force: bool,
}

impl InitArgs {
    pub(super) fn run(self, session: &Session) -> Result<Answer, Trouble> {
        let path = session.rollout_path();
        let mut options = OpenOptions::new();
        options.write(true).create(self.force).truncate(self.force).create_new(!self.force);
        let written = options.open(path).and_then(|mut file| file.write_all(configuration::starter().as_bytes()));
        match written {
            Ok(()) => Ok(Answer::pass(
                format!("{} written; change what its comments say, then `migrate check`", path.display()),
                json!({ "path": path }),
            )),
            Err(error) if error.kind() == ErrorKind::AlreadyExists => Err(Trouble::new(
                Exit::Usage,
                format!("{} is there already", path.display()),
                "`migrate init --force` replaces it; `migrate init --rollout OTHER` writes elsewhere",
            )),
            Err(error) => Err(Trouble::new(
                Exit::Internal,
                format!("{} could not be written: {error}", path.display()),
                "choose a directory you may write in with `--rollout FILE`",
            )),
        }
    }
}
