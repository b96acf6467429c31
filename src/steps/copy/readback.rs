//! What the running copy says about itself, compared with what it was told. What was written into a file proves nothing:
//! only what is read back from the process does. Pure.

use std::collections::BTreeMap;

use serde_json::json;

use crate::core::rollout::{AbsolutePath, STAGING};
use crate::core::{Measurement, Verdict};
use crate::ports::{DetachedFacts, DetachedGunicorn, ServiceFacts};
use crate::steps::measure::measurement;

/// What the copy was told, and the original beside it.
pub struct Told<'a> {
    /// How it was started.
    pub gunicorn: &'a DetachedGunicorn,
    /// Its variables.
    pub variables: &'a BTreeMap<String, String>,
    /// The original's service as it is now.
    pub original: &'a ServiceFacts,
    /// When the original's main process started by the baseline, in ticks since boot; `None` without a baseline.
    pub original_started: Option<u64>,
}

/// Every reading, as one measurement each.
pub fn measurements(copy: &DetachedFacts, told: &Told<'_>) -> Vec<Measurement> {
    vec![
        workers(copy, told.gunicorn),
        listening(copy, told.gunicorn),
        directory(copy, told.gunicorn),
        interpreter(copy, told),
        command_line(copy, told.gunicorn),
        variables(copy, told.variables),
        written_files(copy, told.gunicorn),
        original(copy, told),
    ]
}

/// A pass, or an abort with other words.
fn judged(holds: bool, good: String, bad: String, data: serde_json::Value) -> Measurement {
    let (verdict, summary) = if holds { (Verdict::Pass, good) } else { (Verdict::Abort, bad) };
    measurement(verdict, STAGING, summary, data)
}

fn workers(copy: &DetachedFacts, gunicorn: &DetachedGunicorn) -> Measurement {
    let (found, wanted) = (copy.workers.len(), gunicorn.workers);
    let holds = u32::try_from(found).is_ok_and(|found| found == wanted);
    let data = json!({ "workers": found, "wanted": wanted });
    judged(
        holds,
        format!("the copy runs {found} workers (processes counted)"),
        format!("the copy runs {found} workers, not {wanted}"),
        data,
    )
}

fn listening(copy: &DetachedFacts, gunicorn: &DetachedGunicorn) -> Measurement {
    let wanted = format!("127.0.0.1:{}", gunicorn.port);
    let found = if copy.listening.is_empty() { "nowhere".to_owned() } else { copy.listening.join(", ") };
    let data = json!({ "listening": copy.listening, "wanted": wanted });
    judged(
        copy.listening == [wanted.as_str()],
        format!("the copy listens on {wanted} and nowhere else"),
        format!("the copy listens on {found}, not on {wanted} alone"),
        data,
    )
}

fn directory(copy: &DetachedFacts, gunicorn: &DetachedGunicorn) -> Measurement {
    let data = json!({ "directory": copy.directory });
    judged(
        copy.directory == gunicorn.directory.as_str(),
        format!("the copy runs in {}", copy.directory),
        format!("the copy runs in {}, not in {}", copy.directory, gunicorn.directory),
        data,
    )
}

/// Whether a path is a directory or below it.
fn is_below(path: &str, directory: &AbsolutePath) -> bool {
    path.strip_prefix(directory.as_str()).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

fn interpreter(copy: &DetachedFacts, told: &Told<'_>) -> Measurement {
    let Some(original) = &told.original.executable else {
        let summary = format!("which interpreter {} runs on cannot be seen", told.gunicorn.unit);
        return measurement(Verdict::Inconclusive, STAGING, summary, json!({ "copy": copy.executable }));
    };
    // An interpreter inside of the application's tree was copied with it.
    let copied = original.strip_prefix(told.gunicorn.original.as_str()).filter(|rest| rest.starts_with('/'));
    let copied = copied.map(|rest| format!("{}{rest}", told.gunicorn.directory));
    let holds = copy.executable == *original || copied.as_ref() == Some(&copy.executable);
    judged(
        holds,
        format!("the copy runs on the original's interpreter, {}", copy.executable),
        format!("the copy runs on {}, the original on {original}", copy.executable),
        json!({ "copy": copy.executable, "original": original }),
    )
}

fn command_line(copy: &DetachedFacts, gunicorn: &DetachedGunicorn) -> Measurement {
    let wanted = [
        ("--bind", format!("127.0.0.1:{}", gunicorn.port)),
        ("--workers", gunicorn.workers.to_string()),
        ("--pid", gunicorn.pid_file.to_string()),
        ("--access-logfile", gunicorn.access_log.to_string()),
        ("--error-logfile", gunicorn.error_log.to_string()),
        ("--chdir", gunicorn.directory.to_string()),
    ];
    // The last one wins.
    let value_of = |name: &str| {
        let pairs = copy.command_line.windows(2).rev();
        pairs.filter(|pair| pair[0] == name).map(|pair| pair[1].as_str()).next()
    };
    let mut missing: Vec<String> = wanted
        .iter()
        .filter(|(name, value)| value_of(name) != Some(value))
        .map(|(name, value)| format!("{name} {value}"))
        .collect();
    let application = gunicorn.application.as_deref().unwrap_or("the application's own name");
    if copy.command_line.last().map(String::as_str) != Some(application) {
        missing.push(application.to_owned());
    }
    judged(
        missing.is_empty(),
        format!("the copy's command line has its own port, files and {application}"),
        format!("the copy's command line lacks {}", missing.join(", ")),
        json!({ "missing": missing }),
    )
}

/// The variables that are not in the process as they were set, in words. Values are never shown: who sets a secret here
/// although nobody should does not find it in a report.
pub fn differing_variables(copy: &DetachedFacts, variables: &BTreeMap<String, String>) -> Vec<String> {
    variables
        .iter()
        .filter_map(|(name, value)| match copy.environment.get(name) {
            Some(found) if found == value => None,
            Some(_) => Some(format!("{name} has another value")),
            None => Some(format!("{name} is missing")),
        })
        .collect()
}

fn variables(copy: &DetachedFacts, variables: &BTreeMap<String, String>) -> Measurement {
    let wrong = differing_variables(copy, variables);
    let names: Vec<&String> = variables.keys().collect();
    let data = json!({ "names": names, "wrong": wrong });
    judged(
        wrong.is_empty(),
        format!("{} variables are in the copy's process as they were set", variables.len()),
        format!("the copy's process does not have the variables it was given: {}", wrong.join(", ")),
        data,
    )
}

fn written_files(copy: &DetachedFacts, gunicorn: &DetachedGunicorn) -> Measurement {
    let theirs: Vec<&str> =
        copy.written_files.iter().map(String::as_str).filter(|path| is_below(path, &gunicorn.original)).collect();
    let data = json!({ "written_files": copy.written_files, "of_the_original": theirs });
    judged(
        theirs.is_empty(),
        format!("the copy has no file of {} open for writing", gunicorn.original),
        format!("the copy writes into the original's {}", theirs.join(", ")),
        data,
    )
}

/// That the original is another process, and still the same one.
fn original(copy: &DetachedFacts, told: &Told<'_>) -> Measurement {
    let (service, unit) = (told.original, &told.gunicorn.unit);
    let data = json!({
        "pid": service.main_pid, "started_ticks": service.started_ticks, "copy": copy.master.pid,
        "baseline": told.original_started,
    });
    let (verdict, summary) = match (service.main_pid, service.started_ticks) {
        (Some(pid), _) if pid == copy.master.pid => {
            (Verdict::Abort, format!("process {pid} is {unit} itself, not a copy beside it"))
        }
        (Some(_), Some(ticks)) if service.active => match told.original_started {
            Some(before) if before != ticks => {
                (Verdict::Abort, format!("{unit} was restarted: it started {before} ticks after boot, now {ticks}"))
            }
            Some(_) => (Verdict::Pass, format!("{unit} runs as before, beside the copy (process {})", copy.master.pid)),
            None => (Verdict::Pass, format!("{unit} runs beside the copy (process {})", copy.master.pid)),
        },
        _ => (Verdict::Abort, format!("{unit} does not run any more")),
    };
    measurement(verdict, STAGING, summary, data)
}
