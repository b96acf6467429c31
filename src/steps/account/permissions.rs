//! `permissions`: whether AWS will let us do all of it, undo included, before any of it is begun.

use std::collections::BTreeMap;

use async_trait::async_trait;
use schemars::JsonSchema;
use serde::Deserialize;

use super::policy;
use crate::core::{
    Contract, Facts, Failure, FailureClass, Input, Permission, Statement, Verdict,
    rollout::{CacheAuth, Rollout},
};
use crate::steps::measure::measurement;
use crate::steps::{Diff, DiffAction, Kind, Observation, Observe, ReadContext, Step};

/// The one action that can be tried without doing it.
const DRY_RUN: &str = "ec2:CreateSecurityGroup";
/// Reading the token is tried, too: it changes nothing.
const SECRET: &str = "secretsmanager:GetSecretValue";
/// Needed once in the life of an account; most have the role, and being denied it then does not matter.
const ONCE: &str = "iam:CreateServiceLinkedRole";

/// Simulates every action of the plan.
pub struct Permissions(Settings);

/// What a `permissions` step is told.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// The VPC to try a dry run in.
    vpc: Input<String>,
    /// What to do about an action whose permission cannot be determined.
    #[serde(default)]
    unknown: Unknown,
}

/// What to do about an action whose permission cannot be determined.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Unknown {
    /// Stop: nobody has said that it is allowed.
    #[default]
    Refuse,
    /// Go on: the operator knows.
    Accept,
}

impl Kind for Permissions {
    type Settings = Settings;
    const NAME: &'static str = "permissions";
    const SUMMARY: &'static str = "simulates every IAM action of the plan and its undo";
    const CONTRACT: Contract = Contract::Gate;
    const PROVIDES: &'static [&'static str] = &[];

    fn build(settings: Settings) -> Step {
        Step::Observe(Box::new(Self(settings)))
    }
}

#[async_trait]
impl Observe for Permissions {
    fn plan(&self, _: &Rollout) -> Diff {
        Diff::one(DiffAction::Read, "whether IAM allows every action of the plan and of its undo")
    }

    fn actions(&self, _: &Rollout) -> Vec<Statement> {
        // SimulatePrincipalPolicy on oneself; the caller's own ARN is not known here, and reads nothing secret.
        vec![Statement {
            purpose: "ask what is allowed".into(),
            actions: vec!["iam:SimulatePrincipalPolicy".into()],
            resources: vec!["*".into()],
        }]
    }

    async fn observe(&self, context: &ReadContext<'_>) -> Result<Observation, Failure> {
        let cloud = &context.ports.cloud;
        let vpc = self.0.vpc.text(context.facts)?;
        let caller = cloud.caller().await?;
        let statements = policy::located(&policy::statements(context.plan)?, &caller.account, &vpc);
        let mut rows = Vec::new();
        for statement in &statements {
            context.say(format!("asking IAM: {}", statement.purpose));
            for (action, permission) in cloud.simulate(&caller, statement).await? {
                rows.push(Row { statement: statement.clone(), action, permission, how: "simulation" });
            }
        }
        self.try_what_can_be_tried(context, &vpc, &mut rows).await?;
        Ok(self.judge(context, &caller.arn, &rows))
    }
}

/// What is known about one action.
struct Row {
    statement: Statement,
    action: String,
    permission: Permission,
    how: &'static str,
}

impl Permissions {
    /// What was tried beats what was simulated: it has seen service control policies and boundaries, too.
    async fn try_what_can_be_tried(
        &self,
        context: &ReadContext<'_>,
        vpc: &str,
        rows: &mut [Row],
    ) -> Result<(), Failure> {
        let dry_run = context.ports.cloud.dry_run_create_security_group(vpc).await?;
        for row in rows.iter_mut().filter(|row| row.action == DRY_RUN && dry_run != Permission::Unknown) {
            row.permission = dry_run;
            row.how = "dry run";
        }
        let auth = &context.rollout().cache.auth;
        if *auth != CacheAuth::None {
            let read = match context.ports.secrets.auth_token(auth).await {
                Ok(_) => Permission::Allowed,
                Err(failure) if failure.class == FailureClass::Denied => Permission::Denied,
                Err(failure) if failure.class.is_retryable() => return Err(failure),
                // Not a question of permissions, but as fatal, and better known now than after the store is paid for.
                Err(failure) => {
                    return Err(Failure { message: format!("the store's auth token: {failure}"), ..failure });
                }
            };
            for row in rows.iter_mut().filter(|row| row.action == SECRET) {
                row.permission = read;
                row.how = "tried";
            }
        }
        Ok(())
    }

    fn judge(&self, context: &ReadContext<'_>, caller: &str, rows: &[Row]) -> Observation {
        let with = |permission| rows.iter().filter(move |row| row.permission == permission && row.action != ONCE);
        let denied = Vec::from_iter(with(Permission::Denied));
        let unknown = Vec::from_iter(with(Permission::Unknown));
        let names = |rows: &[&Row]| rows.iter().map(|row| row.action.as_str()).collect::<Vec<_>>().join(", ");
        let (verdict, summary, failure) = if !denied.is_empty() {
            let message = format!("waiting for permissions: {caller} is denied {}", names(&denied));
            let hint = format!(
                "attach this policy to it, then run the same command again; or `migrate permissions` for everything the plan needs\n{}",
                missing(&denied)
            );
            (Verdict::Abort, message.clone(), Some(Failure::new(FailureClass::Denied, message).hint(hint)))
        } else if !unknown.is_empty() && self.0.unknown == Unknown::Refuse {
            let message = format!("AWS does not say whether {caller} may use {}", names(&unknown));
            let hint = "allow iam:SimulatePrincipalPolicy (and iam:GetRole, when you act as a role with a path), or set `unknown: accept` in phases/0-preflight.yaml";
            (Verdict::Inconclusive, message.clone(), Some(Failure::new(FailureClass::Inconclusive, message).hint(hint)))
        } else if !unknown.is_empty() {
            (
                Verdict::Pass,
                format!(
                    "{} actions allowed; {} unknown and accepted by `unknown: accept`: {}",
                    with(Permission::Allowed).count(),
                    unknown.len(),
                    names(&unknown)
                ),
                None,
            )
        } else {
            (
                Verdict::Pass,
                format!("all {} actions of the plan and its undo are allowed", with(Permission::Allowed).count()),
                None,
            )
        };
        let table: Vec<serde_json::Value> = rows
            .iter()
            .map(|row| {
                serde_json::json!({
                    "action": row.action, "permission": row.permission, "how": row.how,
                    "resources": row.statement.resources, "needed_once": row.action == ONCE,
                })
            })
            .collect();
        let data = serde_json::json!({ "caller": caller, "plan": context.plan.digest().to_string(), "actions": table });
        Observation { facts: Facts::new(), measurements: vec![measurement(verdict, caller, summary, data)], failure }
    }
}

/// The policy of what is denied, and nothing else, on one line per nothing: pretty-printed, to be pasted.
fn missing(denied: &[&Row]) -> String {
    let mut statements: BTreeMap<(&str, &[String]), Vec<String>> = BTreeMap::new();
    for row in denied {
        statements.entry((&row.statement.purpose, &row.statement.resources)).or_default().push(row.action.clone());
    }
    let statements: Vec<Statement> = statements
        .into_iter()
        .map(|((purpose, resources), actions)| Statement {
            purpose: purpose.to_owned(),
            actions,
            resources: resources.to_vec(),
        })
        .collect();
    format!("{:#}", policy::document(&statements))
}
