//! Opening synthetic users, and finding out what about them stays the same while nothing is changed.

use std::collections::BTreeMap;
use std::time::Duration;

use super::kept::at_once;
use super::members::{Cohort, Member, Told};
use super::replay::{Reply, Visiting};
use super::script::{Known, fails};
use crate::core::rollout::{JourneyRequest, ProductionTarget};
use crate::core::{Failure, Secret};
use crate::ports::LoadTarget;
use crate::steps::ReadContext;
use crate::steps::at_once::Job;
use crate::steps::at_once::at_most;
use crate::steps::production_target;
use crate::steps::site::copy_access;

/// How long after the first time everything is asked again: what differs by the second is not compared.
const REPEAT_INTERVAL: Duration = Duration::from_millis(2_100);

/// Opens as many users on a target as rollout.yaml wants. They act as people do, and nothing is kept of them here.
///
/// # Errors
/// `Gate` when the target does not serve them as it should: it was so before the change. Others when nothing answers.
pub async fn open(context: &ReadContext<'_>, target: &ProductionTarget) -> Result<Cohort, Failure> {
    let rollout = context.rollout();
    let numbers = production_target::numbers(rollout, target);
    let site = copy_access::production(rollout, target);
    context.say(format!("looking how far the journeys can be walked on {}", target.name));
    let journeys = Known::all(context, &site, numbers.scout).await?;
    let users = rollout.cohort.users;
    context.say(format!("opening {users} users on {}", target.name));
    let opened = context.ports.clock.now();
    let mut jobs: Vec<Job<'_, Result<Member, Failure>>> = Vec::new();
    for position in 0..users {
        let script = usize::try_from(position).unwrap_or(0) % journeys.len();
        let Some(journey) = journeys.get(script) else { continue };
        let number = numbers.first.saturating_add(position);
        let opening = Opening { context, site: &site, journey, script, number };
        jobs.push(Box::pin(async move { opening.member().await }));
    }
    let members = at_most(at_once(rollout), jobs).await.into_iter().collect::<Result<Vec<Member>, Failure>>()?;
    Ok(Cohort { opened, scripts: journeys.into_iter().map(|journey| journey.script).collect(), members })
}

/// The opening of one user.
struct Opening<'a> {
    context: &'a ReadContext<'a>,
    site: &'a LoadTarget,
    journey: &'a Known,
    script: usize,
    number: u32,
}

impl Opening<'_> {
    async fn member(&self) -> Result<Member, Failure> {
        let mut member = self.walk().await?;
        // Twice, each time with the cookies of the beginning: what is not the same then was never the same, and a user who
        // is not known the second time could never be asked again.
        let first = self.asked(&member).await?;
        self.context.ports.clock.sleep(REPEAT_INTERVAL).await;
        let second = self.asked(&member).await?;
        member.answers = same(&first.0, &second.0);
        let both = |at: &usize| first.1.contains(at) && second.1.contains(at);
        member.written.retain(|at, _| both(at));
        Ok(member)
    }

    /// Walks, and writes what is read later.
    async fn walk(&self) -> Result<Member, Failure> {
        let mut browser = self.context.ports.browsers.open(self.site, self.number, Vec::new()).await?;
        for request in &self.journey.walk {
            if let Some(problem) = browser.request(request).await?.problem {
                return Err(self.fails(&request.title(), &problem));
            }
        }
        let mut written = BTreeMap::new();
        for (at, write) in self.journey.writes.iter().enumerate() {
            if browser.request(write).await?.problem.is_none() {
                written.insert(at, browser.extracted());
            }
        }
        Ok(Member {
            number: self.number,
            script: self.script,
            cookies: browser.cookies(),
            variables: browser.extracted(),
            answers: (0..self.journey.script.questions.len()).map(|at| (at, Told::default())).collect(),
            written,
        })
    }

    /// What is told now, by question; and the pairs that read what was written.
    async fn asked(&self, member: &Member) -> Result<(BTreeMap<usize, Told>, Vec<usize>), Failure> {
        let visiting = Visiting { context: self.context, site: self.site, trial: None, script: &self.journey.script };
        let visit = visiting.visit(member).await?;
        let title = self.journey.script.questions.first().map(JourneyRequest::title).unwrap_or_default();
        match visit.answers.get(&0) {
            Some(Reply::Told(_)) => {}
            Some(Reply::Silent(problem)) => return Err(Failure::transient(problem.clone())),
            Some(Reply::Wrong(problem) | Reply::ServerError(problem)) => {
                return Err(self.fails(&title, &format!("with the cookies that it gave: {problem}")));
            }
            None => return Err(self.fails(&title, "it was not asked")),
        }
        let told = visit.answers.into_iter().filter_map(|(at, reply)| match reply {
            Reply::Told(told) => Some((at, told)),
            _ => None,
        });
        let read = visit.pairs.iter().filter(|(_, reply)| matches!(reply, Reply::Told(_)));
        Ok((told.collect(), read.map(|(at, _)| *at).collect()))
    }

    fn fails(&self, title: &str, problem: &str) -> Failure {
        fails(&self.site.name, &format!("{}/{title}", self.journey.script.journey), problem)
    }
}

/// What is the same in both.
fn same(first: &BTreeMap<usize, Told>, second: &BTreeMap<usize, Told>) -> BTreeMap<usize, Told> {
    let both = first.iter().filter_map(|(at, one)| Some((at, one, second.get(at)?)));
    let kept = both.map(|(at, one, other)| {
        let is_same =
            |value: &Secret, name: &str| other.values.get(name).is_some_and(|it| it.expose() == value.expose());
        let values = one.values.iter().filter(|(name, value)| is_same(value, name));
        let values = values.map(|(name, value)| (name.clone(), value.clone())).collect();
        (*at, Told { body: one.body.clone().filter(|body| other.body.as_ref() == Some(body)), values })
    });
    kept.collect()
}
