//! `replication_group`: the store itself. It costs money from the moment it exists, and minutes until it is usable.

use std::time::Duration;

use async_trait::async_trait;
use schemars::JsonSchema;
use serde::Deserialize;

use super::cache_subnet_group;
use crate::core::{
    ApplyPermit, ChecklistItem, Contract, Facts, Failure, FailureClass, Input, Measurement, MissingFact, Statement,
    UndoPermit, Verdict,
    rollout::{CacheAuth, Rollout, TlsMode},
};
use crate::ports::{
    Endpoint, NewReplicationGroup, Progress, ReplicationGroupFacts, ReplicationGroupStatus, WriteFailure,
};
use crate::steps::account::{arn, names, tags};
use crate::steps::facts::{STORE_ARN, STORE_ENDPOINT};
use crate::steps::measure::measurement;
use crate::steps::{Change, Condition, Diff, DiffAction, Kind, Presence, ReadContext, Step, WriteContext, waiting};

/// What a creation usually takes.
const EXPECTED_CREATE_DURATION: Duration = Duration::from_secs(8 * 60);
/// How long a creation may take.
const CREATE_TIMEOUT: Duration = Duration::from_secs(45 * 60);
/// How long to wait before the second read: a group that is adopted is usable at once.
const FIRST_POLL_INTERVAL: Duration = Duration::from_secs(5);
/// How long to wait before each later read.
const POLL_INTERVAL: Duration = Duration::from_secs(10);
/// How long a group that was just created may be invisible.
const VISIBILITY_TIMEOUT: Duration = Duration::from_secs(90);

/// Creates the ElastiCache replication group.
pub struct ReplicationGroup(Settings);

/// What a `replication_group` step is told.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// The cache subnet group's name.
    subnet_group: Input<String>,
    /// The security group's id.
    security_group: Input<String>,
}

impl Kind for ReplicationGroup {
    type Settings = Settings;
    const NAME: &'static str = "replication_group";
    const SUMMARY: &'static str = "creates the store and waits until it is usable";
    const CONTRACT: Contract = Contract::Change;
    const PROVIDES: &'static [&'static str] = &[STORE_ENDPOINT.name(), STORE_ARN.name()];

    fn build(settings: Settings) -> Step {
        Step::Change(Box::new(Self(settings)))
    }
}

async fn look(context: &ReadContext<'_>) -> Result<Option<ReplicationGroupFacts>, Failure> {
    context.ports.cloud.replication_group(&names::replication_group(context.rollout())).await
}

/// In what a group of ours differs from the rollout; `None` when it is as asked for.
///
/// The answer is for `settle` and `verify`, not for `probe`: to a probe the group stays ours, or a rollback would not
/// remove it.
fn mismatch(found: &ReplicationGroupFacts, rollout: &Rollout) -> Option<String> {
    let cache = &rollout.cache;
    let on = |yes: bool| if yes { "on" } else { "off" };
    let tls = cache.tls.mode == TlsMode::Required;
    let token = cache.auth != CacheAuth::None;
    let mut differences = Vec::new();
    if found.node_type != cache.node_type {
        differences.push(format!("node type {} (rollout.yaml: {})", found.node_type, cache.node_type));
    }
    if found.encrypted_in_transit != tls {
        differences.push(format!("TLS {} (rollout.yaml: {})", on(found.encrypted_in_transit), on(tls)));
    }
    if found.token_required != token {
        differences.push(format!("auth token {} (rollout.yaml: {})", on(found.token_required), on(token)));
    }
    (!differences.is_empty()).then(|| differences.join(", "))
}

/// The group as it should be, or why it is not.
fn usable(name: &str, found: &ReplicationGroupFacts, endpoint: &Endpoint, rollout: &Rollout) -> Result<Facts, Failure> {
    if let Some(differences) = mismatch(found, rollout) {
        return Err(Failure::new(
            FailureClass::Foreign,
            format!("the replication group {name} is ours by its tag, but was created with {differences}"),
        )
        .hint("it cannot be changed in place: `migrate rollback` removes it, then run the phase again"));
    }
    Ok(Facts::new().with_fact(STORE_ENDPOINT, endpoint.clone()).with_fact(STORE_ARN, found.arn.clone()))
}

/// The wait is over and nothing is wrong: to be gone on with by a person, not by the engine, which would repeat three
/// quarters of an hour as if it were a hiccup.
fn not_yet(message: String) -> Failure {
    Failure::new(FailureClass::Inconclusive, message)
}

#[async_trait]
impl Change for ReplicationGroup {
    async fn plan(&self, context: &ReadContext<'_>) -> Result<Diff, Failure> {
        let rollout = context.rollout();
        let cache = &rollout.cache;
        let what = format!(
            "replication group {}: {} {} on {} x {}, TLS {}, {}",
            names::replication_group(rollout),
            cache.engine.api_name(),
            cache.engine_version,
            1 + cache.replicas,
            cache.node_type,
            if cache.tls.mode == TlsMode::Required { "required" } else { "off" },
            if cache.auth == CacheAuth::None { "no auth token" } else { "auth token" },
        );
        Ok(match look(context).await? {
            Some(found) if tags::are_ours(&found.tags, rollout) && mismatch(&found, rollout).is_some() => {
                let differences = mismatch(&found, rollout).unwrap_or_default();
                Diff::one(
                    DiffAction::Refuse,
                    format!("{what}: ours, but created with {differences}; `migrate rollback` first"),
                )
            }
            _ => Diff::of_presence(&self.probe(context).await?, what),
        })
    }

    fn actions(&self, rollout: &Rollout) -> Vec<Statement> {
        let name = names::replication_group(rollout);
        let resource = |text: String| arn::regional(rollout, "elasticache", &text);
        let group = resource(format!("replicationgroup:{name}"));
        let mut statements = vec![
            Statement {
                purpose: "describe the cache".into(),
                actions: vec!["elasticache:DescribeReplicationGroups".into(), "elasticache:ListTagsForResource".into()],
                resources: vec!["*".into()],
            },
            Statement {
                // ElastiCache looks these up in the caller's name. Its network interfaces it makes with its own
                // service-linked role: AmazonElastiCacheFullAccess does not allow them to the caller either.
                purpose: "describe the network".into(),
                actions: vec![
                    "ec2:DescribeSecurityGroups".into(),
                    "ec2:DescribeSubnets".into(),
                    "ec2:DescribeVpcs".into(),
                ],
                resources: vec!["*".into()],
            },
            Statement {
                // Every resource that the Service Authorization Reference lists for the action and the request names:
                // the group, its nodes, and what it is made from.
                purpose: "create the replication group".into(),
                actions: vec!["elasticache:CreateReplicationGroup".into()],
                resources: vec![
                    group.clone(),
                    resource(format!("cluster:{name}-*")),
                    resource("parametergroup:default.*".into()),
                    resource("securitygroup:*".into()),
                    cache_subnet_group::resource(rollout),
                ],
            },
            Statement {
                purpose: "manage the replication group".into(),
                actions: vec!["elasticache:AddTagsToResource".into(), "elasticache:DeleteReplicationGroup".into()],
                resources: vec![group, resource(format!("cluster:{name}-*"))],
            },
            Statement {
                purpose: "first ElastiCache cluster of the account".into(),
                actions: vec!["iam:CreateServiceLinkedRole".into()],
                resources: vec![arn::global(
                    rollout,
                    "iam",
                    "role/aws-service-role/elasticache.amazonaws.com/AWSServiceRoleForElastiCache",
                )],
            },
        ];
        if let CacheAuth::SecretsManager(secret) = &rollout.cache.auth {
            // A secret's ARN ends in a hyphen and six characters that its name does not tell.
            let secret = if secret.starts_with("arn:") {
                secret.clone()
            } else {
                arn::regional(rollout, "secretsmanager", &format!("secret:{secret}-??????"))
            };
            statements.push(Statement {
                purpose: "read the auth token".into(),
                actions: vec!["secretsmanager:GetSecretValue".into()],
                resources: vec![secret],
            });
        }
        statements
    }

    async fn probe(&self, context: &ReadContext<'_>) -> Result<Presence, Failure> {
        let Some(found) = look(context).await? else {
            return Ok(Presence::Absent);
        };
        if !tags::are_ours(&found.tags, context.rollout()) {
            return Ok(Presence::Foreign(tags::whose(
                &format!("replication group {}", names::replication_group(context.rollout())),
                &found.tags,
                context.rollout(),
            )));
        }
        Ok(Presence::Ours(match found.status {
            ReplicationGroupStatus::Available => Condition::Usable,
            ReplicationGroupStatus::Settling(status) => Condition::Settling(status),
            ReplicationGroupStatus::Deleting => Condition::Leaving,
            ReplicationGroupStatus::Failed(status) => Condition::Broken(status),
        }))
    }

    async fn apply(&self, context: &WriteContext<'_>, permit: &ApplyPermit) -> Result<(), WriteFailure> {
        let missing = |fact: MissingFact| WriteFailure::clean(fact.into());
        let rollout = context.read.rollout();
        let cache = &rollout.cache;
        let new = NewReplicationGroup {
            id: names::replication_group(rollout),
            engine: cache.engine.api_name().into(),
            engine_version: cache.engine_version.clone(),
            node_type: cache.node_type.clone(),
            replicas: cache.replicas,
            port: cache.port.number(),
            encrypt_in_transit: cache.tls.mode == TlsMode::Required,
            token: context.read.ports.secrets.auth_token(&cache.auth).await.map_err(WriteFailure::clean)?,
            subnet_group: self.0.subnet_group.text(context.read.facts).map_err(missing)?,
            security_group: self.0.security_group.text(context.read.facts).map_err(missing)?,
            tags: tags::of(rollout, context.run),
        };
        context.ports.cloud.create_replication_group(permit, &new).await
    }

    async fn settle(&self, context: &ReadContext<'_>) -> Result<Facts, Failure> {
        let clock = &*context.ports.clock;
        let name = names::replication_group(context.rollout());
        let start = clock.elapsed();
        let mut pause = FIRST_POLL_INTERVAL;
        loop {
            let waited = clock.elapsed().saturating_sub(start);
            let state = match look(context).await {
                Ok(Some(found)) => match (&found.status, &found.endpoint) {
                    (ReplicationGroupStatus::Available, Some(endpoint)) => {
                        return usable(&name, &found, endpoint, context.rollout());
                    }
                    (ReplicationGroupStatus::Available, None) => "available, without an endpoint yet".to_owned(),
                    (ReplicationGroupStatus::Settling(status), _) => status.clone(),
                    (ReplicationGroupStatus::Deleting, _) => {
                        return Err(not_yet(format!("the replication group {name} is being deleted"))
                            .hint("wait until it is gone, then run the phase again: it is created again"));
                    }
                    (ReplicationGroupStatus::Failed(status), _) => {
                        return Err(Failure::permanent(format!(
                            "the replication group {name} is `{status}`: it will never be usable, and it may still cost money"
                        ))
                        .hint("run the phase again: it removes the failed group and makes a new one; or `migrate rollback`"));
                    }
                },
                Ok(None) if waited >= VISIBILITY_TIMEOUT => {
                    return Err(not_yet(format!(
                        "the replication group {name} is still not visible {} s after it was asked for",
                        waited.as_secs()
                    ))
                    .hint("run the phase again: it looks first and adopts what is there"));
                }
                Ok(None) => "not visible yet".to_owned(),
                Err(failure) if waiting::is_passing(&failure) => format!("could not look: {failure}"),
                Err(failure) => return Err(failure),
            };
            if waited >= CREATE_TIMEOUT {
                return Err(not_yet(format!(
                    "the replication group {name} is not usable after {} minutes: {state}",
                    CREATE_TIMEOUT.as_secs() / 60
                ))
                .hint("look at its events in the ElastiCache console, then run the phase again: it goes on waiting"));
            }
            context.progress.report(Progress::estimated(
                format!("replication group {name}: {state}"),
                waited,
                EXPECTED_CREATE_DURATION,
            ));
            clock.sleep(pause).await;
            pause = POLL_INTERVAL;
        }
    }

    async fn verify(&self, context: &ReadContext<'_>, _: &Facts) -> Result<Vec<Measurement>, Failure> {
        let rollout = context.rollout();
        let name = names::replication_group(rollout);
        let Some(found) = look(context).await? else {
            let summary = format!("the replication group {name} is gone");
            return Ok(vec![measurement(Verdict::Abort, &name, summary, serde_json::Value::Null)]);
        };
        let data = serde_json::json!({
            "status": format!("{:?}", found.status).to_lowercase(),
            "endpoint": found.endpoint.as_ref().map(ToString::to_string),
            "node_type": found.node_type,
            "encrypted_in_transit": found.encrypted_in_transit,
            "token_required": found.token_required,
        });
        let mut result = if found.status != ReplicationGroupStatus::Available {
            measurement(
                Verdict::Abort,
                &found.arn,
                format!("the replication group {name} is no longer available"),
                data,
            )
        } else if let Some(differences) = mismatch(&found, rollout) {
            measurement(
                Verdict::Abort,
                &found.arn,
                format!("the replication group {name} was created with {differences}"),
                data,
            )
        } else {
            measurement(Verdict::Pass, &found.arn, format!("replication group {name} is available"), data)
        };
        result.proves = vec![ChecklistItem::ClusterCreated];
        Ok(vec![result])
    }

    async fn undo(&self, context: &WriteContext<'_>, permit: &UndoPermit) -> Result<(), WriteFailure> {
        context.ports.cloud.delete_replication_group(permit, &names::replication_group(context.read.rollout())).await
    }
}
