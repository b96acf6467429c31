//! AWS, read: permissions, instances, what carries the tag, secrets.

use std::process::Command;

use migrate::core::FailureClass::{Denied, Permanent, Transient};
use migrate::core::rollout::CacheAuth;
use migrate::core::{Permission, Statement};
use migrate::ports::{Caller, IdentityRead, InventoryRead, NetworkRead, ResourceKind, SecretSource};

use crate::support::aws_server::{
    AwsServer, OURS, Reply, described, ec2_answer, ec2_error, listed, query_answer, query_error,
};
use crate::support::process::run;

#[tokio::test]
async fn a_dry_run_is_read_from_its_error() {
    for (reply, expected) in [
        (ec2_error(412, "DryRunOperation"), Permission::Allowed),
        (ec2_error(403, "UnauthorizedOperation"), Permission::Denied),
        (ec2_error(400, "InvalidVpcID.NotFound"), Permission::Unknown),
        (ec2_answer("CreateSecurityGroup", "<groupId>sg-1</groupId>"), Permission::Unknown),
    ] {
        let server = AwsServer::start([reply]);
        let answer = server.open().await.0.dry_run_create_security_group("vpc-1").await.expect("an answer");
        assert_eq!(answer, expected);
        assert!(server.requests().concat().contains("DryRun=true"));
    }
    for reply in [Reply::Lost, ec2_error(503, "RequestLimitExceeded"), ec2_error(401, "AuthFailure")] {
        let server = AwsServer::start([reply]);
        server.open().await.0.dry_run_create_security_group("vpc-1").await.expect_err("no answer is not an answer");
    }
}

fn simulated(results: &[(&str, &str)], more: &str) -> Reply {
    let members: String = results
        .iter()
        .map(|(action, decision)| {
            format!(
                "<member><EvalActionName>{action}</EvalActionName><EvalResourceName>*</EvalResourceName><EvalDecision>\
                 {decision}</EvalDecision></member>"
            )
        })
        .collect();
    query_answer("SimulatePrincipalPolicy", &format!("<EvaluationResults>{members}</EvaluationResults>{more}"))
}

fn statement(actions: &[&str], resource: &str) -> Statement {
    let actions = actions.iter().map(|action| (*action).to_owned()).collect();
    Statement { purpose: "Test".into(), actions, resources: vec![resource.to_owned()] }
}

fn role_session() -> Caller {
    Caller { account: "123456789012".into(), arn: "arn:aws:sts::123456789012:assumed-role/deploy/alice".into() }
}

#[tokio::test]
async fn permissions_are_simulated_for_the_role_over_all_pages() {
    let asked = statement(&["ec2:A", "ec2:B", "ec2:C"], "*");
    let server = AwsServer::start([
        simulated(&[("ec2:B", "implicitDeny")], "<IsTruncated>true</IsTruncated><Marker>m</Marker>"),
        simulated(&[("ec2:A", "allowed")], "<IsTruncated>false</IsTruncated>"),
    ]);
    let answers = server.open().await.0.simulate(&role_session(), &asked).await.expect("answers");
    let expected = [Permission::Allowed, Permission::Denied, Permission::Unknown];
    assert_eq!(answers, asked.actions.into_iter().zip(expected).collect::<Vec<_>>());
    assert!(server.requests()[0].contains("arn%3Aaws%3Aiam%3A%3A123456789012%3Arole%2Fdeploy"));
    assert!(server.requests()[1].contains("Marker=m"));
}

#[tokio::test]
async fn a_statement_is_simulated_on_its_resources() {
    let server = AwsServer::start([simulated(&[("ec2:A", "allowed")], "")]);
    let asked = statement(&["ec2:A"], "arn:aws:ec2:us-east-2:*:security-group/*");
    let answers = server.open().await.0.simulate(&role_session(), &asked).await.expect("answers");
    assert_eq!(answers, [("ec2:A".to_owned(), Permission::Allowed)]);
    assert!(server.requests()[0].contains("us-east-2%3A123456789012%3Asecurity-group"), "{:?}", server.requests());
}

#[tokio::test]
async fn a_simulation_that_is_refused_is_unknown_and_a_role_with_a_path_is_found() {
    let asked = statement(&["ec2:A"], "*");
    let server = AwsServer::start([query_error(403, "AccessDenied")]);
    let answers = server.open().await.0.simulate(&role_session(), &asked).await.expect("answers");
    assert_eq!(answers[0].1, Permission::Unknown);
    let role = "<Role><Path>/ops/</Path><RoleName>deploy</RoleName><RoleId>R</RoleId><Arn>arn:aws:iam::123456789012:role/ops/deploy</Arn><CreateDate>2025-01-01T00:00:00Z</CreateDate></Role>";
    let server = AwsServer::start([
        query_error(404, "NoSuchEntity"),
        query_answer("GetRole", role),
        simulated(&[("ec2:A", "explicitDeny")], ""),
    ]);
    let answers = server.open().await.0.simulate(&role_session(), &asked).await.expect("answers");
    assert_eq!(answers[0].1, Permission::Denied);
    assert!(server.requests()[2].contains("role%2Fops%2Fdeploy"));
    let server = AwsServer::start([Reply::Lost]);
    let failure = server.open().await.0.simulate(&role_session(), &asked).await.expect_err("no answer");
    assert_eq!(failure.class, Transient);
}

#[tokio::test]
async fn instances_are_found_by_id_or_by_one_name() {
    let instance = |id: &str, state: &str| {
        format!(
            "<item><instancesSet><item><instanceId>{id}</instanceId><instanceState><name>{state}</name></instanceState>\
             <vpcId>vpc-1</vpcId><subnetId>subnet-1</subnetId><privateIpAddress>10.0.0.1</privateIpAddress><groupSet>\
             <item><groupId>sg-1</groupId><groupName>web</groupName></item></groupSet><tagSet><item>\
             <key>aws:autoscaling:groupName</key><value>web</value></item></tagSet></item></instancesSet></item>"
        )
    };
    let reply = |instances: &[String]| {
        ec2_answer("DescribeInstances", &format!("<reservationSet>{}</reservationSet>", instances.concat()))
    };
    let server = AwsServer::start([
        reply(&[instance("i-1", "running"), instance("i-2", "terminated")]),
        reply(&[instance("i-1", "running"), instance("i-2", "stopped")]),
        reply(&[]),
        ec2_error(400, "InvalidInstanceID.NotFound"),
    ]);
    let (cloud, _) = server.open().await;
    let name = "web*1".parse().expect("a name");
    let found = cloud.instance(&name).await.expect("an answer").expect("an instance");
    assert_eq!((found.id.as_str(), found.state.as_str(), found.vpc.as_str()), ("i-1", "running", "vpc-1"));
    assert_eq!(found.security_groups.get("sg-1").map(String::as_str), Some("web"));
    assert_eq!(found.tags.get("aws:autoscaling:groupName").map(String::as_str), Some("web"));
    let failure = cloud.instance(&name).await.expect_err("two");
    assert_eq!(failure.class, Permanent);
    assert!(failure.message.contains("i-1, i-2"), "{failure}");
    assert_eq!(cloud.instance(&name).await.expect("an answer"), None);
    assert_eq!(cloud.instance(&"i-0123456789abcdef0".parse().expect("an id")).await.expect("an answer"), None);
    // A name is a name, not a pattern.
    assert!(server.requests()[0].contains("web%5C%2A1"), "{}", server.requests()[0]);
}

#[tokio::test]
async fn tagged_things_come_in_the_order_of_their_deletion() {
    let server = AwsServer::start([
        described("deleting", OURS),
        ec2_answer(
            "DescribeSecurityGroups",
            "<securityGroupInfo><item><groupId>sg-1</groupId></item></securityGroupInfo>",
        ),
        query_answer(
            "DescribeCacheSubnetGroups",
            "<CacheSubnetGroups><CacheSubnetGroup><CacheSubnetGroupName>ours</CacheSubnetGroupName><ARN>a</ARN>\
             </CacheSubnetGroup><CacheSubnetGroup><CacheSubnetGroupName>theirs</CacheSubnetGroupName><ARN>b</ARN>\
             </CacheSubnetGroup></CacheSubnetGroups>",
        ),
        listed("chatmrpt-sessions"),
        listed("another"),
    ]);
    let found = server.open().await.0.tagged("migrate:rollout", "chatmrpt-sessions").await.expect("an answer");
    let found: Vec<_> = found.iter().map(|resource| (resource.kind, resource.name.as_str())).collect();
    assert_eq!(
        found,
        [
            (ResourceKind::ReplicationGroup, "g"),
            (ResourceKind::SecurityGroup, "sg-1"),
            (ResourceKind::SubnetGroup, "ours")
        ]
    );
    // One refusal anywhere, and the list is not whole: that is a failure, not a short list.
    let server = AwsServer::start([described("deleting", OURS), ec2_error(403, "UnauthorizedOperation")]);
    let failure = server.open().await.0.tagged("migrate:rollout", "x").await.expect_err("refused");
    assert_eq!(failure.class, Denied);
}

#[tokio::test]
async fn secrets_are_read_and_checked() {
    let json = |text: &str| Reply::Answer(200, format!("{{\"Name\":\"s\",\"SecretString\":\"{text}\"}}"));
    let missing = Reply::Answer(400, "{\"__type\":\"ResourceNotFoundException\",\"Message\":\"none\"}".into());
    let denied = Reply::Answer(400, "{\"__type\":\"AccessDeniedException\",\"Message\":\"no\"}".into());
    let server = AwsServer::start([json("a-token"), json("a-token\\n"), json(""), missing, denied]);
    let (_, secrets) = server.open().await;
    let auth = CacheAuth::SecretsManager("s".into());
    assert_eq!(secrets.auth_token(&auth).await.expect("a token").expect("a token").expose(), "a-token");
    for (words, class) in [
        ("ends with a newline", Permanent),
        ("is empty", Permanent),
        ("no secret `s`", Permanent),
        ("AccessDenied", Denied),
    ] {
        let failure = secrets.auth_token(&auth).await.expect_err("not a token");
        assert!(failure.message.contains(words) && failure.class == class, "{failure}");
        assert!(!failure.message.contains("a-token"), "{failure}");
    }
    assert!(secrets.auth_token(&CacheAuth::None).await.expect("an answer").is_none());
    let failure = secrets.auth_token(&CacheAuth::Environment("MIGRATE_NO_SUCH".into())).await.expect_err("not set");
    assert!(failure.message.contains("MIGRATE_NO_SUCH"), "{failure}");
}

/// Run by the next test in a process of its own, since the environment belongs to the whole process.
#[tokio::test]
#[ignore = "run by missing_credentials_are_explained"]
async fn child_without_credentials() {
    let (cloud, _, _) = migrate::adapters::cloud(&crate::support::permits::rollout()).await;
    let failure = cloud.caller().await.expect_err("no credentials");
    println!("class {}; {failure}; {}", failure.class, failure.hint.as_deref().unwrap_or_default());
}

#[test]
fn missing_credentials_are_explained() {
    let mut command = Command::new(std::env::current_exe().expect("this test"));
    command.args(["--ignored", "--exact", "aws_reads::child_without_credentials", "--nocapture"]);
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("AWS_")) {
        command.env_remove(name);
    }
    command.env("AWS_EC2_METADATA_DISABLED", "true").env("HOME", "/nonexistent");
    let output = String::from_utf8_lossy(&run(&mut command, "none").stdout).into_owned();
    assert!(output.contains("class permanent") && output.contains("no usable AWS credentials"), "{output}");
    assert!(output.contains("aws sso login"), "{output}");
}
