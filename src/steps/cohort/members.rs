//! Who the synthetic users are, and what is known about them.

use std::collections::BTreeMap;

use crate::core::rollout::JourneyRequest;
use crate::core::{Digest, Secret};
use crate::ports::BrowserCookie;

/// All synthetic users of a target.
#[derive(Debug, Clone)]
pub struct Cohort {
    /// When they were opened.
    pub opened: jiff::Timestamp,
    /// What they are asked. As it was when they were opened: rollout.yaml may have changed since.
    pub scripts: Vec<ReadScript>,
    /// They themselves.
    pub members: Vec<Member>,
}

/// The reads of the users who have walked one journey.
#[derive(Debug, Clone)]
pub struct ReadScript {
    /// The journey.
    pub journey: String,
    /// Requests that only read. The first one tells who a user is, or at least that the user is known.
    pub questions: Vec<JourneyRequest>,
    /// Reads of what was written once (`shared_state`).
    pub pairs: Vec<Pair>,
}

/// A read of what was written once.
#[derive(Debug, Clone)]
pub struct Pair {
    /// What it is called.
    pub name: String,
    /// Reads it.
    pub read: JourneyRequest,
}

/// One of them.
#[derive(Debug, Clone)]
pub struct Member {
    /// The user's number.
    pub number: u32,
    /// Which of the scripts.
    pub script: usize,
    /// The cookies at the beginning.
    pub cookies: Vec<BrowserCookie>,
    /// What was extracted on the way.
    pub variables: BTreeMap<String, Secret>,
    /// What is compared, by the question's position.
    pub answers: BTreeMap<usize, Told>,
    /// What was extracted when each pair was written, by the pair's position.
    pub written: BTreeMap<usize, BTreeMap<String, Secret>>,
}

/// What of an answer was the same whenever it was asked for, before the change.
#[derive(Debug, Clone, Default)]
pub struct Told {
    /// Of the whole body, when that was.
    pub body: Option<Digest>,
    /// Extracted values that were.
    pub values: BTreeMap<String, Secret>,
}

impl Cohort {
    /// How many answers were asked for when they were opened, all users together, and how many are compared.
    pub fn compared(&self) -> (usize, usize) {
        let of = |member: &Member| self.scripts.get(member.script).map_or(0, |it| it.questions.len() + it.pairs.len());
        let asked = self.members.iter().map(of).sum();
        (asked, self.members.iter().map(|member| member.answers.len() + member.written.len()).sum())
    }
}
