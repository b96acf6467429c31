"""The old store: files as cachelib's FileSystemCache writes them, which the original application reads and writes too.

    file name   hexadecimal hash of key prefix + session id: md5 up to cachelib 0.13, sha256 after it
    content     4 bytes: when it ends, in seconds since 1970, in the machine's byte order (0: never); then a pickle

Writing is left to cachelib itself, so a session saved here is as the original application saves it, but for 12 bytes
behind the pickle, where unpickling has stopped: a mark and the stamp (see `stamps`). A file without the mark was
written by the original application; its time of change is its stamp. So the original may take over at any moment and
the bridge may take back over later, and what was written last is what counts.

A deletion that Redis could not be told leaves a file that ended long ago, with a mark of its own. To the original it
is an expired session. It makes the bridge delete the session in Redis as soon as that is back.

Files are found under both kinds of name, the newest counts, and they are unpickled only if `trusted_file` says so.
"""

from __future__ import annotations

import contextlib
import copy
import hashlib
import logging
import os
import pickle
import struct
import tempfile
import time
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple, Optional

from cachelib.file import FileSystemCache

from .errors import Refused
from .metrics import Metrics
from .settings import Settings
from .stamps import plausible
from .trusted_file import Untrusted, open_trusted

_SAVED = b"\xc1MSO"
_DELETED = b"\xc1MSD"
_TRAILER = struct.Struct(">4sQ")
_EXPIRY = struct.Struct("I")
_LONG_AGO = 1
_HASHES = ("md5", "sha256")
_log = logging.getLogger(__name__)


class Entry(NamedTuple):
    """What is known of a session file before unpickling it."""

    path: Path
    stamp: int
    deleted: bool
    expires: int
    marked: bool = True  # The stamp is in the file; else it is the time of its change.

    def remaining(self) -> int:
        """The seconds it has left; 0 if it never ends."""
        return max(1, self.expires - int(time.time())) if self.expires else 0


class _StampingSerializer:
    """cachelib's serializer, but that one value is written as prepared; the file that counts files is as always."""

    def __init__(self, serializer: Any, value: Any, content: bytes) -> None:
        self._serializer = serializer
        self._value = value
        self._content = content

    def dump(self, value: Any, file: BinaryIO) -> None:
        if value is self._value:
            file.write(self._content)
        else:
            self._serializer.dump(value, file)

    def load(self, file: BinaryIO) -> Any:
        return self._serializer.load(file)


class OldStore:
    """Session files, by the key they have in Flask-Session."""

    def __init__(self, cache: FileSystemCache, metrics: Metrics) -> None:
        self._cache = cache
        self._metrics = metrics
        self._directory = Path(cache._path)

    @classmethod
    def of(cls, cache: Any, settings: Settings, metrics: Metrics) -> OldStore:
        """The store behind an application's own cache, or beside it if another directory is set."""
        if not isinstance(cache, FileSystemCache):
            raise Refused(f"the application keeps its sessions in {type(cache).__name__}, not in files")
        if type(getattr(cache, "serializer", None)).__name__ != "FileSystemSerializer":
            raise Refused("the application's session files are not pickles, or cachelib is older than 0.5")
        if cache._mode is not None and cache._mode & 0o022:
            raise Refused("the application's session files can be written by others (SESSION_FILE_MODE)")
        cache = copy.copy(cache)
        if settings.old_directory is not None:
            if not settings.old_directory.is_dir():
                raise Refused(f"the directory of the old sessions does not exist: {settings.old_directory}")
            cache._path = str(settings.old_directory)
        if settings.old_hash is not None:
            cache._hash_method = getattr(hashlib, settings.old_hash)
        return cls(cache, metrics)

    @property
    def directory(self) -> Path:
        """Where the files are."""
        return self._directory

    @property
    def hash_name(self) -> str:
        """How the files that are written are named: `md5` or `sha256`."""
        return str(self._cache._hash_method(b"").name)

    def find(self, key: str) -> Optional[Entry]:
        """The newest trusted file of a session, unless it has expired; a deletion not yet told to Redis counts."""
        entries = [entry for path in self._paths(key) if (entry := self._entry(path)) is not None]
        return max(entries, key=lambda entry: entry.stamp, default=None)

    def load(self, entry: Entry) -> Optional[dict[str, Any]]:
        """Unpickles a file; None if it is gone or broken."""
        try:
            with _opened(open_trusted(entry.path)) as file:
                if file is None:
                    return None
                file.seek(_EXPIRY.size)
                value = pickle.load(file)
        except Untrusted as problem:
            self._report(entry.path, str(problem))
            return None
        except Exception as error:  # A class that is gone, a file cut short: pickle can raise anything.
            _log.warning("session file %s cannot be unpickled (%s)", entry.path.name, type(error).__name__)
            return None
        return value if isinstance(value, dict) else None

    def save(self, key: str, value: dict[str, Any], timeout: int, stamp: int) -> bool:
        """Writes a session as the original would; raises what pickle raises."""
        # Pickled first: cachelib's own way leaves a file with nothing in it, or an unfinished one, on failure.
        content = pickle.dumps(value, pickle.HIGHEST_PROTOCOL) + _TRAILER.pack(_SAVED, stamp)
        cache = copy.copy(self._cache)
        cache.serializer = _StampingSerializer(self._cache.serializer, value, content)  # type: ignore[assignment]
        saved = bool(cache.set(key, value, timeout))
        if not saved:
            self._metrics.count("old_failures")
        return saved

    def extend(self, entry: Entry, timeout: int) -> bool:
        """Lets a session saved here end after `timeout` seconds from now; whether its file was there to be told."""
        try:
            with _opened(open_trusted(entry.path, writable=True)) as file:
                if file is None:
                    return False
                # Four bytes in place, as cachelib writes them. The time of change is not the stamp of a file of ours.
                return os.pwrite(file.fileno(), _EXPIRY.pack(int(time.time()) + timeout), 0) == _EXPIRY.size
        except (Untrusted, OSError, struct.error):
            return False

    def delete(self, key: str) -> None:
        """Removes a session under every name it may have."""
        self._cache.delete(key)
        for path in self._paths(key):
            with contextlib.suppress(OSError):
                path.unlink()

    def mark_deleted(self, key: str, stamp: int) -> None:
        """Removes a session, and notes that Redis does not know yet."""
        self.delete(key)
        try:
            descriptor, temporary = tempfile.mkstemp(suffix=self._cache._fs_transaction_suffix, dir=self._directory)
            with os.fdopen(descriptor, "wb") as file:
                file.write(_EXPIRY.pack(_LONG_AGO) + pickle.dumps(None) + _TRAILER.pack(_DELETED, stamp))
            os.replace(temporary, self._cache._get_filename(key))
        except OSError as error:
            self._metrics.count("old_failures")
            _log.warning("a deletion could not be noted in the old store (%s)", type(error).__name__)

    def _paths(self, key: str) -> list[Path]:
        names = {Path(self._cache._get_filename(key)).name}
        names |= {hashlib.new(name, key.encode(), usedforsecurity=False).hexdigest() for name in _HASHES}
        return [self._directory / name for name in sorted(names)]

    def _entry(self, path: Path) -> Optional[Entry]:
        try:
            with _opened(open_trusted(path)) as file:
                return None if file is None else _read_entry(path, file)
        except Untrusted as problem:
            self._report(path, str(problem))
        except (OSError, struct.error):
            _log.warning("session file %s cannot be read", path.name)
        return None

    def _report(self, path: Path, problem: str) -> None:
        self._metrics.count("untrusted")
        _log.warning("session file %s %s: not opened", path.name, problem)


def _opened(file: Optional[BinaryIO]) -> Any:
    return contextlib.nullcontext() if file is None else file


def _read_entry(path: Path, file: BinaryIO) -> Optional[Entry]:
    state = os.fstat(file.fileno())
    (expires,) = _EXPIRY.unpack(file.read(_EXPIRY.size))
    mark, stamp = b"", 0
    if state.st_size >= _EXPIRY.size + _TRAILER.size:
        file.seek(-_TRAILER.size, os.SEEK_END)
        mark, stamp = _TRAILER.unpack(file.read(_TRAILER.size))
    if mark == _DELETED and plausible(stamp):
        return Entry(path, stamp, True, expires)
    if expires and expires < time.time():
        return None
    if mark != _SAVED or not plausible(stamp):
        return Entry(path, state.st_mtime_ns, False, expires, marked=False)
    return Entry(path, stamp, False, expires)
