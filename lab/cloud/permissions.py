"""Who may do what: the operator's policy, taken away and given back, and simulation that knows of faults."""

from __future__ import annotations

import json
import re
from pathlib import Path

from cloud.call import Call
from cloud.faults import Faults
from cloud.reply import Reply
from cloud.upstream import Upstream

USER = "migrate-operator"
POLICY_NAME = "migrate"
POLICY_FILE = Path(__file__).parent / "operator-policy.json"
# Every lab has this account.
ACCOUNT = "000000000000"
ARN = f"arn:aws:iam::{ACCOUNT}:user/{USER}"


class Permissions:
    """The operator's policy in the stand-in, which enforces it."""

    def __init__(self, upstream: Upstream, faults: Faults) -> None:
        self.upstream, self.faults = upstream, faults
        self.withheld: list[str] = []
        self.access_key = ""

    def apply(self, withheld: list[str]) -> None:
        """Gives the operator everything in the policy file but the withheld services."""
        document = json.loads(POLICY_FILE.read_text())
        services = {action.partition(":")[0] for s in document["Statement"] for action in s["Action"]}
        if unknown := set(withheld) - services:
            raise ValueError(f"unknown service {sorted(unknown)[0]!r}; known are {', '.join(sorted(services))}")
        for statement in document["Statement"]:
            statement["Action"] = [a for a in statement["Action"] if a.partition(":")[0] not in withheld]
        document["Statement"] = [s for s in document["Statement"] if s["Action"]]
        self.upstream.client("iam").put_user_policy(
            UserName=USER, PolicyName=POLICY_NAME, PolicyDocument=json.dumps(document)
        )
        self.withheld = withheld

    def caller(self, access_key: str) -> str:
        """The ARN behind a key."""
        return ARN if access_key == self.access_key else f"arn:aws:iam::{ACCOUNT}:root"

    def allows(self, call: Call) -> bool:
        """Whether the caller's policy allows an action; a dry run asks just that."""
        if self.faults.denies(call.action):
            return False
        if call.access_key != self.access_key:
            return True
        results = self.upstream.client("iam").simulate_principal_policy(
            PolicySourceArn=ARN, ActionNames=[call.permission]
        )["EvaluationResults"]
        return results[0]["EvalDecision"] == "allowed"

    def correct_simulation(self, answer: Reply) -> None:
        """An action under a `deny` fault is also denied in a simulation."""

        def one(match: re.Match) -> str:
            action = re.search(r"<EvalActionName>[^<]*?:([^<]*)<", match.group(0))
            if action and self.faults.denies(action.group(1)):
                return re.sub(r"<EvalDecision>[^<]*<", "<EvalDecision>explicitDeny<", match.group(0))
            return match.group(0)

        answer.edit(lambda text: re.sub(r"<member>.*?</member>", one, text, flags=re.S))
