//! The session bridge's files: which they are, what they hold, and what is wrong with those that are installed. The copy
//! on staging and every release have the same.

use std::collections::{BTreeMap, BTreeSet};

use super::copy_layout;
use crate::core::rollout::AbsolutePath;
use crate::core::{Digest, Failure, Plan};
use crate::ports::{FileContent, FileFacts, InstalledFile, TargetRead};
use crate::steps::ReadContext;

/// How files that everyone may read are installed.
pub const PUBLIC: u32 = 0o644;
/// How files are installed that only their owner may read.
pub const PRIVATE: u32 = 0o600;

/// The bridge's files: their paths below the tree's top, and what they hold according to the plan.
///
/// # Errors
/// When `phases/` holds none.
pub fn wanted(plan: &Plan) -> Result<BTreeMap<String, Digest>, Failure> {
    let files: BTreeMap<String, Digest> = plan
        .files()
        .iter()
        .filter_map(|(path, digest)| Some((path.strip_prefix(copy_layout::BRIDGE_SOURCE)?.to_owned(), digest.clone())))
        .collect();
    if files.is_empty() {
        let source = copy_layout::BRIDGE_SOURCE;
        return Err(Failure::permanent(format!("phases/ holds no {source}: there is no bridge to install"))
            .hint(format!("copy {source} of the built-in phases into your directory, or leave --phases out")));
    }
    Ok(files)
}

/// A file below `phases/`, as the plan has it.
///
/// # Errors
/// When it cannot be read, or is another one by now.
pub async fn installed(context: &ReadContext<'_>, source: &str, digest: &Digest) -> Result<Vec<u8>, Failure> {
    let bytes = context.ports.local.installed(source).await?;
    if Digest::of(&bytes) != *digest {
        let failure = Failure::permanent(format!("phases/{source} is not what the plan was made from"));
        return Err(failure.hint("restore the file, or `migrate replan --reason WHY`"));
    }
    Ok(bytes)
}

/// The bridge's files, ready to be installed.
///
/// # Errors
/// As [`wanted`] and [`installed`].
pub async fn contents(context: &ReadContext<'_>) -> Result<Vec<InstalledFile>, Failure> {
    let mut files = Vec::new();
    for (path, digest) in wanted(context.plan)? {
        let source = format!("{}{path}", copy_layout::BRIDGE_SOURCE);
        let bytes = installed(context, &source, &digest).await?;
        files.push(InstalledFile { path, content: FileContent::Public(bytes) });
    }
    Ok(files)
}

/// Why the bridge cannot be put beside the application in `original`: names at its top that the bridge would hide.
/// Nothing when it can.
///
/// # Errors
/// When it cannot be looked at.
pub async fn hides(
    reader: &dyn TargetRead,
    original: &AbsolutePath,
    paths: impl Iterator<Item = &String>,
) -> Result<Option<String>, Failure> {
    let top: BTreeSet<&str> = paths.filter_map(|path| path.split('/').next()).collect();
    let names: Vec<String> = top.into_iter().map(str::to_owned).collect();
    let found = reader.files(original, &names).await?;
    let taken: Vec<String> = names.into_iter().zip(found).filter_map(|(name, found)| found.map(|_| name)).collect();
    Ok((!taken.is_empty()).then(|| {
        let names = taken.join(" and ");
        format!("the application has {names} of its own in {original}, which the bridge would hide: rename it there")
    }))
}

/// What is wrong with one file that is to have this mode and, when it is known, this content.
pub fn problem(path: &str, mode: u32, digest: Option<&Digest>, found: Option<&FileFacts>) -> Option<String> {
    match found {
        None => Some(format!("{path} is missing")),
        Some(facts) if digest.is_some_and(|digest| facts.digest != *digest) => {
            Some(format!("{path} is not the plan's"))
        }
        Some(facts) if facts.mode != mode => Some(format!("{path} has the mode {:o}, not {mode:o}", facts.mode)),
        Some(_) => None,
    }
}

/// What is wrong with the installed files; nothing when they are as the plan has them.
pub fn wrong(wanted: &BTreeMap<String, Digest>, found: &[Option<FileFacts>]) -> Vec<String> {
    let all = wanted.iter().zip(found);
    all.filter_map(|((path, digest), found)| problem(path, PUBLIC, Some(digest), found.as_ref())).collect()
}

/// The first thing that is wrong, and how many more there are; nothing when nothing is.
pub fn in_short(wrong: &[String]) -> Option<String> {
    match wrong {
        [] => None,
        [only] => Some(only.clone()),
        [first, rest @ ..] => Some(format!("{first}, and {} more", rest.len())),
    }
}
