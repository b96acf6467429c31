//! AWS, written: what each answer means, and that nobody asks twice.

use migrate::core::FailureClass::{self, Denied, Permanent, Throttled, Transient};
use migrate::core::Outcome::{self, Clean, Unknown};
use migrate::core::Secret;
use migrate::ports::{
    IngressRule, NetworkWrite, NewReplicationGroup, NewSecurityGroup, NewSubnetGroup, ReplicationGroupStatus,
    RuleSource, StoreRead, StoreWrite, Tags, WriteFailure,
};

use crate::support::aws_server::{
    AwsServer, OURS, Reply, described, ec2_answer, ec2_error, listed, open_at, query_answer, query_error,
};
use crate::support::permits::{apply, undo};
use crate::support::process::CLOSED_PORT;

fn tags() -> Tags {
    [("migrate:rollout".to_owned(), "chatmrpt-sessions".to_owned())].into()
}

fn new_group() -> NewReplicationGroup {
    NewReplicationGroup {
        id: "chatmrpt-sessions".into(),
        engine: "redis".into(),
        engine_version: "7.1".into(),
        node_type: "cache.t4g.small".into(),
        replicas: 1,
        port: 6379,
        encrypt_in_transit: true,
        token: Some(Secret::new("a-secret-token".into())),
        subnet_group: "chatmrpt-sessions".into(),
        security_group: "sg-1".into(),
        tags: tags(),
    }
}

async fn create(reply: Reply) -> (Result<(), WriteFailure>, usize) {
    let server = AwsServer::start([reply]);
    let (cloud, _) = server.open().await;
    let outcome = cloud.create_replication_group(&apply(), &new_group()).await;
    (outcome, server.requests().len())
}

#[tokio::test]
async fn a_failed_write_says_what_it_may_have_left_and_is_sent_once() {
    let cases: [(Reply, FailureClass, Outcome); 16] = [
        (query_error(400, "Throttling"), Throttled, Clean),
        (query_error(503, "RequestLimitExceeded"), Throttled, Clean),
        (query_error(403, "AccessDenied"), Denied, Clean),
        (query_error(403, "ExpiredToken"), Permanent, Clean),
        (query_error(403, "InvalidClientTokenId"), Permanent, Clean),
        (query_error(400, "InvalidParameterValue"), Permanent, Clean),
        (query_error(400, "InvalidReplicationGroupState"), Transient, Clean),
        (query_error(400, "InvalidCacheSecurityGroupState"), Transient, Clean),
        (query_error(400, "ReplicationGroupAlreadyExists"), Transient, Unknown),
        (query_error(500, "InternalFailure"), Transient, Unknown),
        (query_error(503, "ServiceUnavailable"), Transient, Unknown),
        (Reply::Answer(403, "<html>forbidden by a proxy".into()), Permanent, Unknown),
        (Reply::Answer(502, "<html>bad gateway".into()), Transient, Unknown),
        (Reply::Answer(200, "<CreateReplicationGroupResponse><garb".into()), Transient, Unknown),
        (Reply::Answer(200, String::new()), Transient, Unknown),
        (Reply::Lost, Transient, Unknown),
    ];
    for (index, (reply, class, outcome)) in cases.into_iter().enumerate() {
        let (result, requests) = create(reply).await;
        let failure = result.expect_err("a failure");
        assert_eq!((failure.failure.class, failure.outcome), (class, outcome), "case {index}: {failure}");
        assert_eq!(requests, 1, "case {index}: {failure}");
        assert!(failure.failure.message.contains("CreateReplicationGroup"), "case {index}: {failure}");
        assert!(!format!("{failure:?}").contains("secret"), "case {index}: {failure:?}");
        if class == Denied {
            assert!(failure.failure.hint.is_some_and(|hint| hint.contains("migrate permissions")));
        }
    }
}

#[tokio::test]
async fn a_request_that_never_left_is_clean() {
    let (cloud, _) = open_at(&format!("http://127.0.0.1:{CLOSED_PORT}")).await;
    let failure = cloud.create_replication_group(&apply(), &new_group()).await.expect_err("nobody there");
    assert_eq!((failure.failure.class, failure.outcome), (Transient, Clean), "{failure}");
    let (cloud, _) = open_at("http://no-such-host.invalid").await;
    let failure = cloud.create_replication_group(&apply(), &new_group()).await.expect_err("no such name");
    assert_eq!((failure.failure.class, failure.outcome), (Transient, Clean), "{failure}");
}

#[tokio::test]
async fn a_silent_aws_is_given_up_in_time_and_may_have_acted() {
    let silent = std::net::TcpListener::bind(("127.0.0.1", 0)).expect("a port");
    let (cloud, _) = open_at(&format!("http://{}", silent.local_addr().expect("address"))).await;
    let started = std::time::Instant::now();
    let failure = cloud.create_replication_group(&apply(), &new_group()).await.expect_err("silence");
    assert_eq!((failure.failure.class, failure.outcome), (Transient, Unknown), "{failure}");
    assert!(started.elapsed().as_secs() < 20, "{:?}", started.elapsed());
}

#[tokio::test]
async fn a_replication_group_is_asked_for_as_the_rollout_says() {
    let server = AwsServer::start([query_answer("CreateReplicationGroup", "<ReplicationGroup/>")]);
    let (cloud, _) = server.open().await;
    cloud.create_replication_group(&apply(), &new_group()).await.expect("created");
    let request = server.requests().concat();
    for part in [
        "NumCacheClusters=2",
        "AutomaticFailoverEnabled=true",
        "MultiAZEnabled=true",
        "TransitEncryptionEnabled=true",
        "AtRestEncryptionEnabled=true",
        "SnapshotRetentionLimit=0",
        "AuthToken=a-secret-token",
        "Port=6379",
        "Tags.Tag.1.Key=migrate%3Arollout",
        "CacheSubnetGroupName=chatmrpt-sessions",
    ] {
        assert!(request.contains(part), "{part} in {request}");
    }
    assert!(request.contains("Description=created"), "{request}");
}

#[tokio::test]
async fn a_replication_group_is_recognised_in_every_state() {
    let server = AwsServer::start([described("available", OURS), listed("chatmrpt-sessions")]);
    let group = server.open().await.0.replication_group("g").await.expect("an answer").expect("a group");
    assert_eq!((group.status, &group.tags), (ReplicationGroupStatus::Available, &tags()));
    assert_eq!(group.endpoint.map(|endpoint| endpoint.to_string()).as_deref(), Some("g.cache.example:6379"));
    assert!(group.encrypted_in_transit && group.token_required);
    // ElastiCache shows no tags now; the description has them.
    for (state, status) in [
        ("creating", ReplicationGroupStatus::Settling("creating".into())),
        ("deleting", ReplicationGroupStatus::Deleting),
        ("create-failed", ReplicationGroupStatus::Failed("create-failed".into())),
    ] {
        let server = AwsServer::start([described(state, OURS)]);
        let group = server.open().await.0.replication_group("g").await.expect("an answer").expect("a group");
        assert_eq!((group.status, &group.tags), (status, &tags()));
    }
    // Somebody else's, being created: no tags can be had, and that is not an error.
    let server = AwsServer::start([described("creating", "theirs"), query_error(400, "InvalidReplicationGroupState")]);
    let group = server.open().await.0.replication_group("g").await.expect("an answer").expect("a group");
    assert!(group.tags.is_empty());
    let server = AwsServer::start([query_error(404, "ReplicationGroupNotFoundFault")]);
    assert_eq!(server.open().await.0.replication_group("g").await.expect("an answer"), None);
}

#[tokio::test]
async fn deleting_what_is_gone_is_success() {
    let server = AwsServer::start([
        query_error(404, "ReplicationGroupNotFoundFault"),
        query_error(400, "CacheSubnetGroupNotFoundFault"),
        ec2_error(400, "InvalidGroup.NotFound"),
        ec2_error(400, "InvalidPermission.NotFound"),
        // Already on its way out: seen by looking again.
        query_error(400, "InvalidReplicationGroupState"),
        described("deleting", OURS),
    ]);
    let (cloud, _) = server.open().await;
    cloud.delete_replication_group(&undo(), "g").await.expect("gone");
    cloud.delete_subnet_group(&undo(), "g").await.expect("gone");
    cloud.delete_security_group(&undo(), "sg-1").await.expect("gone");
    cloud.revoke(&undo(), "sg-1", &[rule("sg-2")]).await.expect("gone");
    cloud.delete_replication_group(&undo(), "g").await.expect("going");
    let requests = server.requests();
    assert_eq!(requests.len(), 6);
    assert!(
        requests[0].contains("RetainPrimaryCluster=false") && !requests[0].contains("FinalSnapshot"),
        "{}",
        requests[0]
    );
}

#[tokio::test]
async fn what_is_still_in_use_is_waited_for() {
    let server = AwsServer::start([
        ec2_error(400, "DependencyViolation"),
        query_error(400, "CacheSubnetGroupInUse"),
        query_error(400, "InvalidReplicationGroupState"),
        described("creating", OURS),
    ]);
    let (cloud, _) = server.open().await;
    for failure in [
        cloud.delete_security_group(&undo(), "sg-1").await.expect_err("in use"),
        cloud.delete_subnet_group(&undo(), "g").await.expect_err("in use"),
        cloud.delete_replication_group(&undo(), "g").await.expect_err("being created"),
    ] {
        assert_eq!((failure.failure.class, failure.outcome), (Transient, Clean), "{failure}");
    }
}

fn rule(group: &str) -> IngressRule {
    IngressRule { protocol: "tcp".into(), ports: Some((6379, 6379)), source: RuleSource::Group(group.into()) }
}

#[tokio::test]
async fn a_rule_that_exists_does_not_stop_the_next_and_a_refusal_after_one_is_not_clean() {
    let ok = || ec2_answer("AuthorizeSecurityGroupIngress", "<return>true</return>");
    let server = AwsServer::start([ec2_error(400, "InvalidPermission.Duplicate"), ok()]);
    server.open().await.0.authorize(&apply(), "sg-1", &[rule("sg-2"), rule("sg-3")]).await.expect("authorized");
    assert_eq!(server.requests().len(), 2);
    assert!(server.requests()[1].contains("Groups.1.GroupId=sg-3"), "{:?}", server.requests());
    let server = AwsServer::start([ok(), ec2_error(403, "UnauthorizedOperation")]);
    let rules = [rule("sg-2"), rule("sg-3")];
    let failure = server.open().await.0.authorize(&apply(), "sg-1", &rules).await.expect_err("refused");
    assert_eq!((failure.failure.class, failure.outcome), (Denied, Unknown), "{failure}");
}

#[tokio::test]
async fn created_things_are_tagged_in_the_call_that_creates_them() {
    let server = AwsServer::start([
        ec2_answer("CreateSecurityGroup", "<groupId>sg-1</groupId>"),
        query_answer("CreateCacheSubnetGroup", "<CacheSubnetGroup/>"),
    ]);
    let (cloud, _) = server.open().await;
    let group = NewSecurityGroup { name: "g".into(), vpc: "vpc-1".into(), tags: tags() };
    cloud.create_security_group(&apply(), &group).await.expect("created");
    let group = NewSubnetGroup { name: "g".into(), subnets: vec!["subnet-1".into()], tags: tags() };
    cloud.create_subnet_group(&apply(), &group).await.expect("created");
    let requests = server.requests();
    assert!(requests[0].contains("TagSpecification.1.ResourceType=security-group"), "{}", requests[0]);
    assert!(requests[0].contains("migrate%3Arollout") && requests[1].contains("migrate%3Arollout"));
}
