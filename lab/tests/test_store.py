"""Who reaches the store: security groups are enforced by the network, both ways."""

from __future__ import annotations

import pytest

from conftest import Lab

NAME = "master.chatmrpt-sessions.lab.internal"
# Needs only what every host has: Python, and the certificate authority.
CLIENT = """
import socket, ssl, sys
raw = socket.create_connection(("{name}", 6379), timeout={timeout})
if {tls}:
    raw = ssl.create_default_context(cafile="/tmp/ca.pem").wrap_socket(raw, server_hostname="{name}")
token = "{token}"
if token:
    raw.sendall(b"AUTH " + token.encode() + b"\\r\\n")
    assert raw.recv(100) == b"+OK\\r\\n"
raw.sendall(b"PING\\r\\n")
print(raw.recv(100).decode().strip())
"""


def ping(lab: Lab, host: str, token: str, tls: bool = True, timeout: int = 30) -> str:
    """What the store answers to a host; `timeout` when nothing does."""
    script = CLIENT.format(name=NAME, tls=tls, token=token, timeout=timeout)
    if host == "operator":
        script = script.replace("/tmp/ca.pem", f"{lab.directory}/redis-ca.pem")
        done = lab.enter("/usr/bin/python3", "-c", script, check=False)
        said = done.stdout + done.stderr
    else:
        authority = (lab.directory / "redis-ca.pem").read_text()
        said = lab.ssh(host, f"cat >/tmp/ca.pem <<'X'\n{authority}X\npython3 - 2>&1 <<'X'\n{script}X\n", check=False)
    return "timeout" if "timed out" in said else said.strip().splitlines()[-1]


def is_refused(lab: Lab, host: str, token: str) -> bool:
    """Whether the store does not answer a host: a closed security group drops what it is sent."""
    return ping(lab, host, token, timeout=2) == "timeout"


@pytest.fixture
def store(lab: Lab) -> str:
    """A live store with an empty security group: the group's id."""
    group = lab.security_group()
    lab.subnet_group()
    lab.replication_group(SecurityGroupIds=[group])
    lab.wait_group("available")
    return group


def permission(lab: Lab, **peer: object) -> list[dict]:
    peer = peer or {"UserIdGroupPairs": [{"GroupId": lab.application_group()}]}
    return [{"IpProtocol": "tcp", "FromPort": 6379, "ToPort": 6379, **peer}]


def test_only_the_applications_group_gets_in(lab: Lab, store: str) -> None:
    token = lab.token()
    assert is_refused(lab, "staging", token)
    lab.aws("ec2", "authorize_security_group_ingress", GroupId=store, IpPermissions=permission(lab))
    assert ping(lab, "staging", token) == "+PONG"
    assert ping(lab, "production-2", token) == "+PONG"
    assert is_refused(lab, "bystander", token)
    assert is_refused(lab, "operator", token)
    lab.aws("ec2", "revoke_security_group_ingress", GroupId=store, IpPermissions=permission(lab))
    assert is_refused(lab, "staging", token)


def test_open_to_the_world_is_open(lab: Lab, store: str) -> None:
    world = permission(lab, IpRanges=[{"CidrIp": "0.0.0.0/0"}])
    lab.aws("ec2", "authorize_security_group_ingress", GroupId=store, IpPermissions=world)
    assert ping(lab, "bystander", lab.token()) == "+PONG"
    assert ping(lab, "operator", lab.token()) == "+PONG"


def test_another_port_is_not_enough(lab: Lab, store: str) -> None:
    other = [{**permission(lab)[0], "FromPort": 443, "ToPort": 443}]
    lab.aws("ec2", "authorize_security_group_ingress", GroupId=store, IpPermissions=other)
    assert is_refused(lab, "staging", lab.token())


def test_a_group_that_is_not_attached_opens_nothing(lab: Lab, store: str) -> None:
    loose = lab.security_group("loose")
    lab.aws("ec2", "authorize_security_group_ingress", GroupId=loose, IpPermissions=permission(lab))
    assert is_refused(lab, "staging", lab.token())


def test_password_and_tls_are_demanded(lab: Lab, store: str) -> None:
    lab.aws("ec2", "authorize_security_group_ingress", GroupId=store, IpPermissions=permission(lab))
    assert "NOAUTH" in ping(lab, "staging", token="")
    assert "PONG" not in ping(lab, "staging", token="", tls=False)


def test_a_store_without_tls_is_plain(lab: Lab) -> None:
    group = lab.security_group()
    lab.subnet_group()
    lab.aws("ec2", "authorize_security_group_ingress", GroupId=group, IpPermissions=permission(lab))
    lab.replication_group(SecurityGroupIds=[group], TransitEncryptionEnabled=False, AuthToken=None)
    lab.wait_group("available")
    assert ping(lab, "staging", token="", tls=False) == "+PONG"


def test_a_cut_store_answers_nobody_and_comes_back(lab: Lab, store: str) -> None:
    lab.aws("ec2", "authorize_security_group_ingress", GroupId=store, IpPermissions=permission(lab))
    lab.command("store", "cut")
    assert is_refused(lab, "staging", lab.token())
    lab.command("store", "restore")
    assert ping(lab, "staging", lab.token()) == "+PONG"
