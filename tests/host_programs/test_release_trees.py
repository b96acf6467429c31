"""Releases: which tree is which, and what is linked, shared and put back."""

import os
from pathlib import Path
from typing import Any

import pytest

from host_programs.release.build import holds, put_link
from host_programs.release.exchange import can_exchange, exchange
from host_programs.release.live_path import LivePath
from host_programs.release.room import leading_out, leads_out, made_by_us, share, unshare
from host_programs.release.site import Site, kind_of
from host_programs.request import FOREIGN, Refusal
from support import add_release


def test_releases_are_whole_begun_or_not_ours(site: Site) -> None:
    add_release(site, "b")
    add_release(site, "a")
    add_release(site, "copied", marks=("complete",))
    add_release(site, "begun", marks=())
    add_release(site, "theirs", owner="others")
    (Path(site.releases) / "file").touch()
    assert site.release_names() == (["a", "b"], ["begun", "copied"])
    assert sorted(site.foreign_names()) == ["file", "theirs"]


def test_the_live_path_names_a_tree(site: Site) -> None:
    assert site.live_tree() == ("original", None)
    path = LivePath(site)
    add_release(site, "one")
    add_release(site, "two")
    assert path.name(("release", "one")) == ("original", None)
    assert site.live_tree() == ("release", "one")
    assert site.has_original()
    assert site.root_of(("original", None)) == site.original
    assert path.name(("release", "two")) == ("release", "one")
    assert path.name(("release", "two")) == ("release", "two")
    assert path.name(("original", None)) == ("release", "two")
    assert site.live_tree() == ("original", None)
    assert (Path(site.live) / "uploads/one").exists()
    assert not os.path.lexists(site.original)


def test_a_live_path_that_is_not_ours_is_foreign(site: Site) -> None:
    os.rename(site.live, site.live + ".moved")
    assert site.live_tree()[0] == "foreign"
    for target in ("/elsewhere", site.releases + "/shared", site.releases + "/.migrate"):
        os.symlink(target, site.live)
        assert site.live_tree() == (
            "foreign",
            f"{site.live} is a link to {target}, which is not a release of ours",
        )
        os.unlink(site.live)


def test_an_interrupted_exchange_is_cleaned_up_after(site: Site) -> None:
    add_release(site, "one")
    os.symlink(site.releases + "/one", site.original)
    LivePath(site).name(("original", None))
    assert not os.path.lexists(site.original)
    (Path(site.original)).mkdir()
    with pytest.raises(Refusal, match="in the way of the original"):
        LivePath(site).name(("release", "one"))


@pytest.mark.skipif(not can_exchange(), reason="the number of renameat2(2) is not known here")
def test_two_paths_change_places(tmp_path: Path) -> None:
    (tmp_path / "one").mkdir()
    (tmp_path / "other").symlink_to("one")
    exchange(str(tmp_path / "one"), str(tmp_path / "other"))
    assert [kind_of(str(tmp_path / name)) for name in ("one", "other", "no")] == ["link", "directory", None]
    with pytest.raises(Refusal, match="cannot change places: No such file"):
        exchange(str(tmp_path / "one"), str(tmp_path / "no"))


def test_a_process_is_in_the_tree_of_its_directory(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    cases = {
        site.live: ("original", None),
        site.live + "/sub (deleted)": ("original", None),
        site.releases + "/original": ("original", None),
        site.releases + "/one/sub": ("release", "one"),
        site.releases: ("foreign", site.releases),
        site.releases + "/shared/x": ("foreign", site.releases + "/shared/x"),
        "/": ("foreign", "/"),
    }
    for path, tree in cases.items():
        monkeypatch.setattr(os, "readlink", lambda _, path=path: path)
        assert site.tree_of(1) == tree, path


def test_only_directories_at_the_top_are_shared(site: Site) -> None:
    assert site.volatile_names() == ["uploads", "cache", "gunicorn.pid"]
    assert site.in_place() == ["uploads"]
    (Path(site.shared) / "cache").mkdir()
    (Path(site.shared) / "link").symlink_to("/")
    assert site.shared_names() == ["cache"]


@pytest.fixture
def release_marks(site: Site) -> Any:
    handle = os.open(site.releases + "/.migrate", os.O_RDONLY)
    yield handle
    os.close(handle)


def test_volatile_directories_are_shared_and_put_back(site: Site, release_marks: int) -> None:
    for _ in range(2):  # a second time changes nothing
        for name in site.volatile_names():
            share(site, site.live, name, release_marks)
    assert os.readlink(site.live + "/uploads") == site.shared + "/uploads"
    assert os.listdir(site.live + "/uploads") == ["one"]
    # One that the application would make later is made for all releases; a name with a dot is more likely a file's.
    assert os.path.isdir(site.live + "/cache")
    assert not os.path.lexists(site.live + "/gunicorn.pid")
    assert made_by_us(release_marks) == ["cache"]
    for _ in range(2):
        for name in ("uploads", "cache"):
            unshare(site, name, name == "cache")
    assert sorted(os.listdir(site.live)) == ["uploads"]
    assert kind_of(site.live + "/uploads") == "directory"
    assert os.listdir(site.shared) == []


def test_a_directory_made_by_us_and_used_since_is_kept(site: Site, release_marks: int) -> None:
    share(site, site.live, "cache", release_marks)
    (Path(site.live) / "cache/page").touch()
    unshare(site, "cache", True)
    assert os.listdir(site.live + "/cache") == ["page"]


def test_what_is_in_the_way_is_not_replaced(site: Site) -> None:
    (Path(site.shared) / "uploads").mkdir()
    with pytest.raises(Refusal, match="is in the way of") as refused:
        unshare(site, "uploads", False)
    assert refused.value.code == FOREIGN


@pytest.mark.parametrize(
    ("directory", "target", "leads"),
    [
        (".", "../x", True),
        (".", "a/../b", False),
        ("sub", "../x", False),
        ("sub", "../../x", True),
        ("sub", "..", False),
    ],
)
def test_a_relative_link_may_lead_out_of_its_tree(directory: str, target: str, leads: bool) -> None:
    assert leads_out(directory, target) == leads


def test_links_that_lead_out_are_found_but_in_volatile_directories(tmp_path: Path) -> None:
    (tmp_path / "sub/deep").mkdir(parents=True)
    (tmp_path / "logs").mkdir()
    (tmp_path / "logs/out").symlink_to("../../x")
    (tmp_path / "sub/deep/out").symlink_to("../../../x")
    (tmp_path / "sub/in").symlink_to("../y")
    (tmp_path / "absolute").symlink_to("/etc")
    assert leading_out(str(tmp_path), ["logs"]) == ["sub/deep/out"]


def test_a_release_holds_what_was_installed(tmp_path: Path) -> None:
    (tmp_path / "settings.py").write_bytes(b"abc")
    (tmp_path / "settings.py").chmod(0o644)
    digest = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    file = {"path": "gunicorn.conf.py", "mode": 0o644, "sha256": digest}
    assert holds(str(tmp_path), file, "settings.py")
    assert holds(str(tmp_path), dict(file, sha256=None), "settings.py")
    for other in ({"mode": 0o600}, {"sha256": "0" * 64}, {"path": "run.py"}):
        assert not holds(str(tmp_path), dict(file, **other), "settings.py")


def test_a_link_takes_the_place_of_an_empty_directory(tmp_path: Path) -> None:
    (tmp_path / "uploads").mkdir()
    root = os.open(str(tmp_path), os.O_RDONLY)
    for _ in range(2):
        put_link(str(tmp_path), root, "uploads", "/shared/uploads")
        put_link(str(tmp_path), root, "new", "/shared/new")
    os.close(root)
    assert os.readlink(str(tmp_path / "uploads")) == "/shared/uploads"
    assert os.readlink(str(tmp_path / "new")) == "/shared/new"
