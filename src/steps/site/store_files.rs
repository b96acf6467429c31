//! What the bridge needs as files to reach the store, and what opens its trial endpoints. The copy on staging and every
//! release have the same.

use super::bridge_files::{PRIVATE, PUBLIC};
use super::copy_layout as layout;
use crate::core::Failure;
use crate::core::rollout::{CacheAuth, Rollout, TlsMode};
use crate::ports::{FileContent, InstalledFile};
use crate::steps::ReadContext;

/// How long the trial token is, in bytes.
const TOKEN_BYTES: u8 = 32;

/// Whether the store's authority is given as a file.
pub fn has_authority(rollout: &Rollout) -> bool {
    rollout.cache.tls.mode == TlsMode::Required && rollout.cache.tls.ca_file.is_some()
}

/// Whether the store's token is given as a file.
pub fn has_password(rollout: &Rollout) -> bool {
    rollout.cache.auth != CacheAuth::None
}

/// The mode that one of these files, or the environment's, is to have; `None` for one that is not to be there.
pub fn mode_of(rollout: &Rollout, path: &str) -> Option<u32> {
    match path {
        layout::REDIS_PASSWORD => has_password(rollout).then_some(PRIVATE),
        layout::REDIS_AUTHORITY => has_authority(rollout).then_some(PUBLIC),
        _ => Some(PRIVATE),
    }
}

/// The authority's file, when the rollout names one.
///
/// # Errors
/// When it cannot be read.
pub async fn authority(context: &ReadContext<'_>) -> Result<Option<Vec<u8>>, Failure> {
    match &context.rollout().cache.tls.ca_file {
        Some(file) if has_authority(context.rollout()) => {
            context.ports.local.named(&context.base_directory.join(file)).await.map(Some)
        }
        _ => Ok(None),
    }
}

/// The files, ready to be installed.
///
/// # Errors
/// When the token or the authority cannot be read.
pub async fn contents(context: &ReadContext<'_>) -> Result<Vec<InstalledFile>, Failure> {
    let mut files = Vec::new();
    let mut add = |path: &str, content| files.push(InstalledFile { path: path.to_owned(), content });
    if has_password(context.rollout()) {
        let token = context.ports.secrets.auth_token(&context.rollout().cache.auth).await?;
        let none = || Failure::permanent("the store wants an auth token, and there is none");
        add(layout::REDIS_PASSWORD, FileContent::Private(token.ok_or_else(none)?));
    }
    if let Some(authority) = authority(context).await? {
        add(layout::REDIS_AUTHORITY, FileContent::Public(authority));
    }
    add(layout::TRIAL_TOKEN, FileContent::RandomToken { bytes: TOKEN_BYTES });
    Ok(files)
}
