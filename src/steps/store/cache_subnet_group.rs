//! `cache_subnet_group`: where ElastiCache may put the nodes.

use async_trait::async_trait;
use schemars::JsonSchema;
use serde::Deserialize;

use crate::core::{
    ApplyPermit, Contract, Facts, Failure, Input, Measurement, Statement, UndoPermit, Verdict, rollout::Rollout,
};
use crate::ports::{NewSubnetGroup, SubnetGroupFacts, WriteFailure};
use crate::steps::account::{arn, names, tags};
use crate::steps::facts::SUBNET_GROUP;
use crate::steps::measure::measurement;
use crate::steps::waiting::UntilVisible;
use crate::steps::{Change, Condition, Diff, Kind, Presence, ReadContext, Step, WriteContext};

/// Creates the cache subnet group.
pub struct CacheSubnetGroup(Settings);

/// What a `cache_subnet_group` step is told.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// The subnets the nodes may be in.
    subnets: Input<Vec<String>>,
}

impl Kind for CacheSubnetGroup {
    type Settings = Settings;
    const NAME: &'static str = "cache_subnet_group";
    const SUMMARY: &'static str = "creates the cache subnet group";
    const CONTRACT: Contract = Contract::Change;
    const PROVIDES: &'static [&'static str] = &[SUBNET_GROUP.name()];

    fn build(settings: Settings) -> Step {
        Step::Change(Box::new(Self(settings)))
    }
}

/// Statements about a subnet group of this rollout; also what `CreateReplicationGroup` names.
pub(super) fn resource(rollout: &Rollout) -> String {
    arn::regional(rollout, "elasticache", &format!("subnetgroup:{}", names::subnet_group(rollout)))
}

async fn look(context: &ReadContext<'_>) -> Result<Option<SubnetGroupFacts>, Failure> {
    context.ports.cloud.subnet_group(&names::subnet_group(context.rollout())).await
}

#[async_trait]
impl Change for CacheSubnetGroup {
    async fn plan(&self, context: &ReadContext<'_>) -> Result<Diff, Failure> {
        let what = format!("cache subnet group {}", names::subnet_group(context.rollout()));
        Ok(Diff::of_presence(&self.probe(context).await?, what))
    }

    fn actions(&self, rollout: &Rollout) -> Vec<Statement> {
        vec![
            Statement {
                purpose: "describe the cache".into(),
                actions: vec!["elasticache:DescribeCacheSubnetGroups".into(), "elasticache:ListTagsForResource".into()],
                resources: vec!["*".into()],
            },
            Statement {
                // ElastiCache looks the subnets up in the caller's name.
                purpose: "describe the network".into(),
                actions: vec!["ec2:DescribeSubnets".into(), "ec2:DescribeVpcs".into()],
                resources: vec!["*".into()],
            },
            Statement {
                purpose: "manage the cache subnet group".into(),
                actions: vec![
                    "elasticache:AddTagsToResource".into(),
                    "elasticache:CreateCacheSubnetGroup".into(),
                    "elasticache:DeleteCacheSubnetGroup".into(),
                ],
                resources: vec![resource(rollout)],
            },
        ]
    }

    async fn probe(&self, context: &ReadContext<'_>) -> Result<Presence, Failure> {
        Ok(match look(context).await? {
            None => Presence::Absent,
            Some(found) if tags::are_ours(&found.tags, context.rollout()) => Presence::Ours(Condition::Usable),
            Some(found) => Presence::Foreign(tags::whose(
                &format!("cache subnet group {}", names::subnet_group(context.rollout())),
                &found.tags,
                context.rollout(),
            )),
        })
    }

    async fn apply(&self, context: &WriteContext<'_>, permit: &ApplyPermit) -> Result<(), WriteFailure> {
        let rollout = context.read.rollout();
        let subnets = self.0.subnets.list(context.read.facts).map_err(|missing| WriteFailure::clean(missing.into()))?;
        let new = NewSubnetGroup { name: names::subnet_group(rollout), subnets, tags: tags::of(rollout, context.run) };
        context.ports.cloud.create_subnet_group(permit, &new).await
    }

    async fn settle(&self, context: &ReadContext<'_>) -> Result<Facts, Failure> {
        let name = names::subnet_group(context.rollout());
        let what = format!("the cache subnet group {name}");
        let wait = UntilVisible::new(&*context.ports.clock, what);
        while wait.over(look(context).await).await?.is_none() {}
        Ok(Facts::new().with_fact(SUBNET_GROUP, name))
    }

    async fn verify(&self, context: &ReadContext<'_>, _: &Facts) -> Result<Vec<Measurement>, Failure> {
        let name = names::subnet_group(context.rollout());
        let mut wanted = self.0.subnets.list(context.facts)?;
        wanted.sort();
        let Some(found) = look(context).await? else {
            return Ok(vec![measurement(
                Verdict::Abort,
                &name,
                format!("the cache subnet group {name} is gone"),
                wanted.into(),
            )]);
        };
        let mut present = found.subnets.clone();
        present.sort();
        let data = serde_json::json!({ "wanted": wanted, "present": present, "vpc": found.vpc });
        Ok(vec![if present == wanted {
            measurement(
                Verdict::Pass,
                found.arn,
                format!("cache subnet group {name} holds {} subnets", wanted.len()),
                data,
            )
        } else {
            let summary = format!(
                "the cache subnet group {name} is ours but holds {}, not {}; `migrate rollback` removes it, then run the phase again",
                present.join(", "),
                wanted.join(", ")
            );
            measurement(Verdict::Abort, found.arn, summary, data)
        }])
    }

    async fn undo(&self, context: &WriteContext<'_>, permit: &UndoPermit) -> Result<(), WriteFailure> {
        context.ports.cloud.delete_subnet_group(permit, &names::subnet_group(context.read.rollout())).await
    }
}
