//! Asking synthetic users again.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::Replayed;
use super::findings::{Fate, MemberResult};
use super::kept::at_once;
use super::members::{Cohort, Member, ReadScript, Told};
use crate::core::rollout::{IDENTITY, JourneyRequest, Method, ProductionTarget};
use crate::core::{Digest, Failure, Secret};
use crate::ports::{Browser, LoadTarget};
use crate::steps::ReadContext;
use crate::steps::at_once::Job;
use crate::steps::at_once::at_most;
use crate::steps::site::copy_access;
use crate::steps::site::copy_access::SessionSaid;
use crate::steps::site::copy_access::Trial;

/// How long to wait before the one retry of a user without an answer.
const RETRY_DELAY: Duration = Duration::from_secs(1);

/// Asks all of them.
///
/// # Errors
/// When there is no way to the target at all.
pub async fn all(context: &ReadContext<'_>, target: &ProductionTarget, cohort: &Cohort) -> Result<Replayed, Failure> {
    let site = copy_access::production(context.rollout(), target);
    let trial = Trial::if_live(context, target).await?;
    at(context, &site, trial.as_ref(), cohort).await
}

/// Asks all of them at this place.
///
/// # Errors
/// When there is no way to it at all.
pub async fn at(
    context: &ReadContext<'_>,
    site: &LoadTarget,
    trial: Option<&Trial<'_>>,
    cohort: &Cohort,
) -> Result<Replayed, Failure> {
    let mut jobs: Vec<Job<'_, Result<MemberResult, Failure>>> = Vec::new();
    for member in &cohort.members {
        let Some(script) = cohort.scripts.get(member.script) else { continue };
        let visiting = Visiting { context, site, trial, script };
        jobs.push(Box::pin(async move { visiting.found(member).await }));
    }
    let found =
        at_most(at_once(context.rollout()), jobs).await.into_iter().collect::<Result<Vec<MemberResult>, Failure>>()?;
    Ok(Replayed::of(found, context.ports.clock.now().duration_since(cohort.opened)))
}

/// A reply to one question.
#[derive(Debug)]
pub enum Reply {
    /// As it has to be.
    Told(Told),
    /// Otherwise, and how.
    Wrong(String),
    /// The server's own fault.
    ServerError(String),
    /// None.
    Silent(String),
}

/// What one visit met with.
#[derive(Debug, Default)]
pub struct Visit {
    /// From which store the session was read, when the process says so.
    pub read: Option<String>,
    /// Replies by the question's position. After a bad one to the first, nothing more was asked.
    pub answers: BTreeMap<usize, Reply>,
    /// Replies by the pair's position.
    pub pairs: BTreeMap<usize, Reply>,
    /// Whether the user is served another user's identity.
    pub is_somebody_else: bool,
    /// How many requests were made.
    pub requests: u64,
}

/// Where users visit, and what they ask.
#[derive(Clone, Copy)]
pub struct Visiting<'a> {
    /// The site.
    pub context: &'a ReadContext<'a>,
    /// The target.
    pub site: &'a LoadTarget,
    /// What tells where a session was read from.
    pub trial: Option<&'a Trial<'a>>,
    /// What is asked.
    pub script: &'a ReadScript,
}

impl Visiting<'_> {
    /// One visit: over a connection of its own, with the cookies of the beginning. Only reads.
    ///
    /// # Errors
    /// When there is no way to the target.
    pub async fn visit(&self, member: &Member) -> Result<Visit, Failure> {
        let mut visit = Visit::default();
        let mut browser = match self.open(member).await {
            Ok(browser) => browser,
            Err(failure) if failure.class.is_retryable() => {
                visit.answers.insert(0, Reply::Silent(failure.message));
                return Ok(visit);
            }
            Err(failure) => return Err(failure),
        };
        if let Some(trial) = self.trial {
            visit.requests += 1;
            // One that cannot say it is judged by what it answers.
            let said: Result<SessionSaid, Failure> = trial.ask(&mut *browser, Method::Get, "session").await;
            visit.read = said.ok().map(|said| said.read);
        }
        for (at, question) in self.script.questions.iter().enumerate() {
            let Some(remembered) = member.answers.get(&at) else { continue };
            visit.requests += 1;
            let reply = self.ask(&mut *browser, member, question).await;
            let is_good = matches!(reply, Reply::Told(_));
            if at == 0 {
                let now = browser.extracted().remove(IDENTITY);
                let before = remembered.values.get(IDENTITY);
                visit.is_somebody_else = now.zip(before).is_some_and(|(now, before)| now.expose() != before.expose());
            }
            visit.answers.insert(at, reply);
            if at == 0 && (!is_good || visit.is_somebody_else) {
                return Ok(visit);
            }
        }
        for (at, pair) in self.script.pairs.iter().enumerate() {
            let Some(values) = member.written.get(&at) else { continue };
            browser.recall(values);
            visit.requests += 1;
            let reply = self.ask(&mut *browser, member, &pair.read).await;
            visit.pairs.insert(at, reply);
        }
        Ok(visit)
    }

    async fn open(&self, member: &Member) -> Result<Box<dyn Browser>, Failure> {
        let browsers = &self.context.ports.browsers;
        let mut browser = browsers.open(self.site, member.number, member.cookies.clone()).await?;
        let mut variables = member.variables.clone();
        // Who the user is taken for is asked, not known.
        variables.remove(IDENTITY);
        browser.recall(&variables);
        Ok(browser)
    }

    async fn ask(&self, browser: &mut dyn Browser, member: &Member, question: &JourneyRequest) -> Reply {
        let place = format!("user {}, `{}/{}`", member.number, self.script.journey, question.title());
        let words = |said: &str| format!("{place}: {}", without_cookies(said, member));
        match browser.request(question).await {
            Err(failure) if failure.class.is_retryable() => Reply::Silent(words(&failure.message)),
            Err(failure) => Reply::ServerError(words(&failure.message)),
            Ok(answer) => match answer.problem {
                None => {
                    let mut values = browser.extracted();
                    values.retain(|name, _| question.extract.contains_key(name));
                    Reply::Told(Told { body: Some(Digest::of(answer.body.as_bytes())), values })
                }
                Some(problem) if answer.status >= 500 => Reply::ServerError(words(&problem)),
                Some(problem) => Reply::Wrong(words(&problem)),
            },
        }
    }

    /// What has become of a user.
    async fn found(&self, member: &Member) -> Result<MemberResult, Failure> {
        let mut visit = self.visit(member).await?;
        let is_silent = |reply: &Reply| matches!(reply, Reply::Silent(_));
        if visit.answers.values().chain(visit.pairs.values()).any(is_silent) {
            self.context.ports.clock.sleep(RETRY_DELAY).await;
            let before = visit.requests;
            visit = self.visit(member).await?;
            visit.requests += before;
        }
        Ok(self.judge(member, visit))
    }

    fn judge(&self, member: &Member, visit: Visit) -> MemberResult {
        let mut found = MemberResult { read: visit.read, requests: visit.requests, ..MemberResult::default() };
        match visit.answers.get(&0) {
            Some(_) if visit.is_somebody_else => {
                let title = self.script.questions.first().map(JourneyRequest::title).unwrap_or_default();
                let words = format!(
                    "user {}, `{}/{title}`: is served another user's identity",
                    member.number, self.script.journey
                );
                found.meets(Fate::Changed, words);
                return found;
            }
            Some(Reply::Wrong(words)) => {
                found.meets(Fate::Lost, words.clone());
                return found;
            }
            _ => {}
        }
        for (at, reply) in &visit.answers {
            match reply {
                Reply::Told(now) => self.compare(member, *at, now, &mut found),
                Reply::Wrong(words) => found.meets(Fate::Changed, words.clone()),
                Reply::ServerError(words) => found.meets(Fate::Failing, words.clone()),
                Reply::Silent(words) => found.meets(Fate::Unanswered, words.clone()),
            }
        }
        for reply in visit.pairs.into_values() {
            match reply {
                Reply::Told(_) => {}
                Reply::Wrong(words) => found.meets(Fate::Changed, words),
                Reply::ServerError(words) => found.meets(Fate::Failing, words),
                Reply::Silent(words) => found.meets(Fate::Unanswered, words),
            }
        }
        found
    }

    fn compare(&self, member: &Member, at: usize, now: &Told, found: &mut MemberResult) {
        let Some(before) = member.answers.get(&at) else { return };
        let title = self.script.questions.get(at).map(JourneyRequest::title).unwrap_or_default();
        let is_other =
            |(name, value): &(&String, &Secret)| now.values.get(*name).is_none_or(|it| it.expose() != value.expose());
        let other: BTreeSet<&str> = before.values.iter().filter(is_other).map(|(name, _)| name.as_str()).collect();
        if !other.is_empty() {
            let names = other.into_iter().collect::<Vec<_>>().join("`, `");
            let words = format!(
                "user {}, `{}/{title}`: `{names}` is not what it was before the change",
                member.number, self.script.journey
            );
            found.meets(Fate::Changed, words);
        } else if before.body.is_some() && before.body != now.body {
            found.other_bodies.insert(title);
        }
    }
}

/// An application may say cookies in what it answers.
fn without_cookies(words: &str, member: &Member) -> String {
    // What is shorter than this would blot out half of the words.
    let values = member.cookies.iter().map(|cookie| cookie.value.expose()).filter(|value| value.len() >= 8);
    values.fold(words.to_owned(), |words, value| words.replace(value, "[redacted]"))
}
