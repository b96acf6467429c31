//! Judging one worker count: everything that was seen of it, in words, and what the later steps need of it.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::json;

use super::count::Counted;
use super::results::CountResult;
use super::shared_state;
use crate::core::rollout::Rollout;
use crate::core::{Judgement, Measurement, Subject, Verdict, deciding_subjects, sentence_of, worst};
use crate::evidence::{HostLoad, Proportion, WorkerRun, saturation};
use crate::ports::{ErrorKind, LoadResult};
use crate::steps::measure::measurement;
use crate::steps::site::copy_access;
use crate::steps::watch::under_load::limits;

/// The minimum number of answers of each worker in each half.
pub const MIN_ANSWERS: u64 = 5;
/// The maximum number of windows that the course of a load is cut into.
const MAX_WINDOWS: usize = 40;
/// The maximum number of examples that are listed.
const MAX_LISTED: usize = 3;

/// A count, judged.
pub struct Judged {
    /// The worst of all.
    pub verdict: Verdict,
    /// The words that decided.
    pub words: String,
    /// As evidence.
    pub measurement: Measurement,
    /// For the later steps.
    pub result: CountResult,
}

/// Judges.
pub fn judge(counted: &Counted, rollout: &Rollout) -> Judged {
    let result = counted.result();
    let (errors, set_aside) = errors(&result, rollout);
    let mut reasons: Vec<Judgement> = Vec::new();
    if let Some(running) = counted.running {
        let words = format!("{} workers were asked for, and {running} run", counted.workers);
        reasons.push(Judgement::new(Subject::Workers, Verdict::Abort, words));
    }
    if let Some(why) = counted.taken_off() {
        reasons.push(Judgement::new(Subject::Observation, Verdict::Abort, format!("the load was taken off: {why}")));
    }
    reasons.extend(workers(counted, &result));
    if counted.taken_off().is_none() && counted.running.is_none() {
        reasons.extend(host(counted, errors, rollout));
        reasons.extend(error_share(errors, &result, rollout));
        reasons.extend(identities(&result, rollout));
        reasons.extend(answers(counted));
    }
    reasons.extend(stayed(counted));
    reasons
        .extend(counted.not_restarted.iter().map(|why| Judgement::new(Subject::Workers, Verdict::Abort, why.clone())));
    reasons.extend(store(counted));
    let (verdict, subjects) = (worst(&reasons), deciding_subjects(&reasons));
    let words = sentence_of(&reasons, summary(counted, &result, errors, set_aside));
    let count = count_result(counted, verdict, errors, set_aside, rollout);
    let data = json!({
        "workers": counted.workers,
        "reasons": reasons,
        "result": count,
        "statuses": result.total().statuses,
        "errors": result.total().errors,
        "answered": counted.halves.iter().map(|half| &half.result.answered).collect::<Vec<_>>(),
        "users_with_identity": result.identities.len(),
        "stayed": counted.stayed,
        "watched": counted.halves.iter().map(|half| half.watch.data()).collect::<Vec<_>>(),
        "store": counted.store,
    });
    let words = format!("{} workers: {words}", counted.workers);
    Judged {
        verdict,
        measurement: Measurement {
            subjects,
            ..measurement(verdict, copy_access::resource(rollout), words.clone(), data)
        },
        words,
        result: count,
    }
}

/// Requests that failed, of all; and wrong answers to declared reads of shared state, which the pairs judge: there it is
/// known which worker wrote and which one read.
fn errors(result: &LoadResult, rollout: &Rollout) -> (Proportion, Proportion) {
    let pairs = shared_state::pairs(rollout);
    let reads: BTreeSet<String> = rollout
        .journeys
        .iter()
        .flat_map(|journey| journey.requests.iter().map(move |request| (journey, request)))
        .filter(|(_, request)| pairs.iter().any(|pair| pair.read.methods() == request.methods()))
        .map(|(journey, request)| format!("{}/{}", journey.name, request.title()))
        .collect();
    let (mut aside, mut asked) = (0, 0);
    for (_, request) in result.requests.iter().filter(|(name, _)| reads.contains(*name)) {
        aside += request.errors.get(&ErrorKind::Expectation).map_or(0, |tally| tally.count);
        asked += request.failed.count() + request.latency.count();
    }
    let all = result.errors();
    (Proportion::new(all.hits.saturating_sub(aside), all.of), Proportion::new(aside, asked))
}

/// What happened to the processes.
fn workers(counted: &Counted, result: &LoadResult) -> Vec<Judgement> {
    let mut reasons = Vec::new();
    // Broken connections tell a crash from a worker that the master replaces after so many requests, as it may be told to.
    let broken = result.requests.values().flat_map(|request| &request.errors);
    let broken: u64 = broken
        .filter(|(kind, _)| matches!(kind, ErrorKind::Closed | ErrorKind::Connect | ErrorKind::Protocol))
        .map(|(_, tally)| tally.count)
        .sum();
    for half in &counted.halves {
        if let (None, Some(trouble)) = (&half.taken_off, half.watch.trouble()) {
            reasons.push(Judgement::new(Subject::Workers, Verdict::Abort, trouble));
        }
        if half.watch.ended() > 0 && broken > 0 {
            let words =
                format!("{} workers crashed: {broken} requests were left without an answer", half.watch.ended());
            reasons.push(Judgement::new(Subject::Workers, Verdict::Abort, words));
        }
    }
    reasons
}

fn host(counted: &Counted, errors: Proportion, rollout: &Rollout) -> Vec<Judgement> {
    let hosts: Vec<HostLoad> = counted.halves.iter().flat_map(|half| half.watch.hosts()).collect();
    // Which requests failed, and how, is said by itself.
    let judged = saturation(&hosts, Proportion::new(0, errors.of), &limits(rollout));
    judged.reasons
}

/// Whether so few requests failed that it is sure.
fn error_share(errors: Proportion, result: &LoadResult, rollout: &Rollout) -> Vec<Judgement> {
    let ceiling = rollout.load.error_ceiling;
    let limits = limits(rollout);
    let Some(share) = errors.interval(limits.confidence) else { return Vec::new() };
    let example = result.requests.iter().find_map(|(name, request)| {
        let (kind, tally) = request.errors.iter().max_by_key(|(_, tally)| tally.count)?;
        Some(format!(", for example `{name}`: {kind}: {}", tally.examples.first()?))
    });
    let example = example.unwrap_or_default();
    if share.low > ceiling.share() {
        let words = format!("{} of {} requests failed; the ceiling is {ceiling}{example}", errors.hits, errors.of);
        let verdict = if share.low > limits.abort.errors { Verdict::Abort } else { Verdict::Hold };
        vec![Judgement::new(Subject::ErrorRate, verdict, words)]
    } else if share.high > ceiling.share() {
        let words = format!(
            "{} of {} requests failed, too few to be sure that it is no more than {ceiling}: a longer load would tell",
            errors.hits, errors.of
        );
        vec![Judgement::new(Subject::ErrorRate, Verdict::Inconclusive, words)]
    } else {
        Vec::new()
    }
}

/// So many users, so many identities.
fn identities(result: &LoadResult, rollout: &Rollout) -> Vec<Judgement> {
    let mixed: Vec<String> = result
        .mixed_up()
        .map(|(user, names)| format!("user {user} was {}", names.iter().cloned().collect::<Vec<_>>().join(" and ")))
        .collect();
    let mut by_name: BTreeMap<&str, Vec<u32>> = BTreeMap::new();
    for (user, names) in &result.identities {
        names.iter().for_each(|name| by_name.entry(name).or_default().push(*user));
    }
    let shared: Vec<String> = by_name
        .iter()
        .filter(|(_, users)| users.len() > 1)
        .map(|(name, users)| {
            let numbers: Vec<String> = users.iter().take(MAX_LISTED).map(u32::to_string).collect();
            format!("{} users were `{name}` (such as {})", users.len(), numbers.join(" and "))
        })
        .collect();
    let known = u32::try_from(result.identities.len()).unwrap_or(u32::MAX);
    let wanted = rollout.load.users;
    let listed = |all: &[String]| all.iter().take(MAX_LISTED).cloned().collect::<Vec<_>>().join(", ");
    let mut reasons = Vec::new();
    if !mixed.is_empty() {
        reasons.push(Judgement::new(
            Subject::Identity,
            Verdict::Abort,
            format!("{} users were mixed up: {}", mixed.len(), listed(&mixed)),
        ));
    }
    if !shared.is_empty() {
        reasons.push(Judgement::new(
            Subject::Identity,
            Verdict::Abort,
            format!("users share an identity: {}", listed(&shared)),
        ));
    }
    if known < wanted {
        let words =
            format!("only {known} of {wanted} users learnt whom they are taken for (`extract: {{ identity: ... }}`)");
        reasons.push(Judgement::new(Subject::Identity, Verdict::Inconclusive, words));
    }
    reasons
}

/// Whether every worker answered enough, in each half.
fn answers(counted: &Counted) -> Vec<Judgement> {
    let mut reasons = Vec::new();
    for half in &counted.halves {
        let answered = &half.result.answered;
        let enough = answered.values().filter(|count| **count >= MIN_ANSWERS).count();
        if u32::try_from(enough).is_ok_and(|enough| enough >= counted.workers) {
            continue;
        }
        let each: Vec<String> = answered.iter().map(|(pid, count)| format!("worker {pid} gave {count}")).collect();
        let each = if each.is_empty() { "no answer names its worker".to_owned() } else { each.join(", ") };
        let words = format!("not every one of {} workers answered {MIN_ANSWERS} requests: {each}", counted.workers);
        reasons.push(Judgement::new(Subject::Traffic, Verdict::Inconclusive, words));
    }
    reasons
}

fn stayed(counted: &Counted) -> Vec<Judgement> {
    let stayed = &counted.stayed;
    if stayed.bad() == 0 {
        return Vec::new();
    }
    let what = if stayed.wrong > 0 { "were not who they had been in" } else { "got no answer to" };
    let words = format!(
        "users who stayed {what} {} of {} requests: {}",
        stayed.bad(),
        stayed.asked,
        stayed.examples.join(", ")
    );
    vec![Judgement::new(Subject::StayingUsers, Verdict::Abort, words)]
}

fn store(counted: &Counted) -> Vec<Judgement> {
    let Some((before, after)) = &counted.store else { return Vec::new() };
    let evicted = after.info.evicted_keys.saturating_sub(before.info.evicted_keys);
    if evicted == 0 {
        return Vec::new();
    }
    vec![Judgement::new(
        Subject::Store,
        Verdict::Abort,
        format!("the store evicted {evicted} keys for want of memory: sessions are lost"),
    )]
}

fn summary(counted: &Counted, result: &LoadResult, errors: Proportion, set_aside: Proportion) -> String {
    let total = result.total();
    let p95 = total.latency.percentile(95.0).map_or("no answer".to_owned(), |p95| format!("p95 {p95:.1?}"));
    let held = counted.halves.iter().map(|half| half.watch.held_bytes()).max().unwrap_or(0) >> 20;
    let mut words = format!(
        "{} of {} requests failed, {p95}; {} users had an identity each, {} users kept their sessions across a restart of \
         all workers, every worker answered, {held} MiB held",
        errors.hits,
        errors.of,
        result.identities.len(),
        counted.staying,
    );
    if let Some(rate) = counted.store.as_ref().and_then(|(before, after)| after.hit_rate_since(before)) {
        words.extend([format!(", {rate:.0} % of reads from the store found something")]);
    }
    let replaced: u64 = counted.halves.iter().map(|half| half.watch.ended()).sum();
    if replaced > 0 {
        words.extend([format!("; {replaced} workers were replaced without a request that failed")]);
    }
    let tracebacks: u64 = counted.halves.iter().map(|half| half.watch.log().tracebacks).sum();
    if tracebacks > 0 {
        words.extend([format!("; {tracebacks} tracebacks in the error log")]);
    }
    if set_aside.hits > 0 {
        words.extend([format!(
            "; {} of {} reads of shared state were wrong, which is judged by `cross_worker_state`",
            set_aside.hits, set_aside.of
        )]);
    }
    words
}

fn count_result(
    counted: &Counted,
    verdict: Verdict,
    errors: Proportion,
    set_aside: Proportion,
    rollout: &Rollout,
) -> CountResult {
    let (mut throughput, mut p95_ms) = (Vec::new(), Vec::new());
    for half in &counted.halves {
        let (more_throughput, more_p95) = half.course.windows(MAX_WINDOWS / 2);
        throughput.extend(more_throughput);
        p95_ms.extend(more_p95);
    }
    let held = counted.halves.iter().map(|half| half.watch.held_bytes()).max().unwrap_or(0);
    let available = counted.halves.iter().filter_map(|half| half.watch.least_available()).min().unwrap_or(0);
    let reserve = limits(rollout).hold.available_bytes;
    CountResult {
        verdict,
        run: WorkerRun { workers: counted.workers, throughput, p95_ms, errors, memory_bytes: held },
        room_bytes: held.saturating_add(available).saturating_sub(reserve),
        set_aside,
    }
}
