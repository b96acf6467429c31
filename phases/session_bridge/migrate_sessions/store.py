"""The bridge: both stores behind the three methods that Flask-Session uses of a cachelib cache.

All of Flask-Session 0.5 to 0.8 reads, writes and deletes file sessions by `cache.get`, `cache.set` and `cache.delete`.
Replacing the cache, and nothing else, leaves everything else as it was: cookie, session id, signer, lifetimes.

Which copy counts
    The newer one, by stamp (see `stamps`). Both stores are looked at on every read; of the file, only a few bytes. So
    what was written to files while Redis was away wins over what Redis still holds when it is back, what Redis holds
    wins over the file that another instance left behind, and the same is true of deletions. An instance sees its own
    files only: what one instance wrote while Redis was away reaches the others when that instance sees the user again.

Reading
    Redis first. If the file is newer, or Redis has nothing, the file, which is then copied to Redis for the time it has
    left (a lazy copy; it never replaces what appeared in Redis meanwhile). If Redis is away, the file.

Writing
    Redis, and the file too if told to write both, or if Redis did not take it. If a value cannot be kept in Redis as
    the same type, that session stays in the old store alone and is counted (or is an error, if told so).

Refreshing
    A session whose encoding is, byte for byte, what this request read from Redis is not written again: Redis and the
    file are told its new end. Nothing was changed, so the stamp stays, and whoever did change it meanwhile, or deleted
    it, is not overwritten. A file that is missing or has another stamp is written, with the stamp of what was read. If
    Redis has lost the session, it is saved as a changed one would be.

Deleting
    Both. Redis keeps a marker for as long as a session lives; if Redis is away, the old store keeps one instead.
"""

from __future__ import annotations

import logging
from typing import Any, Callable, Optional, Union

from . import envelope, foreign
from .codec import decode, encode
from .errors import BadPayload, StoreAway, Unserializable
from .metrics import Metrics
from .old_store import Entry, OldStore
from .redis_store import RedisStore
from .stamps import Clock
from .trace import Kept, trace

_log = logging.getLogger(__name__)
Session = dict[str, Any]


class BridgeStore:
    """Stands in for the cache of a Flask-Session interface."""

    def __init__(
        self,
        redis: RedisStore,
        old: OldStore,
        metrics: Metrics,
        *,
        redis_key: Callable[[str], str],
        lifetime: Callable[[], int],
        write_both: bool = True,
        read_msgspec: bool = False,
        unserializable_is_error: bool = False,
    ) -> None:
        self._redis = redis
        self._old = old
        self._metrics = metrics
        self._redis_key = redis_key
        self._lifetime = lifetime
        self._write_both = write_both
        self._read_msgspec = read_msgspec
        self._unserializable_is_error = unserializable_is_error
        self._clock = Clock()
        self._reported: set[str] = set()

    # What Flask-Session calls

    def get(self, key: str) -> Optional[Session]:
        """The session, from the store that has the newer copy; None if neither has it."""
        self._metrics.count("reads")
        try:
            session = self._read(key)
        finally:
            self._metrics.write_if_due()
        if session is None:
            self._metrics.count("misses")
            trace().missed = True
        return session

    def set(self, key: str, value: Session, timeout: int) -> bool:
        """Saves the session; raises only if no store can keep a value in it."""
        self._metrics.count("writes")
        seconds = int(timeout)
        body, problem = self._encoded(value)
        stamp = self._refreshed(key, body, seconds)
        in_redis = stamp is not None
        if stamp is None:
            stamp = self._clock.next()
            in_redis = body is not None and self._write_redis(key, body, seconds, stamp)
        elif self._write_both and self._old_refreshed(key, stamp, seconds):
            trace().wrote = "both"
            self._metrics.write_if_due()
            return True
        in_old = False
        if self._write_both or not in_redis:
            in_old = self._write_old(key, value, seconds, stamp, in_redis, problem)
        trace().wrote = {(True, True): "both", (True, False): "redis", (False, True): "old"}.get(
            (in_redis, in_old), "none"
        )
        if not (in_redis or in_old):
            _log.error("a session could not be saved in either store")
        self._metrics.write_if_due()
        return in_redis or in_old

    def delete(self, key: str) -> bool:
        """Deletes the session everywhere, and sees to it that no other copy brings it back."""
        self._metrics.count("deletes")
        stamp = self._clock.next()
        # With a file here, others may have one: mark it in any case. Without, there is only what Redis itself has.
        only_if = None if self._old.find(key) else "present"
        try:
            self._redis.put(self._redis_key(key), envelope.deleted(stamp), self._lifetime(), only_if)
        except StoreAway:
            self._metrics.count("falls")
            self._old.mark_deleted(key, stamp)
        else:
            self._old.delete(key)
        self._metrics.write_if_due()
        return True

    # What the trial endpoints ask

    def redis_key(self, key: str) -> str:
        """The name in Redis of a session, given the one that Flask-Session uses."""
        return self._redis_key(key)

    @property
    def old(self) -> OldStore:
        """The old store."""
        return self._old

    @property
    def writes_both(self) -> bool:
        """Whether every session is written to the old store, too."""
        return self._write_both

    # Reading

    def _read(self, key: str) -> Optional[Session]:
        old = self._old.find(key)
        if old is not None:
            self._clock.observe(old.stamp)
        try:
            payload = self._redis.get(self._redis_key(key))
        except StoreAway:
            self._metrics.count("falls")
            session = self._from_old(old)
            trace().unknown = session is None and old is None
            return session
        if payload is None:
            return self._only_old(key, old)
        found = self._unpack(payload)
        if found is None:
            return self._from_old(old)
        if not isinstance(found, envelope.Envelope):
            trace().read = "redis"
            self._metrics.count("hits")
            return found
        self._clock.observe(found.stamp)
        if old is not None and old.stamp > found.stamp:
            return self._newer_old(key, old)
        return self._from_redis(key, found, old)

    def _unpack(self, payload: bytes) -> Union[envelope.Envelope, Session, None]:
        """Takes a Redis value apart; None if it is not ours and is not to be read, or is damaged."""
        if not envelope.is_ours(payload):
            self._metrics.count("foreign")
            return foreign.read(payload) if self._read_msgspec else None
        try:
            return envelope.unseal(payload)
        except BadPayload as problem:
            self._damaged(problem)
            return None

    def _from_redis(self, key: str, found: envelope.Envelope, old: Optional[Entry]) -> Optional[Session]:
        if found.deleted:
            if old is not None:
                self._old.delete(key)
            return None
        try:
            session = decode(found.body)
            if type(session) is not dict:
                raise BadPayload("not a session")
        except BadPayload as problem:
            self._damaged(problem)
            return self._from_old(old)
        self._metrics.count("hits")
        trace().read = "redis"
        trace().kept = Kept(key, found.body, found.stamp)
        return session

    def _from_old(self, old: Optional[Entry]) -> Optional[Session]:
        if old is None or old.deleted:
            return None
        session = self._old.load(old)
        if session is not None:
            self._metrics.count("old")
            trace().read = "old"
        return session

    def _only_old(self, key: str, old: Optional[Entry]) -> Optional[Session]:
        """Redis has nothing."""
        if old is not None and old.deleted:
            self._old.delete(key)
            return None
        session = self._from_old(old)
        if old is not None and session is not None:
            self._copy(key, session, old, only_if="absent")
        return session

    def _newer_old(self, key: str, old: Entry) -> Optional[Session]:
        """Redis has an older copy: it was away when the session was changed last."""
        if old.deleted:
            try:
                self._redis.put(self._redis_key(key), envelope.deleted(old.stamp), self._lifetime())
            except StoreAway:
                return None  # The note stays where it is, for the next time.
            self._old.delete(key)
            return None
        session = self._from_old(old)
        if session is not None:
            self._copy(key, session, old, only_if=None)
        return session

    def _copy(self, key: str, session: Session, old: Entry, only_if: Optional[str]) -> None:
        try:
            payload = envelope.seal(encode(session), old.stamp)
            if self._redis.put(self._redis_key(key), payload, old.remaining(), only_if):
                self._metrics.count("lazy_copies")
        except Unserializable as problem:
            self._spared(problem)
        except StoreAway:
            pass  # It is still in the old store, and saving it is the next attempt.

    # Writing

    def _encoded(self, value: Session) -> tuple[Optional[bytes], Optional[Unserializable]]:
        try:
            return encode(value), None
        except Unserializable as problem:
            self._spared(problem)
            if self._unserializable_is_error:
                raise
            return None, problem

    def _refreshed(self, key: str, body: Optional[bytes], seconds: int) -> Optional[int]:
        """The stamp of what Redis has, if that is what is to be saved and it has been told its new end."""
        kept = trace().kept
        if kept is None or kept.key != key or seconds <= 0 or body is None or kept.body.tobytes() != body:
            return None
        try:
            return kept.stamp if self._redis.extend(self._redis_key(key), seconds) else None
        except StoreAway:
            return None  # Counted by the attempt to save it.

    def _old_refreshed(self, key: str, stamp: int, seconds: int) -> bool:
        old = self._old.find(key)
        same = old is not None and old.marked and not old.deleted and old.stamp == stamp
        return old is not None and same and self._old.extend(old, seconds)

    def _write_redis(self, key: str, body: bytes, seconds: int, stamp: int) -> bool:
        try:
            return self._redis.put(self._redis_key(key), envelope.seal(body, stamp), seconds)
        except StoreAway:
            self._metrics.count("falls")
            return False

    def _write_old(
        self, key: str, value: Session, seconds: int, stamp: int, in_redis: bool, problem: Optional[Unserializable]
    ) -> bool:
        try:
            return self._old.save(key, value, seconds, stamp)
        except Exception as error:  # pickle asks the values themselves, which may raise anything.
            self._metrics.count("old_failures")
            if in_redis:
                _log.warning("a session could not be written to the old store (%s)", type(error).__name__)
                return False
            # As the original would: this request is the one that can be told.
            raise problem or error from None

    # Saying what went wrong, without values

    def _spared(self, problem: Unserializable) -> None:
        self._metrics.count("unserializable")
        text = str(problem)
        if text not in self._reported and len(self._reported) < 100:
            self._reported.add(text)
            _log.warning("not kept in Redis: %s", text)

    def _damaged(self, problem: BadPayload) -> None:
        self._metrics.count("damaged")
        _log.warning("a value in Redis is damaged: %s", problem)
