//! What a Redis error means.

use redis::{ErrorKind, RedisError, ServerErrorKind};

use crate::core::Failure;
use crate::ports::Endpoint;

/// Why a connection cannot be used.
pub(super) enum Unusable {
    /// The stream ended without an answer.
    Closed,
    /// There was no answer in time.
    Silent,
    /// The server said why.
    Said(Failure),
}

impl Unusable {
    /// Sorts a failure by the error it came from.
    pub(super) fn new(error: &RedisError, failure: Failure) -> Self {
        match error.kind() {
            ErrorKind::Io if error.is_timeout() => Self::Silent,
            ErrorKind::Io => Self::Closed,
            _ => Self::Said(failure),
        }
    }
}

/// Why a command failed.
pub(super) fn command(endpoint: &Endpoint, name: &str, error: &RedisError) -> Failure {
    let text = format!("{endpoint}: {name}: {error}");
    match error.kind() {
        _ if error.code() == Some("NOAUTH") => Failure::permanent(format!("{endpoint}: the store asks for a token"))
            .hint("set cache.auth in rollout.yaml to where the token is"),
        ErrorKind::Io
        | ErrorKind::Server(
            ServerErrorKind::BusyLoading
            | ServerErrorKind::TryAgain
            | ServerErrorKind::ClusterDown
            | ServerErrorKind::MasterDown
            | ServerErrorKind::ReadOnly,
        ) => Failure::transient(text),
        _ => Failure::permanent(text),
    }
}

/// Why `AUTH` failed. What the server said is left out: some servers repeat the arguments.
pub(super) fn authentication(endpoint: &Endpoint, error: &RedisError) -> Failure {
    if error.kind() == ErrorKind::Io {
        return Failure::transient(format!("{endpoint}: AUTH: {error}"));
    }
    let none_set = error.detail().is_some_and(|detail| detail.contains("without any password"));
    let wrong = matches!(error.code(), Some("WRONGPASS")) || error.kind() == ErrorKind::AuthenticationFailed;
    if none_set {
        Failure::permanent(format!("{endpoint}: the store has no token set, but rollout.yaml names one"))
            .hint("set `cache.auth: none`, or check whether this is the right server")
    } else if wrong {
        Failure::permanent(format!("{endpoint}: the store refuses the auth token"))
            .hint("check that the secret under cache.auth holds the token the store was created with")
    } else {
        Failure::permanent(format!("{endpoint}: AUTH failed ({})", error.code().unwrap_or("no code")))
    }
}
