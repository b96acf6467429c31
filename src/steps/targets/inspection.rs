//! `target_inspection`: whether every target is as rollout.yaml says. All problems of all targets at once.

use std::collections::{BTreeMap, BTreeSet};

use async_trait::async_trait;
use schemars::JsonSchema;
use serde::Deserialize;

use super::list;
use super::list::TargetEntry;
use super::site_differences;
use crate::core::rollout::{AbsolutePath, Difference, Rollout, STAGING};
use crate::core::{Contract, Facts, Failure, Measurement, Verdict};
use crate::ports::{ServiceFacts, TargetRead};
use crate::steps::at_once::several_at_once;
use crate::steps::measure::measurement;
use crate::steps::{Diff, DiffAction, Kind, Observation, Observe, ReadContext, Step, measure};

/// The free space that is required, as a multiple of the application's tree.
const FREE_SPACE_FACTOR: u64 = 2;

/// Looks at every target through ssh.
pub struct TargetInspection;

/// Nothing to set.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Settings {}

impl Kind for TargetInspection {
    type Settings = Settings;
    const NAME: &'static str = "target_inspection";
    const SUMMARY: &'static str = "looks whether every target is as rollout.yaml says";
    const CONTRACT: Contract = Contract::Gate;
    const PROVIDES: &'static [&'static str] = &[];

    fn build(_: Settings) -> Step {
        Step::Observe(Box::new(Self))
    }
}

/// What is wrong on a target, how bad it is, and what to do about it.
struct Flaw {
    verdict: Verdict,
    problem: String,
    fix: String,
}

/// What was seen on a target.
#[derive(Default)]
struct Inspection {
    findings: Vec<Flaw>,
    versions: BTreeMap<String, String>,
    seen: serde_json::Map<String, serde_json::Value>,
}

impl Inspection {
    fn find(&mut self, verdict: Verdict, problem: impl Into<String>, fix: impl Into<String>) {
        self.findings.push(Flaw { verdict, problem: problem.into(), fix: fix.into() });
    }

    /// Something could not be looked at: that is not the same as missing.
    fn unseen(&mut self, what: &str, failure: &Failure) {
        let verdict = if failure.class.is_retryable() { Verdict::Inconclusive } else { Verdict::Abort };
        let fix = failure.hint.clone().unwrap_or_else(|| "correct that, then run the same command again".into());
        self.find(verdict, format!("{what} could not be read: {failure}"), fix);
    }

    fn note(&mut self, name: &str, value: impl Into<serde_json::Value>) {
        self.seen.insert(name.into(), value.into());
    }
}

#[async_trait]
impl Observe for TargetInspection {
    fn plan(&self, rollout: &Rollout) -> Diff {
        let names: Vec<String> = rollout.target_names().iter().map(ToString::to_string).collect();
        Diff::one(
            DiffAction::Read,
            format!("account, unit, interpreter, packages, disk and port on {}", names.join(", ")),
        )
    }

    async fn observe(&self, context: &ReadContext<'_>) -> Result<Observation, Failure> {
        let mut measurements = Vec::new();
        let mut versions = BTreeMap::new();
        let mut lines = Vec::new();
        let inspected = several_at_once(list::all(context.rollout()), async |target| {
            context.say(format!("inspecting {}", target.name));
            let inspection = inspect(context, &target).await;
            (target, inspection)
        });
        for (target, inspection) in inspected.await {
            for finding in &inspection.findings {
                lines.push(format!("{}: {} ({})", target.name, finding.problem, finding.fix));
            }
            versions.insert(target.name.to_string(), inspection.versions.clone());
            measurements.push(measured(&target, inspection));
        }
        if let Some(compared) = compare_versions(context.rollout(), &versions) {
            lines.extend((!compared.verdict.passes()).then(|| compared.summary.clone()));
            measurements.push(compared);
        }
        let worst = Verdict::over(measurements.iter().map(|measurement| measurement.verdict));
        let failure = measure::class_of(worst).map(|class| {
            Failure::new(class, lines.join("\n"))
                .hint("correct what is listed, then run `migrate phase 0` again; it changes nothing")
        });
        Ok(Observation { facts: Facts::new(), measurements, failure })
    }
}

/// One measurement with everything found on a target.
fn measured(target: &TargetEntry<'_>, inspection: Inspection) -> Measurement {
    let verdict = inspection.findings.iter().map(|finding| finding.verdict).max().unwrap_or(Verdict::Pass);
    let problems: Vec<&str> = inspection.findings.iter().map(|finding| finding.problem.as_str()).collect();
    let summary = if problems.is_empty() {
        format!("{}: as rollout.yaml says", target.name)
    } else {
        format!("{}: {}", target.name, problems.join("; "))
    };
    let findings: Vec<serde_json::Value> = inspection
        .findings
        .iter()
        .map(
            |finding| serde_json::json!({ "verdict": finding.verdict, "problem": finding.problem, "fix": finding.fix }),
        )
        .collect();
    let data = serde_json::json!({ "findings": findings, "seen": inspection.seen, "versions": inspection.versions });
    measurement(verdict, target.name.as_str(), summary, data)
}

/// Staging's results say something about production only when both run the same packages. `None` when nothing was read.
fn compare_versions(rollout: &Rollout, versions: &BTreeMap<String, BTreeMap<String, String>>) -> Option<Measurement> {
    let modules: BTreeSet<&String> = versions.values().flat_map(BTreeMap::keys).collect();
    if modules.is_empty() {
        return None;
    }
    let (mut differences, mut accepted, mut asked) = (Vec::new(), Vec::new(), Vec::new());
    for module in modules {
        let each: BTreeMap<&String, &String> = versions
            .iter()
            .filter_map(|(target, modules)| modules.get(module).map(|version| (target, version)))
            .collect();
        if each.values().collect::<BTreeSet<_>>().len() > 1 {
            let staging = versions.get(STAGING).and_then(|modules| modules.get(module));
            let deviations: Vec<Difference> = each
                .iter()
                .filter_map(|(target, own)| site_differences::of_module(target, module, own, staging?))
                .collect();
            if !deviations.is_empty() && deviations.iter().all(|found| rollout.production.accepts(found)) {
                accepted.extend(deviations.iter().map(ToString::to_string));
                continue;
            }
            asked.extend(deviations.iter().map(|found| format!("`- {}`", found.entry())));
            let each: Vec<String> = each.iter().map(|(target, version)| format!("{version} on {target}")).collect();
            differences.push(format!("{module} is {}", each.join(", ")));
        }
    }
    let data = serde_json::json!({ "versions": versions, "differences": differences, "accepted": accepted });
    Some(if differences.is_empty() {
        let but = match accepted.as_slice() {
            [] => String::new(),
            accepted => format!(", but for what rollout.yaml accepts: {}", accepted.join("; ")),
        };
        measurement(Verdict::Pass, "all targets", format!("the packages are the same on all targets{but}"), data)
    } else {
        let summary = format!(
            "package versions differ between targets: {} (install the same versions everywhere, or add {} to \
             `production.accepted_differences` in rollout.yaml)",
            differences.join("; "),
            asked.join(" and ")
        );
        measurement(Verdict::Hold, "all targets", summary, data)
    })
}

async fn inspect(context: &ReadContext<'_>, target: &TargetEntry<'_>) -> Inspection {
    let application = &context.rollout().application;
    let reader = context.ports.targets.reader(target.host);
    let mut inspection = Inspection::default();
    match reader.hello().await {
        Ok(account) if account == application.user => inspection.note("account", account),
        Ok(account) => inspection.find(
            Verdict::Abort,
            format!("ssh logs in as `{account}`, but the application runs as `{}`", application.user),
            format!(
                "set `User {}` for {} in your ssh_config, or correct application.user",
                application.user, target.host
            ),
        ),
        Err(failure) => {
            // Nothing else can be seen, so nothing else is said.
            let fix = failure.hint.clone().unwrap_or_else(|| format!("try `ssh {}` by hand", target.host));
            inspection.find(Verdict::Abort, format!("cannot be reached by ssh: {failure}"), fix);
            return inspection;
        }
    }
    match reader.service(&application.unit).await {
        Ok(service) => inspect_service(context.rollout(), &service, &mut inspection),
        Err(failure) => inspection.unseen(&application.unit, &failure),
    }
    inspect_port(context.rollout(), &*reader, &mut inspection).await;
    inspect_modules(context.rollout(), &*reader, &mut inspection).await;
    inspect_room(context.rollout(), target, &*reader, &mut inspection).await;
    inspection
}

fn inspect_service(rollout: &Rollout, service: &ServiceFacts, inspection: &mut Inspection) {
    let application = &rollout.application;
    inspection.note("workers", service.workers);
    inspection.note("executable", service.executable.clone());
    if !service.active || service.main_pid.is_none() {
        inspection.find(
            Verdict::Abort,
            format!("{} is not running", application.unit),
            format!("`systemctl status {}` there, or correct application.unit", application.unit),
        );
        return;
    }
    if service.workers != application.workers {
        inspection.find(
            Verdict::Hold,
            format!("{} runs {} workers, not {}", application.unit, service.workers, application.workers),
            "correct application.workers in rollout.yaml, or the unit: every later comparison starts from this number",
        );
    }
}

async fn inspect_port(rollout: &Rollout, reader: &dyn TargetRead, inspection: &mut Inspection) {
    let port = rollout.application.port.number();
    match reader.listening().await {
        Ok(ports) if ports.contains(&port) => inspection.note("listening", port),
        Ok(_) => inspection.find(
            Verdict::Abort,
            format!("no process listens on port {port}"),
            "correct application.port in rollout.yaml: it is the port the load balancer sends to",
        ),
        Err(failure) => inspection.unseen("the listening ports", &failure),
    }
}

async fn inspect_modules(rollout: &Rollout, reader: &dyn TargetRead, inspection: &mut Inspection) {
    let application = &rollout.application;
    // Not /proc/PID/exe: that is the system's Python behind the virtual environment's link, without its packages.
    let interpreter = format!("{}/bin/python", application.virtualenv);
    let modules = match reader.modules(&interpreter, &application.directory, &application.modules).await {
        Ok(modules) => modules,
        Err(failure) => return inspection.unseen(&format!("the packages of {interpreter}"), &failure),
    };
    for wanted in &application.modules {
        let Some(module) = modules.iter().find(|module| &module.name == wanted) else {
            inspection.find(
                Verdict::Inconclusive,
                format!("nothing is known of the module {wanted}"),
                "run the same command again",
            );
            continue;
        };
        match &module.problem {
            Some(problem) => inspection.find(
                Verdict::Abort,
                format!("{interpreter} cannot import {wanted}: {problem}"),
                "install it there, or take it out of application.modules",
            ),
            None => {
                let version = module.version.clone().unwrap_or_else(|| site_differences::UNKNOWN_VERSION.into());
                inspection.versions.insert(wanted.clone(), version);
            }
        }
    }
}

async fn inspect_room(
    rollout: &Rollout,
    target: &TargetEntry<'_>,
    reader: &dyn TargetRead,
    inspection: &mut Inspection,
) {
    let application = &rollout.application;
    let tree = match reader.tree(&application.directory, &application.volatile).await {
        Ok(tree) => tree,
        Err(failure) => return inspection.unseen(&format!("the tree {}", application.directory), &failure),
    };
    // On staging the copy of phase 2 needs the room, and it may be on another file system than the original.
    let place = if target.is_staging { parent(&rollout.staging.copy.directory) } else { application.directory.clone() };
    match reader.disk(&place).await {
        Ok(disk) => {
            inspection.note("tree_bytes", tree.bytes);
            inspection.note("free_bytes", disk.free_bytes);
            let needed = tree.bytes.saturating_mul(FREE_SPACE_FACTOR);
            if disk.free_bytes < needed {
                inspection.find(
                    Verdict::Abort,
                    format!(
                        "{} MiB free at {place}, {} MiB needed ({FREE_SPACE_FACTOR} times the application)",
                        disk.free_bytes >> 20,
                        needed.div_ceil(1 << 20)
                    ),
                    "make room there",
                );
            }
        }
        Err(failure) => inspection.unseen(&format!("the free space at {place}"), &failure),
    }
}

/// The directory that holds another; itself when it is at the top.
fn parent(directory: &AbsolutePath) -> AbsolutePath {
    let parent = directory.as_str().rsplit_once('/').and_then(|(parent, _)| parent.parse().ok());
    parent.unwrap_or_else(|| directory.clone())
}
