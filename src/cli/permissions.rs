//! `migrate permissions`: the smallest IAM policy for this rollout, its rollback included.

use super::answer::{Answer, Trouble};
use super::session::Session;
use crate::steps;

pub(super) fn run(session: &Session) -> Result<Answer, Trouble> {
    let plan = session.load()?.plan;
    let policy = steps::account::policy::policy(&plan)?;
    let text = serde_json::to_string_pretty(&policy).unwrap_or_default();
    Ok(Answer::pass(text, policy).product())
}
