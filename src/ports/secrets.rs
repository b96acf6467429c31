//! Where the auth token comes from.

use async_trait::async_trait;

use crate::core::{Failure, Secret, rollout::CacheAuth};

/// Reads secrets, each time one is needed; nobody keeps them.
#[async_trait]
pub trait SecretSource: Send + Sync {
    /// The store's auth token; `None` when the rollout says there is none.
    ///
    /// # Errors
    /// When the secret or the variable is not there, cannot be read, or is empty.
    async fn auth_token(&self, auth: &CacheAuth) -> Result<Option<Secret>, Failure>;
}
