//! An auto scaling group, read.

use migrate::core::FailureClass::{Denied, Throttled};
use migrate::ports::ScalingRead;

use crate::support::aws_server::{AwsServer, Reply, query_answer, query_error};

fn groups(members: &str) -> Reply {
    query_answer("DescribeAutoScalingGroups", &format!("<AutoScalingGroups>{members}</AutoScalingGroups>"))
}

fn group(name: &str, suspended: &[&str]) -> String {
    let suspended: String =
        suspended.iter().map(|process| format!("<member><ProcessName>{process}</ProcessName></member>")).collect();
    format!(
        "<member><AutoScalingGroupName>{name}</AutoScalingGroupName><MinSize>1</MinSize>\
         <SuspendedProcesses>{suspended}</SuspendedProcesses></member>"
    )
}

#[tokio::test]
async fn what_is_suspended_is_listed() {
    let server = AwsServer::start([groups(&group("web", &["Terminate", "Launch"]))]);
    let found = server.open().await.0.scaling_group("web").await.expect("an answer").expect("a group");
    assert!(found.suspended.iter().eq(["Launch", "Terminate"]), "{found:?}");
    assert!(server.requests().concat().contains("AutoScalingGroupNames.member.1=web"));

    let server = AwsServer::start([groups(&group("web", &[]))]);
    let found = server.open().await.0.scaling_group("web").await.expect("an answer").expect("a group");
    assert!(found.suspended.is_empty(), "{found:?}");
}

#[tokio::test]
async fn none_is_no_error_and_an_error_is_not_none() {
    for members in [String::new(), group("another", &["Terminate"])] {
        let server = AwsServer::start([groups(&members)]);
        assert_eq!(server.open().await.0.scaling_group("web").await.expect("an answer"), None);
    }
    for (status, code, class) in [(403, "AccessDenied", Denied), (400, "Throttling", Throttled)] {
        let server = AwsServer::start([query_error(status, code)]);
        let failure = server.open().await.0.scaling_group("web").await.expect_err("not an empty list");
        assert_eq!(failure.class, class, "{failure}");
    }
}
