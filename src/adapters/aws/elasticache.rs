//! ElastiCache, read: replication groups, subnet groups, and their tags.

use async_trait::async_trait;
use aws_sdk_elasticache::Client;
use aws_sdk_elasticache::types::{CacheSubnetGroup, ReplicationGroup};

use super::{AwsCloud, classify, description};
use crate::core::Failure;
use crate::ports::{Endpoint, ReplicationGroupFacts, ReplicationGroupStatus, StoreRead, SubnetGroupFacts, Tags};

#[async_trait]
impl StoreRead for AwsCloud {
    /// A cache subnet group with its tags.
    /// <https://docs.aws.amazon.com/AmazonElastiCache/latest/APIReference/API_DescribeCacheSubnetGroups.html>
    async fn subnet_group(&self, name: &str) -> Result<Option<SubnetGroupFacts>, Failure> {
        let found = match self.cache.describe_cache_subnet_groups().cache_subnet_group_name(name).send().await {
            Ok(answer) => answer.cache_subnet_groups.unwrap_or_default().into_iter().next(),
            Err(error) if classify::has_code(&error, &NO_SUBNET_GROUP) => None,
            Err(error) => return Err(classify::read("elasticache:DescribeCacheSubnetGroups", &error)),
        };
        let Some(group) = found else { return Ok(None) };
        let arn = arn(group.arn(), "DescribeCacheSubnetGroups", name)?;
        // Gone between the two calls.
        let Some(tags) = tags_of(&self.cache, &arn).await? else { return Ok(None) };
        let mut subnets: Vec<String> =
            group.subnets().iter().filter_map(|subnet| subnet.subnet_identifier()).map(str::to_owned).collect();
        subnets.sort();
        Ok(Some(SubnetGroupFacts { arn, vpc: group.vpc_id().unwrap_or_default().to_owned(), subnets, tags }))
    }

    /// A replication group with its tags.
    async fn replication_group(&self, id: &str) -> Result<Option<ReplicationGroupFacts>, Failure> {
        let Some(group) = describe(&self.cache, id).await? else { return Ok(None) };
        let tags = group_tags(&self.cache, &group).await?;
        Ok(Some(ReplicationGroupFacts {
            arn: arn(group.arn(), "DescribeReplicationGroups", id)?,
            status: status(group.status().unwrap_or_default()),
            endpoint: endpoint(&group),
            encrypted_in_transit: group.transit_encryption_enabled().unwrap_or(false),
            token_required: group.auth_token_enabled().unwrap_or(false),
            node_type: group.cache_node_type().unwrap_or_default().to_owned(),
            tags,
        }))
    }
}

pub(super) const NO_REPLICATION_GROUP: [&str; 2] = ["ReplicationGroupNotFoundFault", "ReplicationGroupNotFound"];
pub(super) const NO_SUBNET_GROUP: [&str; 2] = ["CacheSubnetGroupNotFoundFault", "CacheSubnetGroupNotFound"];

/// What ListTagsForResource answers for a group whose tags it does not show now, or that has just gone.
const TAGS_HIDDEN: [&str; 9] = [
    "InvalidReplicationGroupState",
    "InvalidReplicationGroupStateFault",
    "InvalidCacheClusterState",
    "InvalidCacheClusterStateFault",
    "CacheClusterNotFound",
    "ReplicationGroupNotFoundFault",
    "ReplicationGroupNotFound",
    "CacheSubnetGroupNotFoundFault",
    "CacheSubnetGroupNotFound",
];

/// <https://docs.aws.amazon.com/AmazonElastiCache/latest/APIReference/API_DescribeReplicationGroups.html>
pub(super) async fn describe(cache: &Client, id: &str) -> Result<Option<ReplicationGroup>, Failure> {
    match cache.describe_replication_groups().replication_group_id(id).send().await {
        Ok(answer) => Ok(answer.replication_groups.unwrap_or_default().into_iter().next()),
        Err(error) if classify::has_code(&error, &NO_REPLICATION_GROUP) => Ok(None),
        Err(error) => Err(classify::read("elasticache:DescribeReplicationGroups", &error)),
    }
}

fn arn(arn: Option<&str>, call: &str, name: &str) -> Result<String, Failure> {
    arn.map(str::to_owned)
        .ok_or_else(|| Failure::transient(format!("elasticache:{call}: the answer has no ARN for `{name}`")))
}

/// `creating`, `available`, `modifying`, `deleting`, `create-failed`, `snapshotting`: the API page's list.
pub(super) fn status(status: &str) -> ReplicationGroupStatus {
    match status {
        "available" => ReplicationGroupStatus::Available,
        "deleting" | "deleted" => ReplicationGroupStatus::Deleting,
        failed if failed.ends_with("failed") => ReplicationGroupStatus::Failed(failed.to_owned()),
        other => ReplicationGroupStatus::Settling(other.to_owned()),
    }
}

/// The primary's, or the configuration endpoint of a group in cluster mode.
fn endpoint(group: &ReplicationGroup) -> Option<Endpoint> {
    let primary = group.node_groups().iter().find_map(|node_group| node_group.primary_endpoint());
    let endpoint = primary.or(group.configuration_endpoint())?;
    Some(Endpoint { host: endpoint.address()?.to_owned(), port: u16::try_from(endpoint.port()?).ok()? })
}

/// The group's tags, or, while ElastiCache does not show them, the ones its description repeats.
pub(super) async fn group_tags(cache: &Client, group: &ReplicationGroup) -> Result<Tags, Failure> {
    let noted = description::read(group.description().unwrap_or_default());
    if status(group.status().unwrap_or_default()) != ReplicationGroupStatus::Available && !noted.is_empty() {
        return Ok(noted);
    }
    let Some(arn) = group.arn() else { return Ok(noted) };
    Ok(tags_of(cache, arn).await?.unwrap_or(noted))
}

/// <https://docs.aws.amazon.com/AmazonElastiCache/latest/APIReference/API_ListTagsForResource.html>; `None` when
/// ElastiCache does not show them in the resource's present state.
async fn tags_of(cache: &Client, arn: &str) -> Result<Option<Tags>, Failure> {
    match cache.list_tags_for_resource().resource_name(arn).send().await {
        Ok(answer) => Ok(Some(
            answer
                .tag_list
                .unwrap_or_default()
                .into_iter()
                .filter_map(|tag| Some((tag.key?, tag.value.unwrap_or_default())))
                .collect(),
        )),
        Err(error) if classify::has_code(&error, &TAGS_HIDDEN) => Ok(None),
        Err(error) => Err(classify::read("elasticache:ListTagsForResource", &error)),
    }
}

/// Every replication group of the region.
pub(super) async fn all_replication_groups(cache: &Client) -> Result<Vec<ReplicationGroup>, Failure> {
    let mut found = Vec::new();
    let mut pages = cache.describe_replication_groups().into_paginator().send();
    while let Some(page) = pages.next().await {
        let page = page.map_err(|error| classify::read("elasticache:DescribeReplicationGroups", &error))?;
        found.extend(page.replication_groups.unwrap_or_default());
    }
    Ok(found)
}

/// Every cache subnet group of the region, with its tags.
pub(super) async fn all_subnet_groups(cache: &Client) -> Result<Vec<(CacheSubnetGroup, Tags)>, Failure> {
    let mut found = Vec::new();
    let mut pages = cache.describe_cache_subnet_groups().into_paginator().send();
    while let Some(page) = pages.next().await {
        let page = page.map_err(|error| classify::read("elasticache:DescribeCacheSubnetGroups", &error))?;
        found.extend(page.cache_subnet_groups.unwrap_or_default());
    }
    let mut tagged = Vec::with_capacity(found.len());
    for group in found {
        // Without an ARN (the default group of an old account) there are no tags, and it is not ours.
        let Some(arn) = group.arn() else { continue };
        let tags = tags_of(cache, arn).await?.unwrap_or_default();
        tagged.push((group, tags));
    }
    Ok(tagged)
}
