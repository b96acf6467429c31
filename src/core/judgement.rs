//! What was judged, with which verdict, and the sentence that says so.

use serde::{Deserialize, Serialize};

use super::Verdict;

/// What a judgement is about. Code decides by this and by the verdict; the sentence is for people only.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Subject {
    /// Evidence from before subjects were recorded.
    #[default]
    Unspecified,
    /// The load of the host's processors.
    Processors,
    /// Memory that the host has left, or that workers hold.
    Memory,
    /// Memory that is swapped out.
    Swap,
    /// Processes that the kernel ended because memory ran out.
    OutOfMemory,
    /// Response times.
    Latency,
    /// The share of requests that failed.
    ErrorRate,
    /// Failed requests in comparison with another side.
    ErrorDifference,
    /// The number of requests or answers.
    Traffic,
    /// The time, or the samples, in which something was observed.
    Observation,
    /// The main process of the service.
    Master,
    /// The worker processes.
    Workers,
    /// Who a user is taken for.
    Identity,
    /// Synthetic users that must keep their sessions.
    StayingUsers,
    /// The session store.
    Store,
    /// Values that the bridge cannot read or write in the store, or in the old store.
    Sessions,
    /// The bridge's fallback to the old store.
    Fallback,
    /// The registration with the load balancer.
    Registration,
    /// The release that a target runs.
    Release,
}

/// One thing that was judged.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Judgement {
    /// What it is about.
    #[serde(default)]
    pub subject: Subject,
    /// The verdict on this alone.
    pub verdict: Verdict,
    /// The sentence, with the measured value and the limit.
    pub words: String,
}

impl Judgement {
    /// A judgement.
    pub fn new(subject: Subject, verdict: Verdict, words: impl Into<String>) -> Self {
        Self { subject, verdict, words: words.into() }
    }

    /// The same judgement with a verdict no worse than `worst`.
    #[must_use]
    pub fn at_worst(self, worst: Verdict) -> Self {
        Self { verdict: self.verdict.min(worst), ..self }
    }
}

/// The worst verdict; a pass when nothing was judged.
pub fn worst(judgements: &[Judgement]) -> Verdict {
    judgements.iter().map(|one| one.verdict).max().unwrap_or(Verdict::Pass)
}

/// The subjects that decide: those of the judgements with the worst verdict, when it is not a pass.
pub fn deciding_subjects(judgements: &[Judgement]) -> Vec<Subject> {
    let worst = worst(judgements);
    let decides = |one: &&Judgement| one.verdict == worst && !worst.passes();
    judgements.iter().filter(decides).map(|one| one.subject).collect()
}

/// The sentences of the judgements with this verdict.
pub fn sentences(judgements: &[Judgement], verdict: Verdict) -> String {
    let said = judgements.iter().filter(|one| one.verdict == verdict);
    said.map(|one| one.words.as_str()).collect::<Vec<_>>().join("; ")
}

/// The sentences of the judgements that decide, or `otherwise` when all pass.
pub fn sentence_of(judgements: &[Judgement], otherwise: String) -> String {
    let worst = worst(judgements);
    if worst.passes() { otherwise } else { sentences(judgements, worst) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_worst_judgements_decide_and_a_pass_decides_nothing() {
        let pass = Judgement::new(Subject::Latency, Verdict::Pass, "fast");
        let hold = Judgement::new(Subject::Memory, Verdict::Hold, "low");
        let abort = Judgement::new(Subject::Workers, Verdict::Abort, "gone");
        assert_eq!(sentence_of(std::slice::from_ref(&pass), "all well".into()), "all well");
        assert_eq!(sentence_of(&[pass.clone(), hold.clone()], String::new()), "low");
        assert_eq!(sentence_of(&[hold.clone(), abort.clone(), pass], String::new()), "gone");
        assert_eq!(abort.at_worst(Verdict::Hold).verdict, Verdict::Hold);
        assert_eq!(hold.at_worst(Verdict::Abort).verdict, Verdict::Hold);
    }

    #[test]
    fn evidence_from_before_subjects_is_read() {
        let old: Judgement = serde_json::from_str(r#"{"verdict":"hold","words":"low"}"#).expect("readable");
        assert_eq!(old, Judgement::new(Subject::Unspecified, Verdict::Hold, "low"));
    }
}
