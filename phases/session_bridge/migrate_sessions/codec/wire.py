"""The lowest level of the serializer: integers, texts, limits, and which function handles what."""

from __future__ import annotations

import struct
from collections.abc import Iterable, Sequence
from importlib import import_module
from itertools import accumulate
from typing import Any, Callable, Union

from ..errors import BadPayload, Unserializable

Buffer = Union[bytes, bytearray, memoryview]
Write = Callable[["Writer", Any], None]
Read = Callable[["Reader"], Any]

# Python's recursion limit is 1000, a level takes up to six frames, and the application has its own.
MAXIMUM_DEPTH = 60

_writers: dict[type, tuple[int, Write]] = {}
_readers: dict[int, Read] = {}
_families: list[tuple[type, int, Write]] = []
# Modules that register more types, by the root module of the type and by the tags they own.
_OPTIONAL_BY_ROOT = {
    "numpy": ("arrays",),
    "pandas": ("columns", "indexes", "frames", "scalars"),
    "pytz": ("pytz_zones",),
}
_OPTIONAL_BY_TAG = [(range(0x40, 0x50), "numpy"), (range(0x50, 0x80), "pandas"), (range(0x80, 0x84), "pytz")]


def register(tag: int, kind: type, write: Write, read: Read) -> None:
    """Makes `kind` (that very type, not its subclasses) a type that can be kept."""
    if tag in _readers and _readers[tag] is not read:
        raise ValueError(f"tag {tag:#x} is taken")
    _writers[kind] = (tag, write)
    _readers[tag] = read


def register_family(tag: int, base: type, write: Write) -> None:
    """Makes `base` and its subclasses types that are written in the same way."""
    _families.append((base, tag, write))


def _import_optional(root: str) -> None:
    for name in _OPTIONAL_BY_ROOT[root]:
        import_module(f"{__package__}.{name}")


def _writer_for(kind: type) -> tuple[int, Write]:
    found = _writers.get(kind)
    if found is None:
        root = kind.__module__.partition(".")[0]
        if root in _OPTIONAL_BY_ROOT:
            _import_optional(root)
            found = _writers.get(kind)
    if found is None:
        found = next(((tag, write) for base, tag, write in _families if issubclass(kind, base)), None)
    if found is None:
        raise Unserializable(f"the type {kind.__module__}.{kind.__qualname__} is not one that can be kept")
    return found


def _reader_for(tag: int) -> Read:
    found = _readers.get(tag)
    if found is None:
        for tags, root in _OPTIONAL_BY_TAG:
            if tag in tags:
                _import_optional(root)
                found = _readers.get(tag)
    if found is None:
        raise BadPayload(f"unknown tag {tag:#x}")
    return found


class Writer:
    """Collects the pieces of an encoded value. Large buffers are not copied until the end."""

    def __init__(self) -> None:
        self._pieces: list[Buffer] = []
        self._depth = 0

    def bytes(self) -> bytes:
        """Everything written."""
        return b"".join(self._pieces)

    def raw(self, data: Buffer) -> None:
        """Bytes as they are."""
        self._pieces.append(data)

    def count(self, number: int) -> None:
        """A length: seven bits a byte, least significant first."""
        encoded = bytearray()
        while number > 0x7F:
            encoded.append(number & 0x7F | 0x80)
            number >>= 7
        encoded.append(number)
        self._pieces.append(encoded)

    def blob(self, data: Buffer) -> None:
        """Bytes with their length."""
        self.count(memoryview(data).nbytes)
        self._pieces.append(data)

    def text(self, text: str) -> None:
        """A text; half a surrogate pair is kept too."""
        self.blob(text.encode("utf-8", "surrogatepass"))

    def texts(self, texts: Sequence[str]) -> None:
        """Many texts: the lengths together, then the characters, for speed."""
        characters: Buffer
        joined = "".join(texts)
        if joined.isascii():  # As most are; then a character is a byte.
            lengths, characters = [*map(len, texts)], joined.encode("ascii")
        else:
            encoded = [text.encode("utf-8", "surrogatepass") for text in texts]
            lengths, characters = [*map(len, encoded)], b"".join(encoded)
        self.count(len(lengths))
        try:
            self.raw(struct.pack(f"<{len(lengths)}I", *lengths))
        except struct.error:
            raise Unserializable("a text is longer than 4 GiB") from None
        self.raw(characters)

    def value(self, value: Any) -> None:
        """Any value that can be kept."""
        tag, write = _writer_for(type(value))
        self._depth += 1
        if self._depth > MAXIMUM_DEPTH:
            raise Unserializable(f"nested deeper than {MAXIMUM_DEPTH} levels, or contains itself")
        self._pieces.append(tag.to_bytes(1, "little"))
        write(self, value)
        self._depth -= 1

    def values(self, values: Iterable[Any]) -> None:
        """Values one after another; an error names the position."""
        done = 0
        try:
            for value in values:
                self.value(value)
                done += 1
        except Unserializable as error:
            raise error.under(f"[{done}]") from None

    def part(self, step: str, value: Any) -> None:
        """A value that is part of a larger one; an error names it."""
        try:
            self.value(value)
        except Unserializable as error:
            raise error.under(step) from None


class Reader:
    """Reads what a `Writer` wrote, trusting none of it."""

    def __init__(self, data: memoryview) -> None:
        self._data = data
        self._position = 0
        self._depth = 0

    def remaining(self) -> int:
        """How many bytes are left."""
        return len(self._data) - self._position

    def raw(self, length: int) -> memoryview:
        """The next `length` bytes, not copied."""
        if not 0 <= length <= self.remaining():
            raise BadPayload(f"{length} bytes announced, {self.remaining()} left")
        begin = self._position
        self._position += length
        return self._data[begin : self._position]

    def byte(self) -> int:
        """The next byte."""
        return self.raw(1)[0]

    def number(self) -> int:
        """A number written by `Writer.count`, of at most 63 bits."""
        number = shift = 0
        while shift < 63:
            byte = self.byte()
            number |= (byte & 0x7F) << shift
            if byte < 0x80:
                return number
            shift += 7
        raise BadPayload("a length of more than 63 bits")

    def count(self, size: int = 1) -> int:
        """A number of things that take at least `size` bytes each: never more than can still follow."""
        number = self.number()
        if number * size > self.remaining():
            raise BadPayload(f"{number} items announced, {self.remaining()} bytes left")
        return number

    def blob(self) -> memoryview:
        """Bytes with their length, not copied."""
        return self.raw(self.count())

    def text(self) -> str:
        """A text."""
        return str(self.blob(), "utf-8", "surrogatepass")

    def texts(self) -> list[str]:
        """Many texts."""
        number = self.count(size=4)
        lengths = struct.unpack(f"<{number}I", self.raw(4 * number))
        characters = bytes(self.raw(sum(lengths)))
        ends = [*accumulate(lengths)]
        begins = [0, *ends]
        if characters.isascii():
            plain = characters.decode("ascii")
            return [plain[begin:end] for begin, end in zip(begins, ends)]
        return [characters[begin:end].decode("utf-8", "surrogatepass") for begin, end in zip(begins, ends)]

    def value(self) -> Any:
        """Any value."""
        self._depth += 1
        if self._depth > MAXIMUM_DEPTH:
            raise BadPayload(f"nested deeper than {MAXIMUM_DEPTH} levels")
        value = _reader_for(self.byte())(self)
        self._depth -= 1
        return value

    def expect(self, kind: type) -> Any:
        """A value of exactly this type."""
        value = self.value()
        if type(value) is not kind:
            raise BadPayload(f"a {type(value).__name__} where a {kind.__name__} belongs")
        return value

    def values(self) -> list[Any]:
        """A counted sequence of values."""
        return [self.value() for _ in range(self.count())]
