//! The store as the rollout describes it: from where, to where, how secured, with which token.

use crate::core::{Failure, rollout::TlsMode};
use crate::ports::{Endpoint, Route, StoreAccess, TransportSecurity};
use crate::steps::ReadContext;

/// How the rollout wants connections secured.
pub fn security(context: &ReadContext<'_>) -> TransportSecurity {
    let tls = &context.rollout().cache.tls;
    match tls.mode {
        TlsMode::Required => {
            TransportSecurity::Tls { ca_file: tls.ca_file.as_ref().map(|file| context.base_directory.join(file)) }
        }
        TlsMode::Off => TransportSecurity::Plain,
    }
}

/// The store through staging, as the application reaches it.
///
/// # Errors
/// When the token cannot be read.
pub async fn through_staging(context: &ReadContext<'_>, endpoint: Endpoint) -> Result<StoreAccess, Failure> {
    let rollout = context.rollout();
    Ok(StoreAccess {
        route: Route::Through(rollout.staging.host.clone()),
        endpoint,
        security: security(context),
        token: context.ports.secrets.auth_token(&rollout.cache.auth).await?,
    })
}
