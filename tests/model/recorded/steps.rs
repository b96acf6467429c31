//! Steps whose calls have random results, out of those that the model knows.

use std::time::Duration;

use async_trait::async_trait;
use migrate::core::rollout::Rollout;
use migrate::core::{ApplyPermit, Contract, Facts, Failure, Measurement, PlannedStep, UndoPermit, Verdict};
use migrate::ports::WriteFailure;
use migrate::steps::{
    Change, Condition, Diff, DiffAction, Exercise, Observation, Observe, Presence, ReadContext, Step, Watch, Watched,
    WriteContext,
};

use super::Site;
use crate::position::{At, Turn};
use crate::scenario::proven_in;
use crate::trace::Visible;

/// A step of any contract.
#[derive(Clone)]
struct Scripted {
    site: Site,
    step: usize,
}

/// The step that a plan describes, on this site.
pub fn build(site: &Site, planned: &PlannedStep) -> Step {
    let scripted = Scripted { site: site.clone(), step: site.index(&planned.id) };
    match planned.contract {
        Contract::Change => Step::Change(Box::new(scripted)),
        Contract::Exercise => Step::Exercise(Box::new(scripted)),
        Contract::Soak { .. } => Step::Watch(Box::new(scripted)),
        Contract::Observe | Contract::Gate | Contract::Rehearsal => Step::Observe(Box::new(scripted)),
    }
}

fn refused() -> Failure {
    Failure::permanent("scripted")
}

impl Scripted {
    fn diff() -> Diff {
        Diff::one(DiffAction::Read, "a scripted step")
    }

    fn measured(&self, verdict: Verdict) -> Observation {
        let phase = self.site.plan.steps()[self.step].phase;
        let measurement = Measurement {
            verdict,
            summary: "scripted".into(),
            proves: proven_in(phase),
            subjects: Vec::new(),
            resource: "the site".into(),
            data: serde_json::Value::Null,
        };
        Observation { measurements: vec![measurement], ..Observation::default() }
    }

    async fn presence(&self) -> Presence {
        self.site.does(|_| Visible::Looked(self.step)).await;
        match self.site.look(|world| world.places[self.step]) {
            place if place.live == 0 => Presence::Absent,
            place if place.broken => Presence::Ours(Condition::Broken("scripted".into())),
            _ => Presence::Ours(Condition::Usable),
        }
    }

    /// The failure of a call whose reply is lost: the engine retries it, or gives up.
    fn lost(&self) -> WriteFailure {
        let gives_up = self.site.turn(At::Lost(self.step)) == Turn::GiveUp;
        WriteFailure::unknown(if gives_up { refused() } else { Failure::transient("scripted") })
    }

    async fn make(&self) -> Result<(), WriteFailure> {
        let turn = self.site.turn(At::Act(self.step));
        self.site
            .does(|world| {
                if !matches!(turn, Turn::Denied | Turn::LostBefore) {
                    world.create(self.step, turn == Turn::Broken);
                }
                Visible::Asked(self.step, world.standing())
            })
            .await;
        match turn {
            Turn::Denied => Err(WriteFailure::clean(refused())),
            Turn::LostAfter | Turn::LostBefore => Err(self.lost()),
            _ => Ok(()),
        }
    }

    async fn unmake(&self) -> Result<(), WriteFailure> {
        let turn = self.site.turn(At::UndoAct(self.step));
        let mut is_in_use = false;
        self.site
            .does(|world| {
                if !matches!(turn, Turn::Permanent | Turn::LostBefore) {
                    is_in_use = !world.remove(self.step);
                }
                Visible::Asked(self.step, world.standing())
            })
            .await;
        match turn {
            Turn::Permanent | Turn::Misreported => Err(WriteFailure::unknown(refused())),
            _ if is_in_use => Err(WriteFailure::clean(refused())),
            // The model retries without a limit.
            Turn::LostAfter | Turn::LostBefore => Err(WriteFailure::unknown(Failure::transient("scripted"))),
            _ => Ok(()),
        }
    }

    async fn find(&self, at: At) -> Verdict {
        let (Turn::Says(found) | Turn::Shows(found)) = self.site.turn(at) else { panic!("{at:?} finds nothing") };
        self.site.does(|_| Visible::Found(self.step, found)).await;
        found
    }
}

#[async_trait]
impl Observe for Scripted {
    fn plan(&self, _: &Rollout) -> Diff {
        Self::diff()
    }

    async fn observe(&self, _: &ReadContext<'_>) -> Result<Observation, Failure> {
        Ok(self.measured(self.find(At::Judge(self.step)).await))
    }
}

#[async_trait]
impl Change for Scripted {
    async fn plan(&self, _: &ReadContext<'_>) -> Result<Diff, Failure> {
        Ok(Self::diff())
    }

    async fn probe(&self, _: &ReadContext<'_>) -> Result<Presence, Failure> {
        Ok(self.presence().await)
    }

    async fn apply(&self, _: &WriteContext<'_>, _: &ApplyPermit) -> Result<(), WriteFailure> {
        self.make().await
    }

    async fn settle(&self, _: &ReadContext<'_>) -> Result<Facts, Failure> {
        Ok(Facts::new())
    }

    async fn verify(&self, _: &ReadContext<'_>, _: &Facts) -> Result<Vec<Measurement>, Failure> {
        let is_broken = self.site.look(|world| world.places[self.step].broken);
        if is_broken { Err(refused()) } else { Ok(Vec::new()) }
    }

    async fn undo(&self, _: &WriteContext<'_>, _: &UndoPermit) -> Result<(), WriteFailure> {
        self.unmake().await
    }
}

#[async_trait]
impl Exercise for Scripted {
    async fn plan(&self, _: &ReadContext<'_>) -> Result<Diff, Failure> {
        Ok(Self::diff())
    }

    async fn probe(&self, _: &ReadContext<'_>) -> Result<Presence, Failure> {
        Ok(self.presence().await)
    }

    async fn perform(&self, _: &WriteContext<'_>, _: &ApplyPermit) -> Result<Observation, WriteFailure> {
        self.make().await?;
        if self.site.look(|world| world.places[self.step].broken) {
            return Err(WriteFailure::unknown(refused()));
        }
        Ok(self.measured(self.find(At::Judge(self.step)).await))
    }

    async fn undo(&self, _: &WriteContext<'_>, _: &UndoPermit) -> Result<(), WriteFailure> {
        self.unmake().await
    }
}

#[async_trait]
impl Watch for Scripted {
    fn plan(&self, _: &Rollout) -> Diff {
        Self::diff()
    }

    async fn watch(&self, context: &ReadContext<'_>, window: Duration) -> Result<Watched, Failure> {
        context.ports.clock.sleep(window).await;
        let observation = self.measured(self.find(At::Watch(self.step)).await);
        Ok(Watched { seconds: window.as_secs(), requests: 1_000, observation })
    }
}
