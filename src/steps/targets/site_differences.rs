//! Whether production runs what was tested on staging: the same code, interpreter and packages. A difference is listed,
//! and accepted only by an entry that names both sides: another one that comes later is not.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::json;

use super::list;
use super::list::TargetEntry;
use super::protected::facts::Baseline;
use crate::core::rollout::{Difference, Rollout, STAGING};
use crate::core::{Digest, Failure, Measurement, Verdict};
use crate::ports::{LiveTree, ModuleFacts};
use crate::steps::ReadContext;
use crate::steps::at_once::several_at_once;
use crate::steps::measure::measurement;
use crate::steps::site::release_layout;

/// The maximum number of files that are named.
const MAX_NAMED_FILES: usize = 10;
/// What a module is said to be that has no version.
pub const UNKNOWN_VERSION: &str = "unknown";

/// What to write where, so that a difference is accepted.
fn how_to_accept(difference: &Difference) -> String {
    format!("add `- {}` to `production.accepted_differences` in rollout.yaml", difference.entry())
}

/// One difference, judged: a pass when it is accepted, else a hold that says what to do.
pub fn judge(rollout: &Rollout, difference: &Difference, more: &str, instead: &str) -> (Verdict, String) {
    if rollout.production.accepts(difference) {
        return (Verdict::Pass, format!("{difference}{more}: accepted in rollout.yaml"));
    }
    (Verdict::Hold, format!("{difference}{more}: {instead}, or {}", how_to_accept(difference)))
}

/// The difference between a target's version of a module and staging's, when there is one.
pub fn of_module(target: &str, module: &str, own: &str, staging: &str) -> Option<Difference> {
    let text = str::to_owned;
    (own != staging).then(|| Difference::Module {
        target: text(target),
        module: text(module),
        version: text(own),
        staging: text(staging),
    })
}

/// The code and the interpreters of the baseline: production against staging, and against each other.
///
/// # Errors
/// When a tree that differs cannot be listed.
pub async fn code(context: &ReadContext<'_>, baseline: &Baseline) -> Result<Vec<Measurement>, Failure> {
    let rollout = context.rollout();
    let Some(staging) = baseline.get(STAGING) else {
        let words = "staging is not in the baseline, so nothing can be compared with it";
        return Ok(vec![measurement(Verdict::Inconclusive, STAGING, words, json!({}))]);
    };
    let mut measurements = Vec::new();
    let mut trees: BTreeMap<&Digest, Vec<String>> = BTreeMap::new();
    for target in list::production(rollout) {
        let name = target.name.as_str();
        // One that is not in the baseline is reported by the comparison with it.
        let Some(own) = baseline.get(name) else { continue };
        trees.entry(&own.tree).or_default().push(name.to_owned());
        let mut found = Vec::new();
        if own.tree != staging.tree {
            let files = differing_files(context, &target).await?;
            let text = |digest: &Digest| digest.short().to_owned();
            let difference =
                Difference::Code { target: name.to_owned(), code: text(&own.tree), staging: text(&staging.tree) };
            let more = format!(" ({})", listed(&files));
            let (verdict, words) = judge(rollout, &difference, &more, "deploy on one what the other runs");
            let data = json!({ "difference": difference, "files": files });
            found.push(measurement(verdict, name, words, data));
        }
        let python = |executable: &Option<String>| executable.clone().unwrap_or_else(|| UNKNOWN_VERSION.to_owned());
        let (one, other) = (python(&own.executable), python(&staging.executable));
        if one != other {
            let difference = Difference::Interpreter { target: name.to_owned(), interpreter: one, staging: other };
            let (verdict, words) = judge(rollout, &difference, "", "use the same interpreter on both");
            found.push(measurement(verdict, name, words, json!({ "difference": difference })));
        }
        if found.is_empty() {
            let words = format!("{name} runs the code and the interpreter of staging ({})", own.tree.short());
            found.push(measurement(Verdict::Pass, name, words, json!({ "tree": own.tree })));
        }
        measurements.extend(found);
    }
    measurements.extend(among_production(&trees));
    Ok(measurements)
}

/// All targets have to end on one release, so a difference among them cannot be accepted.
fn among_production(trees: &BTreeMap<&Digest, Vec<String>>) -> Option<Measurement> {
    if trees.len() < 2 {
        return None;
    }
    let each: Vec<String> =
        trees.iter().map(|(tree, names)| format!("{} on {}", tree.short(), names.join(", "))).collect();
    let words = format!(
        "the production targets run different code ({}): they could not end on the same release; deploy the same code on \
         all of them",
        each.join("; ")
    );
    Some(measurement(Verdict::Hold, "production", words, json!({ "trees": trees.values().collect::<Vec<_>>() })))
}

/// Files that differ between staging and a target, by path. While a release is in use there, the original is compared.
async fn differing_files(context: &ReadContext<'_>, target: &TargetEntry<'_>) -> Result<Vec<String>, Failure> {
    let rollout = context.rollout();
    let (directory, volatile) = (&rollout.application.directory, &rollout.application.volatile);
    let reader = context.ports.targets.reader(target.host);
    let live = reader.releases(&release_layout::site(rollout)?).await?.live;
    let place = match live {
        LiveTree::Release(_) => release_layout::waiting_original(rollout)?,
        LiveTree::Original | LiveTree::Foreign(_) => directory.clone(),
    };
    let staging = list::staging(context).manifest(directory, volatile).await?;
    let own = reader.manifest(&place, volatile).await?;
    let paths: BTreeSet<&String> = staging.keys().chain(own.keys()).collect();
    Ok(paths.into_iter().filter(|path| staging.get(*path) != own.get(*path)).cloned().collect())
}

fn listed(files: &[String]) -> String {
    match files.get(..MAX_NAMED_FILES).filter(|_| files.len() > MAX_NAMED_FILES) {
        Some(first) => format!("{} and {} more", first.join(", "), files.len() - MAX_NAMED_FILES),
        // It was so when the baseline was recorded, and is no more: the comparison with the baseline says so.
        None if files.is_empty() => "nothing differs any more".to_owned(),
        None => files.join(", "),
    }
}

/// The versions of the declared modules, as each target's interpreter has them now.
///
/// # Errors
/// When a target cannot be asked.
pub async fn packages(context: &ReadContext<'_>) -> Result<Vec<Measurement>, Failure> {
    let rollout = context.rollout();
    let application = &rollout.application;
    let interpreter = format!("{}/bin/python", application.virtualenv);
    let mut versions: BTreeMap<String, BTreeMap<String, String>> = BTreeMap::new();
    let mut measurements = Vec::new();
    let read = several_at_once(list::all(rollout), async |target| {
        let reader = context.ports.targets.reader(target.host);
        let modules = reader.modules(&interpreter, &application.directory, &application.modules).await;
        modules.map(|modules| (target.name.to_string(), modules)).map_err(|failure| target.failed(failure))
    });
    for read in read.await {
        let (name, modules) = read?;
        measurements.extend(modules.iter().filter_map(|module| not_importable(&name, module)));
        let version = |module: ModuleFacts| module.version.unwrap_or_else(|| UNKNOWN_VERSION.to_owned());
        let read = modules.into_iter().filter(|module| module.problem.is_none());
        versions.insert(name, read.map(|module| (module.name.clone(), version(module))).collect());
    }
    let staging = versions.remove(STAGING).unwrap_or_default();
    for (target, modules) in &versions {
        let found: Vec<Difference> =
            modules.iter().filter_map(|(module, own)| of_module(target, module, own, staging.get(module)?)).collect();
        for difference in &found {
            let (verdict, words) = judge(rollout, difference, "", "install the same version on both");
            measurements.push(measurement(verdict, target, words, json!({ "difference": difference })));
        }
        if found.is_empty() {
            let words = format!("{target} has the packages of staging ({} compared)", modules.len());
            measurements.push(measurement(Verdict::Pass, target, words, json!({ "versions": modules })));
        }
    }
    Ok(measurements)
}

fn not_importable(target: &str, module: &ModuleFacts) -> Option<Measurement> {
    let problem = module.problem.as_ref()?;
    let words = format!("{target} cannot import {}: {problem}", module.name);
    Some(measurement(Verdict::Abort, target, words, json!({ "module": module.name })))
}
