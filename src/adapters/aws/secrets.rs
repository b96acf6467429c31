//! Tokens from Secrets Manager.

use async_trait::async_trait;

use super::classify;
use crate::adapters::secrets::{EnvironmentSecrets, checked};
use crate::core::{Failure, Secret, rollout::CacheAuth};
use crate::ports::SecretSource;

/// Reads tokens from Secrets Manager, and from the environment.
#[derive(Debug, Clone)]
pub struct AwsSecrets {
    client: aws_sdk_secretsmanager::Client,
}

impl AwsSecrets {
    /// With a client for the rollout's region.
    pub(super) fn new(client: aws_sdk_secretsmanager::Client) -> Self {
        Self { client }
    }
}

#[async_trait]
impl SecretSource for AwsSecrets {
    async fn auth_token(&self, auth: &CacheAuth) -> Result<Option<Secret>, Failure> {
        match auth {
            CacheAuth::SecretsManager(name) => get(&self.client, name).await.map(Some),
            CacheAuth::Environment(_) | CacheAuth::None => EnvironmentSecrets.auth_token(auth).await,
        }
    }
}

/// <https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_GetSecretValue.html>
async fn get(client: &aws_sdk_secretsmanager::Client, name: &str) -> Result<Secret, Failure> {
    let call = "secretsmanager:GetSecretValue";
    match client.get_secret_value().secret_id(name).send().await {
        Ok(answer) => match answer.secret_string {
            Some(text) => checked(text, &format!("the secret `{name}`")),
            None => Err(Failure::permanent(format!("the secret `{name}` is binary, not a string"))),
        },
        Err(error) if classify::has_code(&error, &["ResourceNotFoundException"]) => {
            Err(Failure::permanent(format!("{call}: there is no secret `{name}` in this region"))
                .hint(format!("create it: `aws secretsmanager create-secret --name {name} --secret-string ...`")))
        }
        Err(error) => Err(classify::read(call, &error)),
    }
}
