//! `release_room`: a place for releases beside the live tree, with what the application writes at a place of its own that
//! every release shares.

use async_trait::async_trait;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::json;

use crate::core::{ApplyPermit, Contract, Facts, Failure, Measurement, UndoPermit, Verdict};
use crate::ports::{DirectoryState, LiveTree, ReleaseFacts, WriteFailure};
use crate::steps::measure::measurement;
use crate::steps::site::{copy_layout, release_layout as layout};
use crate::steps::targets::named;
use crate::steps::{Change, Condition, Diff, Kind, Presence, ReadContext, Step, WriteContext};

/// Makes room.
pub struct ReleaseRoom(Settings);

/// What a `release_room` step is told.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// The production target; under `each_target` it is set by itself.
    target: String,
}

impl Kind for ReleaseRoom {
    type Settings = Settings;
    const NAME: &'static str = "release_room";
    const SUMMARY: &'static str =
        "makes room for releases beside the live tree, and shares what the application writes";
    const CONTRACT: Contract = Contract::Change;
    const PROVIDES: &'static [&'static str] = &[];

    fn build(settings: Settings) -> Step {
        Step::Change(Box::new(Self(settings)))
    }
}

impl ReleaseRoom {
    async fn look(&self, context: &ReadContext<'_>) -> Result<ReleaseFacts, Failure> {
        named::reader(context, &self.0.target)?.releases(&layout::site(context.rollout())?).await
    }
}

/// Volatile directories that still have to move. Those of a release are links from the start, and what is made in it later
/// is its own.
fn still_in_place(found: &ReleaseFacts) -> &[String] {
    if found.live == LiveTree::Original { &found.room.in_place } else { &[] }
}

fn presence(found: &ReleaseFacts) -> Presence {
    if let LiveTree::Foreign(why) = &found.live {
        return Presence::Foreign(why.clone());
    }
    let room = &found.room;
    match &room.directory {
        DirectoryState::Foreign(why) => Presence::Foreign(why.clone()),
        DirectoryState::Missing if room.shared.is_empty() && !room.may_hand_over => Presence::Absent,
        DirectoryState::Complete if still_in_place(found).is_empty() && room.may_hand_over => {
            Presence::Ours(Condition::Usable)
        }
        _ => Presence::Ours(Condition::Unfinished),
    }
}

#[async_trait]
impl Change for ReleaseRoom {
    async fn plan(&self, context: &ReadContext<'_>) -> Result<Diff, Failure> {
        let rollout = context.rollout();
        let found = self.look(context).await?;
        let moved = match found.room.in_place.as_slice() {
            [] => String::new(),
            names => format!(", with {} in its shared/ and links in their stead", names.join(", ")),
        };
        let what = format!(
            "on {}: room for releases in {}{moved}; {} may change its main process",
            self.0.target,
            layout::releases(rollout)?.directory,
            rollout.application.unit
        );
        Ok(Diff::of_presence(&presence(&found), what))
    }

    async fn probe(&self, context: &ReadContext<'_>) -> Result<Presence, Failure> {
        Ok(presence(&self.look(context).await?))
    }

    async fn apply(&self, context: &WriteContext<'_>, permit: &ApplyPermit) -> Result<(), WriteFailure> {
        let rollout = context.read.rollout();
        let writer = named::writer(context, &self.0.target)?;
        let sessions = copy_layout::SESSION_FILES;
        if !rollout.application.volatile.iter().any(|pattern| pattern.covers(sessions)) {
            let failure = Failure::permanent(format!(
                "application.volatile does not name {sessions}: every release would have session files of its own, and \
                 log everyone out"
            ));
            return Err(WriteFailure::clean(failure.hint("add it to application.volatile in rollout.yaml")));
        }
        let site = layout::site(rollout).map_err(WriteFailure::clean)?;
        writer.make_room(permit, &site).await.map_err(|failed| {
            failed.or_hint(|| {
                format!("correct what it names on {}, then the same command goes on from there", self.0.target)
            })
        })
    }

    async fn settle(&self, _: &ReadContext<'_>) -> Result<Facts, Failure> {
        Ok(Facts::new())
    }

    async fn verify(&self, context: &ReadContext<'_>, _: &Facts) -> Result<Vec<Measurement>, Failure> {
        let (target, unit) = (self.0.target.as_str(), &context.rollout().application.unit);
        let found = self.look(context).await?;
        let judged = |holds: bool, good: String, bad: String, data| {
            let (verdict, summary) = if holds { (Verdict::Pass, good) } else { (Verdict::Abort, bad) };
            measurement(verdict, target, summary, data)
        };
        let (in_place, shared) = (still_in_place(&found), found.room.shared.join(", "));
        let directory = layout::releases(context.rollout())?.directory;
        let is_there = found.room.directory == DirectoryState::Complete;
        Ok(vec![
            judged(
                is_there && in_place.is_empty(),
                format!("{directory} is there, and shares {}", if shared.is_empty() { "nothing" } else { &shared }),
                match in_place {
                    [] => format!("{directory} is not whole"),
                    names => format!("{} are not shared yet", names.join(", ")),
                },
                json!({ "directory": found.room.directory, "shared": found.room.shared, "in_place": in_place }),
            ),
            judged(
                found.room.may_hand_over,
                format!("{unit} may change its main process (NotifyAccess=all)"),
                format!("{unit} may not change its main process: its NotifyAccess is not `all`"),
                json!({ "may_hand_over": found.room.may_hand_over }),
            ),
        ])
    }

    async fn undo(&self, context: &WriteContext<'_>, permit: &UndoPermit) -> Result<(), WriteFailure> {
        let target = &self.0.target;
        let site = layout::site(context.read.rollout()).map_err(WriteFailure::clean)?;
        let writer = named::writer(context, target)?;
        let found = self.look(context.read).await.map_err(WriteFailure::clean)?;
        if let Some(name) = found.releases.iter().chain(&found.unfinished).next() {
            let failure =
                Failure::permanent(format!("{target}: the release {name} is still in {}", site.releases.directory));
            return Err(WriteFailure::clean(
                failure.hint("`migrate rollback` removes releases first, then their room"),
            ));
        }
        writer.clear_room(permit, &site).await.map_err(|failed| {
            failed.or_hint(|| "`migrate rollback` switches back and removes releases first, then their room".to_owned())
        })
    }
}
