//! What a rollout has left in the world, found without its journal: by tag in AWS, by name and mark on the targets.

use std::collections::BTreeMap;

use super::answer::Trouble;
use super::printer::Printer;
use super::session::Session;
use super::wiring::World;
use crate::configuration::Loaded;
use crate::core::rollout::SshHost;
use crate::core::{Availability, Contract, Event, Exit, Facts, Failure, Phase, Plan, PlannedStep, PresumedStep};
use crate::ports::{Silent, TaggedResource};
use crate::steps::account::caller_identity::{CHOOSE_CREDENTIALS, other_account};
use crate::steps::account::tags;
use crate::steps::{self, Presence, ReadContext};

/// A step of which something is left, or may be.
struct Found<'a> {
    step: &'a PlannedStep,
    /// Why nobody could look; `None` when it was seen.
    unseen: Option<String>,
}

/// Everything that was found.
pub struct Discovered<'a> {
    resources: Vec<TaggedResource>,
    steps: Vec<Found<'a>>,
}

/// Looks at AWS, and asks every step that changes something whether anything of it is left. Reads only. What cannot be
/// looked at (a host or AWS is away) counts as there: a rollback looks again.
///
/// # Errors
/// When AWS cannot be asked, and nothing was seen on the targets either.
pub async fn look<'a>(loaded: &'a Loaded, world: &World, printer: &Printer) -> Result<Discovered<'a>, Failure> {
    let plan = &loaded.plan;
    let name = plan.rollout().name.as_str();
    let resources = world.read.cloud.tagged(tags::ROLLOUT, name).await;
    let facts = Facts::new();
    let context = ReadContext {
        plan,
        facts: &facts,
        base_directory: &loaded.base_directory,
        ports: &world.read,
        progress: &Silent,
    };
    let steps = steps_that_left_something(plan, &context).await;
    let resources = match resources {
        Ok(resources) => resources,
        // A target that runs our release has to be helped, whether or not AWS can be asked.
        Err(failure) if steps.iter().any(|found| found.unseen.is_none()) => {
            printer.remark(&format!("AWS cannot be asked what carries this rollout's tag: {}", failure.message));
            Vec::new()
        }
        Err(failure) => return Err(failure),
    };
    Ok(Discovered { resources, steps })
}

/// Prints in which account and region is looked, and refuses an account that is not the one in the journal.
///
/// # Errors
/// When the accounts differ.
pub async fn refuse_other_account(session: &Session, plan: &Plan, world: &World) -> Result<(), Trouble> {
    let region = &plan.rollout().region;
    let Ok(caller) = world.read.cloud.caller().await else {
        session.printer.remark(&format!("looking in {region}; AWS does not say in which account"));
        return Ok(());
    };
    session.printer.remark(&format!("looking in account {}, {region}, as {}", caller.account, caller.arn));
    // A journal that cannot be read names no account.
    let facts = session.replay().map_or_else(|_| Facts::new(), |replayed| replayed.state.facts());
    let Some(account) = other_account(&facts, &caller) else { return Ok(()) };
    Err(Trouble::new(
        Exit::GateFailed,
        format!(
            "these credentials belong to account {}, but the journal says that this rollout is in account {account}",
            caller.account
        ),
        CHOOSE_CREDENTIALS,
    ))
}

/// Where a step acts.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Place<'a> {
    Aws,
    Host(&'a SshHost),
}

fn place<'a>(context: &'a ReadContext<'_>, step: &PlannedStep) -> Place<'a> {
    match step.target.as_ref().and_then(|name| steps::host_of(context, name.as_str()).ok()) {
        Some(host) => Place::Host(host),
        None if step.phase == Phase::Infrastructure => Place::Aws,
        None => Place::Host(&context.rollout().staging.host),
    }
}

/// Steps that act in one place are asked one after another, and the places several at once.
async fn steps_that_left_something<'a>(plan: &'a Plan, context: &ReadContext<'_>) -> Vec<Found<'a>> {
    let mut places: BTreeMap<_, Vec<(usize, &PlannedStep)>> = BTreeMap::new();
    for (number, step) in plan.steps().iter().enumerate().filter(|(_, step)| changes(step)) {
        places.entry(place(context, step)).or_default().push((number, step));
    }
    let asked = steps::several_at_once(places, |(place, steps)| ask_one_place(context, place, steps)).await;
    let mut found: Vec<_> = asked.into_iter().flatten().collect();
    found.sort_by_key(|(number, _)| *number);
    found.into_iter().map(|(_, found)| found).collect()
}

/// A host that does not answer is not asked again for the next step: fifty steps would be fifty waits.
async fn ask_one_place<'a>(
    context: &ReadContext<'_>,
    place: Place<'_>,
    steps: Vec<(usize, &'a PlannedStep)>,
) -> Vec<(usize, Found<'a>)> {
    let mut found = Vec::new();
    let mut away: Option<Failure> = None;
    for (number, step) in steps {
        let presence = match &away {
            Some(failure) => Err(failure.clone()),
            None => presence(context, step).await,
        };
        match presence {
            Ok(Presence::Absent | Presence::Foreign(_)) => {}
            Ok(Presence::Ours(_)) => found.push((number, Found { step, unseen: None })),
            Err(failure) => {
                found.push((number, Found { step, unseen: Some(failure.message.clone()) }));
                away = match place {
                    // A step may need more than its host, such as AWS: the host itself says whether it is there.
                    Place::Host(host) if away.is_none() => context.ports.targets.reader(host).hello().await.err(),
                    Place::Host(_) => away,
                    Place::Aws => None,
                };
            }
        }
    }
    found
}

async fn presence(context: &ReadContext<'_>, step: &PlannedStep) -> Result<Presence, Failure> {
    match steps::build(step)?.undoable() {
        Some(undoable) => undoable.probe(context).await,
        None => Ok(Presence::Absent),
    }
}

fn changes(step: &PlannedStep) -> bool {
    matches!(step.contract, Contract::Change | Contract::Exercise) && step.availability == Availability::Built
}

impl Discovered<'_> {
    /// Without what belongs to `to` and to the phases before it: a rollback to `to` keeps that.
    #[must_use]
    pub fn beyond(self, to: Phase) -> Self {
        let is_undone = |phase: Phase| phase > to;
        let steps = self.steps.into_iter().filter(|found| is_undone(found.step.phase)).collect();
        // Only phase 1 creates what carries a tag.
        let resources = if is_undone(Phase::Infrastructure) { self.resources } else { Vec::new() };
        Self { resources, steps }
    }

    /// Whether there is nothing: no tag, and no step has left anything.
    pub fn is_empty(&self) -> bool {
        self.resources.is_empty() && self.steps.is_empty()
    }

    /// What was found, one thing a line.
    pub fn lines(&self) -> Vec<String> {
        let resources = self.resources.iter().map(|resource| format!("{} {}", resource.kind, resource.name));
        let steps = self.steps.iter().map(|found| match &found.unseen {
            None => format!("what {} made", found.step.id),
            Some(why) => format!("perhaps what {} made: {why}", found.step.id),
        });
        resources.chain(steps).collect()
    }

    /// The steps that a rollback looks at: those that were found, and with a tag all that may have made what carries it.
    pub fn presumed(&self, plan: &Plan) -> Event {
        let found = |step: &PlannedStep| self.steps.iter().any(|found| found.step.id == step.id);
        let tagged = |step: &PlannedStep| !self.resources.is_empty() && step.phase == Phase::Infrastructure;
        let steps = plan.steps().iter().filter(|step| changes(step) && (found(step) || tagged(step)));
        let steps = steps
            .map(|step| PresumedStep { step: step.id.clone(), phase: step.phase, contract: step.contract })
            .collect();
        let reason = format!(
            "{} things carry this rollout's tag, and {} steps have left something",
            self.resources.len(),
            self.steps.len()
        );
        Event::StepsPresumed { steps, reason }
    }
}
