//! Phase 4: production, one instance at a time, behind a load balancer with people in front of it; and back.

use std::time::{Duration, Instant};

use crate::fixture::{Lab, signal};
use crate::people::People;
use crate::phase_2::on_host;
use crate::phase_3::lab_after_phase_2;
use crate::turns::turn_of_production;
use crate::{bad_releases, unreachable_target};

pub const TARGETS: [&str; 2] = ["production-1", "production-2"];

/// What the live path names, what the main process runs in, and whether anything of ours is beside it.
pub const SERVING: &str = "readlink ChatMRPT || echo plain
readlink /proc/$(systemctl show -P MainPID chatmrpt)/cwd
ls -d ChatMRPT.releases /etc/systemd/system/chatmrpt.service.d/migrate.conf 2>/dev/null
find ChatMRPT -maxdepth 1 -type l";

/// A lab in which phase 4 may begin.
fn lab_before_phase_4() -> Lab {
    let lab = lab_after_phase_2();
    lab.migrate(&["phase", "3"]).expect(0);
    lab
}

/// An approval ends with a rollback: whoever goes forward again has to have asked again.
pub fn approve(lab: &Lab) {
    lab.migrate(&["approve", "4", "--reason", "a test"]).expect(0);
}

pub fn is_on_a_release(lab: &Lab, target: &str) -> bool {
    let serving = on_host(lab, target, SERVING);
    let mut lines = serving.lines();
    let (live, runs) = (lines.next().unwrap_or_default(), lines.next().unwrap_or_default());
    live.contains("/ChatMRPT.releases/") && live == runs
}

/// As it was before phase 4: the plain directory, and nothing of ours.
#[track_caller]
pub fn assert_original(lab: &Lab, target: &str, when: &str) {
    assert_eq!(on_host(lab, target, SERVING), "plain\n/home/ec2-user/ChatMRPT\n", "{target}, {when}");
}

/// One lab for all of it: what comes before phase 4 takes minutes.
#[test]
fn production_there_and_back_and_nobody_notices() {
    let _turn = turn_of_production();
    let lab = lab_before_phase_4();
    auto_scaling_is_asked(&lab);
    there_and_back(&lab);
    killed_again_and_again(&lab);
    bad_releases::meet_no_user(&lab);
    bad_releases::are_gone_soon(&lab);
    unreachable_target::goes_on_and_goes_back(&lab);
    without_a_journal(&lab);
}

/// A target in an auto scaling group: phase 4 begins when the group cannot replace it, and not before.
fn auto_scaling_is_asked(lab: &Lab) {
    lab.administrator(
        "scaling, ec2 = cloud('autoscaling'), cloud('ec2')
scaling.create_launch_configuration(LaunchConfigurationName='web', ImageId='ami-1ab00000', InstanceType='t3.large')
scaling.create_auto_scaling_group(AutoScalingGroupName='web', LaunchConfigurationName='web', MinSize=0, MaxSize=2)
named = [{'Name': 'tag:Name', 'Values': ['chatmrpt-production-1']}]
instance = ec2.describe_instances(Filters=named)['Reservations'][0]['Instances'][0]['InstanceId']
ec2.create_tags(Resources=[instance], Tags=[{'Key': 'aws:autoscaling:groupName', 'Value': 'web'}])",
    );
    approve(lab);
    let said = lab.migrate(&["phase", "4"]).expect(5);
    let words = "is in the auto scaling group web, which may replace it in the middle of the run";
    assert!(said.stderr.contains(words) && said.stderr.contains("--auto-scaling-group-name web`"), "{said:?}");
    TARGETS.iter().for_each(|target| assert_original(lab, target, "refused"));
    lab.administrator("cloud('autoscaling').suspend_processes(AutoScalingGroupName='web')");
}

fn there_and_back(lab: &Lab) {
    approve(lab);
    let people = People::in_front_of(lab);
    lab.migrate(&["phase", "4"]).expect(0);
    assert!(lab.journal().contains("is in the auto scaling group web, whose Launch and Terminate are suspended"));
    assert!(TARGETS.iter().all(|target| is_on_a_release(lab, target)));
    lab.migrate(&["check", "--for", "done"]).expect(0);
    lab.migrate(&["rollback", "--to", "3"]).expect(0);
    TARGETS.iter().for_each(|target| assert_original(lab, target, "after the way back"));
    people.have_noticed_nothing("there and back");
}

fn killed_again_and_again(lab: &Lab) {
    approve(lab);
    let people = People::in_front_of(lab);
    // Wherever it happens to be.
    for milliseconds in [1_500, 4_000, 700, 9_000, 2_500, 14_000] {
        killed_after(lab, &["phase", "4"], milliseconds);
    }
    lab.migrate(&["phase", "4"]).expect(0);
    assert!(TARGETS.iter().all(|target| is_on_a_release(lab, target)));
    for milliseconds in [600, 2_000, 1_200] {
        killed_after(lab, &["rollback", "--to", "3"], milliseconds);
    }
    lab.migrate(&["rollback", "--to", "3"]).expect(0);
    TARGETS.iter().for_each(|target| assert_original(lab, target, "after kills"));
    people.have_noticed_nothing("killed again and again");
}

/// Starts it, and kills it after so long, unless it has ended by itself.
fn killed_after(lab: &Lab, arguments: &[&str], milliseconds: u64) {
    let mut child = lab.start(arguments);
    let deadline = Instant::now() + Duration::from_millis(milliseconds);
    while Instant::now() < deadline && child.try_wait().unwrap().is_none() {
        std::thread::sleep(Duration::from_millis(20));
    }
    if child.try_wait().unwrap().is_none() {
        signal(&child, "KILL");
    }
    child.wait_with_output().unwrap();
}

/// What is on the targets leads back.
fn without_a_journal(lab: &Lab) {
    approve(lab);
    let child = lab.start_until(&["phase", "4"], "step_succeeded", "4.production-1.switch");
    signal(&child, "KILL");
    child.wait_with_output().unwrap();
    assert!(is_on_a_release(lab, "production-1"));
    std::fs::remove_dir_all(lab.path().join(".migrate")).unwrap();
    let people = People::in_front_of(lab);
    let offered = lab.migrate(&["rollback"]).expect(6);
    for words in
        ["4.production-1.switch", "2.copy", "replication group", "mv -T /home/ec2-user/ChatMRPT.releases/original"]
    {
        assert!(offered.stderr.contains(words), "{words}: {offered:?}");
    }
    lab.migrate(&["rollback", "--discover", "--yes"]).expect(0);
    TARGETS.iter().for_each(|target| assert_original(lab, target, "discovered"));
    lab.assert_nothing_left();
    people.have_noticed_nothing("without a journal");
}
