//! `caller_identity`: whose AWS credentials these are.

use async_trait::async_trait;
use schemars::JsonSchema;
use serde::Deserialize;

use crate::core::{Contract, Facts, Failure, Verdict, rollout::Rollout};
use crate::ports::Caller;
use crate::steps::facts::{CALLER_ACCOUNT, CALLER_ARN};
use crate::steps::measure::measurement;
use crate::steps::{Diff, DiffAction, Kind, Observation, Observe, ReadContext, Step};

/// Asks STS who we are. Needs no permission: STS answers every valid credential, so no action is listed (and IAM's
/// simulation would call it denied).
pub struct CallerIdentity;

/// Nothing to set.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Settings {}

impl Kind for CallerIdentity {
    type Settings = Settings;
    const NAME: &'static str = "caller_identity";
    const SUMMARY: &'static str = "asks STS whose credentials these are";
    const CONTRACT: Contract = Contract::Observe;
    const PROVIDES: &'static [&'static str] = &[CALLER_ARN.name(), CALLER_ACCOUNT.name()];

    fn build(_: Settings) -> Step {
        Step::Observe(Box::new(Self))
    }
}

/// What to do when the credentials belong to another account.
pub const CHOOSE_CREDENTIALS: &str = "choose the right AWS_PROFILE or AWS_ACCESS_KEY_ID";

/// The account in the facts, when the caller is of another one: with its credentials everything looks absent.
pub fn other_account(facts: &Facts, caller: &Caller) -> Option<String> {
    CALLER_ACCOUNT.known(facts).filter(|account| *account != caller.account)
}

#[async_trait]
impl Observe for CallerIdentity {
    fn plan(&self, _: &Rollout) -> Diff {
        Diff::one(DiffAction::Read, "whose AWS credentials these are (STS)")
    }

    async fn observe(&self, context: &ReadContext<'_>) -> Result<Observation, Failure> {
        let caller = context.ports.cloud.caller().await?;
        let data = serde_json::json!({ "arn": caller.arn, "account": caller.account });
        Ok(Observation {
            facts: Facts::new().with_fact(CALLER_ARN, caller.arn.clone()).with_fact(CALLER_ACCOUNT, caller.account),
            measurements: vec![measurement(Verdict::Pass, &caller.arn, format!("acting as {}", caller.arn), data)],
            failure: None,
        })
    }
}
