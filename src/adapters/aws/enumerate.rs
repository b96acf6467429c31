//! What carries a rollout's tag.

use async_trait::async_trait;

use super::{AwsCloud, elasticache, network};
use crate::core::Failure;
use crate::ports::{InventoryRead, ResourceKind, TaggedResource};

#[async_trait]
impl InventoryRead for AwsCloud {
    /// Replication groups, then security groups, then subnet groups: the order in which they can be deleted, since the
    /// first uses the other two. Groups that are being deleted are included: they still hold the others.
    async fn tagged(&self, key: &str, value: &str) -> Result<Vec<TaggedResource>, Failure> {
        let (ec2, cache) = (&self.ec2, &self.cache);
        let resource = |kind: ResourceKind, name: String| TaggedResource { kind, name };
        let mut replication_groups = Vec::new();
        for group in elasticache::all_replication_groups(cache).await? {
            let tags = elasticache::group_tags(cache, &group).await?;
            if tags.get(key).is_some_and(|found| found == value) {
                replication_groups.extend(group.replication_group_id);
            }
        }
        replication_groups.sort();
        let security_groups = network::tagged(ec2, key, value).await?;
        let mut subnet_groups: Vec<String> = elasticache::all_subnet_groups(cache)
            .await?
            .into_iter()
            .filter(|(_, tags)| tags.get(key).is_some_and(|found| found == value))
            .filter_map(|(group, _)| group.cache_subnet_group_name)
            .collect();
        subnet_groups.sort();
        Ok(replication_groups
            .into_iter()
            .map(|name| resource(ResourceKind::ReplicationGroup, name))
            .chain(security_groups.into_iter().map(|name| resource(ResourceKind::SecurityGroup, name)))
            .chain(subnet_groups.into_iter().map(|name| resource(ResourceKind::SubnetGroup, name)))
            .collect())
    }
}
