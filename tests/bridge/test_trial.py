"""The trial endpoints: who may ask, what is answered, and that the application neither notices nor is in the way."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
from flask import Flask, abort, redirect, session

from migrate_sessions import codec
from migrate_sessions.codec import encode, wire
from migrate_sessions.trial import zoo
from redis_server import RedisServer
from same import same
from world import User, bridge, original, totals

TOKEN = "0123456789abcdef" * 4


@pytest.fixture
def token_file(tmp_path: Path) -> Path:
    file = tmp_path / "trial-token"
    file.write_text(TOKEN + "\n")
    file.chmod(0o600)
    return file


class Trial:
    """Someone with a cookie, and perhaps the token."""

    def __init__(self, app: Flask, user: User | None = None, token: str | None = TOKEN) -> None:
        self.app = app
        self.user = user or User()
        self.token = token
        self.response: Any = None

    def ask(self, path: str, method: str = "GET") -> Any:
        headers = {"Cookie": f"{self.app.config['SESSION_COOKIE_NAME']}={self.user.cookie}"} if self.user.cookie else {}
        if self.token is not None:
            headers["X-Migrate-Trial"] = self.token
        client = self.app.test_client(use_cookies=False)
        self.response = client.open(f"/__migrate__/{path}", method=method, headers=headers)
        for header in self.response.headers.getlist("Set-Cookie"):
            self.user.cookie = header.partition("=")[2].partition(";")[0]
        return self.response.get_json()


def tried(files: Path, redis: RedisServer, token_file: Path, **more: str) -> Flask:
    return bridge(original(files), redis.url, TRIAL_TOKEN_FILE=str(token_file), **more)


ENDPOINTS = [
    ("settings", "GET"),
    ("session", "GET"),
    ("types", "GET"),
    ("types", "POST"),
    ("restart", "POST"),
]


@pytest.mark.parametrize(
    "token",
    [None, "", TOKEN[:-1], TOKEN + "0", "\u00e9" * 64],
    ids=["none", "empty", "shorter", "longer", "strange"],
)
@pytest.mark.parametrize(("path", "method"), ENDPOINTS)
def test_without_the_token_there_is_nothing_but_what_the_application_says(
    files: Path, redis: RedisServer, token_file: Path, path: str, method: str, token: str | None
) -> None:
    app = tried(files, redis, token_file)
    trial = Trial(app, token=token)
    trial.ask(path, method)
    made = redis.client().dbsize()
    unknown = app.test_client().open("/__migrate__/unknown", method=method)
    assert trial.response.status_code == unknown.status_code == 404
    assert trial.response.data == unknown.data
    # Flask-Session 0.5 gives everyone a session.
    one, other = ({**response.headers, "Set-Cookie": ""} for response in (trial.response, unknown))
    assert one == other
    assert ("Set-Cookie" in trial.response.headers) == ("Set-Cookie" in unknown.headers)
    assert redis.client().dbsize() == 2 * made
    assert made == (1 if "Set-Cookie" in unknown.headers else 0)


def test_without_the_variable_there_is_nothing_even_with_the_token(files: Path, redis: RedisServer) -> None:
    app = bridge(original(files), redis.url)
    for path, method in ENDPOINTS:
        trial = Trial(app)
        trial.ask(path, method)
        assert trial.response.status_code == 404
    assert type(os.environ).__name__ == "_Environ"


def test_other_paths_and_methods_are_the_applications(files: Path, redis: RedisServer, token_file: Path) -> None:
    app = tried(files, redis, token_file)
    for path, method in (("unknown", "GET"), ("", "GET"), ("restart", "GET"), ("settings", "POST"), ("types", "PUT")):
        trial = Trial(app)
        trial.ask(path, method)
        assert trial.response.status_code == 404


def test_the_settings_that_count_are_told_without_secrets(
    files: Path, redis: RedisServer, token_file: Path, tmp_path: Path
) -> None:
    password = tmp_path / "password"
    password.write_text("swordfish")
    password.chmod(0o600)
    app = tried(
        files, redis, token_file, KEY_PREFIX="copy:", COOKIE_NAME="copy_session", REDIS_PASSWORD_FILE=str(password)
    )
    trial = Trial(app)
    answer = trial.ask("settings")
    assert (answer["pid"], answer["master"], answer["unread"]) == (os.getpid(), os.getppid(), [])
    told = {name.removeprefix("MIGRATE_SESSIONS_"): value for name, value in answer["settings"].items()}
    assert told["REDIS_URL"] == redis.url
    assert told["KEY_PREFIX"] == "copy:"
    assert told["COOKIE_NAME"] == "copy_session"
    assert told["WRITE"] == "both"
    assert told["OLD_DIR"] == str(files)
    assert told["BREAKER_COOLDOWN"] == "0.3"
    assert told["METRICS_FILE"] is None
    assert told["REDIS_PASSWORD_FILE"] == str(password)
    assert trial.response.headers["Cache-Control"] == "no-store"
    assert "swordfish" not in trial.response.text
    assert TOKEN not in trial.response.text


def test_the_settings_told_are_all_there_are(files: Path, redis: RedisServer, token_file: Path) -> None:
    table = Path(__file__).resolve().parents[2] / "phases/session_bridge/README.md"
    documented = {line.split("`")[1] for line in table.read_text().splitlines() if line.startswith("| `MIGRATE_")}
    told = set(Trial(tried(files, redis, token_file)).ask("settings")["settings"])
    assert told == documented - {"MIGRATE_SESSIONS_REDIS_PASSWORD"}


def test_the_session_is_named_by_its_key_in_redis_and_not_made(
    files: Path, redis: RedisServer, token_file: Path
) -> None:
    app = tried(files, redis, token_file, KEY_PREFIX="copy:")
    before = sorted(files.iterdir())
    assert Trial(app).ask("session") == {"pid": os.getpid(), "key": None, "read": "none"}
    assert Trial(app, User("nobody-knows-it")).ask("session")["key"] is None
    assert redis.client().dbsize() == 0
    assert sorted(files.iterdir()) == before

    alice = User()
    alice.puts(app, name="alice")
    cookie = alice.cookie
    trial = Trial(app, alice)
    answer = trial.ask("session")
    assert answer["read"] == "redis"
    assert [key.decode() for key in redis.client().scan_iter()] == [answer["key"]]
    assert answer["key"].startswith("copy:")
    assert alice.cookie == cookie
    assert "Set-Cookie" not in trial.response.headers


def test_a_session_of_the_old_store_is_said_to_be_from_there(files: Path, redis: RedisServer, token_file: Path) -> None:
    alice = User()
    alice.puts(original(files), name="alice")
    answer = Trial(tried(files, redis, token_file), alice).ask("session")
    assert answer["read"] == "old"
    assert redis.client().exists(answer["key"])


def test_every_type_comes_back(files: Path, redis: RedisServer, token_file: Path) -> None:
    app = tried(files, redis, token_file)
    alice = User()
    alice.puts(app, name="alice")
    trial = Trial(app, alice)
    empty = trial.ask("types")
    names = trial.ask("types", "POST")["names"]
    assert empty["missing"] == names
    assert not empty["right"]
    assert not empty["wrong"]
    assert trial.ask("types") == {"pid": os.getpid(), "missing": [], "wrong": [], "right": names}
    assert alice.gets(app, "name") == "alice"
    # Another instance, with no files of its own: what Redis has.
    (files / "other").mkdir()
    other = tried(files / "other", redis, token_file)
    assert Trial(other, alice).ask("types")["right"] == names
    # The oracle of the tests, which shares nothing with the package's own comparison.
    kept = alice.gets(other, "migrate_type_zoo")
    fresh = zoo.values()
    assert [name for name in fresh if not same(kept[name], fresh[name])] == []


def test_the_zoo_has_what_the_issue_lists() -> None:
    names = " ".join(zoo.values())
    for word in ("decimal", "uuid", "datetime", "timedelta", "tuple", "set", "bytes", "non-string keys", "past 64"):
        assert word in names
    pytest.importorskip("pandas")
    for word in ("frame of every dtype", "frame, empty", "numpy scalar", "numpy array", "timestamp", "in a zone"):
        assert word in names


def test_types_from_the_old_store_do_not_count(fragile: RedisServer, files: Path, token_file: Path) -> None:
    app = tried(files, fragile, token_file)
    trial = Trial(app)
    fragile.stop(keep=False)
    trial.ask("types", "POST")
    answer = trial.ask("types")
    assert answer["wrong"] == [{"name": "the store", "expected": "redis", "found": "old"}]


def test_a_codec_that_changes_a_dtype_is_reported(
    files: Path, redis: RedisServer, token_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pd = pytest.importorskip("pandas")
    encode(pd.DataFrame())  # The functions have registered themselves.
    tag, write = wire._writers[pd.DataFrame]

    def widens(writer: Any, frame: Any) -> None:
        small = [name for name in frame.columns if str(frame[name].dtype) == "int16"] if len(frame) == 3 else []
        write(writer, frame.astype(dict.fromkeys(small, "int64")) if small and frame.columns.is_unique else frame)

    monkeypatch.setitem(wire._writers, pd.DataFrame, (tag, widens))
    trial = Trial(tried(files, redis, token_file))
    trial.ask("types", "POST")
    answer = trial.ask("types")
    assert [wrong["name"] for wrong in answer["wrong"]] == ["frame of every dtype"]
    assert "int16" in answer["wrong"][0]["expected"]
    assert "int64" in answer["wrong"][0]["found"]
    assert "frame of every dtype" not in answer["right"]
    assert "series int16" in answer["right"]


def test_a_type_that_the_codec_refuses_is_reported(
    files: Path, redis: RedisServer, token_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuses(writer: Any, value: Any) -> None:
        raise codec.Unserializable("no fractions today")

    from fractions import Fraction

    monkeypatch.setitem(wire._writers, Fraction, (wire._writers[Fraction][0], refuses))
    trial = Trial(tried(files, redis, token_file))
    trial.ask("types", "POST")
    answer = trial.ask("types")
    assert {wrong["name"]: wrong["found"] for wrong in answer["wrong"]} == {
        "the store": "old",
        "fraction": "no fractions today",
    }


def test_names_that_are_gone_are_missing(files: Path, redis: RedisServer, token_file: Path) -> None:
    app = tried(files, redis, token_file)
    trial = Trial(app)
    trial.ask("types", "POST")
    trial.user.does(app, lambda session: session.__setitem__("migrate_type_zoo", {"tuple": [1, ("two", (3.0,)), ()]}))
    answer = trial.ask("types")
    (wrong,) = answer["wrong"]
    assert wrong["name"] == "tuple"
    assert wrong["expected"].startswith("tuple")
    assert wrong["found"].startswith("list")
    assert "uuid" in answer["missing"]
    assert not answer["right"]


def test_a_login_wall_neither_sees_nor_stops_it(files: Path, redis: RedisServer, token_file: Path) -> None:
    app = original(files)
    seen: list[str] = []

    @app.before_request
    def wall() -> Any:
        seen.append("before")
        return None if session.get("user") else redirect("/login")

    @app.teardown_request
    def closes(error: BaseException | None) -> None:
        from flask import g

        g.connection.close()  # There is none: `before_request` makes it.

    bridge(app, redis.url, TRIAL_TOKEN_FILE=str(token_file))
    trial = Trial(app)
    names = trial.ask("types", "POST")["names"]
    assert trial.ask("types")["right"] == names
    assert trial.ask("session")["read"] == "redis"
    assert trial.ask("settings")["pid"] == os.getpid()
    assert seen == []


def test_without_the_token_the_login_wall_answers(files: Path, redis: RedisServer, token_file: Path) -> None:
    app = original(files)
    app.before_request(lambda: redirect("/login"))
    bridge(app, redis.url, TRIAL_TOKEN_FILE=str(token_file))
    trial = Trial(app, token="wrong")
    trial.ask("settings")
    assert trial.response.status_code == 302
    assert trial.response.headers["Location"] == "/login"


def test_protection_against_forged_requests_does_not_stop_it(files: Path, redis: RedisServer, token_file: Path) -> None:
    app = original(files)

    @app.before_request
    def protect() -> None:
        abort(400, "The CSRF token is missing.")

    bridge(app, redis.url, TRIAL_TOKEN_FILE=str(token_file))
    assert Trial(app).ask("types", "POST")["names"]


def test_it_can_be_added_after_the_first_request(files: Path, redis: RedisServer, token_file: Path) -> None:
    app = original(files)
    app.test_client().get("/unknown")
    bridge(app, redis.url, TRIAL_TOKEN_FILE=str(token_file))
    assert Trial(app).ask("settings")["pid"] == os.getpid()


def test_an_application_without_pandas_has_a_smaller_zoo(
    files: Path, redis: RedisServer, token_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(zoo, "find_spec", lambda name: None)
    trial = Trial(tried(files, redis, token_file))
    names = trial.ask("types", "POST")["names"]
    assert "decimal" in names
    assert not any("frame" in name or "numpy" in name for name in names)
    assert trial.ask("types")["right"] == names


def test_what_goes_wrong_is_said_without_values(
    files: Path, redis: RedisServer, token_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails() -> None:
        raise RuntimeError("swordfish")

    monkeypatch.setattr(zoo, "values", fails)
    trial = Trial(tried(files, redis, token_file))
    assert trial.ask("types", "POST") == {"pid": os.getpid(), "error": "RuntimeError"}
    assert trial.response.status_code == 500


def test_outside_of_gunicorn_nothing_is_signalled(
    files: Path, redis: RedisServer, token_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("os.kill", lambda *_: pytest.fail("a signal was sent"))
    app = tried(files, redis, token_file)
    trial = Trial(app)
    answer = trial.ask("restart", "POST")
    assert trial.response.status_code == 409
    assert answer["error"] == "this process is not a worker of Gunicorn"
    # A worker whose master has ended has another parent.
    monkeypatch.setattr("os.getppid", lambda: 1)
    headers = {"X-Migrate-Trial": TOKEN}
    response = app.test_client().post(
        "/__migrate__/restart", headers=headers, environ_overrides={"gunicorn.socket": object()}
    )
    assert response.status_code == 409
    assert "has ended" in response.get_json()["error"]


def test_asking_does_not_count_as_saving(files: Path, redis: RedisServer, token_file: Path) -> None:
    app = tried(files, redis, token_file)
    trial = Trial(app)
    trial.ask("types", "POST")
    before = totals(app)["writes"]
    for path in ("types", "session", "settings"):
        trial.ask(path)
    assert totals(app)["writes"] == before


def test_a_cookie_of_another_name_keeps_two_applications_apart(files: Path, redis: RedisServer) -> None:
    (files / "copy").mkdir()
    plain, copied = original(files), bridge(original(files / "copy"), redis.url, COOKIE_NAME="copy_session")
    assert plain.config["SESSION_COOKIE_NAME"] == "session"
    copied.config["ACTION"] = lambda session: session.update(user="alice")
    client = copied.test_client(use_cookies=False)
    (header,) = client.post("/").headers.getlist("Set-Cookie")
    assert header.startswith("copy_session=")
    cookie = header.partition(";")[0]
    copied.config["ACTION"] = lambda session: session.get("user")
    client.get("/", headers={"Cookie": cookie})
    assert copied.config["RESULT"] == "alice"
    # The same id under the original's name is no session here.
    client.get("/", headers={"Cookie": cookie.replace("copy_session", "session")})
    assert copied.config["RESULT"] is None


def test_the_name_counts_although_the_application_sets_its_own_later(files: Path, redis: RedisServer) -> None:
    from migrate_sessions import install
    from migrate_sessions.settings import Settings
    from world import environment

    settings = Settings.from_environment(environment(redis.url, COOKIE_NAME="copy_session"))
    app = install(original(files), settings)
    app.config["SESSION_COOKIE_NAME"] = "own"  # After Session(app), while the application is still being imported.
    install(app, settings)
    assert app.config["SESSION_COOKIE_NAME"] == "copy_session"
