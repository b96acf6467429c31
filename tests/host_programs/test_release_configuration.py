"""Releases: how Gunicorn's configuration is found, and the unit's drop-in."""

import os
from typing import Optional

import pytest

from host_programs.release import configuration, drop_in
from host_programs.release.configuration import (
    after_gunicorn,
    configuration_file,
    configuration_of,
    configuration_option,
    gunicorn_arguments,
    started_words,
)
from host_programs.release.drop_in_changes import commands, drop_in_text
from host_programs.release.site import Site
from host_programs.request import CONFIGURATION, Refusal


@pytest.mark.parametrize(
    ("line", "named"),
    [
        ("-c a.py", "a.py"),
        ("--config=b.py x", "b.py"),
        ("--conf c.py", "c.py"),
        ("-cd.py", "d.py"),
        ("-c a.py --config b.py", "b.py"),
        ("run:app", None),
        ("run:app --config", None),
        ("--co a.py", None),
        ("--chdir /x run:app", None),
    ],
)
def test_the_last_configuration_option_counts(line: str, named: Optional[str]) -> None:
    assert configuration_option(line.split()) == named


def test_a_configuration_is_a_file() -> None:
    assert [configuration_file(named) for named in ("a.py", "file:a.py")] == ["a.py", "a.py"]
    with pytest.raises(Refusal, match="is the module settings"):
        configuration_file("python:settings")


@pytest.mark.parametrize(
    ("words", "arguments"),
    [
        (["/v/bin/python", "/v/bin/gunicorn", "-c", "a.py"], ["-c", "a.py"]),
        (["python", "/v/gunicorn/__main__.py", "x"], ["x"]),
        (["python", "-m", "gunicorn.app.wsgiapp", "x"], ["x"]),
        (["gunicorn", "x"], ["x"]),
        (["python", "my-gunicorn.py"], None),
    ],
)
def test_arguments_follow_gunicorns_name(words: list[str], arguments: Optional[list[str]]) -> None:
    assert after_gunicorn(words) == arguments


EXEC_START = "{ path=/v/gunicorn ; argv[]=/v/gunicorn -c a.py run:app ; ignore_errors=no ; pid=1 }"


def test_a_title_hides_the_command_line_which_the_unit_has(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    assert started_words(EXEC_START) == ["/v/gunicorn", "-c", "a.py", "run:app"]
    assert started_words("") == []
    monkeypatch.setattr(configuration, "words_of", lambda _: ["gunicorn: master [run:app]"])
    monkeypatch.setattr(configuration, "properties", lambda *_: {"ExecStart": EXEC_START})
    assert gunicorn_arguments(site, 1) == ["-c", "a.py", "run:app"]
    monkeypatch.setattr(configuration, "words_of", lambda _: ["python", "app.py"])
    with pytest.raises(Refusal, match="does not show Gunicorn's command line"):
        gunicorn_arguments(site, 1)


@pytest.mark.parametrize(
    ("directory", "line", "variables", "found"),
    [
        ("", "run:app", {}, "gunicorn.conf.py"),
        ("", "-c conf/a.py", {}, "conf/a.py"),
        ("/sub", "-c a.py", {}, "sub/a.py"),
        ("/sub", "-c ../a.py", {}, "a.py"),
        ("", "run:app", {"GUNICORN_CMD_ARGS": "--config 'b c.py'"}, "b c.py"),
        ("", "-c a.py", {"GUNICORN_CMD_ARGS": "-c b.py"}, "a.py"),
        ("", "-c {live}/a.py", {}, "a.py"),
        ("", "-c /etc/a.py", {}, None),
        ("", "-c ../a.py", {}, None),
    ],
)
def test_the_configuration_lies_below_the_live_tree(
    site: Site,
    monkeypatch: pytest.MonkeyPatch,
    directory: str,
    line: str,
    variables: dict[str, str],
    found: Optional[str],
) -> None:
    monkeypatch.setattr(configuration, "variables_of", lambda _: variables)
    monkeypatch.setattr(configuration, "words_of", lambda _: ["gunicorn", *line.format(live=site.live).split()])
    monkeypatch.setattr(os, "readlink", lambda _: os.path.realpath(site.live) + directory)
    if found is not None:
        assert configuration_of(site, 1) == found
    else:
        with pytest.raises(Refusal, match="lies outside of") as refused:
            configuration_of(site, 1)
        assert refused.value.code == CONFIGURATION


def test_the_drop_in_is_in_force_when_it_is_read_and_not_overridden(monkeypatch: pytest.MonkeyPatch) -> None:
    path = "/etc/systemd/system/app.service.d/migrate.conf"
    answers = [
        {"NotifyAccess": "all", "DropInPaths": "/x.conf " + path},
        {"NotifyAccess": "main", "DropInPaths": path},
        {"NotifyAccess": "all", "DropInPaths": path + ".bak"},
        {},
    ]
    found = []
    for answer in answers:
        monkeypatch.setattr(drop_in, "properties", lambda *_, answer=answer: answer)
        found.append(drop_in.is_in_force("app.service"))
    assert found == [True, False, False, False]


def test_the_drop_in_has_four_commands_and_a_text(site: Site) -> None:
    assert [words[0] for words in commands("app.service", "source").values()] == ["install", "rm", "rmdir", "systemctl"]
    # The text of an earlier version is recognised by its bytes: it must not change.
    assert drop_in_text(site) == (
        "# migrate: rollout ours; taken away when its releases are\n[Service]\nNotifyAccess=all\n"
    )
