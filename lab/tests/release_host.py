"""A lab host with releases, worked on with the programs that the tool sends; and users who watch."""

from __future__ import annotations

import hashlib
import json
import shlex
import signal
import subprocess
import sys

from conftest import LAB, Lab

PACKAGE = LAB.parent / "host_programs"
TREE_SCRIPT = LAB.parent / "src/adapters/ssh/scripts/tree.sh"
CONFIGURATION = (LAB.parent / "phases/release/gunicorn_configuration.py").read_text()
LIVE = "/home/ec2-user/ChatMRPT"
RELEASES = "/home/ec2-user/ChatMRPT.releases"
UNIT = "chatmrpt.service"
VOLATILE = ["flask_session", "instance", "logs", "uploads", "*.log", "*.pid", "*.pyc", "__pycache__"]
ROLLOUT = "chatmrpt-sessions"

# The programs by the names that they have here. The package itself is put on the host: that each program can be joined
# into one text is for tests/architecture and tests/adapters to show.
PROGRAMS = {
    "copy": "host_programs.files.copy",
    "install": "host_programs.files.install",
    "remove": "host_programs.files.remove",
    "look": "host_programs.release.look",
    "room": "host_programs.release.room",
    "build": "host_programs.release.build",
    "switch": "host_programs.release.switch",
}
# What runs programs on the host: a connection for each of them would take longer than they do.
AGENT = """
import json, subprocess, sys
for line in sys.stdin:
    words, text = json.loads(line)
    done = subprocess.run(words, input=text, capture_output=True, text=True)
    print(json.dumps([done.returncode, done.stdout, done.stderr]), flush=True)
"""
# Runs a program, and kills it with SIGKILL before the nth thing it does that others can see.
RUN = """
import os, runpy, signal, sys
CHANGES = {"os.symlink", "os.remove", "os.rename", "os.mkdir", "os.rmdir", "os.kill", "os.chmod", "ctypes.dlsym"}
class Left:
    steps = int(os.environ.get("KILLED_AT", "0"))
def hook(event, arguments):
    seen = event in CHANGES or event == "open" and str(arguments[1]).startswith("w")
    seen = seen or event == "subprocess.Popen" and "show" not in list(arguments[1]) and "-l" not in list(arguments[1])
    if seen and Left.steps:
        Left.steps -= 1
        if not Left.steps:
            # Not os.kill: that would be seen, too.
            signal.pthread_kill(__import__("threading").get_ident(), signal.SIGKILL)
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
sys.addaudithook(hook)
runpy.run_module(sys.argv[1], run_name="__main__")
"""
# A user who signs in once, then asks all the time who they are taken for.
USER = """
import http.cookiejar, json, sys, time, urllib.parse, urllib.request
number, seconds = sys.argv[1], float(sys.argv[2])
jar = urllib.request.HTTPCookieProcessor(http.cookiejar.CookieJar())
browser = urllib.request.build_opener(jar)
base, count, wrong = "http://chatmrpt.lab.internal", 0, []
browser.open(base + "/login", data=urllib.parse.urlencode({"user": number}).encode()).read()
end = time.monotonic() + seconds
while time.monotonic() < end:
    try:
        with browser.open(base + "/whoami", timeout=10) as answer:
            found = json.load(answer)["user"]
        if found != number:
            wrong.append(found)
    except Exception as error:
        wrong.append(str(error))
    count += 1
    # Less than it takes to start a worker, and leaves the processors to the switch.
    if sys.stdin in __import__("select").select([sys.stdin], [], [], 0.01)[0]:
        break
placed = [cookie.value for cookie in jar.cookiejar if cookie.name == "AWSALB"]
print(json.dumps({"count": count, "wrong": wrong[:3], "placed": placed}))
"""


class Refused(Exception):
    """A program said no: its exit code, why, and whether everything is as it was."""

    def __init__(self, code: int, why: str, clean: bool) -> None:
        super().__init__(f"{why} ({code})")
        self.code, self.why, self.clean = code, why, clean


class Users:
    """Users who keep asking, through the load balancer, until they are sent home."""

    def __init__(self, lab: Lab, count: int) -> None:
        line = [str(LAB / "lab"), "enter", "--dir", str(lab.directory), "--", sys.executable, "-c", USER]
        self.processes = [
            subprocess.Popen(
                [*line, f"user-{number}", "7200"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
            )
            for number in range(count)
        ]

    def go_home(self) -> list[dict]:
        """What they saw."""
        for process in self.processes:
            process.stdin.write("\n")
            process.stdin.flush()
        return [json.loads(process.communicate(timeout=60)[0]) for process in self.processes]

    def saw_nothing(self, least: int) -> None:
        """None of them noticed anything, and they were there when it happened."""
        said = self.go_home()
        assert all(user["count"] > least and not user["wrong"] for user in said), said
        assert {place for user in said for place in user["placed"]} == {"production-1", "production-2"}, said


class ReleaseHost:
    """One host of the lab."""

    def __init__(self, lab: Lab, name: str) -> None:
        line = [
            str(LAB / "lab"),
            "enter",
            "--dir",
            str(lab.directory),
            "--",
            "ssh",
            "-F",
            f"{lab.directory}/ssh_config",
            name,
            f"exec python3 -c {shlex.quote(AGENT)}",
        ]
        self.agent = subprocess.Popen(line, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        for module in sorted(PACKAGE.rglob("*.py")):
            path = f"programs/{module.relative_to(PACKAGE.parent)}"
            self.run(f"mkdir -p $(dirname {path}); cat >{path}", module.read_text())
        self.run("cat >programs/run.py", RUN)
        self.run("cat >programs/tree.sh", TREE_SCRIPT.read_text())

    def run(self, script: str, text: str = "", check: bool = True) -> subprocess.CompletedProcess:
        """Runs a shell script on the host."""
        return self._told(["sh", "-c", script], text, check)

    def _told(self, words: list[str], text: str, check: bool) -> subprocess.CompletedProcess:
        self.agent.stdin.write(json.dumps([words, text]) + "\n")
        self.agent.stdin.flush()
        done = subprocess.CompletedProcess(words, *json.loads(self.agent.stdout.readline()))
        if check:
            done.check_returncode()
        return done

    def ask(self, program: str, killed_at: int = 0, **request: object) -> object:
        """Runs a program."""
        words = ["env", f"KILLED_AT={killed_at}", "python3", "-I", "-B", "programs/run.py", PROGRAMS[program]]
        done = self._told(words, json.dumps(request), check=False)
        if done.returncode == 0:
            return json.loads(done.stdout.splitlines()[-2])
        if killed_at and done.returncode == -signal.SIGKILL:
            raise Killed
        raise Refused(done.returncode, done.stderr.strip(), done.stdout.endswith("\nclean\n"))

    def about(self, program: str, killed_at: int = 0, **more: object) -> object:
        """Runs a program on the application's site."""
        site = {"live": LIVE, "releases": RELEASES, "rollout": ROLLOUT, "unit": UNIT, "volatile": VOLATILE}
        return self.ask(program, killed_at, **site, **more)

    def facts(self) -> dict:
        """All there is to know."""
        return self.about("look")

    def make_room(self, killed_at: int = 0) -> None:
        """Room for releases."""
        self.about("room", killed_at, room="make")

    def clear_room(self, killed_at: int = 0) -> None:
        """And no more room."""
        self.about("room", killed_at, room="clear")
        self.ask("remove", to=RELEASES, rollout=ROLLOUT)

    def build(self, name: str, more: str = "", **files: str) -> None:
        """A release of the live tree, and something more at the end of its entry."""
        content = {"gunicorn.conf.py": CONFIGURATION, ".migrate/live": LIVE, **files}
        expected = [
            {"path": path, "sha256": hashlib.sha256(text.encode()).hexdigest(), "mode": 0o644}
            for path, text in content.items()
        ]
        plan = self.about("build", turn="plan", release=name, files=expected)
        if plan["whole"]:
            return
        place = {"to": f"{RELEASES}/{name}", "rollout": ROLLOUT}
        self.ask("copy", **{"from": plan["from"]}, **place, volatile=VOLATILE, needed_bytes=0)
        self.about("build", turn="prepare", release=name, configuration=plan["configuration"])
        entry = self.run(f"cat {RELEASES}/{name}/run.py").stdout
        content = {
            plan["configuration"] if path == "gunicorn.conf.py" else path: text for path, text in content.items()
        }
        files = [
            {"path": path, "content": text.encode().hex(), "mode": 0o644, "random": 0}
            for path, text in {**content, "run.py": entry + more}.items()
        ]
        self.ask("install", **place, files=files)
        self.about("build", turn="finish", release=name)

    def to(self, name: str | None, killed_at: int = 0, patience: float = 120) -> None:
        """Switches."""
        self.about("switch", killed_at, release=name, patience=patience)

    def remove_releases(self) -> None:
        """Every release goes."""
        for name in self.about("build", turn="removable"):
            self.ask("remove", to=f"{RELEASES}/{name}", rollout=ROLLOUT)

    def runs(self) -> tuple[str | None, str | None]:
        """What the live path names, and what the service runs in; `None` for the original. Nothing runs beside it."""
        facts = self.facts()
        running = facts["running"]
        assert running["beside"] == [], facts
        assert facts["has_original"], facts
        for tree in (facts["live"], running["tree"]):
            assert tree["kind"] in ("original", "release"), facts
        return facts["live"]["name"], running["tree"]["name"]

    def listing(self) -> str:
        """Everything in the live tree but the content of what is volatile."""
        # A new master renames its pid file a second after it has taken over.
        patterns = " ".join(shlex.quote(pattern) for pattern in [*VOLATILE, "*.pid.2"])
        return self.run(
            f"sh programs/tree.sh {LIVE} {patterns} | head -c -20 | sed -z '$d'; "
            f"cd {LIVE}; find . -maxdepth 1 -printf '%y %m %f\\n' | grep -v -e pycache -e '.pid' | sort; "
            "ls -d ../ChatMRPT*; ls /etc/systemd/system"
        ).stdout


class Killed(Exception):
    """The program was killed where it was to be killed."""
