//! Secrets, by name.

use async_trait::async_trait;

use super::calls::World;
use crate::core::rollout::CacheAuth;
use crate::core::{Failure, FailureClass, Secret};
use crate::ports::SecretSource;

#[async_trait]
impl SecretSource for World {
    async fn auth_token(&self, auth: &CacheAuth) -> Result<Option<Secret>, Failure> {
        let (CacheAuth::SecretsManager(name) | CacheAuth::Environment(name)) = auth else {
            return Ok(None);
        };
        self.ask("secrets.auth_token", |state| match state.secrets.get(name) {
            Some(token) => Ok(Some(Secret::new(token.clone()))),
            None => Err(Failure::new(FailureClass::Permanent, format!("there is no secret `{name}`"))),
        })
        .await
    }
}
