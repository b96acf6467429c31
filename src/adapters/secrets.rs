//! Tokens from the environment, and what every token has to look like.

use async_trait::async_trait;

use crate::core::{Failure, Secret, rollout::CacheAuth};
use crate::ports::SecretSource;

/// Reads tokens from environment variables only: all there is without the `aws` feature.
#[derive(Debug, Clone, Copy, Default)]
pub struct EnvironmentSecrets;

#[async_trait]
impl SecretSource for EnvironmentSecrets {
    async fn auth_token(&self, auth: &CacheAuth) -> Result<Option<Secret>, Failure> {
        match auth {
            CacheAuth::None => Ok(None),
            CacheAuth::Environment(variable) => from_environment(variable).map(Some),
            CacheAuth::SecretsManager(name) => Err(Failure::permanent(format!(
                "cannot read the secret `{name}`: this `migrate` was built without the `aws` feature"
            ))),
        }
    }
}

/// The token in an environment variable of this process.
///
/// # Errors
/// `Permanent` when the variable is not set, is not UTF-8, or cannot be a token.
pub(super) fn from_environment(variable: &str) -> Result<Secret, Failure> {
    let origin = format!("the environment variable `{variable}`");
    match std::env::var(variable) {
        Ok(text) => checked(text, &origin),
        Err(std::env::VarError::NotPresent) => Err(Failure::permanent(format!("{origin} is not set"))
            .hint(format!("set it to the store's auth token: `read -rs {variable} && export {variable}`"))),
        Err(std::env::VarError::NotUnicode(_)) => Err(Failure::permanent(format!("{origin} is not UTF-8"))),
    }
}

/// Takes a token over when ElastiCache could accept it.
///
/// Printable ASCII without white space: <https://docs.aws.amazon.com/AmazonElastiCache/latest/dg/auth.html>. A trailing
/// newline, the usual accident of `--secret-string file://`, is refused rather than removed: the application that reads
/// the same secret would send it.
///
/// # Errors
/// `Permanent`, naming `origin` and never the token.
pub(super) fn checked(text: String, origin: &str) -> Result<Secret, Failure> {
    // Wrapped first, so that the refused text is wiped as well.
    let legal = text.bytes().all(|byte| byte.is_ascii_graphic());
    let (empty, newline) = (text.is_empty(), text.ends_with('\n'));
    let secret = Secret::new(text);
    match (empty, legal) {
        (true, _) => Err(Failure::permanent(format!("{origin} is empty"))),
        (false, true) => Ok(secret),
        (false, false) => {
            let what = if newline { "ends with a newline" } else { "holds white space or characters outside ASCII" };
            Err(Failure::permanent(format!("{origin} {what}: ElastiCache does not accept such a token"))
                .hint("store the bare token: 16 to 128 printable characters, no spaces, no newline, no JSON"))
        }
    }
}
