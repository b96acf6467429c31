//! Who we are, and what we would be allowed to do.

use std::collections::BTreeMap;

use async_trait::async_trait;
use aws_sdk_iam::types::{EvaluationResult, PolicyEvaluationDecisionType as Decision};

use super::{AwsCloud, classify};
use crate::core::{Failure, FailureClass, Permission, Statement};
use crate::ports::{Caller, IdentityRead};

/// The maximum number of actions in one simulation: long lists make the simulator slow enough to run into our timeout.
const MAX_ACTIONS_PER_SIMULATION: usize = 40;

#[async_trait]
impl IdentityRead for AwsCloud {
    /// STS GetCallerIdentity: <https://docs.aws.amazon.com/STS/latest/APIReference/API_GetCallerIdentity.html>
    async fn caller(&self) -> Result<Caller, Failure> {
        let call = "sts:GetCallerIdentity";
        let answer = self.sts.get_caller_identity().send().await.map_err(|error| classify::read(call, &error))?;
        match (answer.account, answer.arn) {
            (Some(account), Some(arn)) => Ok(Caller { account, arn }),
            _ => Err(Failure::transient(format!("{call}: the answer names no account or no ARN"))),
        }
    }

    /// One answer per action, in the order asked.
    ///
    /// IAM SimulatePrincipalPolicy evaluates an action against `*` when it is given no resources, and a policy that allows
    /// the action on some resources only is then reported as an implicit denial: hence the statements' resources.
    /// <https://docs.aws.amazon.com/IAM/latest/APIReference/API_SimulatePrincipalPolicy.html>
    async fn simulate(&self, caller: &Caller, statement: &Statement) -> Result<Vec<(String, Permission)>, Failure> {
        let Some(mut source) = principal(&caller.arn) else { return Ok(all_unknown(statement)) };
        let resources: Vec<String> =
            statement.resources.iter().map(|resource| concrete(resource, &caller.account)).collect();
        let mut answers = Vec::new();
        for actions in statement.actions.chunks(MAX_ACTIONS_PER_SIMULATION) {
            let mut found = one(&self.iam, &source, actions, &resources).await?;
            if matches!(found, Simulation::NoSuchPrincipal) {
                match full_role_arn(&self.iam, &source).await {
                    Some(arn) => source = arn,
                    None => return Ok(all_unknown(statement)),
                }
                found = one(&self.iam, &source, actions, &resources).await?;
            }
            let decisions = match found {
                Simulation::Decided(decisions) => decisions,
                Simulation::NoSuchPrincipal | Simulation::Refused => BTreeMap::new(),
            };
            answers.extend(actions.iter().map(|action| {
                let permission = decisions.get(&action.to_ascii_lowercase()).copied().unwrap_or(Permission::Unknown);
                (action.clone(), permission)
            }));
        }
        Ok(answers)
    }
}

enum Simulation {
    /// By action, in lower case: IAM does not promise to repeat our spelling.
    Decided(BTreeMap<String, Permission>),
    /// There is no principal with this ARN.
    NoSuchPrincipal,
    /// The simulation itself is not allowed, or not possible.
    Refused,
}

async fn one(
    iam: &aws_sdk_iam::Client,
    source: &str,
    actions: &[String],
    resources: &[String],
) -> Result<Simulation, Failure> {
    let mut decisions = BTreeMap::new();
    let mut pages = iam
        .simulate_principal_policy()
        .policy_source_arn(source)
        .set_action_names(Some(actions.to_vec()))
        .set_resource_arns((!resources.is_empty()).then(|| resources.to_vec()))
        .into_paginator()
        .send();
    while let Some(page) = pages.next().await {
        let page = match page {
            Ok(page) => page,
            Err(error) if classify::has_code(&error, &["NoSuchEntity"]) => return Ok(Simulation::NoSuchPrincipal),
            Err(error) => {
                let failure = classify::read("iam:SimulatePrincipalPolicy", &error);
                let answered = error.as_service_error().is_some();
                let credentials = failure.hint.is_some() && failure.class == FailureClass::Permanent;
                return if answered && !failure.class.is_retryable() && !credentials {
                    Ok(Simulation::Refused)
                } else {
                    Err(failure)
                };
            }
        };
        for result in page.evaluation_results() {
            let permission = judge(result);
            decisions
                .entry(result.eval_action_name().to_ascii_lowercase())
                .and_modify(|known: &mut Permission| *known = (*known).max(permission))
                .or_insert(permission);
        }
    }
    Ok(Simulation::Decided(decisions))
}

/// The worst decision over all resources. A denial for want of context keys (a condition on a tag, say) is unknown.
fn judge(result: &EvaluationResult) -> Permission {
    let specific = result.resource_specific_results();
    let one = |decision: &Decision, missing_context: bool| match decision {
        Decision::Allowed => Permission::Allowed,
        Decision::ImplicitDeny if missing_context => Permission::Unknown,
        Decision::ImplicitDeny | Decision::ExplicitDeny => Permission::Denied,
        _ => Permission::Unknown,
    };
    specific
        .iter()
        .map(|each| one(each.eval_resource_decision(), !each.missing_context_values().is_empty()))
        .max()
        .unwrap_or_else(|| one(result.eval_decision(), !result.missing_context_values().is_empty()))
}

fn all_unknown(statement: &Statement) -> Vec<(String, Permission)> {
    statement.actions.iter().map(|action| (action.clone(), Permission::Unknown)).collect()
}

/// The ARN whose policies count: the role of an assumed role; `None` for principals that cannot be simulated (the
/// account's root, federated users).
fn principal(arn: &str) -> Option<String> {
    let mut parts = arn.splitn(6, ':');
    let (_, partition, service) = (parts.next()?, parts.next()?, parts.next()?);
    let (_, account, resource) = (parts.next()?, parts.next()?, parts.next()?);
    if service == "sts" {
        let role = resource.strip_prefix("assumed-role/")?.split('/').next()?;
        Some(format!("arn:{partition}:iam::{account}:role/{role}"))
    } else {
        (resource.starts_with("user/") || resource.starts_with("role/")).then(|| arn.to_owned())
    }
}

/// A role's ARN with its path, which the ARN of an assumed role leaves out (SSO roles always have one).
async fn full_role_arn(iam: &aws_sdk_iam::Client, pathless: &str) -> Option<String> {
    let name = pathless.rsplit_once(":role/")?.1;
    let answer = iam.get_role().role_name(name).send().await.ok()?;
    let arn = answer.role.map(|role| role.arn)?;
    (arn != pathless).then_some(arn)
}

/// A policy's ARN pattern with the account filled in: the simulator refuses foreign or missing accounts.
fn concrete(resource: &str, account: &str) -> String {
    let parts: Vec<&str> = resource.splitn(6, ':').collect();
    match parts.as_slice() {
        [arn, partition, service, region, "*", rest] => {
            format!("{arn}:{partition}:{service}:{region}:{account}:{rest}")
        }
        _ => resource.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::{concrete, principal};

    #[test]
    fn an_assumed_role_is_simulated_as_its_role() {
        let role = "arn:aws:iam::123456789012:role/deploy";
        assert_eq!(principal("arn:aws:sts::123456789012:assumed-role/deploy/alice").as_deref(), Some(role));
        assert_eq!(
            principal("arn:aws:iam::123456789012:user/ops/bob").as_deref(),
            Some("arn:aws:iam::123456789012:user/ops/bob")
        );
        assert_eq!(principal("arn:aws:iam::123456789012:root"), None);
        assert_eq!(principal("arn:aws:sts::123456789012:federated-user/carol"), None);
        assert_eq!(principal("nonsense"), None);
    }

    #[test]
    fn the_account_is_filled_in() {
        let pattern = "arn:aws:elasticache:us-east-2:*:replicationgroup:chatmrpt*";
        assert_eq!(concrete(pattern, "1"), "arn:aws:elasticache:us-east-2:1:replicationgroup:chatmrpt*");
        assert_eq!(concrete("*", "1"), "*");
    }
}
