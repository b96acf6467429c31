//! Ties the model to the shipped engine, in both directions. The engine runs on the model's plans under random commands,
//! faults and deaths, and the model has to follow what it did. And every micro-step of the model's protocol, with every
//! result it can have, is taken at least once while it follows the engine.

use std::collections::BTreeSet;

use migrate::core::{Resolution, Verdict};

use crate::bug::Bug;
use crate::follower::{Drift, Walked, follow, name_of};
use crate::operator::Command;
use crate::position::{At, turns};
use crate::recorded::{Cut, Site};
use crate::rig::Rig;
use crate::scenario::Scenario;

/// Recordings for each plan.
const SEEDS: u64 = 60;
/// Commands in each recording.
const COMMANDS: usize = 6;

fn scenarios() -> Vec<Scenario> {
    vec![
        Scenario::changes(),
        Scenario::judged(),
        Scenario::judged_again(),
        Scenario::guarded(),
        Scenario::exercised(),
        Scenario::targets(),
        Scenario::rehearsed(),
        Scenario::rehearsed_and_judged(),
    ]
}

/// The engine on every plan, under every seed.
async fn recordings() -> Vec<(Scenario, u64, Site)> {
    let mut all = Vec::new();
    for scenario in scenarios() {
        for seed in 0..SEEDS {
            all.push((scenario.clone(), seed, recorded(&scenario, seed).await));
        }
    }
    all
}

/// The engine under random commands, faults and deaths.
async fn recorded(scenario: &Scenario, seed: u64) -> Site {
    let site = Site::new(&scenario.plan, seed);
    for _ in 0..COMMANDS {
        let command = if site.state().stuck().is_some() {
            [Command::Rollback, Command::Settle(Resolution::Retried), Command::Settle(Resolution::Forgotten)]
                [site.any(3)]
        } else if site.any(4) == 0 {
            Command::Rollback
        } else {
            Command::Phase(scenario.phases[site.any(scenario.phases.len())])
        };
        let dies = site.any(2) == 0;
        let cut = [Cut::Before, Cut::After][site.any(2)];
        site.run(command, dies.then(|| (1 + site.any(20), cut))).await;
    }
    site
}

fn followed(scenario: &Scenario, site: &Site, bug: Option<Bug>) -> Result<BTreeSet<Walked>, Box<Drift>> {
    let scenario = Scenario { plan: site.plan.clone(), ..scenario.clone() };
    follow(&Rig { bug, ..Rig::sound(scenario) }, &site.trace())
}

/// Every micro-step there is, and how it may turn out.
fn protocol() -> BTreeSet<Walked> {
    use migrate::core::Outcome::{Clean, Unknown};
    let places = [
        At::Locked,
        At::Leased,
        At::Begin,
        At::Decide,
        At::Probe(0),
        At::Beginning(0),
        At::Useless(0),
        At::Act(0),
        At::Lost(0),
        At::Made(0),
        At::Failing(0, Clean),
        At::Failing(0, Unknown),
        At::Watch(0),
        At::Held(0),
        At::Watched(0, 0),
        At::Judge(0),
        At::Judged(0, Verdict::Pass),
        At::UndoProbe(0),
        At::UndoAct(0),
        At::Gone(0),
        At::Sticking(0),
        At::Close,
    ];
    places.into_iter().flat_map(|at| turns(at).into_iter().map(move |turn| (name_of(at), turn))).collect()
}

#[tokio::test]
async fn the_model_follows_whatever_the_engine_does_and_takes_every_micro_step_by_it() {
    let mut walked = BTreeSet::new();
    for (scenario, seed, site) in recordings().await {
        match followed(&scenario, &site, None) {
            Ok(more) => walked.extend(more),
            Err(drift) => panic!("seed {seed}: {drift:#?}\n{}", story(&site, drift.entry)),
        }
    }
    let missed: Vec<_> = protocol().difference(&walked).cloned().collect();
    assert_eq!(missed, [], "micro-steps that no recording of the engine contains");
}

/// The recording up to one of its entries.
fn story(site: &Site, until: usize) -> String {
    let entries: Vec<String> = site.trace().iter().take(until + 1).map(|entry| format!("{entry:?}")).collect();
    entries.join("\n")
}

/// The follower can fail: a recording in which an entry is missing or doubled is not followed.
#[tokio::test]
async fn a_recording_that_was_tampered_with_is_not_followed() {
    let scenario = Scenario::changes();
    let site = Site::new(&scenario.plan, 0);
    site.run(Command::Rollback, None).await;
    let rig = Rig::sound(Scenario { plan: site.plan.clone(), ..scenario });
    let trace = site.trace();
    follow(&rig, &trace).expect("as it was");
    for left_out in 0..trace.len() {
        let mut fewer = trace.clone();
        fewer.remove(left_out);
        // Without its end the process is simply still there.
        let is_end = left_out + 1 == trace.len();
        assert_eq!(follow(&rig, &fewer).is_ok(), is_end, "without entry {left_out}, {:?}", trace[left_out]);
        if !is_end {
            let mut twice = trace.clone();
            twice.insert(left_out, trace[left_out].clone());
            assert!(follow(&rig, &twice).is_err(), "entry {left_out} twice, {:?}", trace[left_out]);
        }
    }
}

/// Each bug that is seeded in the protocol makes it a protocol that the engine does not follow.
#[tokio::test]
async fn a_protocol_with_a_bug_does_not_follow_the_engine() {
    let recordings = recordings().await;
    for bug in [
        Bug::BlindRetry,
        Bug::EffectBeforeIntent,
        Bug::InconclusivePasses,
        Bug::GapObserved,
        Bug::UndoUnseen,
        Bug::BrokenAdopted,
        Bug::SuccessUnjudged,
        Bug::NeverRehearsed,
        Bug::LostReplyIsClean,
        Bug::UndoForwards,
        Bug::UndoSkipsStarted,
        Bug::PassedEarly,
        Bug::TurnedEarly,
        Bug::AbortWaits,
        Bug::AbortForgotten,
        Bug::SecondTooEarly,
    ] {
        let drifts = recordings.iter().any(|(scenario, _, site)| followed(scenario, site, Some(bug)).is_err());
        assert!(drifts, "a protocol with {bug:?} follows the engine");
    }
}
