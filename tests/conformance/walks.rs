//! The way to a step: everything before it done, in a simulated world. Most tests begin at the end of such a walk, and
//! some begin there for each way in which a write can go wrong: nobody walks where another test has been.

use std::collections::HashMap;
use std::sync::{LazyLock, Mutex};

use migrate::core::{Contract, Facts, Plan, PlanDigest, PlannedStep};
use migrate::steps::{self, Step};

use super::stage::{Heard, Stage};
use super::{production_site, site, soak_scenarios};

/// What a walk depends on: the plan, what was known at its beginning, and how many steps it has gone.
type Place = (PlanDigest, Facts, usize);

/// Where tests have been.
static BEEN: LazyLock<Mutex<HashMap<Place, Stage>>> = LazyLock::new(Mutex::default);

impl Stage {
    /// The usual site, with everything before the step of this kind done.
    pub async fn before(kind: &str) -> Self {
        Self::before_in(site::plan(site::shorter()), kind).await
    }

    pub async fn before_in(plan: Plan, kind: &str) -> Self {
        Self::before_knowing(plan, kind, Facts::new()).await
    }

    /// The same, with what steps that are not in the plan would have learnt.
    pub async fn before_knowing(plan: Plan, kind: &str, learnt: Facts) -> Self {
        let steps = plan.steps().to_vec();
        let end = steps.iter().position(|planned| planned.kind.as_str() == kind).unwrap_or(steps.len());
        let place = |gone| (plan.digest().clone(), learnt.clone(), gone);
        let been = (0..=end).rev().find_map(|gone| Some((gone, BEEN.lock().unwrap().get(&place(gone))?.fork())));
        let (gone, mut stage) = been.unwrap_or_else(|| {
            let mut stage = Stage::new(plan.clone());
            stage.facts = learnt.clone();
            (0, stage)
        });
        for (gone, planned) in steps.iter().enumerate().take(end).skip(gone) {
            stage.approach(planned).await;
            stage.pass(planned).await;
            BEEN.lock().unwrap().entry(place(gone + 1)).or_insert_with(|| stage.fork());
        }
        if let Some(planned) = steps.get(end) {
            stage.approach(planned).await;
        }
        // Whoever comes first has heard of the whole walk, the others of nothing.
        stage.heard = Heard::default();
        stage
    }

    /// What is so by the time a step's turn has come, by the engine or by others.
    async fn approach(&mut self, planned: &PlannedStep) {
        if planned.contract == Contract::Rehearsal {
            self.rehearse().await;
        }
        // As the same steps leave the other targets, which are not in this plan.
        if planned.kind.as_str() == "final_comparison" {
            production_site::switch_all(self);
        }
        if planned.kind.as_str() == "production_soak" {
            soak_scenarios::watched(&self.world, self.plan.rollout());
        }
    }

    async fn pass(&mut self, planned: &PlannedStep) {
        match steps::build(planned).unwrap() {
            Step::Observe(_) | Step::Watch(_) => {
                let seen = self.observe(planned.kind.as_str()).await.unwrap();
                self.facts.extend(&seen.facts);
            }
            Step::Change(step) => self.bring_up(&planned.id, &*step).await,
            Step::Exercise(step) => {
                let seen = self.perform(&planned.id, &*step).await.unwrap();
                self.facts.extend(&seen.facts);
            }
        }
    }
}
