//! EC2, written: the security group and its rules.

use async_trait::async_trait;
use aws_sdk_ec2::types::{
    IpPermission, IpRange, Ipv6Range, PrefixListId, ResourceType, Tag, TagSpecification, UserIdGroupPair,
};

use super::{AwsCloud, classify};
use crate::core::{ApplyPermit, Outcome, UndoPermit};
use crate::ports::{IngressRule, NetworkWrite, NewSecurityGroup, RuleSource, WriteFailure};

#[async_trait]
impl NetworkWrite for AwsCloud {
    /// The group is tagged in the same call that creates it: it never exists without our tags.
    /// <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateSecurityGroup.html>
    async fn create_security_group(&self, _: &ApplyPermit, new: &NewSecurityGroup) -> Result<(), WriteFailure> {
        let description = format!("Session store of rollout {}, created by migrate", self.rollout);
        let tags = new.tags.iter().map(|(key, value)| Tag::builder().key(key).value(value).build()).collect();
        let specification =
            TagSpecification::builder().resource_type(ResourceType::SecurityGroup).set_tags(Some(tags)).build();
        self.ec2
            .create_security_group()
            .group_name(&new.name)
            .vpc_id(&new.vpc)
            .description(description)
            .tag_specifications(specification)
            .send()
            .await
            .map(drop)
            .map_err(|error| classify::write("ec2:CreateSecurityGroup", &error))
    }

    /// Absent is success.
    /// <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DeleteSecurityGroup.html>
    async fn delete_security_group(&self, _: &UndoPermit, id: &str) -> Result<(), WriteFailure> {
        match self.ec2.delete_security_group().group_id(id).send().await {
            Ok(_) => Ok(()),
            Err(error) if classify::has_code(&error, &["InvalidGroup.NotFound"]) => Ok(()),
            Err(error) => Err(classify::write("ec2:DeleteSecurityGroup", &error)),
        }
    }

    /// One call a rule: a rule that exists fails the whole call, and the others would be left out.
    /// <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_AuthorizeSecurityGroupIngress.html>
    async fn authorize(&self, _: &ApplyPermit, group: &str, rules: &[IngressRule]) -> Result<(), WriteFailure> {
        for (done, rule) in rules.iter().enumerate() {
            let request = self.ec2.authorize_security_group_ingress().group_id(group).ip_permissions(permission(rule));
            match request.send().await {
                Ok(_) => {}
                Err(error) if classify::has_code(&error, &["InvalidPermission.Duplicate"]) => {}
                Err(error) => {
                    return Err(after(done, classify::write("ec2:AuthorizeSecurityGroupIngress", &error)));
                }
            }
        }
        Ok(())
    }

    /// One call a rule, for the same reason.
    /// <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_RevokeSecurityGroupIngress.html>
    async fn revoke(&self, _: &UndoPermit, group: &str, rules: &[IngressRule]) -> Result<(), WriteFailure> {
        for (done, rule) in rules.iter().enumerate() {
            let request = self.ec2.revoke_security_group_ingress().group_id(group).ip_permissions(permission(rule));
            match request.send().await {
                Ok(_) => {}
                Err(error) if classify::has_code(&error, &["InvalidPermission.NotFound", "InvalidGroup.NotFound"]) => {}
                Err(error) => return Err(after(done, classify::write("ec2:RevokeSecurityGroupIngress", &error))),
            }
        }
        Ok(())
    }
}

/// A refusal after an earlier rule went through is no longer clean.
fn after(done: usize, failure: WriteFailure) -> WriteFailure {
    if done == 0 { failure } else { WriteFailure { outcome: Outcome::Unknown, ..failure } }
}

fn permission(rule: &IngressRule) -> IpPermission {
    let permission = IpPermission::builder()
        .ip_protocol(&rule.protocol)
        .set_from_port(rule.ports.map(|(first, _)| i32::from(first)))
        .set_to_port(rule.ports.map(|(_, last)| i32::from(last)));
    let permission = match &rule.source {
        RuleSource::Group(id) => permission.user_id_group_pairs(UserIdGroupPair::builder().group_id(id).build()),
        RuleSource::Range(list) if list.starts_with("pl-") => {
            permission.prefix_list_ids(PrefixListId::builder().prefix_list_id(list).build())
        }
        RuleSource::Range(range) if range.contains(':') => {
            permission.ipv6_ranges(Ipv6Range::builder().cidr_ipv6(range).build())
        }
        RuleSource::Range(range) => permission.ip_ranges(IpRange::builder().cidr_ip(range).build()),
    };
    permission.build()
}
