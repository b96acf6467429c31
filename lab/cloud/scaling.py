"""Auto scaling groups as they are and the stand-in's are not: their processes can be suspended."""

from __future__ import annotations

import re
from xml.sax.saxutils import escape

from cloud.call import Call
from cloud.reply import Reply, error
from cloud.upstream import Upstream

# What a group does unless told otherwise, and what is meant when no process is named.
_PROCESSES = (
    "Launch",
    "Terminate",
    "AddToLoadBalancer",
    "AlarmNotification",
    "AZRebalance",
    "HealthCheck",
    "InstanceRefresh",
    "ReplaceUnhealthy",
    "ScheduledActions",
)


class Scaling:
    """What is suspended, by group."""

    def __init__(self, upstream: Upstream) -> None:
        self.upstream = upstream
        self._suspended: dict[str, set[str]] = {}

    def change(self, call: Call) -> Reply | None:
        """Suspends or resumes processes; anything else is for the stand-in."""
        if call.action not in ("SuspendProcesses", "ResumeProcesses"):
            return None
        name = call.parameters["AutoScalingGroupName"]
        found = self.upstream.client("autoscaling").describe_auto_scaling_groups(AutoScalingGroupNames=[name])
        if not found["AutoScalingGroups"]:
            return error(call.service, 400, "ValidationError", f"AutoScalingGroup name not found - {name}")
        named = set(call.members("ScalingProcesses") or _PROCESSES)
        suspended = self._suspended.setdefault(name, set())
        if call.action == "SuspendProcesses":
            suspended |= named
        else:
            suspended -= named
        text = f'<{call.action}Response xmlns="http://autoscaling.amazonaws.com/doc/2011-01-01/"/>'
        return Reply(200, text.encode(), [("Content-Type", "text/xml")])

    def answer(self, call: Call, reply: Reply) -> None:
        """Puts what is suspended into the stand-in's answer."""
        if call.action != "DescribeAutoScalingGroups" or reply.status != 200:
            return

        def one(match: re.Match) -> str:
            suspended = self._suspended.get(match.group(1), set())
            members = "".join(
                f"<member><ProcessName>{escape(process)}</ProcessName>"
                "<SuspensionReason>User suspended at the lab</SuspensionReason></member>"
                for process in sorted(suspended)
            )
            return f"{match.group(0)}<SuspendedProcesses>{members}</SuspendedProcesses>"

        # An instance names its group too; a group's own name comes before its ARN.
        pattern = r"<AutoScalingGroupName>([^<]*)</AutoScalingGroupName>(?=<AutoScalingGroupARN>)"
        reply.edit(lambda text: re.sub(pattern, one, text))
