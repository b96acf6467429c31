//! What a target's release holds: its name, the files of ours in it, and what is wrong with those that are there.
//!
//! The name says all of it: the tree it is made from, the public files of ours and the environment. Secrets are not in
//! it, so that a new token for the store does not make another release.

use std::collections::BTreeMap;

use super::environment;
use crate::core::rollout::{AbsolutePath, Rollout, VolatilePattern};
use crate::core::{Digest, Document, Failure, Secret};
use crate::ports::{Endpoint, FileContent, FileFacts, InstalledFile, ReleaseName, TargetRead};
use crate::steps::ReadContext;
use crate::steps::site::{bridge_files, copy_layout, release_layout as layout, store_files};
use crate::steps::targets::protected::facts;
use crate::steps::targets::protected::facts::Protected;

/// A file of ours, as it is to be.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Expected {
    mode: u32,
    /// `None` for what is drawn on the target, and for what must not be known.
    digest: Option<Digest>,
}

/// A release as it is to be.
#[derive(Debug, Clone)]
pub struct ReleaseContents {
    /// What it is called.
    pub name: ReleaseName,
    /// Where it goes.
    pub directory: AbsolutePath,
    /// The live tree it is made from.
    pub tree: Digest,
    /// What Gunicorn's configuration is called.
    pub configuration: String,
    /// How many workers it has; `None` for as many as before.
    workers: Option<u32>,
    environment: String,
    expected: BTreeMap<String, Expected>,
}

/// What one target's baseline says.
///
/// # Errors
/// When it cannot be read, or has nothing about the target.
pub fn baseline_of(recorded: &Document, target: &str) -> Result<Protected, Failure> {
    let hint = "`migrate rollback --to 0`, then run phase 1 again: it records a new one";
    let mut all: facts::Baseline = recorded
        .read()
        .map_err(|error| Failure::permanent(format!("the recorded baseline cannot be read: {error}")).hint(hint))?;
    all.remove(target).ok_or_else(|| Failure::permanent(format!("{target} is not in the baseline")).hint(hint))
}

impl ReleaseContents {
    /// The release of a target that was like this before anything was done.
    ///
    /// # Errors
    /// When a file of ours cannot be read, or Gunicorn's configuration cannot be replaced.
    pub async fn of(context: &ReadContext<'_>, before: &Protected, endpoint: &Endpoint) -> Result<Self, Failure> {
        let rollout = context.rollout();
        let configuration = configuration_of(rollout, &before.command_line)?;
        let workers = layout::recommended_workers(context.facts)?;
        let public = |digest: Digest| Expected { mode: bridge_files::PUBLIC, digest: Some(digest) };
        let mut expected: BTreeMap<String, Expected> =
            bridge_files::wanted(context.plan)?.into_iter().map(|(path, digest)| (path, public(digest))).collect();
        expected.insert(configuration.clone(), public(configuration_source(context)?.1));
        expected.insert(layout::LIVE.to_owned(), public(Digest::of(live_text(rollout).as_bytes())));
        if let Some(workers) = workers {
            expected.insert(layout::WORKERS.to_owned(), public(Digest::of(workers_text(workers).as_bytes())));
        }
        if let Some(authority) = store_files::authority(context).await? {
            expected.insert(layout::REDIS_AUTHORITY.to_owned(), public(Digest::of(&authority)));
        }
        // The directory's name cannot be in what it is made from: for this the release is the directory of all releases.
        let nameless = environment::environment(rollout, &layout::releases(rollout)?.directory, endpoint)?;
        let lines = expected.iter().filter_map(|(path, file)| Some(format!("{path} {}\n", file.digest.as_ref()?)));
        let text: String = [format!("{}\n", before.tree)].into_iter().chain(lines).chain([nameless]).collect();
        let name = ReleaseName::of(&Digest::of(text.as_bytes()));

        let directory = layout::release(rollout, &name)?;
        let environment = environment::environment(rollout, &directory, endpoint)?;
        let digest = Some(Digest::of(environment.as_bytes()));
        expected.insert(layout::ENVIRONMENT.to_owned(), Expected { mode: bridge_files::PRIVATE, digest });
        for path in [layout::TRIAL_TOKEN, layout::REDIS_PASSWORD] {
            if let Some(mode) = store_files::mode_of(rollout, path) {
                expected.insert(path.to_owned(), Expected { mode, digest: None });
            }
        }
        let tree = before.tree.clone();
        Ok(Self { name, directory, tree, configuration, workers, environment, expected })
    }

    /// The paths of the files of ours.
    pub fn paths(&self) -> Vec<String> {
        self.expected.keys().cloned().collect()
    }

    /// Digests of the files that everyone may know, by path.
    pub fn public(&self) -> BTreeMap<&str, &Digest> {
        let public = self.expected.iter().filter(|(_, file)| file.mode == bridge_files::PUBLIC);
        public.filter_map(|(path, file)| Some((path.as_str(), file.digest.as_ref()?))).collect()
    }

    /// What is wrong with the files of ours, as they were found by [`Self::paths`]; nothing when they are as they should
    /// be.
    pub fn wrong(&self, found: &[Option<FileFacts>]) -> Vec<String> {
        let all = self.expected.iter().zip(found);
        all.filter_map(|((path, file), found)| {
            bridge_files::problem(path, file.mode, file.digest.as_ref(), found.as_ref())
        })
        .collect()
    }

    /// What is wrong with the files of ours on a target.
    ///
    /// # Errors
    /// When they cannot be looked at.
    pub async fn wrong_on(&self, reader: &dyn TargetRead) -> Result<Vec<String>, Failure> {
        Ok(self.wrong(&reader.files(&self.directory, &self.paths()).await?))
    }

    /// What differs between the original and the release and is no matter: what comes and goes by itself, and what is
    /// ours.
    pub fn left_out(&self, rollout: &Rollout) -> Vec<VolatilePattern> {
        let name = self.configuration.rsplit('/').next().unwrap_or_default();
        let configuration = VolatilePattern::try_from(name.to_owned()).ok();
        rollout.application.volatile.iter().cloned().chain(copy_layout::additions()).chain(configuration).collect()
    }

    /// The files of ours, ready to be installed.
    ///
    /// # Errors
    /// When one cannot be read.
    pub async fn files(&self, context: &ReadContext<'_>) -> Result<Vec<InstalledFile>, Failure> {
        let mut files = bridge_files::contents(context).await?;
        let (source, digest) = configuration_source(context)?;
        let configuration = bridge_files::installed(context, &source, &digest).await?;
        let mut public = |path: &str, bytes| {
            files.push(InstalledFile { path: path.to_owned(), content: FileContent::Public(bytes) });
        };
        public(&self.configuration, configuration);
        public(layout::LIVE, live_text(context.rollout()).into_bytes());
        if let Some(workers) = self.workers {
            public(layout::WORKERS, workers_text(workers).into_bytes());
        }
        files.extend(store_files::contents(context).await?);
        // Last, because it names the others.
        let content = FileContent::Private(Secret::new(self.environment.clone()));
        files.push(InstalledFile { path: layout::ENVIRONMENT.to_owned(), content });
        Ok(files)
    }
}

fn live_text(rollout: &Rollout) -> String {
    format!("{}\n", rollout.application.directory)
}

fn workers_text(workers: u32) -> String {
    format!("{workers}\n")
}

/// Gunicorn's configuration of a release: where it is below `phases/`, and what it holds according to the plan.
fn configuration_source(context: &ReadContext<'_>) -> Result<(String, Digest), Failure> {
    let source = format!("{}{}", layout::RELEASE_SOURCE, layout::CONFIGURATION);
    let digest = context.plan.files().get(&source).cloned().ok_or_else(|| {
        Failure::permanent(format!("phases/ holds no {source}: a release cannot be configured"))
            .hint(format!("copy {source} of the built-in phases into your directory, or leave --phases out"))
    })?;
    Ok((source, digest))
}

/// What Gunicorn's configuration is called, below the live tree: what its command line names, or the usual file.
fn configuration_of(rollout: &Rollout, command_line: &str) -> Result<String, Failure> {
    let words: Vec<&str> = command_line.split_whitespace().collect();
    let Some(named) = layout::named_configuration(&words) else { return Ok(layout::USUAL_CONFIGURATION.to_owned()) };
    let live = format!("{}/", rollout.application.directory);
    let path = named.strip_prefix("file:").unwrap_or(named);
    let path = path.strip_prefix(&live).unwrap_or(path);
    let path = path.strip_prefix("./").unwrap_or(path);
    let is_part = |part: &str| !part.starts_with('*') && VolatilePattern::try_from(part.to_owned()).is_ok();
    if path.contains(':') || !path.split('/').all(is_part) {
        return Err(Failure::permanent(format!(
            "{} reads its configuration from {named}, which is not a file in {}: a release cannot have its own",
            rollout.application.unit, rollout.application.directory
        ))
        .hint("move the configuration into the application's directory, restart the service, and run phase 1 again"));
    }
    Ok(path.to_owned())
}

#[cfg(test)]
mod tests {
    use super::configuration_of;

    #[test]
    fn the_configuration_is_the_one_that_the_command_line_names() {
        let rollout = serde_yaml::from_str(include_str!("../../../rollout.yaml")).expect("rollout.yaml");
        for (line, expected) in [
            ("gunicorn run:app", "gunicorn.conf.py"),
            ("gunicorn --config gunicorn.conf.py run:app", "gunicorn.conf.py"),
            ("gunicorn -c ./other.py run:app", "other.py"),
            ("gunicorn --config=/home/ec2-user/ChatMRPT/other.py run:app", "other.py"),
            ("gunicorn -c first.py -c file:second.py run:app", "second.py"),
            ("gunicorn --config=first.py -csettings/second.py run:app", "settings/second.py"),
        ] {
            assert_eq!(configuration_of(&rollout, line).expect(line), expected, "{line}");
        }
        for named in ["/etc/gunicorn.py", "python:app.settings", "../x.py", ".."] {
            let failure = configuration_of(&rollout, &format!("gunicorn -c {named} run:app")).expect_err(named);
            assert!(failure.message.contains(named) && failure.hint.is_some(), "{failure}");
        }
    }
}
