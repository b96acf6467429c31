//! ElastiCache, written: the subnet group and the replication group.

use async_trait::async_trait;
use aws_sdk_elasticache::Client;
use aws_sdk_elasticache::types::Tag;

use super::{AwsCloud, classify, description, elasticache};
use crate::core::{ApplyPermit, Failure, UndoPermit};
use crate::ports::{NewReplicationGroup, NewSubnetGroup, ReplicationGroupStatus, StoreWrite, Tags, WriteFailure};

#[async_trait]
impl StoreWrite for AwsCloud {
    /// <https://docs.aws.amazon.com/AmazonElastiCache/latest/APIReference/API_CreateCacheSubnetGroup.html>
    async fn create_subnet_group(&self, _: &ApplyPermit, new: &NewSubnetGroup) -> Result<(), WriteFailure> {
        self.cache
            .create_cache_subnet_group()
            .cache_subnet_group_name(&new.name)
            .cache_subnet_group_description(description::write(&new.tags))
            .set_subnet_ids(Some(new.subnets.clone()))
            .set_tags(Some(sdk_tags(&new.tags)))
            .send()
            .await
            .map(drop)
            .map_err(|error| classify::write("elasticache:CreateCacheSubnetGroup", &error))
    }

    /// Absent is success.
    /// <https://docs.aws.amazon.com/AmazonElastiCache/latest/APIReference/API_DeleteCacheSubnetGroup.html>
    async fn delete_subnet_group(&self, _: &UndoPermit, name: &str) -> Result<(), WriteFailure> {
        match self.cache.delete_cache_subnet_group().cache_subnet_group_name(name).send().await {
            Ok(_) => Ok(()),
            Err(error) if classify::has_code(&error, &elasticache::NO_SUBNET_GROUP) => Ok(()),
            Err(error) => Err(classify::write("elasticache:DeleteCacheSubnetGroup", &error)),
        }
    }

    /// No snapshots: sessions are worth nothing a day later, and a forgotten snapshot costs money.
    /// <https://docs.aws.amazon.com/AmazonElastiCache/latest/APIReference/API_CreateReplicationGroup.html>
    async fn create_replication_group(&self, _: &ApplyPermit, new: &NewReplicationGroup) -> Result<(), WriteFailure> {
        let call = "elasticache:CreateReplicationGroup";
        let nodes = i32::try_from(new.replicas.saturating_add(1)).map_err(|_| {
            WriteFailure::clean(Failure::permanent(format!("{call}: {} replicas are too many", new.replicas)))
        })?;
        self.cache
            .create_replication_group()
            .replication_group_id(&new.id)
            .replication_group_description(description::write(&new.tags))
            .engine(&new.engine)
            .engine_version(&new.engine_version)
            .cache_node_type(&new.node_type)
            .num_cache_clusters(nodes)
            .automatic_failover_enabled(new.replicas > 0)
            .multi_az_enabled(new.replicas > 0)
            .port(i32::from(new.port))
            .transit_encryption_enabled(new.encrypt_in_transit)
            .at_rest_encryption_enabled(true)
            .set_auth_token(new.token.as_ref().map(|token| token.expose().to_owned()))
            .cache_subnet_group_name(&new.subnet_group)
            .security_group_ids(&new.security_group)
            .snapshot_retention_limit(0)
            .set_tags(Some(sdk_tags(&new.tags)))
            .send()
            .await
            .map(drop)
            .map_err(|error| classify::write(call, &error))
    }

    /// No final snapshot, no primary retained. Absent or already deleting is success.
    /// <https://docs.aws.amazon.com/AmazonElastiCache/latest/APIReference/API_DeleteReplicationGroup.html>
    async fn delete_replication_group(&self, _: &UndoPermit, id: &str) -> Result<(), WriteFailure> {
        match self.cache.delete_replication_group().replication_group_id(id).retain_primary_cluster(false).send().await
        {
            Ok(_) => Ok(()),
            Err(error) if classify::has_code(&error, &elasticache::NO_REPLICATION_GROUP) => Ok(()),
            Err(error) => {
                let failure = classify::write("elasticache:DeleteReplicationGroup", &error);
                let state = ["InvalidReplicationGroupState", "InvalidReplicationGroupStateFault"];
                if classify::has_code(&error, &state) && is_on_its_way_out(&self.cache, id).await {
                    Ok(())
                } else {
                    Err(failure)
                }
            }
        }
    }
}

fn sdk_tags(tags: &Tags) -> Vec<Tag> {
    tags.iter().map(|(key, value)| Tag::builder().key(key).value(value).build()).collect()
}

/// "Invalid state" says not which: a group that is being deleted needs nothing more from us.
async fn is_on_its_way_out(cache: &Client, id: &str) -> bool {
    match elasticache::describe(cache, id).await {
        Ok(Some(group)) => elasticache::status(group.status().unwrap_or_default()) == ReplicationGroupStatus::Deleting,
        Ok(None) => true,
        Err(_) => false,
    }
}
