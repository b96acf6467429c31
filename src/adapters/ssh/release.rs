//! Releases on a target: `host_programs/release` says how.

use std::time::Duration;

use async_trait::async_trait;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::files::{answer, installed, script, texts};
use super::programs;
use super::reader::HostReader;
use super::release_answers::{InspectReply, Plan};
use super::run::{Finished, Job, Unfinished, run};
use super::writer::HostWriter;
use crate::core::rollout::AbsolutePath;
use crate::core::{ApplyPermit, Digest, Failure, Outcome, UndoPermit};
use crate::ports::{
    FileContent, FilesWrite, Installation, InstalledFile, OwnedDirectory, ReleaseBuild, ReleaseFacts, ReleaseName,
    ReleaseRead, ReleaseSite, ReleaseWrite, TreeCopy, WriteFailure,
};

/// How long a read may take on the host, in seconds.
const READ_TIMEOUT_SECONDS: u64 = 60;
/// The maximum size of a reply, in bytes.
const MAX_REPLY_BYTES: usize = 1 << 20;
/// Exit codes of the programs: something is not allowed, and a switch that did not come about.
const NOT_PERMITTED: i32 = 77;
const NOT_SWITCHED: i32 = 69;
/// A failed write's last line when everything is as it was.
const AS_IT_WAS: &[u8] = b"clean\n";
/// What a file of ours is called that is to be Gunicorn's configuration, whatever that is called on the target.
const CONFIGURATION: &str = "gunicorn.conf.py";

fn request(site: &ReleaseSite, more: Value) -> Value {
    let mut request = json!({
        "live": site.live, "releases": site.releases.directory, "rollout": site.releases.rollout, "unit": site.unit,
        "volatile": texts(&site.volatile),
    });
    if let (Some(all), Value::Object(more)) = (request.as_object_mut(), more) {
        all.extend(more);
    }
    request
}

/// A release, as a directory with a mark of its own.
fn place(site: &ReleaseSite, name: &str) -> Result<OwnedDirectory, WriteFailure> {
    Ok(OwnedDirectory {
        directory: path(&format!("{}/{name}", site.releases.directory))?,
        rollout: site.releases.rollout.clone(),
    })
}

fn path(text: &str) -> Result<AbsolutePath, WriteFailure> {
    text.parse::<AbsolutePath>().map_err(|error| WriteFailure::unknown(Failure::permanent(error.to_string())))
}

/// What a whole release has to hold, to be told from one that was changed: a digest, and none where it is drawn at random.
fn expected(file: &InstalledFile) -> Value {
    let digest = match &file.content {
        FileContent::Public(bytes) => Some(Digest::of(bytes)),
        FileContent::Private(secret) => Some(Digest::of(secret.expose().as_bytes())),
        FileContent::RandomToken { .. } => None,
    };
    json!({ "path": file.path, "sha256": digest.as_ref().map(Digest::as_str), "mode": installed(file)["mode"] })
}

#[async_trait]
impl ReleaseRead for HostReader {
    async fn releases(&self, site: &ReleaseSite) -> Result<ReleaseFacts, Failure> {
        let what = format!("looking at the releases of {}", site.live);
        let finished = self
            .look(
                &script(programs::RELEASE_LOOK, &request(site, json!({}))),
                &[],
                READ_TIMEOUT_SECONDS,
                MAX_REPLY_BYTES,
            )
            .await?;
        answer::<InspectReply>(self.host(), &what, &finished).map(Into::into)
    }
}

impl HostWriter {
    /// No limit of time of ours: the programs have theirs, and one that has lost us comes to its end.
    async fn release<T: DeserializeOwned>(
        &self,
        what: &str,
        program: &str,
        request: &Value,
    ) -> Result<T, WriteFailure> {
        let job = Job { script: &script(program, request), arguments: &[], seconds: None, limit: MAX_REPLY_BYTES };
        let finished = match run(self.connection(), &job).await {
            Ok(finished) => finished,
            Err(Unfinished::NotBegun(failure)) => return Err(WriteFailure::clean(failure)),
            Err(Unfinished::Lost(failure)) => return Err(WriteFailure::unknown(failure)),
        };
        answer::<T>(self.connection().host(), what, &finished).map_err(|failure| {
            let clean = finished.code != 0 && finished.stdout.ends_with(AS_IT_WAS);
            let outcome = if clean { Outcome::Clean } else { Outcome::Unknown };
            let message = format!("{}: {what}", self.connection().host());
            WriteFailure { outcome, failure: explained(&message, &finished, failure) }
        })
    }

    async fn switch(
        &self,
        site: &ReleaseSite,
        to: Option<&ReleaseName>,
        patience: Duration,
    ) -> Result<(), WriteFailure> {
        let name = to.map_or("the original", ReleaseName::as_str);
        let what = format!("switching {} to {name}", site.unit);
        let more = json!({ "release": to, "patience": patience.as_secs_f64() });
        self.release(&what, programs::RELEASE_SWITCH, &request(site, more)).await
    }
}

/// Earlier parts of the call have written already.
fn in_the_middle(failed: WriteFailure) -> WriteFailure {
    WriteFailure::unknown(failed.failure)
}

/// A failure that an operator can do something about.
fn explained(what: &str, finished: &Finished, failure: Failure) -> Failure {
    match finished.code {
        NOT_PERMITTED => failure.hint(
            "allow it, for example by a file in /etc/sudoers.d with the line `ec2-user ALL=(root) NOPASSWD: ALL`, or with \
             just the commands `install`, `rm`, `rmdir` for the unit's drop-in migrate.conf and `systemctl daemon-reload`; \
             then run the phase again",
        ),
        NOT_SWITCHED => {
            // All that was said: the reason, then what the application logged.
            let said = String::from_utf8_lossy(&finished.stderr);
            let hint = "users are still served by the previous release; see the application's error log on the host";
            Failure { message: format!("{what}: {}", said.trim()), ..failure }.hint(hint)
        }
        _ => failure,
    }
}

#[async_trait]
impl ReleaseWrite for HostWriter {
    async fn make_room(&self, _: &ApplyPermit, site: &ReleaseSite) -> Result<(), WriteFailure> {
        let what = format!("making room for releases of {}", site.live);
        self.release(&what, programs::RELEASE_ROOM, &request(site, json!({ "room": "make" }))).await
    }

    async fn clear_room(&self, permit: &UndoPermit, site: &ReleaseSite) -> Result<(), WriteFailure> {
        let what = format!("clearing the room for releases of {}", site.live);
        self.release::<()>(&what, programs::RELEASE_ROOM, &request(site, json!({ "room": "clear" }))).await?;
        self.remove_directory(permit, &site.releases).await.map_err(in_the_middle)
    }

    async fn build_release(
        &self,
        permit: &ApplyPermit,
        site: &ReleaseSite,
        build: &ReleaseBuild,
    ) -> Result<(), WriteFailure> {
        let what = format!("building the release {} of {}", build.name, site.live);
        let files: Vec<Value> = build.files.iter().map(expected).collect();
        let asked = request(site, json!({ "turn": "plan", "release": build.name, "files": files }));
        let plan: Plan = self.release(&what, programs::RELEASE_BUILD, &asked).await?;
        if plan.whole {
            return Ok(());
        }
        let to = place(site, build.name.as_str())?;
        let copy = TreeCopy {
            from: path(&plan.from)?,
            to: to.clone(),
            volatile: site.volatile.clone(),
            needed_bytes: build.needed_bytes,
        };
        self.copy_tree(permit, &copy).await?;
        let turn = |turn: &str| {
            request(site, json!({ "turn": turn, "release": build.name, "configuration": plan.configuration }))
        };
        self.release::<()>(&what, programs::RELEASE_BUILD, &turn("prepare")).await.map_err(in_the_middle)?;
        let mut files = build.files.clone();
        for file in files.iter_mut().filter(|file| file.path == CONFIGURATION) {
            file.path.clone_from(&plan.configuration);
        }
        self.install(permit, &Installation { place: to, files }).await.map_err(in_the_middle)?;
        self.release::<()>(&what, programs::RELEASE_BUILD, &turn("finish")).await.map_err(in_the_middle)
    }

    async fn remove_releases(&self, permit: &UndoPermit, site: &ReleaseSite) -> Result<(), WriteFailure> {
        let what = format!("removing the releases of {}", site.live);
        let asked = request(site, json!({ "turn": "removable" }));
        let names: Vec<ReleaseName> = self.release(&what, programs::RELEASE_BUILD, &asked).await?;
        for name in names {
            self.remove_directory(permit, &place(site, name.as_str())?).await.map_err(in_the_middle)?;
        }
        Ok(())
    }

    async fn switch_to_release(
        &self,
        _: &ApplyPermit,
        site: &ReleaseSite,
        release: &ReleaseName,
        patience: Duration,
    ) -> Result<(), WriteFailure> {
        self.switch(site, Some(release), patience).await
    }

    async fn switch_to_original(
        &self,
        _: &UndoPermit,
        site: &ReleaseSite,
        patience: Duration,
    ) -> Result<(), WriteFailure> {
        self.switch(site, None, patience).await
    }
}
