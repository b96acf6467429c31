//! All workers of the copy replaced, while its users keep their sessions.

use std::collections::BTreeSet;
use std::time::Duration;

use serde::Deserialize;

use crate::core::Failure;
use crate::core::rollout::Method;
use crate::steps::ReadContext;
use crate::steps::site::copy_access::{RestartAsked, Trial};
use crate::steps::site::copy_gunicorn;
use crate::steps::targets::list;

/// How long it may take until only new workers answer.
const RESTART_TIMEOUT: Duration = Duration::from_secs(60);
/// How long to wait between two reads.
const POLL_INTERVAL: Duration = Duration::from_millis(500);
/// The user who asks.
const USER: u32 = 1;

/// Who answered.
#[derive(Debug, Deserialize)]
struct Answered {
    pid: u32,
}

/// Waits until so many workers run: `None`. Otherwise how many do, in the end.
///
/// # Errors
/// When the host cannot be looked at.
pub async fn wait_for_workers(context: &ReadContext<'_>, wanted: u32) -> Result<Option<usize>, Failure> {
    let gunicorn = copy_gunicorn::gunicorn(context.rollout(), wanted)?;
    let clock = &context.ports.clock;
    let began = clock.elapsed();
    loop {
        let copy = list::staging(context).detached(&gunicorn.directory, &gunicorn.pid_file, &[]).await?;
        let running = copy.map_or(0, |copy| copy.workers.len());
        if u32::try_from(running).is_ok_and(|running| running == wanted) {
            return Ok(None);
        }
        if clock.elapsed().saturating_sub(began) >= RESTART_TIMEOUT {
            return Ok(Some(running));
        }
        clock.sleep(POLL_INTERVAL).await;
    }
}

/// Has the master replace all workers, and waits until none of these answers any more. Says why not, when one still does.
///
/// # Errors
/// When the copy cannot be asked.
pub async fn restart(
    context: &ReadContext<'_>,
    trial: &Trial<'_>,
    before: &BTreeSet<u32>,
) -> Result<Option<String>, Failure> {
    let mut browser = trial.open(USER, Vec::new()).await?;
    let asked: RestartAsked = trial.ask(&mut *browser, Method::Post, "restart").await?;
    context.say(format!("the copy's workers are restarted by their master {}", asked.master));
    let clock = &context.ports.clock;
    let began = clock.elapsed();
    loop {
        // Several at the same time: one after the other may all go to the same worker.
        let answers = tokio::join!(one(trial), one(trial), one(trial), one(trial));
        let answers: Result<Vec<u32>, Failure> = [answers.0, answers.1, answers.2, answers.3].into_iter().collect();
        match answers {
            Ok(pids) if pids.iter().all(|pid| !before.contains(pid)) => return Ok(None),
            Ok(_) => {}
            // Between the old workers and the new ones nobody may answer.
            Err(failure) if failure.class.is_retryable() => context.say(failure.message),
            Err(failure) => return Err(failure),
        }
        if clock.elapsed().saturating_sub(began) >= RESTART_TIMEOUT {
            let words =
                format!("no new workers answered within {} s of the request to restart", RESTART_TIMEOUT.as_secs());
            return Ok(Some(words));
        }
        clock.sleep(POLL_INTERVAL).await;
    }
}

async fn one(trial: &Trial<'_>) -> Result<u32, Failure> {
    let mut browser = trial.open(USER, Vec::new()).await?;
    let answered: Answered = trial.ask(&mut *browser, Method::Get, "session").await?;
    Ok(answered.pid)
}
