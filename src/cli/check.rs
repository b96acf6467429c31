//! `migrate check`: judges the files and the recorded run. The gate that CI uses.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::PathBuf;

use serde_json::{Value, json};

use super::answer::{Answer, Trouble};
use super::session::{Session, judged_at};
use super::wiring;
use crate::configuration::{self, Loaded, Style};
use crate::core::{
    ChecklistItem, Exit, Failure, Missing, Phase, Plan, Proof, RunState, StepStatus, Verdict, missing_for,
    missing_for_done, proof,
};
use crate::engine::{Finding, look};
use crate::report::{Annotation, JunitCase, junit, mark, utc};

/// Options of `migrate check`.
#[derive(Debug, Clone, clap::Args)]
#[command(after_help = "\
Examples:
  migrate check                   the files and the recorded run, offline
  migrate check --live            and preflight: permissions, hosts
  migrate check --for 2           may phase 2 be entered?
  migrate check --for done        is the whole checklist proven?
  migrate check --junit out.xml   for CI; GitHub annotations come by themselves there")]
pub struct CheckArgs {
    /// Also ask AWS and the hosts, as preflight does. Reads only.
    #[arg(long)]
    pub(super) live: bool,
    /// Ask whether this phase may be entered, or `done`.
    #[arg(long = "for", value_name = "PHASE|done", value_parser = goal)]
    goal: Option<Goal>,
    /// Write a JUnit report.
    #[arg(long, value_name = "FILE")]
    junit: Option<PathBuf>,
}

/// What is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Goal {
    Enter(Phase),
    Done,
}

fn goal(text: &str) -> Result<Goal, String> {
    if text == "done" { Ok(Goal::Done) } else { super::options::phase_number(text).map(Goal::Enter) }
}

/// Checklist items whose measurement is no longer there, or is no longer what was measured: they prove nothing.
fn lost_evidence(
    session: &Session,
    state: &RunState,
    plan: &Plan,
    now: jiff::Timestamp,
) -> BTreeMap<ChecklistItem, String> {
    let store = session.directory().evidence();
    let lost = ChecklistItem::ALL.into_iter().filter_map(|item| match proof(state, plan, item, now) {
        Proof::Proven(evidence) => store.get(&evidence.digest).err().map(|fault| (item, fault.to_string())),
        _ => None,
    });
    lost.collect()
}

/// One line of the verdict.
struct Line {
    name: String,
    verdict: Verdict,
    detail: String,
}

impl CheckArgs {
    pub(super) async fn run_live(self, session: &Session) -> Result<Answer, Trouble> {
        let loaded = self.load(session)?;
        let world = wiring::world(&loaded.plan, &loaded.base_directory, &loaded.installed).await;
        let audience = session.printer.audience();
        let cancel = super::signals::install()?;
        let findings = tokio::select! {
            signal = cancel.wait() => return Err(crate::engine::Stop::Signalled(signal).into()),
            findings = look(&loaded.plan, &world.read, &loaded.base_directory, audience.as_ref()) => findings,
        };
        drop(audience);
        self.judge(session, &loaded, &findings)
    }

    pub(super) fn run(self, session: &Session, findings: &[Finding]) -> Result<Answer, Trouble> {
        let loaded = self.load(session)?;
        self.judge(session, &loaded, findings)
    }

    /// Wrong files are reported as JUnit before they are an error.
    fn load(&self, session: &Session) -> Result<Loaded, Trouble> {
        session.load().inspect_err(|trouble| {
            let Trouble::Files(diagnostics) = trouble else { return };
            let failure = Some(configuration::render_text(diagnostics.iter(), Style::Plain));
            let case = JunitCase { name: "rollout.yaml".into(), failure, skipped: None };
            if let Err(why) = self.write_junit(&[case]) {
                session.printer.warn(&why);
            }
        })
    }

    fn judge(&self, session: &Session, loaded: &Loaded, findings: &[Finding]) -> Result<Answer, Trouble> {
        let plan = &loaded.plan;
        let state = session.replay()?.state;
        let now = judged_at()?;
        let lost = lost_evidence(session, &state, plan, now);
        let missing: Vec<Missing> = match self.goal {
            None => Vec::new(),
            Some(Goal::Enter(phase)) => missing_for(&state, plan, phase, now),
            Some(Goal::Done) => missing_for_done(&state, plan, now),
        };
        let missing: Vec<String> = missing
            .iter()
            .map(ToString::to_string)
            .chain(self.goal.into_iter().flat_map(|_| lost.values().cloned()))
            .collect();
        let mut lines = vec![files_line(loaded)];
        lines.extend(findings.iter().map(finding_line));
        let run_lines = run_lines(&state);
        let checklist: Vec<Line> = ChecklistItem::ALL
            .into_iter()
            .map(|item| match lost.get(&item) {
                Some(why) => Line { name: item.to_string(), verdict: Verdict::Inconclusive, detail: why.clone() },
                None => checklist_line(&state, plan, item, now),
            })
            .collect();
        let exit = exit_of(plan, &state, findings, &run_lines, &checklist, &missing);
        lines.extend(run_lines);

        let mut cases: Vec<JunitCase> = lines.iter().chain(&checklist).map(junit_case).collect();
        cases.extend(missing.iter().map(|missing| JunitCase {
            name: format!("required: {missing}"),
            failure: Some(missing.clone()),
            skipped: None,
        }));
        self.write_junit(&cases)?;
        let bad = lines.iter().chain(&checklist).filter(|line| line.verdict >= Verdict::Hold);
        let annotations = bad.map(|line| Annotation::error(line.name.as_str(), line.detail.as_str())).collect();
        let result = json!({
            "plan": plan.digest(),
            "lines": lines.iter().map(line_json).collect::<Vec<_>>(),
            "checklist": checklist.iter().map(line_json).collect::<Vec<_>>(),
            "missing": missing,
            "drift": drifted(plan, &state),
        });
        let text = self.render(&lines, &checklist, &missing, findings, drifted(plan, &state), exit);
        Ok(Answer::pass(text, result).exit(exit).annotated(annotations))
    }

    fn write_junit(&self, cases: &[JunitCase]) -> Result<(), Trouble> {
        let Some(path) = &self.junit else { return Ok(()) };
        let xml = junit("migrate check", cases).map_err(std::io::Error::other);
        xml.and_then(|xml| std::fs::write(path, xml)).map_err(|error| {
            Trouble::new(Exit::Internal, format!("{}: {error}", path.display()), "choose another --junit FILE")
        })
    }

    fn render(
        &self,
        lines: &[Line],
        checklist: &[Line],
        missing: &[String],
        findings: &[Finding],
        drift: bool,
        exit: Exit,
    ) -> String {
        let mut text = String::new();
        // Writing to a String cannot fail.
        for line in lines {
            let _ = writeln!(text, "{} {:<34} {}", mark(line.verdict), line.name, indented(&line.detail));
        }
        text.push_str("\nChecklist\n");
        for line in checklist {
            let tick = if line.verdict.passes() { "x" } else { " " };
            let _ = writeln!(text, "- [{tick}] {:<32} {}", line.name, line.detail);
        }
        if drift {
            text.push_str("\nThe files changed since the run began: `migrate replan --reason WHY`, or restore them.\n");
        }
        for hint in findings.iter().filter_map(|finding| finding.failure.as_ref()?.hint.as_ref()) {
            let _ = writeln!(text, "\nnext: {hint}");
        }
        match (self.goal, missing.is_empty()) {
            (None, _) => {}
            (Some(Goal::Enter(phase)), true) if exit == Exit::Pass => {
                let _ = writeln!(text, "\n{phase} may be entered.");
            }
            (Some(Goal::Done), true) if exit == Exit::Pass => text.push_str("\nEverything is proven.\n"),
            _ => {
                text.push_str("\nNot yet:\n");
                for missing in missing {
                    let _ = writeln!(text, "  - {missing}");
                }
            }
        }
        text
    }
}

/// The exit code that all of it together asks for.
fn exit_of(
    plan: &Plan,
    state: &RunState,
    findings: &[Finding],
    run_lines: &[Line],
    checklist: &[Line],
    missing: &[String],
) -> Exit {
    if state.stuck().is_some() {
        return Exit::Stuck;
    }
    if drifted(plan, state) {
        return Exit::PlanDrift;
    }
    // Permissions come first: nothing else can be mended before them.
    let failed: Vec<&Failure> = findings.iter().filter_map(|finding| finding.failure.as_ref()).collect();
    let classes = failed.iter().map(|failure| Exit::from(failure.class));
    if let Some(exit) = classes.min_by_key(|exit| (*exit != Exit::WaitingForPermissions, *exit == Exit::Waiting)) {
        return exit;
    }
    let worst = findings.iter().map(Finding::verdict).chain(run_lines.iter().map(|line| line.verdict)).max();
    let refuted = checklist.iter().any(|line| line.verdict >= Verdict::Hold);
    match worst {
        _ if refuted => Exit::GateFailed,
        Some(Verdict::Hold | Verdict::Abort) => Exit::GateFailed,
        Some(Verdict::Inconclusive) => Exit::Waiting,
        _ if !missing.is_empty() => Exit::Waiting,
        _ => Exit::Pass,
    }
}

fn indented(detail: &str) -> String {
    detail.replace('\n', "\n    ")
}

/// Whether the files differ from those of a run that has done something.
fn drifted(plan: &Plan, state: &RunState) -> bool {
    state.furthest_phase().is_some() && state.plan().is_some_and(|pinned| pinned != plan.digest())
}

fn files_line(loaded: &Loaded) -> Line {
    let steps = loaded.plan.steps().len();
    let mut detail = format!("{steps} steps, plan {}", loaded.plan.digest());
    if !loaded.warnings.is_empty() {
        detail.push('\n');
        detail.push_str(&configuration::render_text(&loaded.warnings, Style::Plain));
    }
    Line { name: loaded.rollout_path.display().to_string(), verdict: Verdict::Pass, detail }
}

fn finding_line(finding: &Finding) -> Line {
    let mut details: Vec<&str> = finding.measurements.iter().map(|measurement| measurement.summary.as_str()).collect();
    // A gate's failure mostly repeats the measurement that failed it.
    let failure = finding.failure.as_ref().map(|failure| failure.message.as_str());
    details.extend(failure.filter(|message| !details.contains(message)));
    Line { name: finding.step.to_string(), verdict: finding.verdict(), detail: details.join("\n") }
}

/// What the journal says is wrong; nothing when nothing is.
fn run_lines(state: &RunState) -> Vec<Line> {
    let failed = state.started().filter(|(_, record)| {
        matches!(record.status, StepStatus::Failed(_) | StepStatus::Stuck) && record.failure.is_some()
    });
    failed
        .map(|(id, record)| Line {
            name: id.to_string(),
            verdict: match record.failure.as_ref().map(|failure| failure.class) {
                Some(crate::core::FailureClass::Inconclusive) => Verdict::Inconclusive,
                _ => Verdict::Abort,
            },
            detail: record.failure.as_ref().map(ToString::to_string).unwrap_or_default(),
        })
        .collect()
}

fn checklist_line(state: &RunState, plan: &Plan, item: ChecklistItem, now: jiff::Timestamp) -> Line {
    let (verdict, detail) = match proof(state, plan, item, now) {
        Proof::Proven(evidence) => (
            Verdict::Pass,
            format!("{} ({}, {})", evidence.summary, utc(evidence.measured_at), evidence.digest.short()),
        ),
        Proof::Lapsed(_, why) => (Verdict::Inconclusive, why.to_string()),
        Proof::Refuted(evidence) => (evidence.verdict, evidence.summary.clone()),
        Proof::Unmeasured => (Verdict::Inconclusive, format!("not measured yet ({})", item.proven_in())),
    };
    Line { name: item.to_string(), verdict, detail }
}

fn line_json(line: &Line) -> Value {
    json!({ "name": line.name, "verdict": line.verdict, "detail": line.detail })
}

fn junit_case(line: &Line) -> JunitCase {
    let failure = (line.verdict >= Verdict::Hold).then(|| line.detail.clone());
    let skipped = (line.verdict == Verdict::Inconclusive).then(|| line.detail.clone());
    JunitCase { name: line.name.clone(), failure, skipped }
}
