//! The trial endpoints of a simulated copy.

use std::time::Duration;

use serde_json::json;

use super::answer::answer;
use super::sessions::{Damage, DamagedBy, Opened, SessionPlace, SimulatedSessions, SimulatedTrial};
use crate::core::rollout::{JourneyRequest, Method};
use crate::ports::Answer;
use crate::sim::host::Process;

/// As an application answers that has no such page: without trial endpoints, or when the token is not theirs.
fn answer_to_nobody() -> Answer {
    answer(404, "not found", Some("404, expected below 400".to_owned()))
}

/// Whether a request may use the trial endpoints.
fn admits(trial: &SimulatedTrial, request: &JourneyRequest) -> bool {
    let given = request.headers.get("X-Migrate-Trial");
    given.is_some() && trial.token.as_ref().is_none_or(|token| Some(token) == given)
}

/// What the application makes of its variables: the process's own, unless a test says otherwise.
pub(super) fn answer_settings(sessions: &SimulatedSessions, request: &JourneyRequest, process: &Process) -> Answer {
    let Some(trial) = sessions.trial.as_ref().filter(|trial| admits(trial, request)) else {
        return answer_to_nobody();
    };
    let mut settings = process.environment.clone();
    settings.retain(|name, _| name.starts_with("MIGRATE_"));
    settings.extend(trial.other_settings.clone());
    let workers = process.workers.len().max(1);
    let pid = process.workers.get(sessions.served as usize % workers).copied().unwrap_or_default();
    let unread = &trial.unread;
    let body = json!({ "pid": pid, "master": trial.says_master.unwrap_or(process.master), "settings": settings, "unread": unread });
    answer(200, &body.to_string(), None)
}

/// Answers a request for `what` below `/__migrate__/` in the worker `pid`.
pub(super) fn answer_trial(
    sessions: &mut SimulatedSessions,
    request: &JourneyRequest,
    (method, what): (Method, &str),
    (pid, now): (u32, Duration),
    session: Option<(&str, bool)>,
) -> Answer {
    let sid = session.map(|(sid, _)| sid);
    let Some(trial) = sessions.trial.clone() else { return answer_to_nobody() };
    if !admits(&trial, request) {
        return answer_to_nobody();
    }
    let body = match (method, what) {
        (Method::Get, "session") => {
            let prefix = trial.says_prefix.as_ref().unwrap_or(&sessions.prefix);
            let key = sid.map(|sid| format!("{prefix}{sid}"));
            let read = match (sid, &sessions.place) {
                (None, _) => "none",
                (_, SessionPlace::Files) => "old",
                _ if session.is_some_and(|(_, was_in_a_file)| was_in_a_file) => "old",
                _ => "redis",
            };
            json!({ "pid": pid, "key": key, "read": read })
        }
        (Method::Post, "types") => {
            let opened = sid.and_then(|sid| sessions.opened.get_mut(sid));
            if let Some(opened) = opened {
                opened.types_by = Some((pid, sessions.generation));
            }
            json!({ "pid": pid, "names": trial.types })
        }
        (Method::Get, "types") => types(sessions, &trial.types, &trial.damage, pid, sid),
        (Method::Post, "restart") => {
            if sessions.restarts {
                sessions.restarted_at = Some(now);
            }
            json!({ "pid": pid, "master": 1_999 })
        }
        _ => return answer_to_nobody(),
    };
    answer(200, &body.to_string(), None)
}

/// How the types came back.
fn types(
    sessions: &SimulatedSessions,
    names: &[String],
    damage: &[Damage],
    pid: u32,
    sid: Option<&str>,
) -> serde_json::Value {
    let by = sid.and_then(|sid| sessions.opened.get(sid)).and_then(|opened: &Opened| opened.types_by);
    let Some((writer, generation)) = by else {
        return json!({ "pid": pid, "missing": names, "wrong": [], "right": [] });
    };
    let happened = |damage: &&Damage| match damage.by {
        DamagedBy::Reading => true,
        DamagedBy::AnotherWorker => pid != writer,
        DamagedBy::Restart => sessions.generation > generation,
    };
    let damage: Vec<&Damage> = damage.iter().filter(happened).collect();
    let missing: Vec<&String> = damage.iter().filter(|d| d.found.is_none()).map(|d| &d.name).collect();
    let wrong: Vec<_> = damage
        .iter()
        .filter_map(|d| Some(json!({ "name": d.name, "expected": d.expected, "found": d.found.as_ref()? })))
        .collect();
    let right: Vec<&String> = names.iter().filter(|name| damage.iter().all(|d| d.name != **name)).collect();
    json!({ "pid": pid, "missing": missing, "wrong": wrong, "right": right })
}
