//! The store: encryption, the auth token and the engine.

use super::context::Context;
use super::names::is_identifier;
use crate::configuration::diagnostic::{Code, Diagnostic};
use crate::core::rollout::{CacheAuth, CacheEngine, TlsMode};

pub fn check(context: &mut Context<'_>) {
    for rule in [auth_without_tls, authority_without_tls, auth_names, engine_version] {
        if let Some(mistake) = rule(context) {
            context.report(mistake);
        }
    }
}

fn is_tls_off(context: &Context<'_>) -> bool {
    context.read("cache.tls.mode") == Some(TlsMode::Off)
}

fn auth_without_tls(context: &Context<'_>) -> Option<Diagnostic> {
    let auth: CacheAuth = context.read("cache.auth")?;
    if auth == CacheAuth::None || !is_tls_off(context) {
        return None;
    }
    let line = context.line("cache.tls.mode");
    let mistake = context
        .at(Code::RolloutAuthWithoutTls, "cache.auth", "an auth token needs TLS")
        .because(format!("TLS is off on line {line}, and ElastiCache refuses a token without encryption in transit"))
        .help("write `tls: { mode: required }`, or `auth: none`");
    Some(mistake)
}

fn authority_without_tls(context: &Context<'_>) -> Option<Diagnostic> {
    context.read::<String>("cache.tls.ca_file").filter(|_| is_tls_off(context))?;
    let mistake = context
        .at(Code::RolloutAuthorityWithoutTls, "cache.tls.ca_file", "this file is not used while TLS is off")
        .help("write `mode: required`, or remove the file")
        .warning();
    Some(mistake)
}

fn auth_names(context: &Context<'_>) -> Option<Diagnostic> {
    let mistake = match context.read("cache.auth")? {
        CacheAuth::Environment(name) if !is_identifier(&name) => context
            .at(
                Code::RolloutEnvironmentName,
                "cache.auth.environment",
                "this is not the name of an environment variable",
            )
            .because("a name is letters, digits and `_`; this is the name of the variable, never the token itself")
            .help("write a name such as REDIS_AUTH_TOKEN"),
        CacheAuth::SecretsManager(name) if !is_secret(&name) => context
            .at(Code::RolloutSecretName, "cache.auth.secrets_manager", "this is not the name or ARN of a secret")
            .because("a secret's name is letters, digits and `/_+=.@-`, at most 512")
            .help("write a name such as chatmrpt/redis-auth-token, or arn:aws:secretsmanager:…"),
        _ => return None,
    };
    Some(mistake)
}

/// <https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_CreateSecret.html>
pub fn is_secret(name: &str) -> bool {
    let plain = match name.strip_prefix("arn:") {
        Some(_) => match name.splitn(7, ':').collect::<Vec<_>>().as_slice() {
            ["arn", _, "secretsmanager", _, _, "secret", plain] => *plain,
            _ => return false,
        },
        None => name,
    };
    (1..=519).contains(&plain.len())
        && plain.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"/_+=.@-".contains(&byte))
}

/// Redis OSS ends at 7.1 on ElastiCache, and Valkey starts at 7.2.
/// <https://docs.aws.amazon.com/AmazonElastiCache/latest/dg/engine-versions.html>
fn engine_version(context: &Context<'_>) -> Option<Diagnostic> {
    let version: String = context.read("cache.engine_version")?;
    let engine: CacheEngine = context.read("cache.engine")?;
    let mut parts = version.split('.');
    let major: u32 = parts.next().and_then(|part| part.parse().ok()).unwrap_or(0);
    let minor: Option<u32> = parts.next().and_then(|part| part.parse().ok());
    let (known, help) = match engine {
        CacheEngine::Redis => {
            let known = matches!((major, minor), (3..=6, _) | (7, None | Some(0 | 1)));
            (known, "write \"7.1\", or `engine: valkey` for a later one")
        }
        CacheEngine::Valkey => {
            let known = major >= 8 || (major == 7 && minor.is_some_and(|minor| minor >= 2));
            (known, "write \"7.2\" or later, or `engine: redis` for an earlier one")
        }
    };
    if known {
        return None;
    }
    let message = format!("ElastiCache is not known to offer {} {version}", engine.api_name());
    let mistake = context
        .at(Code::RolloutEngineVersion, "cache.engine_version", message)
        .because("Redis OSS ends at 7.1 there, and Valkey starts at 7.2")
        .help(help)
        .warning();
    Some(mistake)
}
