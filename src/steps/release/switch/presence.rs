//! What a look at a target's releases says about its switch. Pure.

use crate::ports::{DirectoryState, LiveTree, ReleaseFacts, ReleaseName};
use crate::steps::{Condition, Presence};

/// What is there, given the release that is wanted; without one (the journal was lost) any is as good as another.
pub fn presence(found: &ReleaseFacts, wanted: Option<&ReleaseName>) -> Presence {
    if let LiveTree::Foreign(why) = &found.live {
        return Presence::Foreign(why.clone());
    }
    if let DirectoryState::Foreign(why) = &found.room.directory {
        return Presence::Foreign(why.clone());
    }
    let Some(running) = &found.running else {
        return Presence::Ours(match &found.live {
            // Only its way back starts it again.
            LiveTree::Release(_) => Condition::Broken("the service does not run".to_owned()),
            _ => Condition::Unfinished,
        });
    };
    let is_wanted = |name: &ReleaseName| wanted.is_none_or(|wanted| wanted == name);
    match (&found.live, &running.tree) {
        (LiveTree::Original, LiveTree::Original) if running.beside.is_empty() => Presence::Absent,
        (LiveTree::Release(_), LiveTree::Foreign(what)) => {
            Presence::Ours(Condition::Broken(format!("process {} runs in {what}", running.master.pid)))
        }
        (LiveTree::Release(live), LiveTree::Release(runs)) if live == runs && is_wanted(live) => {
            Presence::Ours(if running.workers.is_empty() {
                Condition::Broken(format!("process {} has no worker", running.master.pid))
            } else if running.beside.is_empty() {
                Condition::Usable
            } else {
                Condition::Unfinished
            })
        }
        // The link is changed and the process is not, or the other way round; or it is an earlier release.
        _ => Presence::Ours(Condition::Unfinished),
    }
}

/// Whether the release is live, and runs.
pub fn runs(found: &ReleaseFacts, release: &ReleaseName) -> bool {
    let wanted = LiveTree::Release(release.clone());
    found.live == wanted && found.running.as_ref().is_some_and(|running| running.tree == wanted)
}

/// Whether nothing of before is left: the main process runs in the release, with its workers, and alone.
pub fn is_settled(found: &ReleaseFacts, release: &ReleaseName, workers: u32) -> bool {
    let is_there = runs(found, release);
    found.running.as_ref().is_some_and(|running| {
        let is_alone = is_there && running.beside.is_empty();
        is_alone && u32::try_from(running.workers.len()).is_ok_and(|count| count == workers)
    })
}
