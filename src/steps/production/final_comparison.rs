//! `final_comparison`: every registered target has ended on the same release, whole, running and in service. Asked of the
//! load balancer who they are, because the one that is in no file is the one that is missed.

use std::collections::BTreeMap;

use async_trait::async_trait;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::core::rollout::{LoadBalancer, Rollout, VolatilePattern};
use crate::core::{Contract, Digest, Facts, Failure, Measurement, Statement, Verdict};
use crate::ports::{LiveTree, ReleaseFacts, ReleaseName, RunningTree};
use crate::steps::at_once::several_at_once;
use crate::steps::measure::{failure_of, measurement};
use crate::steps::site::{copy_layout, release_facts, release_layout};
use crate::steps::targets::group_inspection as target_group;
use crate::steps::targets::list;
use crate::steps::targets::list::TargetEntry;
use crate::steps::{Diff, DiffAction, Kind, Observation, Observe, ReadContext, Step};

/// What of a release is the same on every target, besides its tree.
const SAME: [&str; 3] = [release_layout::ENVIRONMENT, release_layout::LIVE, release_layout::WORKERS];

/// Compares all targets with each other.
pub struct FinalComparison;

/// Nothing to set.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Settings {}

impl Kind for FinalComparison {
    type Settings = Settings;
    const NAME: &'static str = "final_comparison";
    const SUMMARY: &'static str = "compares the releases of all registered targets";
    const CONTRACT: Contract = Contract::Gate;
    const PROVIDES: &'static [&'static str] = &[];

    fn build(_: Settings) -> Step {
        Step::Observe(Box::new(Self))
    }
}

/// What a target has ended on: what has to be the same everywhere.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
struct Manifest {
    /// The release.
    release: ReleaseName,
    /// Its tree, less what is volatile and what is each target's own (a token, a process's id).
    tree: Digest,
    /// Files beside the tree, by path; `None` where there is none.
    files: BTreeMap<String, Option<Digest>>,
    /// Workers that run.
    workers: usize,
}

#[async_trait]
impl Observe for FinalComparison {
    fn plan(&self, rollout: &Rollout) -> Diff {
        let whose = match &rollout.production.load_balancer {
            LoadBalancer::Group(group) => format!("every target that is registered in {}", group.target_group),
            LoadBalancer::None(_) => "every declared target".to_owned(),
        };
        Diff::one(DiffAction::Read, format!("that {whose} runs the same release, whole, and is in service"))
    }

    fn actions(&self, rollout: &Rollout) -> Vec<Statement> {
        let mut statements = target_group::reads(rollout);
        statements.push(target_group::instance_reads());
        statements
    }

    async fn observe(&self, context: &ReadContext<'_>) -> Result<Observation, Failure> {
        let mut measurements = vec![target_group::inspect(context).await?.measurement];
        let mut manifests = BTreeMap::new();
        let read = several_at_once(list::production(context.rollout()), async |target| {
            context.say(format!("reading the release of {}", target.name));
            (one(context, &target).await.map_err(|failure| target.failed(failure)), target)
        });
        for (read, target) in read.await {
            let (manifest, measured) = read?;
            measurements.push(measured);
            manifests.extend(manifest.map(|manifest| (target.name.to_string(), manifest)));
        }
        measurements.extend(among(&manifests));
        let hint = "find out who changed it: `migrate log` has every switch of this run. Then `migrate phase 4` again, or \
                    `migrate rollback --to 3`";
        Ok(Observation { facts: Facts::new(), failure: failure_of(&measurements, hint), measurements })
    }
}

/// One target: what it ended on, when that is a release, and whether that is whole and runs.
async fn one(context: &ReadContext<'_>, target: &TargetEntry<'_>) -> Result<(Option<Manifest>, Measurement), Failure> {
    let rollout = context.rollout();
    let name = target.name.as_str();
    let reader = context.ports.targets.reader(target.host);
    let found = reader.releases(&release_layout::site(rollout)?).await?;
    let (release, running) = match (&found.live, &found.running) {
        (LiveTree::Release(release), Some(running)) => (release, running),
        (LiveTree::Release(release), None) => {
            let words = format!("{name}: {} does not run; its live path names {release}", rollout.application.unit);
            return Ok((None, measurement(Verdict::Abort, name, words, json!({ "releases": found }))));
        }
        (LiveTree::Original, _) => {
            let words = format!("{name} is on the original, not on a release: it was missed, or switched back");
            return Ok((None, measurement(Verdict::Abort, name, words, json!({ "releases": found }))));
        }
        (LiveTree::Foreign(what), _) => {
            let words = format!("{name}: its live path names something that is not ours: {what}");
            return Ok((None, measurement(Verdict::Abort, name, words, json!({ "releases": found }))));
        }
    };
    let place = release_layout::release(rollout, release)?;
    let mut left_out = rollout.application.volatile.clone();
    left_out.extend(VolatilePattern::try_from(copy_layout::MARKS.to_owned()).ok());
    let tree = reader.tree(&place, &left_out).await?.digest;
    let paths = SAME.map(str::to_owned);
    let files = reader.files(&place, &paths).await?;
    let digests = paths.into_iter().zip(files.into_iter().map(|file| file.map(|file| file.digest))).collect();
    let manifest = Manifest { release: release.clone(), tree, files: digests, workers: running.workers.len() };

    let mut problems = how_it_runs(context, release, running, &found)?;
    let command_line = reader.service(&rollout.application.unit).await?.command_line;
    left_out.extend(copy_layout::additions());
    left_out.extend(VolatilePattern::try_from(configuration(&command_line)).ok());
    let differing = match found.has_original {
        true => reader.differences(&release_layout::waiting_original(rollout)?, &place, &left_out).await?,
        false => {
            problems.push("the original, which a rollback needs, is gone".to_owned());
            Vec::new()
        }
    };
    if !differing.is_empty() {
        problems.push(format!("its release is not the original and our files any more: {}", differing.join(", ")));
    }
    let (verdict, words) = if problems.is_empty() {
        (Verdict::Pass, format!("{name} runs release {release} with {} workers", manifest.workers))
    } else {
        (Verdict::Abort, format!("{name}: {}", problems.join("; ")))
    };
    let data = json!({ "manifest": manifest, "releases": found, "differences": differing });
    Ok((Some(manifest), measurement(verdict, name, words, data)))
}

/// What is wrong about the service's processes.
fn how_it_runs(
    context: &ReadContext<'_>,
    release: &ReleaseName,
    running: &RunningTree,
    found: &ReleaseFacts,
) -> Result<Vec<String>, Failure> {
    let mut problems = Vec::new();
    match &running.tree {
        LiveTree::Release(runs) if runs == release => {}
        LiveTree::Release(runs) => {
            problems.push(format!("its main process runs in release {runs}, and the live path names {release}"));
        }
        LiveTree::Original => {
            problems.push(format!("its main process runs in the original, and the live path names release {release}"));
        }
        LiveTree::Foreign(what) => problems.push(format!("its main process runs somewhere else: {what}")),
    }
    if !found.releases.contains(release) {
        problems.push(format!("release {release} is not whole"));
    }
    if let Some(other) = running.beside.first() {
        problems.push(format!("a previous main process still runs beside it (process {})", other.pid));
    }
    let (workers, wanted) = (running.workers.len(), release_facts::wanted_workers(context)?);
    if !u32::try_from(workers).is_ok_and(|workers| workers == wanted) {
        problems.push(format!("it runs {workers} workers, not {wanted}"));
    }
    Ok(problems)
}

/// The file that Gunicorn was told to read its settings from, less its directory.
fn configuration(command_line: &[String]) -> String {
    let words: Vec<&str> = command_line.iter().map(String::as_str).collect();
    let named = release_layout::named_configuration(&words).unwrap_or(release_layout::USUAL_CONFIGURATION);
    let path = named.strip_prefix("file:").unwrap_or(named);
    path.rsplit('/').next().unwrap_or(path).to_owned()
}

/// Something that has to be the same, and how it is on one target.
type Aspect = (&'static str, fn(&Manifest) -> String);

/// Whether all of them are the same. Whoever is not like the most is named.
fn among(manifests: &BTreeMap<String, Manifest>) -> Vec<Measurement> {
    let aspects: [Aspect; 4] = [
        ("releases", |manifest| manifest.release.to_string()),
        ("the trees of the release", |manifest| manifest.tree.short().to_owned()),
        ("the release's environment and settings", |manifest| {
            let each = manifest
                .files
                .iter()
                .map(|(path, digest)| format!("{path} {}", digest.as_ref().map_or("is missing", Digest::short)));
            each.collect::<Vec<_>>().join(", ")
        }),
        ("worker counts", |manifest| manifest.workers.to_string()),
    ];
    let compared = aspects.into_iter().map(|(what, of)| {
        let mut by_value: BTreeMap<String, Vec<&str>> = BTreeMap::new();
        for (target, manifest) in manifests {
            by_value.entry(of(manifest)).or_default().push(target);
        }
        let (verdict, words) = match by_value.len() {
            0 => (Verdict::Inconclusive, format!("{what}: no target has one to compare")),
            1 => (Verdict::Pass, format!("{what} are the same on {} targets", manifests.len())),
            _ => {
                let each = by_value.iter().map(|(value, targets)| format!("{value} on {}", targets.join(", ")));
                (Verdict::Abort, format!("{what} differ: {}", each.collect::<Vec<_>>().join("; ")))
            }
        };
        measurement(verdict, "all targets", words, json!({ "by_value": by_value }))
    });
    compared.collect()
}

#[cfg(test)]
mod tests {
    use super::configuration;

    #[test]
    fn the_configuration_is_the_one_that_the_command_line_names() {
        let of = |line: &str| configuration(&line.split(' ').map(str::to_owned).collect::<Vec<_>>());
        assert_eq!(of("python gunicorn run:app"), "gunicorn.conf.py");
        assert_eq!(of("python gunicorn -c /srv/app/gunicorn_config.py run:app"), "gunicorn_config.py");
        assert_eq!(of("python gunicorn --config=file:conf/other.py -w 2 run:app"), "other.py");
        assert_eq!(of("python gunicorn --config a.py --config b.py run:app"), "b.py");
    }
}
