"""Watching: what is parsed of /proc, and how a log is followed."""

import json
import os
from pathlib import Path

import pytest

from host_programs import monitor
from host_programs.monitor import (
    Family,
    Limits,
    Log,
    Master,
    Watch,
    host_sample,
    next_number,
    parse_counters,
    parse_memory,
    parse_processor_times,
    parse_pss,
    parse_stat,
    parse_time_wait,
)

STAT = b"42 (my (app)) S 7 " + b" ".join(b"%d" % number for number in range(5, 53))


def test_a_process_that_runs_has_fields() -> None:
    fields = parse_stat(STAT)
    assert (fields[0], fields[1], fields[19]) == (b"S", b"7", b"22")
    assert parse_stat(STAT.replace(b") S", b") Z")) is None
    assert [parse_stat(text) for text in (None, b"", b"42 (a) S 7")] == [None, None, None]


def test_memory_is_in_bytes() -> None:
    text = b"MemTotal:  16 kB\nMemFree: 1 kB\nMemAvailable: 8 kB\nSwapTotal: 4 kB\nSwapFree: 2 kB\nHugePages_Total: 0\n"
    assert parse_memory(text) == {b"MemTotal": 16384, b"MemAvailable": 8192, b"SwapTotal": 4096, b"SwapFree": 2048}
    assert parse_pss(b"55d8-7ffc ---p 00000000 00:00 0 [rollup]\nRss: 9 kB\nPss:  3 kB\nPss_Dirty: 1 kB\n") == 3072
    assert parse_pss(b"") is None


def test_waiting_for_a_disk_is_idle_time() -> None:
    # user nice system idle iowait irq softirq steal guest: guest is part of user.
    assert parse_processor_times(b"cpu  1 2 3 40 50 6 7 8 900\ncpu0 9 9 9 9\n") == (27, 90)


def test_counters_of_the_kernel_may_be_missing() -> None:
    assert parse_counters(b"pswpin 1\npswpout 5\noom_kill 2\noom_killer 7\n") == {b"pswpout": 5, b"oom_kill": 2}
    assert parse_counters(b"") == {}
    assert parse_time_wait(b"sockets: used 9\nTCP: inuse 3 orphan 0 tw 12 alloc 4 mem 1\n") == 12
    assert parse_time_wait(b"") == 0


def test_missed_samples_are_not_made_up_for() -> None:
    assert [next_number(3, elapsed, 1.0) for elapsed in (3.2, 4.0, 9.7)] == [4, 4, 9]


def test_a_pid_file_names_the_master(tmp_path: Path) -> None:
    file = tmp_path / "pid"
    master = Master("pid-file", str(file))
    assert master.find(0) == ("", None)
    file.write_text(f"{os.getpid()}\n")
    named, fields = master.find(1)
    assert (named, fields[1]) == (str(os.getpid()), b"%d" % os.getppid())
    file.write_text("../../etc")
    assert master.find(2) == ("../../etc", None)


def test_children_are_found_where_the_kernel_does_not_list_them(monkeypatch: pytest.MonkeyPatch) -> None:
    parent, child = str(os.getppid()), str(os.getpid())
    assert child in Family().children(parent, 0)
    read = monitor.read
    monkeypatch.setattr(monitor, "read", lambda path, limit=65536: None if "children" in path else read(path, limit))
    family = Family()
    assert child in family.children(parent, 0)
    # What is not a child is not looked at again.
    assert child not in family.strangers
    assert "1" in family.strangers or parent == "1"
    assert child in family.children(parent, 1)


def test_a_log_is_counted_from_now_on(tmp_path: Path) -> None:
    path = tmp_path / "log"
    path.write_text("Booting worker\n")
    log = Log(str(path))
    with path.open("a") as file:
        file.write("Traceback (most recent call last)\nBooting worker with pid: 1\nWORKER TIME")
    assert log.follow() == {"tracebacks": 1, "timeouts": 0, "killed": 0, "booted": 1}
    with path.open("a") as file:
        file.write("OUT\n")
    assert log.follow()["timeouts"] == 1
    # Truncated, then rotated.
    path.write_text("was sent SIGKILL\n")
    assert log.follow()["killed"] == 1
    path.rename(tmp_path / "log.1")
    assert log.follow() is None
    path.write_text("Worker (pid:7) was terminated due to signal 9\n")
    assert log.follow()["killed"] == 2


def test_a_log_may_come_later(tmp_path: Path) -> None:
    log = Log(str(tmp_path / "log"))
    assert log.follow() is None
    (tmp_path / "log").write_text("Booting worker\n")
    assert log.follow()["booted"] == 1


def test_a_sample_is_json(tmp_path: Path) -> None:
    file = tmp_path / "pid"
    file.write_text(str(os.getpid()))
    watch = Watch(Master("pid-file", str(file)), Log(""), Limits(1.0, 1.0, 5))
    sample = json.loads(json.dumps(watch.sample(0)))
    assert sample["master"]["pid"] == os.getpid()
    assert sample["master"]["pss_bytes"] is None or sample["master"]["pss_bytes"] > 0
    assert sample["log"] is None
    assert watch.sample(1)["master"]["pss_bytes"] is None
    assert host_sample(2)["total_bytes"] > 0
