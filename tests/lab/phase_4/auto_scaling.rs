//! A target in an auto scaling group: phase 4 begins when the group cannot replace it, and not before.

use super::{TARGETS, assert_originals, is_on_a_release, lab_before_phase_4};

#[test]
fn a_group_that_may_replace_a_target_is_refused_until_its_processes_are_suspended() {
    let lab = lab_before_phase_4();
    lab.administrator(
        "scaling, ec2 = cloud('autoscaling'), cloud('ec2')
scaling.create_launch_configuration(LaunchConfigurationName='web', ImageId='ami-1ab00000', InstanceType='t3.large')
scaling.create_auto_scaling_group(AutoScalingGroupName='web', LaunchConfigurationName='web', MinSize=0, MaxSize=2)
named = [{'Name': 'tag:Name', 'Values': ['chatmrpt-production-1']}]
instance = ec2.describe_instances(Filters=named)['Reservations'][0]['Instances'][0]['InstanceId']
ec2.create_tags(Resources=[instance], Tags=[{'Key': 'aws:autoscaling:groupName', 'Value': 'web'}])",
    );
    let said = lab.migrate(&["phase", "4"]).expect(5);
    let words = "is in the auto scaling group web, which may replace it in the middle of the run";
    assert!(said.stderr.contains(words) && said.stderr.contains("--auto-scaling-group-name web`"), "{said:?}");
    assert_originals(&lab);
    lab.administrator("cloud('autoscaling').suspend_processes(AutoScalingGroupName='web')");
    // Without visitors the soak of the first target would wait: the gate has passed when a target is switched.
    lab.start_until(&["phase", "4"], "step_succeeded", "4.production-1.switch").kill();
    assert!(lab.journal().contains("is in the auto scaling group web, whose Launch and Terminate are suspended"));
    assert!(is_on_a_release(&lab, TARGETS[0]));
    lab.migrate(&["rollback", "--to", "3"]).expect(0);
    assert_originals(&lab);
}
