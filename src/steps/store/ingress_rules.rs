//! `ingress_rules`: who may reach the store: the application's instances, on its one port, and nobody else.

use std::collections::BTreeSet;

use async_trait::async_trait;
use schemars::JsonSchema;
use serde::Deserialize;

use super::security_group;
use crate::core::{
    ApplyPermit, Contract, Facts, Failure, Input, Measurement, MissingFact, Statement, UndoPermit, Verdict,
    rollout::Rollout,
};
use crate::ports::{IngressRule, RuleSource, WriteFailure};
use crate::steps::account::{arn, names, tags};
use crate::steps::measure::measurement;
use crate::steps::waiting::UntilVisible;
use crate::steps::{Change, Condition, Diff, Kind, Presence, ReadContext, Step, WriteContext};

/// Opens the store's port to some security groups.
pub struct IngressRules(Settings);

/// What an `ingress_rules` step is told.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// The id of the group to open.
    group: Input<String>,
    /// The ids of the groups to admit.
    from: Input<Vec<String>>,
}

impl Kind for IngressRules {
    type Settings = Settings;
    const NAME: &'static str = "ingress_rules";
    const SUMMARY: &'static str = "admits the application's instances to the store's port";
    const CONTRACT: Contract = Contract::Change;
    const PROVIDES: &'static [&'static str] = &[];

    fn build(settings: Settings) -> Step {
        Step::Change(Box::new(Self(settings)))
    }
}

/// The rule that admits one group.
fn admitting(rollout: &Rollout, group: String) -> IngressRule {
    let port = rollout.cache.port.number();
    IngressRule { protocol: "tcp".into(), ports: Some((port, port)), source: RuleSource::Group(group) }
}

/// Whether a rule has the form of ours. In a group that is ours, such a rule is ours to remove, also when the facts
/// that said which groups to admit are lost or have changed since.
fn has_our_form(rollout: &Rollout, rule: &IngressRule) -> bool {
    match &rule.source {
        RuleSource::Group(group) => *rule == admitting(rollout, group.clone()),
        RuleSource::Range(_) => false,
    }
}

/// A rule, in words.
fn describe(rule: &IngressRule) -> String {
    let (RuleSource::Group(source) | RuleSource::Range(source)) = &rule.source;
    match rule.ports {
        Some((first, last)) if first == last => format!("{} {first} from {source}", rule.protocol),
        Some((first, last)) => format!("{} {first}-{last} from {source}", rule.protocol),
        None => format!("{}, all ports, from {source}", rule.protocol),
    }
}

impl IngressRules {
    fn wanted(&self, rollout: &Rollout, facts: &Facts) -> Result<BTreeSet<IngressRule>, MissingFact> {
        Ok(self.0.from.list(facts)?.into_iter().map(|group| admitting(rollout, group)).collect())
    }
}

#[async_trait]
impl Change for IngressRules {
    async fn plan(&self, context: &ReadContext<'_>) -> Result<Diff, Failure> {
        let rollout = context.rollout();
        let from = match self.0.from.list(context.facts) {
            Ok(groups) => groups.join(", "),
            Err(_) => "the application's security groups".to_owned(),
        };
        let what = format!("rule in {}: tcp {} from {from}", names::security_group(rollout), rollout.cache.port);
        Ok(Diff::of_presence(&self.probe(context).await?, what))
    }

    fn actions(&self, rollout: &Rollout) -> Vec<Statement> {
        vec![
            Statement {
                purpose: "describe the network".into(),
                actions: vec!["ec2:DescribeSecurityGroups".into()],
                resources: vec!["*".into()],
            },
            Statement {
                purpose: "manage the security group".into(),
                actions: vec!["ec2:AuthorizeSecurityGroupIngress".into(), "ec2:RevokeSecurityGroupIngress".into()],
                resources: vec![arn::regional(rollout, "ec2", "security-group/*")],
            },
        ]
    }

    async fn probe(&self, context: &ReadContext<'_>) -> Result<Presence, Failure> {
        let rollout = context.rollout();
        let Some(group) = security_group::look(context).await? else {
            return Ok(Presence::Absent);
        };
        if !tags::are_ours(&group.tags, rollout) {
            return Ok(Presence::Foreign(tags::whose(
                &format!("security group {}", names::security_group(rollout)),
                &group.tags,
                rollout,
            )));
        }
        let present: BTreeSet<IngressRule> =
            group.ingress.into_iter().filter(|rule| has_our_form(rollout, rule)).collect();
        if present.is_empty() {
            return Ok(Presence::Absent);
        }
        // Rules that are not ours are for `verify` to refuse: here they would keep a rollback from seeing ours.
        let missing: Vec<String> = match self.wanted(rollout, context.facts) {
            Ok(wanted) => wanted.difference(&present).map(describe).collect(),
            Err(_) => Vec::new(),
        };
        Ok(Presence::Ours(if missing.is_empty() {
            Condition::Usable
        } else {
            Condition::Broken(format!("it lacks {}", missing.join("; ")))
        }))
    }

    async fn apply(&self, context: &WriteContext<'_>, permit: &ApplyPermit) -> Result<(), WriteFailure> {
        let missing = |fact: MissingFact| WriteFailure::clean(fact.into());
        let group = self.0.group.text(context.read.facts).map_err(missing)?;
        let rules = self.wanted(context.read.rollout(), context.read.facts).map_err(missing)?;
        context.ports.cloud.authorize(permit, &group, &Vec::from_iter(rules)).await
    }

    async fn settle(&self, context: &ReadContext<'_>) -> Result<Facts, Failure> {
        let wanted = self.wanted(context.rollout(), context.facts)?;
        let wait = UntilVisible::new(&*context.ports.clock, "the ingress rule");
        loop {
            let seen = security_group::look(context).await.map(|group| {
                let present: BTreeSet<IngressRule> =
                    group.map(|group| group.ingress.into_iter().collect()).unwrap_or_default();
                wanted.is_subset(&present).then_some(())
            });
            if wait.over(seen).await?.is_some() {
                return Ok(Facts::new());
            }
        }
    }

    async fn verify(&self, context: &ReadContext<'_>, _: &Facts) -> Result<Vec<Measurement>, Failure> {
        let rollout = context.rollout();
        let name = names::security_group(rollout);
        let wanted = self.wanted(rollout, context.facts)?;
        let Some(group) = security_group::look(context).await? else {
            let summary = format!("the security group {name} is gone");
            return Ok(vec![measurement(Verdict::Abort, &name, summary, serde_json::Value::Null)]);
        };
        let present: BTreeSet<IngressRule> = group.ingress.into_iter().collect();
        let missing: Vec<String> = wanted.difference(&present).map(describe).collect();
        let extra: Vec<String> = present.difference(&wanted).map(describe).collect();
        let data = serde_json::json!({ "rules": present, "missing": missing, "not_ours": extra });
        let (verdict, summary) = if !extra.is_empty() {
            let extra = extra.join("; ");
            (
                Verdict::Abort,
                format!(
                    "{name} also admits what this rollout did not ask for: {extra}. Revoke that rule, then run the phase again"
                ),
            )
        } else if !missing.is_empty() {
            (Verdict::Abort, format!("{name} does not admit {}", missing.join("; ")))
        } else {
            let rules: Vec<String> = present.iter().map(describe).collect();
            (Verdict::Pass, format!("{name} admits {} and nothing else", rules.join("; ")))
        };
        Ok(vec![measurement(verdict, group.id, summary, data)])
    }

    async fn undo(&self, context: &WriteContext<'_>, permit: &UndoPermit) -> Result<(), WriteFailure> {
        let rollout = context.read.rollout();
        let Some(group) = security_group::look(context.read).await.map_err(WriteFailure::clean)? else {
            return Ok(());
        };
        if !tags::are_ours(&group.tags, rollout) {
            return Ok(());
        }
        let ours: Vec<IngressRule> = group.ingress.into_iter().filter(|rule| has_our_form(rollout, rule)).collect();
        if ours.is_empty() {
            return Ok(());
        }
        context.ports.cloud.revoke(permit, &group.id, &ours).await
    }
}
