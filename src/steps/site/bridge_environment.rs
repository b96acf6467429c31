//! The variables that the session bridge reads, as a file of `NAME=VALUE` lines: what the copy on staging and a release
//! are told in the same way.

use std::collections::BTreeMap;

use super::{copy_layout as layout, store_files};
use crate::core::rollout::{AbsolutePath, Rollout, TlsMode};
use crate::core::{Facts, Failure};
use crate::ports::Endpoint;
use crate::steps::facts::STORE_ENDPOINT;

/// How often the bridge writes its metrics, in seconds.
const METRICS_INTERVAL: &str = "5";

/// In what one bridge differs from another.
#[derive(Debug, Clone)]
pub struct Bridged {
    /// The tree it runs in: its files are below.
    pub directory: AbsolutePath,
    /// What its keys in the store begin with.
    pub key_prefix: String,
    /// Where session files are.
    pub session_files: AbsolutePath,
    /// Whether it says in a header which process answered.
    pub header: bool,
    /// The session cookie, when it is not the application's own.
    pub cookie_name: Option<String>,
}

/// The variables: ours, and what the operator adds in `staging.copy.environment`, which the bridge watches whether the
/// application reads it. Without an endpoint (the journal was lost) all but the store's address.
///
/// # Errors
/// When the operator sets one of ours.
pub fn variables(
    rollout: &Rollout,
    bridged: &Bridged,
    endpoint: Option<&Endpoint>,
) -> Result<BTreeMap<String, String>, Failure> {
    let own = &rollout.staging.copy.environment;
    let mut all = ours(rollout, bridged, endpoint);
    if !own.is_empty() {
        let names: Vec<&str> = own.keys().map(String::as_str).collect();
        all.insert("MIGRATE_SESSIONS_TRIAL_WATCH", names.join(","));
    }
    let mut variables: BTreeMap<String, String> =
        all.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
    for (name, value) in own {
        if variables.insert(name.clone(), value.clone()).is_some() {
            let failure = Failure::permanent(format!("staging.copy.environment sets {name}, which is set already"));
            return Err(failure.hint(format!("take {name} out of staging.copy.environment in rollout.yaml")));
        }
    }
    Ok(variables)
}

/// The store's address, as far as facts tell it.
///
/// # Errors
/// When the fact is no address.
pub fn known_endpoint(facts: &Facts) -> Result<Option<Endpoint>, Failure> {
    Ok(STORE_ENDPOINT.read(facts)?)
}

/// The file's content.
///
/// # Errors
/// When a name or a value cannot stand on a line.
pub fn text(variables: &BTreeMap<String, String>) -> Result<String, Failure> {
    variables.iter().map(|(name, value)| line(name, value)).collect()
}

fn ours(rollout: &Rollout, bridged: &Bridged, endpoint: Option<&Endpoint>) -> BTreeMap<&'static str, String> {
    let path = |relative: &str| format!("{}/{relative}", bridged.directory);
    let scheme = match rollout.cache.tls.mode {
        TlsMode::Required => "rediss",
        TlsMode::Off => "redis",
    };
    let mut all = BTreeMap::from([
        ("MIGRATE_SESSIONS_KEY_PREFIX", bridged.key_prefix.clone()),
        ("MIGRATE_SESSIONS_WRITE", "both".to_owned()),
        ("MIGRATE_SESSIONS_OLD_DIR", bridged.session_files.to_string()),
        ("MIGRATE_SESSIONS_METRICS_FILE", path(layout::METRICS)),
        ("MIGRATE_SESSIONS_METRICS_INTERVAL", METRICS_INTERVAL.to_owned()),
        ("MIGRATE_SESSIONS_TRIAL_TOKEN_FILE", path(layout::TRIAL_TOKEN)),
    ]);
    if bridged.header {
        all.insert("MIGRATE_SESSIONS_HEADER", "yes".to_owned());
    }
    if let Some(name) = &bridged.cookie_name {
        all.insert("MIGRATE_SESSIONS_COOKIE_NAME", name.clone());
    }
    if let Some(endpoint) = endpoint {
        all.insert("MIGRATE_SESSIONS_REDIS_URL", format!("{scheme}://{endpoint}/0"));
    }
    if store_files::has_password(rollout) {
        all.insert("MIGRATE_SESSIONS_REDIS_PASSWORD_FILE", path(layout::REDIS_PASSWORD));
    }
    if store_files::has_authority(rollout) {
        all.insert("MIGRATE_SESSIONS_REDIS_CA_FILE", path(layout::REDIS_AUTHORITY));
    }
    all
}

/// One line. The value is never shown: it may be a secret of the operator's.
fn line(name: &str, value: &str) -> Result<String, Failure> {
    let legal = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
        && name.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_');
    if !legal {
        return Err(Failure::permanent(format!("`{}` is not the name of a variable", name.escape_debug()))
            .hint("correct it in staging.copy.environment in rollout.yaml"));
    }
    if value.contains(['\n', '\r', '\0']) {
        return Err(Failure::permanent(format!("the value of {name} has more than one line, or a NUL in it"))
            .hint("a variable of the copy has one line: put the text into a file, and its path here"));
    }
    Ok(format!("{name}={value}\n"))
}
