//! EC2, read: instances, subnets, security groups, and the dry run.

use async_trait::async_trait;
use aws_sdk_ec2::Client;
use aws_sdk_ec2::types::{Filter, Instance, IpPermission, SecurityGroup};

use super::{AwsCloud, classify};
use crate::core::{Failure, Permission, rollout::InstanceSelector};
use crate::ports::{IngressRule, InstanceFacts, NetworkRead, RuleSource, SecurityGroupFacts, SubnetFacts, Tags};

#[async_trait]
impl NetworkRead for AwsCloud {
    /// EC2 CreateSecurityGroup with DryRun: AWS always answers with an error, which says what would have happened.
    /// <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateSecurityGroup.html>
    async fn dry_run_create_security_group(&self, vpc: &str) -> Result<Permission, Failure> {
        let answer = self
            .ec2
            .create_security_group()
            .dry_run(true)
            .group_name("migrate-dry-run")
            .description("dry run of migrate, never created")
            .vpc_id(vpc)
            .send()
            .await;
        match answer {
            // AWS never answers a dry run with success; a stand-in that does has not understood the question.
            Ok(_) => Ok(Permission::Unknown),
            Err(error) if classify::has_code(&error, &["DryRunOperation"]) => Ok(Permission::Allowed),
            Err(error) if classify::has_code(&error, &["UnauthorizedOperation"]) => Ok(Permission::Denied),
            Err(error) => {
                let failure = classify::read("ec2:CreateSecurityGroup (dry run)", &error);
                let answered = classify::code(&error).is_some();
                // Bad credentials carry a hint; they are a failure to ask, not an answer.
                if answered && !failure.class.is_retryable() && failure.hint.is_none() {
                    Ok(Permission::Unknown)
                } else {
                    Err(failure)
                }
            }
        }
    }

    /// An instance that is not terminated, by id or by the value of its Name tag.
    /// <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeInstances.html>
    async fn instance(&self, selector: &InstanceSelector) -> Result<Option<InstanceFacts>, Failure> {
        let call = "ec2:DescribeInstances";
        let request = self.ec2.describe_instances();
        let request = if selector.is_id() {
            request.instance_ids(selector.as_str())
        } else {
            request.filters(filter("tag:Name", &literal(selector.as_str())))
        };
        let mut found: Vec<Instance> = Vec::new();
        let mut pages = request.into_paginator().send();
        while let Some(page) = pages.next().await {
            let page = match page {
                Ok(page) => page,
                Err(error)
                    if classify::has_code(&error, &["InvalidInstanceID.NotFound", "InvalidInstanceID.Malformed"]) =>
                {
                    return Ok(None);
                }
                Err(error) => return Err(classify::read(call, &error)),
            };
            found.extend(
                page.reservations.unwrap_or_default().into_iter().flat_map(|each| each.instances.unwrap_or_default()),
            );
        }
        // A terminated instance stays visible for an hour, without a network: it is gone.
        found.retain(|instance| state(instance) != "terminated");
        match found.as_slice() {
            [] => Ok(None),
            [one] => facts(one).map(Some),
            several => {
                let ids: Vec<&str> = several.iter().filter_map(Instance::instance_id).collect();
                Err(Failure::permanent(format!("`{selector}` is the Name of several instances: {}", ids.join(", ")))
                    .hint("write the instance's id into rollout.yaml instead"))
            }
        }
    }

    /// Every subnet of a VPC, by id.
    /// <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeSubnets.html>
    async fn subnets(&self, vpc: &str) -> Result<Vec<SubnetFacts>, Failure> {
        let mut subnets = Vec::new();
        let mut pages = self.ec2.describe_subnets().filters(filter("vpc-id", vpc)).into_paginator().send();
        while let Some(page) = pages.next().await {
            let page = page.map_err(|error| classify::read("ec2:DescribeSubnets", &error))?;
            subnets.extend(
                page.subnets
                    .unwrap_or_default()
                    .into_iter()
                    .filter_map(|subnet| Some(SubnetFacts { id: subnet.subnet_id?, zone: subnet.availability_zone? })),
            );
        }
        subnets.sort_by(|a, b| a.id.cmp(&b.id));
        Ok(subnets)
    }

    /// A security group by name, in any VPC.
    async fn security_group(&self, name: &str) -> Result<Option<SecurityGroupFacts>, Failure> {
        let found = security_groups(&self.ec2, filter("group-name", &literal(name))).await?;
        match found.as_slice() {
            [] => Ok(None),
            [one] => Ok(Some(group_facts(one))),
            several => {
                let ids: Vec<&str> = several.iter().filter_map(SecurityGroup::group_id).collect();
                Err(Failure::permanent(format!("several security groups are called `{name}`: {}", ids.join(", ")))
                    .hint("rename or delete the ones that are not this rollout's"))
            }
        }
    }
}

fn state(instance: &Instance) -> &str {
    instance.state().and_then(|state| state.name()).map_or("unknown", |name| name.as_str())
}

fn facts(instance: &Instance) -> Result<InstanceFacts, Failure> {
    let id = instance.instance_id().unwrap_or("an instance without an id");
    let wanted = |value: Option<&str>, what: &str| {
        value.map(str::to_owned).ok_or_else(|| Failure::permanent(format!("ec2:DescribeInstances: {id} has no {what}")))
    };
    Ok(InstanceFacts {
        id: wanted(instance.instance_id(), "id")?,
        state: state(instance).to_owned(),
        vpc: wanted(instance.vpc_id(), "VPC")?,
        subnet: wanted(instance.subnet_id(), "subnet")?,
        private_address: wanted(instance.private_ip_address(), "private address")?,
        security_groups: instance
            .security_groups()
            .iter()
            .filter_map(|group| Some((group.group_id()?.to_owned(), group.group_name().unwrap_or_default().to_owned())))
            .collect(),
        tags: tags(instance.tags()),
    })
}

/// Ids of the security groups that carry a tag, sorted.
pub(super) async fn tagged(ec2: &Client, key: &str, value: &str) -> Result<Vec<String>, Failure> {
    let found = security_groups(ec2, filter(&format!("tag:{key}"), &literal(value))).await?;
    let mut ids: Vec<String> = found.into_iter().filter_map(|group| group.group_id).collect();
    ids.sort();
    Ok(ids)
}

/// <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeSecurityGroups.html>
async fn security_groups(ec2: &Client, filter: Filter) -> Result<Vec<SecurityGroup>, Failure> {
    let mut found = Vec::new();
    let mut pages = ec2.describe_security_groups().filters(filter).into_paginator().send();
    while let Some(page) = pages.next().await {
        let page = page.map_err(|error| classify::read("ec2:DescribeSecurityGroups", &error))?;
        found.extend(page.security_groups.unwrap_or_default());
    }
    Ok(found)
}

fn group_facts(group: &SecurityGroup) -> SecurityGroupFacts {
    let mut ingress: Vec<IngressRule> = group.ip_permissions().iter().flat_map(rules).collect();
    ingress.sort();
    SecurityGroupFacts {
        id: group.group_id().unwrap_or_default().to_owned(),
        vpc: group.vpc_id().unwrap_or_default().to_owned(),
        tags: tags(group.tags()),
        ingress,
    }
}

fn tags(tags: &[aws_sdk_ec2::types::Tag]) -> Tags {
    tags.iter().filter_map(|tag| Some((tag.key()?.to_owned(), tag.value().unwrap_or_default().to_owned()))).collect()
}

/// One permission names one protocol and one range of ports for any number of sources.
fn rules(permission: &IpPermission) -> Vec<IngressRule> {
    let port = |number: Option<i32>| number.and_then(|number| u16::try_from(number).ok());
    let ports = port(permission.from_port()).zip(port(permission.to_port()));
    let groups = permission.user_id_group_pairs().iter().filter_map(|pair| pair.group_id()).map(group_source);
    let ranges = permission
        .ip_ranges()
        .iter()
        .filter_map(|range| range.cidr_ip())
        .chain(permission.ipv6_ranges().iter().filter_map(|range| range.cidr_ipv6()))
        .chain(permission.prefix_list_ids().iter().filter_map(|list| list.prefix_list_id()))
        .map(|range| RuleSource::Range(range.to_owned()));
    let protocol = permission.ip_protocol().unwrap_or("-1");
    groups.chain(ranges).map(|source| IngressRule { protocol: protocol.to_owned(), ports, source }).collect()
}

fn group_source(id: &str) -> RuleSource {
    RuleSource::Group(id.to_owned())
}

fn filter(name: &str, value: &str) -> Filter {
    Filter::builder().name(name).values(value).build()
}

/// Filters read `*` and `?` as wildcards: <https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/Using_Filtering.html>
fn literal(value: &str) -> String {
    value.chars().fold(String::with_capacity(value.len()), |mut text, next| {
        if matches!(next, '*' | '?' | '\\') {
            text.push('\\');
        }
        text.push(next);
        text
    })
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_filter_matches_its_value_only() {
        assert_eq!(super::literal(r"web*?\"), r"web\*\?\\");
    }
}
