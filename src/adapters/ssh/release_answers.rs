//! What the programs in `host_programs/release` answer, as facts.

use serde::Deserialize;

use crate::ports::{DirectoryState, LiveTree, ProcessFacts, ReleaseFacts, ReleaseName, ReleaseRoom, RunningTree};

/// Everything that `look.py` says.
#[derive(Deserialize)]
pub(super) struct InspectReply {
    directory: Directory,
    in_place: Vec<String>,
    shared: Vec<String>,
    may_hand_over: bool,
    live: Tree,
    has_original: bool,
    releases: Vec<ReleaseName>,
    unfinished: Vec<ReleaseName>,
    running: Option<Running>,
}

#[derive(Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
enum Directory {
    Missing,
    Unfinished,
    Complete,
    Foreign { why: String },
}

#[derive(Deserialize)]
#[serde(tag = "kind", content = "name", rename_all = "snake_case")]
enum Tree {
    Original,
    Release(ReleaseName),
    Foreign(String),
}

#[derive(Deserialize)]
struct Running {
    master: ProcessFacts,
    workers: Vec<ProcessFacts>,
    tree: Tree,
    beside: Vec<ProcessFacts>,
}

/// What `build.py` says before a release is built.
#[derive(Deserialize)]
pub(super) struct Plan {
    /// The original's directory, wherever it is now.
    pub(super) from: String,
    /// The name of Gunicorn's configuration below it.
    pub(super) configuration: String,
    /// Whether the release is there and holds what it should.
    pub(super) whole: bool,
}

impl From<InspectReply> for ReleaseFacts {
    fn from(answer: InspectReply) -> Self {
        Self {
            room: ReleaseRoom {
                directory: match answer.directory {
                    Directory::Missing => DirectoryState::Missing,
                    Directory::Unfinished => DirectoryState::Unfinished,
                    Directory::Complete => DirectoryState::Complete,
                    Directory::Foreign { why } => DirectoryState::Foreign(why),
                },
                in_place: answer.in_place,
                shared: answer.shared,
                may_hand_over: answer.may_hand_over,
            },
            live: answer.live.into(),
            has_original: answer.has_original,
            releases: answer.releases,
            unfinished: answer.unfinished,
            running: answer.running.map(|running| RunningTree {
                master: running.master,
                workers: running.workers,
                tree: running.tree.into(),
                beside: running.beside,
            }),
        }
    }
}

impl From<Tree> for LiveTree {
    fn from(tree: Tree) -> Self {
        match tree {
            Tree::Original => Self::Original,
            Tree::Release(name) => Self::Release(name),
            Tree::Foreign(what) => Self::Foreign(what),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{InspectReply, LiveTree, ReleaseFacts};
    use crate::ports::DirectoryState;

    #[test]
    fn facts_are_read_and_nothing_else() {
        let said = r#"{"directory": {"state": "foreign", "why": "a link"}, "in_place": ["logs"], "shared": [],
            "may_hand_over": false, "live": {"kind": "original", "name": null}, "has_original": true, "releases": ["ab12"],
            "unfinished": [], "running": {"master": {"pid": 7, "started_ticks": 9}, "workers": [],
            "tree": {"kind": "release", "name": "ab12"}, "beside": []}}"#;
        let facts: ReleaseFacts = serde_json::from_str::<InspectReply>(said).expect("facts").into();
        assert_eq!(facts.room.directory, DirectoryState::Foreign("a link".into()));
        assert_eq!(facts.live, LiveTree::Original);
        let running = facts.running.expect("it runs");
        assert_eq!((running.master.pid, running.tree), (7, LiveTree::Release(facts.releases[0].clone())));
        assert!(serde_json::from_str::<InspectReply>(&said.replace("\"original\"", "\"moon\"")).is_err());
    }
}
