//! `cost_gate`: what phase 1 will cost a month, before it costs anything.

use async_trait::async_trait;
use schemars::JsonSchema;
use serde::Deserialize;

use super::prices;
use crate::core::{Contract, Facts, Failure, Verdict, rollout::Rollout};
use crate::steps::{Diff, DiffAction, Kind, Observation, Observe, ReadContext, Step, measure};

/// Compares the estimate with the budget.
pub struct CostGate;

/// Nothing to set.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Settings {}

impl Kind for CostGate {
    type Settings = Settings;
    const NAME: &'static str = "cost_gate";
    const SUMMARY: &'static str = "compares the monthly estimate with the budget";
    const CONTRACT: Contract = Contract::Gate;
    const PROVIDES: &'static [&'static str] = &[];

    fn build(_: Settings) -> Step {
        Step::Observe(Box::new(Self))
    }
}

/// The nodes, in words.
fn nodes(rollout: &Rollout) -> String {
    format!("{} x {} in {}", 1 + rollout.cache.replicas, rollout.cache.node_type, rollout.region)
}

#[async_trait]
impl Observe for CostGate {
    fn plan(&self, rollout: &Rollout) -> Diff {
        let monthly_usd = prices::monthly_usd(&rollout.cache, &rollout.region);
        let cost = match monthly_usd {
            Some(dollars) => format!("about {dollars} USD a month (on demand, without traffic and backups)"),
            None => "of unknown cost: not in the price table".to_owned(),
        };
        Diff { monthly_usd, ..Diff::one(DiffAction::Read, format!("{}: {cost}", nodes(rollout))) }
    }

    async fn observe(&self, context: &ReadContext<'_>) -> Result<Observation, Failure> {
        let rollout = context.rollout();
        let estimate = prices::monthly_usd(&rollout.cache, &rollout.region);
        let budget = rollout.budget.as_ref().map(|budget| budget.monthly_usd);
        let nodes = nodes(rollout);
        let (verdict, summary) = match (estimate, budget) {
            (Some(estimate), Some(budget)) if estimate > budget => {
                (Verdict::Abort, format!("{nodes} cost about {estimate} USD a month; the budget is {budget}"))
            }
            (Some(estimate), Some(budget)) => {
                (Verdict::Pass, format!("{nodes} cost about {estimate} USD a month, within the budget of {budget}"))
            }
            (None, Some(budget)) => (
                Verdict::Inconclusive,
                format!("{nodes}: not in the price table, so it cannot be compared with the budget of {budget} USD"),
            ),
            (Some(estimate), None) => {
                (Verdict::Pass, format!("{nodes} cost about {estimate} USD a month; no budget is set"))
            }
            (None, None) => (Verdict::Pass, format!("{nodes}: not in the price table; no budget is set")),
        };
        let data = serde_json::json!({ "monthly_usd": estimate, "budget": budget, "node_type": rollout.cache.node_type, "nodes": 1 + rollout.cache.replicas });
        let measurements = vec![measure::measurement(verdict, rollout.name.as_str(), summary, data)];
        let hint = match verdict {
            Verdict::Inconclusive => "look the price up, and take `budget:` out of rollout.yaml to accept it",
            _ => "take a smaller cache.node_type, fewer cache.replicas, or raise budget.monthly_usd in rollout.yaml",
        };
        let failure = measure::failure_of(&measurements, hint);
        Ok(Observation { facts: Facts::new(), measurements, failure })
    }
}
