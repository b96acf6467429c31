"""One AWS call as the proxy sees it: which service, which action, on what, by whom."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from urllib.parse import parse_qsl

# The parameter that names what a call is about, most specific first.
_NAMES = (
    "ReplicationGroupId",
    "CacheSubnetGroupName",
    "GroupId",
    "GroupName",
    "GroupId.1",
    "ResourceName",
    "SecretId",
    "ResourceId.1",
    "InstanceId.1",
    "PolicySourceArn",
    "Names.member.1",
    "TargetGroupArn",
    "AutoScalingGroupNames.member.1",
    "AutoScalingGroupName",
)


@dataclass
class Call:
    """A parsed request."""

    service: str
    action: str
    parameters: dict[str, str]
    access_key: str
    method: str
    path: str
    headers: list[tuple[str, str]]
    body: bytes = field(repr=False)

    @property
    def permission(self) -> str:
        """The action as IAM names it."""
        return f"{self.service}:{self.action}"

    @property
    def resource(self) -> str:
        """The name of what the call is about, for the record."""
        return next((self.parameters[name] for name in _NAMES if name in self.parameters), "")

    @property
    def dry_run(self) -> bool:
        """Whether only the permission is asked about."""
        return self.parameters.get("DryRun", "").lower() == "true"

    @property
    def changes_something(self) -> bool:
        """Whether the call could leave a trace."""
        return not self.action.startswith(("Describe", "List", "Get", "Simulate"))

    def members(self, prefix: str) -> list[str]:
        """A list parameter, however the SDK spells its indices: `X.1`, `X.member.1`, `X.Item.1`."""
        pattern = re.compile(rf"{re.escape(prefix)}(\.[A-Za-z]+)?\.(\d+)$")
        found = [(int(m.group(2)), value) for key, value in self.parameters.items() if (m := pattern.match(key))]
        return [value for _, value in sorted(found)]


def parse(method: str, path: str, headers: list[tuple[str, str]], body: bytes) -> Call:
    """Reads a request. Credentials in a signature are a key's name, not its secret."""
    by_name = {name.lower(): value for name, value in headers}
    scope = re.search(r"Credential=([^/]+)/\d+/[^/]+/([^/]+)/aws4_request", by_name.get("authorization", ""))
    access_key, service = scope.groups() if scope else ("", "unknown")
    target = by_name.get("x-amz-target", "")
    if target:
        values = json.loads(body or b"{}")
        parameters = {key: value for key, value in values.items() if isinstance(value, str)}
        action = target.rpartition(".")[2]
    else:
        query = path.partition("?")[2]
        parameters = dict(parse_qsl(body.decode(errors="replace") or query, keep_blank_values=True))
        action = parameters.get("Action", f"{method} {path.partition('?')[0]}")
    return Call(service, action, parameters, access_key, method, path, headers, body)
