//! Directories and files of ours on a host.

use async_trait::async_trait;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::reader::HostReader;
use super::run::{Finished, Job, Unfinished, run};
use super::writer::HostWriter;
use super::{parse, programs};
use crate::core::rollout::{AbsolutePath, SshHost, VolatilePattern};
use crate::core::{ApplyPermit, Digest, Failure, FailureClass, Outcome, Secret, UndoPermit};
use crate::ports::{
    DirectoryState, FileContent, FileFacts, FilesRead, FilesWrite, Installation, InstalledFile, OwnedDirectory,
    SmokeImport, TreeCopy, WriteFailure,
};

/// How long a read of a few files may take on the host, in seconds.
const READ_TIMEOUT_SECONDS: u64 = 60;
/// How long comparing two trees may take, in seconds.
const TREE_TIMEOUT_SECONDS: u64 = 900;
/// How long importing the application may take, in seconds.
const IMPORT_TIMEOUT_SECONDS: u64 = 120;
/// The maximum size of a reply, in bytes.
const MAX_REPLY_BYTES: usize = 1 << 20;

/// The exit code for something that is not ours: EX_DATAERR of sysexits.h.
const FOREIGN: i32 = 65;
/// A failed write's last line when it had written nothing yet.
const NOTHING_WRITTEN: &[u8] = b"clean\n";

/// The script that runs a program on a request. The whole of it is sent over standard input.
pub(super) fn script(program: &str, request: &Value) -> String {
    let quoted = |text: &str| format!("'{}'", text.replace('\'', r"'\''"));
    let (program, request) = (quoted(program), quoted(&request.to_string()));
    format!("program={program}\nrequest={request}\n{}", include_str!("scripts/program.sh"))
}

/// The answer of a program that did what it was asked.
pub(super) fn answer<T: DeserializeOwned>(host: &SshHost, what: &str, finished: &Finished) -> Result<T, Failure> {
    let body = parse::body(host, what, finished).map_err(|failure| match finished.code {
        FOREIGN => Failure { class: FailureClass::Foreign, ..failure },
        _ => failure,
    })?;
    // Signs of life come before it, on a line of their own. The answer is not shown: it may be a secret.
    let line = body.strip_suffix(b"\n").and_then(|body| body.rsplit(|byte| *byte == b'\n').next());
    line.and_then(|line| serde_json::from_slice(line).ok())
        .ok_or_else(|| parse::unexpected(host, what, "no line of JSON"))
}

pub(super) fn texts(patterns: &[VolatilePattern]) -> Vec<&str> {
    patterns.iter().map(VolatilePattern::as_str).collect()
}

impl HostReader {
    async fn program<T: DeserializeOwned>(
        &self,
        what: &str,
        program: &str,
        request: &Value,
        seconds: u64,
    ) -> Result<T, Failure> {
        let finished = self.look(&script(program, request), &[], seconds, MAX_REPLY_BYTES).await?;
        answer(self.host(), what, &finished)
    }
}

impl HostWriter {
    /// No limit of time: a copy takes as long as it takes. It ends by itself when it has lost its reader.
    async fn program(&self, what: &str, program: &str, request: &Value) -> Result<(), WriteFailure> {
        let job = Job { script: &script(program, request), arguments: &[], seconds: None, limit: MAX_REPLY_BYTES };
        let finished = match run(self.connection(), &job).await {
            Ok(finished) => finished,
            Err(Unfinished::NotBegun(failure)) => return Err(WriteFailure::clean(failure)),
            Err(Unfinished::Lost(failure)) => return Err(WriteFailure::unknown(failure)),
        };
        answer::<()>(self.connection().host(), what, &finished).map_err(|failure| {
            let clean = finished.code != 0 && finished.stdout.ends_with(NOTHING_WRITTEN);
            WriteFailure { outcome: if clean { Outcome::Clean } else { Outcome::Unknown }, failure }
        })
    }
}

#[async_trait]
impl FilesRead for HostReader {
    async fn owned_directory(&self, place: &OwnedDirectory) -> Result<DirectoryState, Failure> {
        #[derive(Deserialize)]
        #[serde(tag = "state", rename_all = "snake_case")]
        enum DirectoryReply {
            Missing,
            Unfinished,
            Complete,
            Foreign { why: String },
        }
        let what = format!("looking at {}", place.directory);
        let request = json!({ "look": "owned", "to": place.directory, "rollout": place.rollout });
        Ok(match self.program(&what, programs::FILES_LOOK, &request, READ_TIMEOUT_SECONDS).await? {
            DirectoryReply::Missing => DirectoryState::Missing,
            DirectoryReply::Unfinished => DirectoryState::Unfinished,
            DirectoryReply::Complete => DirectoryState::Complete,
            DirectoryReply::Foreign { why } => DirectoryState::Foreign(why),
        })
    }

    async fn files(&self, directory: &AbsolutePath, paths: &[String]) -> Result<Vec<Option<FileFacts>>, Failure> {
        #[derive(Deserialize)]
        struct FileReply {
            digest: String,
            mode: u32,
        }
        let what = format!("looking at files in {directory}");
        let request = json!({ "look": "files", "directory": directory, "paths": paths });
        let answers: Vec<Option<FileReply>> =
            self.program(&what, programs::FILES_LOOK, &request, READ_TIMEOUT_SECONDS).await?;
        let nonsense = |found: &str| parse::unexpected(self.host(), &what, found);
        if answers.len() != paths.len() {
            return Err(nonsense("another number of answers"));
        }
        let facts = |found: FileReply| {
            if !parse::is_digest(&found.digest) {
                return Err(nonsense("a digest that is none"));
            }
            Ok(FileFacts { digest: Digest::from_hex(&found.digest), mode: found.mode })
        };
        answers.into_iter().map(|found| found.map(facts).transpose()).collect()
    }

    async fn private_file(&self, directory: &AbsolutePath, path: &str) -> Result<Secret, Failure> {
        let what = format!("reading {directory}/{path}");
        let request = json!({ "look": "private", "directory": directory, "path": path });
        self.program(&what, programs::FILES_LOOK, &request, READ_TIMEOUT_SECONDS).await.map(Secret::new)
    }

    async fn differences(
        &self,
        one: &AbsolutePath,
        other: &AbsolutePath,
        left_out: &[VolatilePattern],
    ) -> Result<Vec<String>, Failure> {
        let what = format!("comparing {one} with {other}");
        let request = json!({ "look": "differences", "one": one, "other": other, "left_out": texts(left_out) });
        self.program(&what, programs::FILES_LOOK, &request, TREE_TIMEOUT_SECONDS).await
    }

    async fn smoke_import(&self, import: &SmokeImport) -> Result<Option<String>, Failure> {
        let what = format!("importing the application of {} in {}", import.unit, import.directory);
        let request = json!({ "unit": import.unit, "directory": import.directory, "seconds": IMPORT_TIMEOUT_SECONDS });
        self.program(&what, programs::FILES_SMOKE, &request, IMPORT_TIMEOUT_SECONDS + READ_TIMEOUT_SECONDS).await
    }
}

#[async_trait]
impl FilesWrite for HostWriter {
    async fn copy_tree(&self, _: &ApplyPermit, copy: &TreeCopy) -> Result<(), WriteFailure> {
        let what = format!("copying {} to {}", copy.from, copy.to.directory);
        let request = json!({
            "from": copy.from, "to": copy.to.directory, "rollout": copy.to.rollout, "volatile": texts(&copy.volatile),
            "needed_bytes": copy.needed_bytes,
        });
        self.program(&what, programs::FILES_COPY, &request).await
    }

    async fn remove_directory(&self, _: &UndoPermit, place: &OwnedDirectory) -> Result<(), WriteFailure> {
        let what = format!("removing {}", place.directory);
        self.program(&what, programs::FILES_REMOVE, &json!({ "to": place.directory, "rollout": place.rollout })).await
    }

    async fn install(&self, _: &ApplyPermit, installation: &Installation) -> Result<(), WriteFailure> {
        let place = &installation.place;
        let what = format!("installing files in {}", place.directory);
        let files: Vec<Value> = installation.files.iter().map(installed).collect();
        self.program(
            &what,
            programs::FILES_INSTALL,
            &json!({ "to": place.directory, "rollout": place.rollout, "files": files }),
        )
        .await
    }

    async fn uninstall(&self, _: &UndoPermit, place: &OwnedDirectory, paths: &[String]) -> Result<(), WriteFailure> {
        let what = format!("removing files from {}", place.directory);
        self.program(
            &what,
            programs::FILES_INSTALL,
            &json!({ "to": place.directory, "rollout": place.rollout, "paths": paths }),
        )
        .await
    }
}

/// A file as the program reads it. Its content in hexadecimal: any bytes, and no quoting.
pub(super) fn installed(file: &InstalledFile) -> Value {
    let (content, mode, random) = match &file.content {
        FileContent::Public(bytes) => (hex::encode(bytes), 0o644, 0),
        FileContent::Private(secret) => (hex::encode(secret.expose()), 0o600, 0),
        FileContent::RandomToken { bytes } => (String::new(), 0o600, *bytes),
    };
    json!({ "path": file.path, "content": content, "mode": mode, "random": random })
}
