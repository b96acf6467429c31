"""A host is like the real one where a migration looks: ssh, systemctl, and an application that keeps its sessions."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from conftest import Lab

APPLICATION_HOSTS = ("staging", "production-1", "production-2")


def show(lab: Lab, host: str, *names: str, unit: str = "chatmrpt") -> dict[str, str]:
    said = lab.ssh(host, f"systemctl show {unit} -p {','.join(names)}")
    return dict(line.split("=", 1) for line in said.splitlines())


@pytest.mark.parametrize("host", APPLICATION_HOSTS)
def test_a_session_survives_a_restart(shared_lab: Lab, host: str, tmp_path: Path) -> None:
    def ask(path: str, *words: str) -> str:
        jar = str(tmp_path / "jar")
        return shared_lab.enter("curl", "-sS", "-b", jar, "-c", jar, *words, f"http://{host}:8080{path}").stdout

    ask("/login", "-d", "user=ann")
    ask("/upload", "-d", "rows=50")
    ask("/counter", "-X", "POST")
    before = ask("/whoami"), ask("/frame"), ask("/counter")
    assert '"user":"ann"' in before[0]
    assert '"kind":"DataFrame"' in before[1]
    assert '"count":1' in before[2]
    old = show(shared_lab, host, "MainPID")
    shared_lab.ssh(host, "sudo -n systemctl restart chatmrpt")
    assert show(shared_lab, host, "MainPID") != old
    assert (ask("/whoami"), ask("/frame"), ask("/counter")) == before


def test_the_bystander_runs_no_application(shared_lab: Lab) -> None:
    assert shared_lab.ssh("bystander", "systemctl is-active chatmrpt", check=False) == "inactive\n"


def test_show_tells_what_runs(shared_lab: Lab) -> None:
    facts = show(shared_lab, "staging", "MainPID", "ExecStart", "FragmentPath", "ActiveState", "LoadState")
    assert facts["FragmentPath"] == "/etc/systemd/system/chatmrpt.service"
    assert (facts["ActiveState"], facts["LoadState"]) == ("active", "loaded")
    assert "path=/home/ec2-user/chatmrpt_env/bin/gunicorn ; argv[]=" in facts["ExecStart"]
    words = shared_lab.ssh("staging", f"tr '\\0' ' ' </proc/{facts['MainPID']}/cmdline")
    assert "gunicorn --config gunicorn.conf.py run:app" in words


def test_a_unit_that_is_not_there(shared_lab: Lab) -> None:
    assert show(shared_lab, "staging", "LoadState", "MainPID", unit="no-such") == {
        "LoadState": "not-found",
        "MainPID": "0",
    }
    done = shared_lab.ssh("staging", "systemctl start no-such 2>&1; echo code $?")
    assert "not found" in done
    assert "code 5" in done


def test_a_killed_service_comes_back(shared_lab: Lab) -> None:
    said = shared_lab.ssh(
        "production-1",
        """
        old=$(systemctl show -P MainPID chatmrpt); kill -9 $old
        for i in $(seq 300); do sleep 0.2; systemctl is-active -q chatmrpt && break; done
        new=$(systemctl show -P MainPID chatmrpt); [ $old != $new ] && systemctl show -p NRestarts chatmrpt
        curl -s localhost:8080/ping""",
    )
    assert re.search(r'NRestarts=1\n\{"status":"ok"\}', said)


def test_a_stopped_service_stays_away(shared_lab: Lab) -> None:
    # Longer than the RestartSec= of its unit.
    said = shared_lab.ssh(
        "production-1",
        """
        systemctl stop chatmrpt; sleep 1.5; systemctl is-active chatmrpt
        pgrep -c gunicorn; systemctl start chatmrpt && systemctl is-active chatmrpt""",
    )
    # One that did not end within its TimeoutStopSec= has failed.
    assert said.split() in (["inactive", "0", "active"], ["failed", "0", "active"])


def test_reload_keeps_the_master_and_changes_the_workers(shared_lab: Lab) -> None:
    said = shared_lab.ssh(
        "production-2",
        """
        main=$(systemctl show -P MainPID chatmrpt); old=$(pgrep -P $main); systemctl reload chatmrpt
        for i in $(seq 600); do
            new=$(pgrep -P $main); [ "$(echo "$new" | wc -l)" = 2 ] && ! echo "$new" | grep -qxF "$old" && break
            sleep 0.1
        done
        [ $i -lt 600 ] && [ $main = $(systemctl show -P MainPID chatmrpt) ] && echo good""",
    )
    assert said == "good\n"


def test_a_drop_in_counts_after_a_daemon_reload(shared_lab: Lab) -> None:
    said = shared_lab.ssh(
        "production-2",
        """
        cd /etc/systemd/system; mkdir -p chatmrpt.service.d
        printf '[Service]\\nEnvironment=COLOUR=blue\\n' >chatmrpt.service.d/colour.conf
        systemctl show -P NeedDaemonReload chatmrpt
        sudo -n systemctl daemon-reload; systemctl restart chatmrpt; systemctl show -P NeedDaemonReload chatmrpt
        tr '\\0' '\\n' </proc/$(systemctl show -P MainPID chatmrpt)/environ | grep -E 'COLOUR|SSH'
        rm -r chatmrpt.service.d; systemctl daemon-reload; systemctl restart chatmrpt""",
    )
    # Nothing of the ssh session that asked for the restart is in the service's environment.
    assert said.split() == ["yes", "no", "COLOUR=blue"]


def test_a_start_that_fails_says_so(shared_lab: Lab) -> None:
    said = shared_lab.ssh(
        "staging",
        """
        printf '[Service]\\nType=notify\\nExecStart=/bin/false\\n' >/etc/systemd/system/broken.service
        systemctl start broken 2>&1; echo code $?; systemctl is-failed broken; rm /etc/systemd/system/broken.service""",
    )
    assert "code 1\nfailed\n" in said


# A service that hands over to a successor when told to, as Gunicorn does on USR2.
HAND_OVER = """
import os, signal, socket, time
def tell(text):
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as s:
        s.sendto(text.encode(), os.environ["NOTIFY_SOCKET"])
def hand_over(*_):
    child = os.fork()
    if child == 0:
        signal.signal(signal.SIGUSR2, signal.SIG_IGN)
        while True: time.sleep(1)
    tell(f"MAINPID={child}")
    time.sleep(2)
    os._exit(0)
signal.signal(signal.SIGUSR2, hand_over)
tell("READY=1")
while True: time.sleep(1)
"""


def test_the_main_process_may_change(shared_lab: Lab) -> None:
    said = shared_lab.ssh(
        "staging",
        f"""
        cat >/tmp/hand_over.py <<'X'\n{HAND_OVER}\nX
        printf '[Service]\\nType=notify\\nExecStart=/usr/bin/python3 /tmp/hand_over.py\\n' \
            >/etc/systemd/system/hand-over.service
        systemctl start hand-over; old=$(systemctl show -P MainPID hand-over); kill -USR2 $old
        for i in $(seq 600); do [ -d /proc/$old ] || break; sleep 0.1; done
        new=$(systemctl show -P MainPID hand-over); [ $old != $new ] && [ -d /proc/$new ] && [ ! -d /proc/$old ] &&
        systemctl is-active hand-over; systemctl show -P NRestarts hand-over; systemctl stop hand-over""",
    )
    assert said.split() == ["active", "0"]


def test_forwarding_and_copying(shared_lab: Lab, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("hello")
    config = f"{shared_lab.directory}/ssh_config"
    shared_lab.enter("scp", "-qF", config, str(tmp_path / "file"), "staging:/tmp/file")
    assert shared_lab.ssh("staging", "cat /tmp/file; id -un; hostname") == "helloec2-user\nstaging\n"
    said = shared_lab.enter(
        "sh",
        "-c",
        f"""
        ssh -F {config} -N -L 127.0.0.1:18080:127.0.0.1:8080 staging & tunnel=$!
        curl -s --retry 40 --retry-delay 1 --retry-connrefused http://127.0.0.1:18080/ping; kill $tunnel""",
    ).stdout
    assert said == '{"status":"ok"}\n'
