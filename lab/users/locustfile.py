"""Users of the application, who come through the load balancer and notice everything. Run by `lab users`.

Nothing of `migrate` is in here: what phase 4 promises is seen from outside, by another program. Each user signs in
once and stays. From then on an answer is wrong when it is not a 200, when the user is another one or none, when the
count of messages is not exactly one more than it was, or when the table is not the one that was uploaded.
"""

from __future__ import annotations

import itertools
import json
import os
import sys
from pathlib import Path

from locust import HttpUser, constant_pacing, events, task

_numbers = itertools.count(1)
_PREFIX = os.environ.get("LAB_USERS_PREFIX", "visitor")
_REPORT = os.environ["LAB_USERS_REPORT"]
_TABLE = "ward,cases\n" + "".join(f"ward-{row:05},{row % 17}\n" for row in range(200))


class Record:
    """What all users have seen together."""

    def __init__(self) -> None:
        self.requests = 0
        self.signed_in = 0
        self.failed: list[str] = []
        self.lost: set[str] = set()
        self.places: set[str] = set()

    def wrong(self, user: str, words: str) -> None:
        """Notes an answer that is not what it has to be."""
        self.failed.append(f"{user}: {words}")

    def summary(self) -> dict[str, object]:
        """For the report."""
        return {
            "requests": self.requests,
            "users": self.signed_in,
            "failed": len(self.failed),
            "lost": sorted(self.lost),
            "places": sorted(self.places),
            "examples": self.failed[:5],
        }


record = Record()


class Visitor(HttpUser):
    """Signs in once; a session that is lost stays lost."""

    wait_time = constant_pacing(1)

    def on_start(self) -> None:
        """The only time that the password, so to speak, is given."""
        self.name = f"{_PREFIX}-{next(_numbers)}"
        self.messages = 0
        answer = self.ask("POST", "/login", data={"user": self.name})
        if answer is not None:
            record.signed_in += 1
        self.ask("POST", "/upload", files={"file": ("wards.csv", _TABLE, "text/csv")})

    def ask(self, method: str, path: str, **more: object) -> dict[str, object] | None:
        """One request; the answer, or None when there is none to believe."""
        with self.client.request(method, path, catch_response=True, timeout=30, **more) as answer:
            record.requests += 1
            place = self.client.cookies.get("AWSALB")
            if place:
                record.places.add(place)
            if answer.status_code == 200:
                answer.success()
                return answer.json()
            words = f"{method} {path}: {answer.status_code or answer.error}"
            answer.failure(words)
            record.wrong(self.name, words)
            if answer.status_code == 401:
                record.lost.add(self.name)
            return None

    @task(3)
    def who_am_i(self) -> None:
        """Still the same."""
        answer = self.ask("GET", "/whoami")
        if answer is not None and answer["user"] != self.name:
            record.wrong(self.name, f"is taken for {answer['user']}")
            record.lost.add(self.name)

    @task(3)
    def send_a_message(self) -> None:
        """The session's own count goes up by one, each time."""
        answer = self.ask("POST", "/counter")
        if answer is None:
            return
        if answer["count"] != self.messages + 1:
            record.wrong(self.name, f"message {self.messages + 1} is counted as {answer['count']}")
        self.messages = answer["count"]

    @task(1)
    def look_at_the_table(self) -> None:
        """It is still a table, and still the one."""
        answer = self.ask("GET", "/frame")
        if answer is not None and (answer["kind"], answer["rows"]) != ("DataFrame", 200):
            record.wrong(self.name, f"the table is {answer['kind']} with {answer['rows']} rows")


@events.test_stop.add_listener
def report(**_: object) -> None:
    """Whole or not at all: somebody waits for the file."""
    temporary = Path(_REPORT + ".new")
    temporary.write_text(json.dumps(record.summary()), encoding="utf-8")
    temporary.replace(_REPORT)


@events.quitting.add_listener
def verdict(environment: object, **_: object) -> None:
    """The exit code: 0 when nobody has seen anything wrong."""
    environment.process_exit_code = 1 if record.failed or record.lost else 0
    print(json.dumps(record.summary()), file=sys.stderr)
