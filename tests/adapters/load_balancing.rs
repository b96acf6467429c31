//! A target group, read: three calls, and what each answer means. And written: a target leaves, and comes back.

use migrate::core::FailureClass::{Denied, Permanent, Throttled, Transient};
use migrate::core::Outcome::{Clean, Unknown};
use migrate::ports::{BalancingRead, BalancingWrite, RegisteredTarget, TargetHealth, TargetPlace, WriteFailure};

use crate::support::aws_server::{AwsServer, Reply, query_answer, query_error};
use crate::support::permits::{apply, undo};

fn groups(port: &str) -> Reply {
    let member = format!(
        "<member><TargetGroupArn>arn:tg</TargetGroupArn><TargetGroupName>web</TargetGroupName>{port}\
         <HealthCheckPath>/ping</HealthCheckPath></member>"
    );
    query_answer("DescribeTargetGroups", &format!("<TargetGroups>{member}</TargetGroups>"))
}

fn health(members: &[(&str, &str, &str)]) -> Reply {
    let members: String = members
        .iter()
        .map(|(id, port, health)| {
            format!("<member><Target><Id>{id}</Id>{port}</Target><TargetHealth>{health}</TargetHealth></member>")
        })
        .collect();
    query_answer("DescribeTargetHealth", &format!("<TargetHealthDescriptions>{members}</TargetHealthDescriptions>"))
}

fn attributes(sticky: &str) -> Reply {
    let member = format!("<member><Key>stickiness.enabled</Key><Value>{sticky}</Value></member>");
    query_answer("DescribeTargetGroupAttributes", &format!("<Attributes>{member}</Attributes>"))
}

#[tokio::test]
async fn everyone_registered_is_listed_with_port_and_health() {
    let server = AwsServer::start([
        groups("<Port>8080</Port>"),
        health(&[
            ("i-2", "<Port>9000</Port>", "<State>unhealthy</State><Description>no answer</Description>"),
            ("i-1", "", "<State>healthy</State>"),
            ("i-3", "<Port>8080</Port>", "<State>draining</State>"),
            ("i-4", "<Port>8080</Port>", "<State>unused</State>"),
        ]),
        attributes("true"),
    ]);
    let group = server.open().await.0.target_group("web").await.expect("an answer").expect("a group");
    assert_eq!((group.arn.as_str(), group.health_path.as_str(), group.sticky), ("arn:tg", "/ping", true));
    let target = |id: &str, port, health| RegisteredTarget { id: id.into(), port, health };
    assert_eq!(
        group.targets,
        [
            target("i-1", 8080, TargetHealth::Healthy),
            target("i-2", 9000, TargetHealth::Unhealthy("no answer".into())),
            target("i-3", 8080, TargetHealth::Draining),
            target("i-4", 8080, TargetHealth::Idle("unused".into())),
        ]
    );
}

#[tokio::test]
async fn without_stickiness_it_says_so() {
    let server = AwsServer::start([groups("<Port>8080</Port>"), health(&[]), attributes("false")]);
    let group = server.open().await.0.target_group("web").await.expect("an answer").expect("a group");
    assert!(!group.sticky && group.targets.is_empty());
}

#[tokio::test]
async fn no_group_is_an_answer_and_a_refusal_is_not() {
    let server = AwsServer::start([query_error(400, "TargetGroupNotFound")]);
    assert_eq!(server.open().await.0.target_group("web").await.expect("an answer"), None);
    for (reply, class) in [(query_error(403, "AccessDenied"), Denied), (Reply::Lost, Transient)] {
        let server = AwsServer::start([groups("<Port>8080</Port>"), reply]);
        let failure = server.open().await.0.target_group("web").await.expect_err("not an empty group");
        assert_eq!(failure.class, class, "{failure}");
    }
}

#[tokio::test]
async fn a_target_without_any_port_is_not_guessed() {
    let server = AwsServer::start([groups(""), health(&[("i-1", "", "<State>healthy</State>")])]);
    let failure = server.open().await.0.target_group("web").await.expect_err("no port");
    assert_eq!(failure.class, Transient, "{failure}");
}

/// A target group's ARN, as it is and as it is sent.
const ARN: [&str; 2] = [
    "arn:aws:elasticloadbalancing:us-east-2:123456789012:targetgroup/web/1",
    "TargetGroupArn=arn%3Aaws%3Aelasticloadbalancing%3Aus-east-2%3A123456789012%3Atargetgroup%2Fweb%2F1",
];

/// The writes: leaving, coming back on the way there, and coming back on the way back.
const WRITES: [&str; 3] = ["DeregisterTargets", "RegisterTargets", "RegisterTargets"];

/// What comes of one of the writes, and what was asked.
async fn write(which: usize, reply: Reply) -> (Result<(), WriteFailure>, Vec<String>) {
    let server = AwsServer::start([reply]);
    let (cloud, _) = server.open().await;
    let place = TargetPlace { id: "i-0abc".into(), port: 8080 };
    let outcome = match which {
        0 => cloud.deregister_target(&apply(), ARN[0], &place).await,
        1 => cloud.register_target((&apply()).into(), ARN[0], &place).await,
        _ => cloud.register_target((&undo()).into(), ARN[0], &place).await,
    };
    (outcome, server.requests())
}

#[tokio::test]
async fn a_target_leaves_and_comes_back_by_id_and_port() {
    for (which, call) in WRITES.into_iter().enumerate() {
        let (outcome, requests) = write(which, query_answer(call, "")).await;
        outcome.unwrap_or_else(|failed| panic!("{call}: {failed}"));
        assert_eq!(requests.len(), 1, "{requests:?}");
        let action = format!("Action={call}&");
        for part in [action.as_str(), ARN[1], "Targets.member.1.Id=i-0abc", "Targets.member.1.Port=8080"] {
            assert!(requests[0].contains(part), "{part} in {}", requests[0]);
        }
    }
}

#[tokio::test]
async fn a_write_that_fails_says_what_it_may_have_left_and_is_sent_once() {
    for (which, call) in WRITES.into_iter().enumerate() {
        let cases = [
            (query_error(400, "Throttling"), Throttled, Clean),
            (query_error(403, "AccessDenied"), Denied, Clean),
            // An instance that is not there is no target that has left already.
            (query_error(400, "InvalidTarget"), Permanent, Clean),
            (query_error(400, "TargetGroupNotFound"), Permanent, Clean),
            (query_error(500, "InternalFailure"), Transient, Unknown),
            (Reply::Lost, Transient, Unknown),
        ];
        for (index, (reply, class, outcome)) in cases.into_iter().enumerate() {
            let (result, requests) = write(which, reply).await;
            let failed = result.expect_err("a failure");
            assert_eq!((failed.failure.class, failed.outcome), (class, outcome), "{call}, case {index}: {failed}");
            assert_eq!(requests.len(), 1, "{call}, case {index}");
            assert!(failed.failure.message.contains(&format!("elasticloadbalancing:{call}")), "{failed}");
        }
    }
}
