//! One worker count under load: users who stay, two halves of a load, and a restart of all workers between them.

use std::collections::BTreeSet;
use std::time::Duration;

use super::restart::{restart, wait_for_workers};
use crate::core::Failure;
use crate::ports::{LoadPlan, LoadResult, Silent, StoreAccess};
use crate::steps::ReadContext;
use crate::steps::site::copy_access;
use crate::steps::site::copy_access::Trial;
use crate::steps::site::staying_users::{SignInScript, StayingUser, UserObservations};
use crate::steps::site::store_state::{StoreSeen, look};
use crate::steps::watch::under_load::{UnderLoad, under_load};

/// How many users sign in at the beginning and stay until the end.
const STAYING_USERS: u32 = 5;
/// How long an answer is waited for.
pub const REQUEST_TIMEOUT: Duration = Duration::from_secs(30);

/// What was found out about one count.
#[derive(Debug)]
pub struct Counted {
    /// How many workers.
    pub workers: u32,
    /// How many ran, when those were not as many as they should be.
    pub running: Option<usize>,
    /// The halves of the load, as far as it went.
    pub halves: Vec<UnderLoad>,
    /// What the users who stay met with.
    pub stayed: UserObservations,
    /// How many of them there were.
    pub staying: u32,
    /// Why the workers could not be replaced.
    pub not_restarted: Option<String>,
    /// The store before and after.
    pub store: Option<(StoreSeen, StoreSeen)>,
}

impl Counted {
    /// Both halves as one.
    pub fn result(&self) -> LoadResult {
        let mut all = LoadResult::default();
        self.halves.iter().for_each(|half| all.merge(&half.result));
        all
    }

    /// Why the load was taken off, when it was.
    pub fn taken_off(&self) -> Option<&str> {
        self.halves.iter().find_map(|half| half.taken_off.as_deref())
    }
}

/// The people who stay.
struct Staying<'a> {
    context: &'a ReadContext<'a>,
    script: SignInScript<'a>,
    users: Vec<StayingUser>,
    seen: UserObservations,
}

impl<'a> Staying<'a> {
    async fn sign_in(context: &'a ReadContext<'a>) -> Result<Self, Failure> {
        let rollout = context.rollout();
        let script = SignInScript::of(&rollout.journeys)?;
        let (mut users, mut seen) = (Vec::new(), UserObservations::default());
        let (browsers, clock) = (&*context.ports.browsers, &*context.ports.clock);
        for number in rollout.load.users + 1..=rollout.load.users + STAYING_USERS {
            let target = copy_access::copy(rollout);
            users.extend(StayingUser::sign_in(browsers, clock, &target, number, &script, &mut seen).await?);
        }
        Ok(Self { context, script, users, seen })
    }

    async fn are_asked(&mut self) {
        for user in &mut self.users {
            user.ask(&*self.context.ports.clock, &self.script, &mut self.seen).await;
        }
    }
}

/// Puts one count under load. It runs already.
///
/// # Errors
/// When something could not be looked at. What is bad is in the answer.
pub async fn measure(context: &ReadContext<'_>, store: &StoreAccess, workers: u32) -> Result<Counted, Failure> {
    let mut counted = Counted {
        workers,
        running: wait_for_workers(context, workers).await?,
        halves: Vec::new(),
        stayed: UserObservations::default(),
        staying: STAYING_USERS,
        not_restarted: None,
        store: None,
    };
    if counted.running.is_some() {
        return Ok(counted);
    }
    let before = look(context, store).await?;
    let mut staying = Staying::sign_in(context).await?;
    staying.are_asked().await;
    warm_up(context, workers).await?;
    for half in 0..2 {
        let under =
            under_load(context, message(context, workers), &plan(context, workers, half), ramp(context)).await?;
        let is_over = under.taken_off.is_some();
        let answered: BTreeSet<u32> = under.result.answered.keys().copied().collect();
        counted.halves.push(under);
        staying.are_asked().await;
        if is_over {
            break;
        }
        if half == 0 {
            let trial = Trial::of(context).await?;
            counted.not_restarted = restart(context, &trial, &answered).await?;
            counted.running = wait_for_workers(context, workers).await?;
            if counted.not_restarted.is_some() || counted.running.is_some() {
                break;
            }
            staying.are_asked().await;
        }
    }
    counted.stayed = staying.seen;
    counted.store = Some((before, look(context, store).await?));
    Ok(counted)
}

/// Short, so that the memory of every worker has room beside it.
fn message(context: &ReadContext<'_>, workers: u32) -> String {
    format!("{} users, {workers} workers", context.rollout().load.users)
}

fn ramp(context: &ReadContext<'_>) -> Duration {
    context.rollout().load.ramp_up() / 2
}

/// One half of the load: other moments in each, the same ones every time.
fn plan(context: &ReadContext<'_>, workers: u32, half: u32) -> LoadPlan {
    let load = &context.rollout().load;
    LoadPlan {
        ramp: ramp(context),
        seed: u64::from(2 * workers + half),
        timeout: REQUEST_TIMEOUT,
        ..LoadPlan::closed(load.users, load.duration.get() / 2)
    }
}

/// A few users, whom nobody looks at: what a worker does only once is over then.
async fn warm_up(context: &ReadContext<'_>, workers: u32) -> Result<(), Failure> {
    let rollout = context.rollout();
    let duration = rollout.load.ramp_up().max(Duration::from_secs(1));
    let users = (4 * workers).min(rollout.load.users);
    let plan = LoadPlan { seed: u64::from(workers), timeout: REQUEST_TIMEOUT, ..LoadPlan::closed(users, duration) };
    context.say(format!("{workers} workers of the copy warm up for {} s", duration.as_secs()));
    let target = copy_access::copy(rollout);
    context.ports.load.run(&target, &rollout.journeys, &plan, &Silent).await.map(drop)
}
