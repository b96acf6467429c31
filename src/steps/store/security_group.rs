//! `security_group`: the group around the store. It is made empty; `ingress_rules` opens it.

use async_trait::async_trait;
use schemars::JsonSchema;
use serde::Deserialize;

use crate::core::{
    ApplyPermit, Contract, Facts, Failure, Input, Measurement, Statement, UndoPermit, Verdict, rollout::Rollout,
};
use crate::ports::{NewSecurityGroup, SecurityGroupFacts, WriteFailure};
use crate::steps::account::{arn, names, tags};
use crate::steps::facts::SECURITY_GROUP;
use crate::steps::measure::measurement;
use crate::steps::waiting::UntilVisible;
use crate::steps::{Change, Condition, Diff, Kind, Presence, ReadContext, Step, WriteContext};

/// Creates the store's security group.
pub struct SecurityGroup(Settings);

/// What a `security_group` step is told.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// The VPC it belongs to.
    vpc: Input<String>,
}

impl Kind for SecurityGroup {
    type Settings = Settings;
    const NAME: &'static str = "security_group";
    const SUMMARY: &'static str = "creates the store's security group, empty";
    const CONTRACT: Contract = Contract::Change;
    const PROVIDES: &'static [&'static str] = &[SECURITY_GROUP.name()];

    fn build(settings: Settings) -> Step {
        Step::Change(Box::new(Self(settings)))
    }
}

/// The group with our name, whoever made it.
pub(super) async fn look(context: &ReadContext<'_>) -> Result<Option<SecurityGroupFacts>, Failure> {
    context.ports.cloud.security_group(&names::security_group(context.rollout())).await
}

#[async_trait]
impl Change for SecurityGroup {
    async fn plan(&self, context: &ReadContext<'_>) -> Result<Diff, Failure> {
        let what = format!("security group {}", names::security_group(context.rollout()));
        Ok(Diff::of_presence(&self.probe(context).await?, what))
    }

    fn actions(&self, rollout: &Rollout) -> Vec<Statement> {
        // The id is not known before it is made, so the ARN cannot name it. Conditions on the tag could; but neither
        // the simulation nor the dry run sends tags, and both would then call a sufficient policy denied.
        let groups = arn::regional(rollout, "ec2", "security-group/*");
        vec![
            Statement {
                purpose: "describe the network".into(),
                actions: vec!["ec2:DescribeSecurityGroups".into()],
                resources: vec!["*".into()],
            },
            Statement {
                purpose: "create the security group".into(),
                actions: vec!["ec2:CreateSecurityGroup".into()],
                resources: vec![groups.clone(), arn::regional(rollout, "ec2", "vpc/*")],
            },
            Statement {
                purpose: "manage the security group".into(),
                actions: vec!["ec2:CreateTags".into(), "ec2:DeleteSecurityGroup".into()],
                resources: vec![groups],
            },
        ]
    }

    async fn probe(&self, context: &ReadContext<'_>) -> Result<Presence, Failure> {
        Ok(match look(context).await? {
            None => Presence::Absent,
            Some(found) if tags::are_ours(&found.tags, context.rollout()) => Presence::Ours(Condition::Usable),
            Some(found) => Presence::Foreign(tags::whose(
                &format!("security group {}", names::security_group(context.rollout())),
                &found.tags,
                context.rollout(),
            )),
        })
    }

    async fn apply(&self, context: &WriteContext<'_>, permit: &ApplyPermit) -> Result<(), WriteFailure> {
        let rollout = context.read.rollout();
        let vpc = self.0.vpc.text(context.read.facts).map_err(|missing| WriteFailure::clean(missing.into()))?;
        let new = NewSecurityGroup { name: names::security_group(rollout), vpc, tags: tags::of(rollout, context.run) };
        context.ports.cloud.create_security_group(permit, &new).await
    }

    async fn settle(&self, context: &ReadContext<'_>) -> Result<Facts, Failure> {
        let what = format!("the security group {}", names::security_group(context.rollout()));
        let wait = UntilVisible::new(&*context.ports.clock, what);
        loop {
            if let Some(found) = wait.over(look(context).await).await? {
                return Ok(Facts::new().with_fact(SECURITY_GROUP, found.id));
            }
        }
    }

    async fn verify(&self, context: &ReadContext<'_>, _: &Facts) -> Result<Vec<Measurement>, Failure> {
        let name = names::security_group(context.rollout());
        let vpc = self.0.vpc.text(context.facts)?;
        let Some(found) = look(context).await? else {
            return Ok(vec![measurement(
                Verdict::Abort,
                &name,
                format!("the security group {name} is gone"),
                vpc.into(),
            )]);
        };
        let data = serde_json::json!({ "id": found.id, "vpc": found.vpc, "wanted_vpc": vpc });
        Ok(vec![if found.vpc == vpc {
            measurement(Verdict::Pass, &found.id, format!("security group {name} ({}) in {vpc}", found.id), data)
        } else {
            let summary = format!(
                "the security group {name} is ours but in {}, not in {vpc}; `migrate rollback` removes it, then run the phase again",
                found.vpc
            );
            measurement(Verdict::Abort, &found.id, summary, data)
        }])
    }

    async fn undo(&self, context: &WriteContext<'_>, permit: &UndoPermit) -> Result<(), WriteFailure> {
        // By name, not from the facts: they may be lost, and an id from another life would be somebody else's group.
        match look(context.read).await.map_err(WriteFailure::clean)? {
            Some(found) if tags::are_ours(&found.tags, context.read.rollout()) => {
                context.ports.cloud.delete_security_group(permit, &found.id).await
            }
            _ => Ok(()),
        }
    }
}
