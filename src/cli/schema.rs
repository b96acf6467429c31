//! `migrate schema`: the JSON Schema, for editors.

use super::answer::{Answer, Trouble};
use crate::configuration;
use crate::core::Exit;
use crate::steps::BuiltInKinds;

/// Options of `migrate schema`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  migrate schema > rollout.schema.json
  migrate schema phase > phase.schema.json")]
pub struct SchemaArgs {
    /// Of which file.
    #[arg(value_enum, default_value_t = Of::Rollout)]
    of: Of,
}

/// Of which file.
#[derive(Debug, Clone, Copy, clap::ValueEnum)]
enum Of {
    /// rollout.yaml.
    Rollout,
    /// A file of phases/.
    Phase,
}

impl SchemaArgs {
    pub(super) fn run(self) -> Result<Answer, Trouble> {
        let schema = match self.of {
            Of::Rollout => configuration::schema(),
            Of::Phase => configuration::phase_schema(&BuiltInKinds),
        };
        let value = serde_json::to_value(schema)
            .map_err(|error| Trouble::new(Exit::Internal, error.to_string(), "report this as a bug"))?;
        let text = serde_json::to_string_pretty(&value).unwrap_or_default();
        Ok(Answer::pass(text, value).product())
    }
}
