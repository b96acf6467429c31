"""Looking at files, installing them, and smoke imports: what is decided, and what is done."""

import json
import os
from pathlib import Path
from typing import Any

import pytest

from host_programs.files import smoke
from host_programs.files.install import install_or_uninstall, parts_of
from host_programs.files.look import Entry, difference, look
from host_programs.files.remove import remove
from host_programs.files.smoke import MainProcess, interpreter_of, module_of, outcome
from host_programs.request import CONFIGURATION, FOREIGN, NOT_THERE, Refusal
from support import as_process


@pytest.mark.parametrize("path", ["/etc/passwd", "a//b", "../a", "a/./b", "a/", "a\0b", ""])
def test_a_path_that_could_lead_out_is_refused(path: str) -> None:
    with pytest.raises(Refusal, match="is not a path below a directory") as refused:
        parts_of(path)
    assert refused.value.code == CONFIGURATION


def test_a_path_has_parts() -> None:
    assert parts_of("a/.b/c d") == ["a", ".b", "c d"]


def file(path: str, content: bytes = b"text", mode: int = 0o644, random: int = 0) -> dict[str, Any]:
    return {"path": path, "content": content.hex(), "mode": mode, "random": random}


def changed(directory: Path, **what: Any) -> None:
    as_process(install_or_uninstall, {"to": str(directory), "rollout": "ours", **what})


def test_files_are_installed_and_removed_with_the_directories_they_needed(owned_directory: Path) -> None:
    before = sorted(str(one) for one in owned_directory.rglob("*"))
    changed(owned_directory, files=[file("new/deep/module.py"), file("new/secret", b"x", 0o600)])
    assert (owned_directory / "new/deep/module.py").read_text() == "text"
    assert (owned_directory / "new").stat().st_mode & 0o7777 == 0o755
    assert (owned_directory / "new/secret").stat().st_mode & 0o7777 == 0o600
    cache = owned_directory / "new/deep/__pycache__"
    cache.mkdir()
    (cache / "module.cpython-37.pyc").touch()
    changed(owned_directory, paths=["new/deep/module.py", "new/secret", "never/there"])
    assert sorted(str(one) for one in owned_directory.rglob("*")) == before


def test_another_modules_byte_code_stays(owned_directory: Path) -> None:
    changed(owned_directory, files=[file("module.py")])
    (owned_directory / "__pycache__").mkdir()
    for name in ("module.cpython-37.pyc", "module_two.cpython-37.pyc"):
        (owned_directory / "__pycache__" / name).touch()
    changed(owned_directory, paths=["module.py"])
    assert os.listdir(str(owned_directory / "__pycache__")) == ["module_two.cpython-37.pyc"]


def test_a_random_token_is_drawn_once(owned_directory: Path) -> None:
    token = owned_directory / "token"
    changed(owned_directory, files=[file("token", mode=0o600, random=16)])
    first = token.read_text()
    assert len(first.strip()) == 32
    token.chmod(0o644)
    changed(owned_directory, files=[file("token", mode=0o600, random=16)])
    assert token.read_text() == first
    assert token.stat().st_mode & 0o7777 == 0o600


def test_what_is_in_the_way_is_refused(owned_directory: Path) -> None:
    (owned_directory / "taken").mkdir()
    (owned_directory / "link").symlink_to("/tmp")
    for path, why in {"taken": "is a directory", "link/x": "link is in the way"}.items():
        with pytest.raises(Refusal, match=why) as refused:
            changed(owned_directory, files=[file(path)])
        assert refused.value.code == FOREIGN
    with pytest.raises(Refusal, match="not the file that was installed"):
        changed(owned_directory, paths=["taken"])


def test_nothing_is_installed_in_a_copy_that_is_not_complete(owned_directory: Path) -> None:
    (owned_directory / ".migrate/complete").unlink()
    with pytest.raises(Refusal, match="is unfinished") as refused:
        changed(owned_directory, files=[file("x")])
    assert refused.value.code == NOT_THERE


def test_exactly_the_owned_directory_is_removed(owned_directory: Path) -> None:
    beside = owned_directory.parent / "beside"
    beside.mkdir()
    (owned_directory / "a/b").mkdir(parents=True)
    (owned_directory / "out").symlink_to(beside)
    with pytest.raises(Refusal, match="belongs to the rollout `ours`"):
        remove({"to": str(owned_directory), "rollout": "others"})
    as_process(remove, {"to": str(owned_directory), "rollout": "ours"})
    assert os.listdir(str(owned_directory.parent)) == ["beside"]
    as_process(remove, {"to": str(owned_directory), "rollout": "ours"})


def test_files_are_reported_with_digest_and_mode(tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub/file").write_bytes(b"abc")
    (tmp_path / "sub/file").chmod(0o640)
    (tmp_path / "link").symlink_to("sub")
    request = {
        "look": "files",
        "directory": str(tmp_path),
        "paths": ["sub/file", "no", "sub", "link/file", "sub/file/x"],
    }
    found = look(request)
    digest = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    assert found[0] == {"digest": digest, "mode": 0o640}
    assert (found[1], found[4]) == (None, None)
    # What is there and is not a file has a digest that no file has; a link on the way is not followed.
    assert found[2]["digest"] != found[3]["digest"] != digest
    assert look(dict(request, directory=str(tmp_path / "no"))) == [None] * 5


def test_a_private_file_is_read_only_when_it_is_private(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text(" hunter2\n")
    request = {"look": "private", "directory": str(tmp_path), "path": "secret"}
    with pytest.raises(Refusal, match="only its owner can read"):
        look(request)
    secret.chmod(0o600)
    assert look(request) == "hunter2"
    secret.write_bytes(b"x" * (1 << 20))
    with pytest.raises(Refusal, match="has more than 512 KiB"):
        look(request)
    with pytest.raises(Refusal, match="there is no file"):
        look(dict(request, path="no"))


def entry(path: Path) -> Entry:
    return Entry(path.lstat(), os.readlink(str(path)) if path.is_symlink() else None, str(path))


def test_entries_differ_in_kind_mode_target_or_content(tmp_path: Path) -> None:
    for name, content, mode in (("a", "1", 0o644), ("same", "1", 0o644), ("b", "2", 0o644), ("c", "1", 0o600)):
        (tmp_path / name).write_text(content)
        (tmp_path / name).chmod(mode)
    (tmp_path / "link").symlink_to("a")
    (tmp_path / "other link").symlink_to("b")
    found = {name: difference(entry(tmp_path / "a"), entry(tmp_path / name)) for name in ("same", "b", "c", "link")}
    assert found == {"same": None, "b": "its content", "c": "its mode (644 and 600)", "link": "its kind"}
    assert difference(entry(tmp_path / "link"), entry(tmp_path / "other link")) == "where it leads"


def test_two_trees_are_compared_without_volatile_names(tmp_path: Path) -> None:
    one, other = tmp_path / "one", tmp_path / "other"
    for tree in (one, other):
        (tree / "sub").mkdir(parents=True)
        (tree / "sub/same").write_text("x")
        (tree / "sub/a.log").write_text(tree.name)
    request = {"look": "differences", "one": str(one), "other": str(other), "left_out": ["*.log"]}
    assert look(request) == []
    (one / "sub/mine").touch()
    (other / "sub/same").write_text("y")
    assert look(request) == [f"sub/mine: only in {one}", "sub/same: its content"]
    for number in range(20):
        (other / str(number)).touch()
    assert len(look(request)) == 10


@pytest.mark.parametrize(
    ("words", "module"),
    [
        (["gunicorn", "run:app"], "run"),
        (["gunicorn", "app:create_app()"], "app"),
        (["gunicorn", "package.module"], "package.module"),
    ],
)
def test_the_module_is_the_last_word(words: list[str], module: str) -> None:
    assert module_of(words) == module


@pytest.mark.parametrize("words", [[], ["gunicorn", "--daemon"], ["gunicorn", "a b"], ["python", "/srv/run.py"]])
def test_a_command_line_without_an_application_is_refused(words: list[str]) -> None:
    with pytest.raises(Refusal, match="does not end with an application"):
        module_of(words)


def test_the_interpreter_is_the_virtual_environments(tmp_path: Path) -> None:
    python = tmp_path / "bin/python"
    python.parent.mkdir()
    python.touch(mode=0o755)
    own = str(os.getpid())
    assert interpreter_of(MainProcess(own, [str(python), "-m", "gunicorn"], {})) == str(python)
    # A script of the environment: its first word is not an interpreter.
    assert interpreter_of(MainProcess(own, ["/x/gunicorn"], {"VIRTUAL_ENV": str(tmp_path)})) == str(python)
    assert os.path.basename(interpreter_of(MainProcess(own, ["/x/gunicorn"], {}))).startswith("python")


def test_an_import_has_an_outcome() -> None:
    assert outcome(0, "imported") is None
    assert outcome(0, "ImportError:  no\n redis") == "ImportError: no redis"
    assert outcome(-11, "imported") == "the import crashed the interpreter (signal 11)"
    assert outcome(3, "") == "the import ended the interpreter (exit code 3)"
    assert len(outcome(0, "x " * 1000)) == 500


def test_the_service_manager_is_asked_for_the_main_process(monkeypatch: pytest.MonkeyPatch) -> None:
    answers = [b"MainPID=0\n", b"", b"MainPID=%d\n" % os.getpid()]

    class Done:
        returncode = 0

        def __init__(self, *_: Any, **__: Any) -> None:
            self.stdout = answers.pop(0)

    monkeypatch.setattr(smoke.subprocess, "run", Done)
    for _ in range(2):
        with pytest.raises(Refusal, match="has no main process"):
            smoke.main_process("app.service")
    found = smoke.main_process("app.service")
    assert found.pid == str(os.getpid())
    assert found.environment["PATH"] == os.environ["PATH"]
    assert json.dumps(found.words)
