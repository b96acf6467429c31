"""A lab for the tests, up once, and the means to talk to it."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import ClassVar

import pytest

# How slow the cloud is, unless a test wants to see something before it is over.
QUICK = {"slow_creating_seconds": 0.6, "deleting_seconds": 0.6, "in_use_seconds": 0.6}
LAB = Path(__file__).resolve().parent.parent


class CloudError(Exception):
    """The cloud said no."""

    def __init__(self, code: str, status: int) -> None:
        super().__init__(f"{code} ({status})")
        self.code, self.status = code, status


def refusal(call: Callable[[], object]) -> tuple[str, int]:
    """The code and HTTP status of a call that must fail."""
    with pytest.raises(CloudError) as caught:
        call()
    return caught.value.code, caught.value.status


def wait_until(condition: Callable[[], object], what: str, seconds: float = 60) -> None:
    """Asks until it holds."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"not in {seconds:.0f} s: {what}"
        time.sleep(0.1)


def unless_busy(attempt: Callable[[], None], times: int = 4) -> None:
    """Tries again what fails while other programs want more processors than there are, and warns that it did."""
    for left in reversed(range(times)):
        try:
            attempt()
            return
        except AssertionError as error:
            load = os.getloadavg()[0]
            if left == 0 or load < 2 * (os.cpu_count() or 1):
                raise
            warnings.warn(f"tried again at a load of {load:.1f}: {str(error).splitlines()[0]}", stacklevel=2)


class Lab:
    """One lab in a directory of its own."""

    # Those of this process: their logs are kept when a test fails.
    made: ClassVar[list[Lab]] = []

    def __init__(self, directory: Path, user: tuple[str, ...] = ()) -> None:
        self.directory, self.user = directory, user
        self._caller: subprocess.Popen | None = None
        self.made.append(self)

    @contextmanager
    def up(self) -> Iterator[None]:
        """Up for the body of a `with`, and down afterwards."""
        try:
            self.command("up")
            yield
        except BaseException:
            keep_evidence()  # Before it is gone.
            raise
        finally:
            if self.directory.exists():
                self.command("down")

    def command(self, *words: str, check: bool = True, timeout: int = 300) -> subprocess.CompletedProcess:
        """`lab WORDS --dir DIRECTORY`"""
        name, *rest = words
        line = [*self.user, str(LAB / "lab"), name, "--dir", str(self.directory), *rest]
        return subprocess.run(
            line, capture_output=True, text=True, check=check, timeout=timeout, stdin=subprocess.DEVNULL
        )

    def enter(self, *words: str, check: bool = True, timeout: int = 60) -> subprocess.CompletedProcess:
        """Runs a command on the operator's machine."""
        return self.command("enter", "--", *words, check=check, timeout=timeout)

    def ssh(self, host: str, script: str, check: bool = True) -> str:
        """Runs a shell script on a host and returns what it says."""
        return self.enter("ssh", "-F", f"{self.directory}/ssh_config", host, script, check=check).stdout

    def _ask(self, *question: object) -> dict:
        if self._caller is None:
            self._caller = subprocess.Popen(
                [
                    str(LAB / "lab"),
                    "enter",
                    "--dir",
                    str(self.directory),
                    "--",
                    sys.executable,
                    "-B",
                    str(LAB / "tests/caller.py"),
                ],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
            )
        self._caller.stdin.write(json.dumps(question) + "\n")
        self._caller.stdin.flush()
        answer = json.loads(self._caller.stdout.readline())
        if "result" not in answer:
            raise CloudError(answer["code"], answer["status"])
        return answer["result"]

    def aws(self, service: str, method: str, **arguments: object) -> dict:
        """A cloud call as the operator."""
        return self._ask("aws", service, method, arguments)

    def control(self, method: str, name: str, body: dict | None = None) -> dict:
        """An order to the lab."""
        return self._ask("control", method, name, body)

    def fault(self, action: str, kind: str, **more: object) -> None:
        """Makes an action fail."""
        self.control("POST", "faults", {"action": action, "kind": kind, **more})

    def refused(self, service: str, method: str, **arguments: object) -> tuple[str, int]:
        """The code and HTTP status of a call that must fail."""
        return refusal(lambda: self.aws(service, method, **arguments))

    # The pieces most tests need ---------------------------------------------------------------------------------------

    def vpc(self) -> str:
        """Where the application's instances are."""
        return self.aws("ec2", "describe_instances")["Reservations"][0]["Instances"][0]["VpcId"]

    def application_group(self) -> str:
        """The security group that the application's instances hold."""
        found = self.aws(
            "ec2", "describe_security_groups", Filters=[{"Name": "group-name", "Values": ["chatmrpt-application"]}]
        )
        return found["SecurityGroups"][0]["GroupId"]

    def security_group(self, name: str = "store") -> str:
        """A new security group."""
        return self.aws("ec2", "create_security_group", GroupName=name, Description=name, VpcId=self.vpc())["GroupId"]

    def subnet_group(self) -> None:
        """A subnet group over both zones."""
        subnets = self.aws("ec2", "describe_subnets", Filters=[{"Name": "vpc-id", "Values": [self.vpc()]}])["Subnets"]
        self.aws(
            "elasticache",
            "create_cache_subnet_group",
            CacheSubnetGroupName="store",
            CacheSubnetGroupDescription="store",
            SubnetIds=[subnet["SubnetId"] for subnet in subnets],
        )

    def token(self) -> str:
        """The store's password."""
        return self.aws("secretsmanager", "get_secret_value", SecretId="chatmrpt/redis-auth-token")["SecretString"]

    def replication_group(self, **more: object) -> dict:
        """A new replication group, still creating."""
        arguments = {
            "ReplicationGroupId": "store",
            "ReplicationGroupDescription": "store",
            "Engine": "redis",
            "CacheNodeType": "cache.t4g.small",
            "NumCacheClusters": 2,
            "AutomaticFailoverEnabled": True,
            "CacheSubnetGroupName": "store",
            "TransitEncryptionEnabled": True,
            "AuthToken": self.token(),
            "Tags": [{"Key": "migrate:rollout", "Value": "test"}],
            **more,
        }
        arguments = {name: value for name, value in arguments.items() if value is not None}
        return self.aws("elasticache", "create_replication_group", **arguments)["ReplicationGroup"]

    def group_status(self) -> str:
        """The replication group's status, or `gone`."""
        try:
            found = self.aws("elasticache", "describe_replication_groups", ReplicationGroupId="store")
        except CloudError as error:
            if error.code == "ReplicationGroupNotFoundFault":
                return "gone"
            raise
        return found["ReplicationGroups"][0]["Status"]

    def wait_group(self, status: str) -> None:
        """Waits for a status of the replication group."""
        wait_until(lambda: self.group_status() == status, f"the replication group is {status}")

    def target_group(self) -> str:
        """The ARN of the load balancer's one target group."""
        return self.aws("elbv2", "describe_target_groups", Names=["chatmrpt-web"])["TargetGroups"][0]["TargetGroupArn"]

    def target_states(self) -> dict[str, str]:
        """The state of every registered target, as the cloud tells it."""
        described = self.aws("elbv2", "describe_target_health", TargetGroupArn=self.target_group())
        return {d["Target"]["Id"]: d["TargetHealth"]["State"] for d in described["TargetHealthDescriptions"]}

    def wait_targets(self, wanted: list[str]) -> dict[str, str]:
        """Waits until the registered targets are in these states."""
        deadline = time.monotonic() + 60
        while sorted((found := self.target_states()).values()) != sorted(wanted):
            assert time.monotonic() < deadline, f"{found}, not {wanted}"
            time.sleep(0.1)
        return found

    def clean(self) -> None:
        """Removes what a test made, whatever state it is in."""
        self.control("DELETE", "faults")
        self.control("POST", "settings", QUICK)
        self.control("POST", "permissions", {"withheld": []})
        for _ in range(200):
            left = self.control("GET", "resources")
            if not any(left.values()):
                return
            try:
                self._remove_one(left)
            except CloudError:
                time.sleep(0.1)  # Still in use, or still deleting.
        raise AssertionError(f"cannot remove {left}")

    def _remove_one(self, left: dict) -> None:
        for _ in left["replication_groups"]:
            self.aws("elasticache", "delete_replication_group", ReplicationGroupId="store")
        for group in left["cache_subnet_groups"]:
            self.aws("elasticache", "delete_cache_subnet_group", CacheSubnetGroupName=group["name"])
        for group in reversed(left["security_groups"]):
            self.aws("ec2", "delete_security_group", GroupId=group["id"])


def keep_evidence() -> Path | None:
    """Copies what the labs have written so far, for the test that runs, and tells where to."""
    # "tests/test_users.py::test_a_lost_session_is_noticed (call)"
    test = re.sub(r"[^\w.-]+", "-", os.environ["PYTEST_CURRENT_TEST"].rpartition(" ")[0].rpartition("/")[2])
    directory = Path(os.environ.get("LAB_FAILURES") or LAB.parent / "target/lab-failures").resolve() / test
    labs = [lab for lab in Lab.made if (lab.directory / "log").exists()]
    for lab in labs:
        kept = directory / lab.directory.name
        shutil.rmtree(kept, ignore_errors=True)
        kept.mkdir(parents=True)
        for name in ("log", "rollout.yaml", ".migrate"):
            source = lab.directory / name
            if source.is_dir():
                shutil.copytree(source, kept / name, symlinks=True)
            elif source.exists():
                shutil.copy(source, kept)
        # What the service manager and Gunicorn say on each host.
        hosts = lab.directory / "state/hosts"
        for source in [*hosts.glob("*/var/log/journal/*.log"), *hosts.glob("*/home/*/logs/error.log")]:
            copy = kept / "hosts" / source.relative_to(hosts)
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(source, copy)
    return directory if labs else None


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo) -> Iterator[pytest.TestReport]:
    """Keeps the logs of a test that fails, or whose fixtures do."""
    report = yield
    if report.failed and (kept := keep_evidence()):
        report.sections.append(("the lab's logs", str(kept)))
    return report


@pytest.fixture(scope="session")
def shared_lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """The one lab that most tests share."""
    lab = Lab(tmp_path_factory.mktemp("lab") / "shared")
    with lab.up():
        lab.control("POST", "settings", QUICK)
        yield lab


@pytest.fixture
def lab(shared_lab: Lab) -> Iterator[Lab]:
    """The shared lab, with an empty cloud before and after."""
    shared_lab.clean()
    yield shared_lab
    shared_lab.clean()
