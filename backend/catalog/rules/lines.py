"""Bytes of a file into lines of text: UTF-8 or UTF-16, and the line ends of every system."""

from __future__ import annotations

import codecs
from collections.abc import Iterator
from typing import Final, Protocol

import msgspec

from backend.catalog.types.imports import ProblemCode

_MAX_LINE: Final = 1 << 20
_CHUNK: Final = 1 << 16
# The longer mark first: that of UTF-32 begins like that of UTF-16.
_MARKS: Final = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_LOOKED_AT: Final = 1024
# Of Latin, Greek, Cyrillic, Hebrew and Arabic letters; in a text of single bytes they would be control characters.
_UPPER_HALVES: Final = frozenset(range(9))


class Source(Protocol):
    """Anything that gives bytes piece by piece, as files do."""

    def read(self, size: int, /) -> bytes:
        """At most ``size`` bytes more; empty at the end of the file."""
        ...


class Line(msgspec.Struct, frozen=True):
    """A line with its end, and what is wrong with its bytes."""

    number: int
    text: str
    problem: ProblemCode | None = None


def _encoding(start: bytes) -> tuple[str, int]:
    """How the file is encoded, and how many bytes of it only say so."""
    for mark, name in _MARKS:
        if start.startswith(mark):
            return name, len(mark)
    for high, name in ((1, "utf-16-le"), (0, "utf-16-be")):
        if _is_utf16(start[: len(start) // 2 * 2][:_LOOKED_AT], high):
            return name, 0
    return "utf-8", 0


def _is_utf16(seen: bytes, high: int) -> bool:
    """Whether this is UTF-16 without a mark, the upper halves of its units at ``high``: text itself holds no NUL."""
    upper, lower = seen[high::2], seen[1 - high :: 2]
    letters = sum(byte in _UPPER_HALVES for byte in upper)
    return 0 in upper and 0 not in lower and letters * 10 >= len(upper) * 9


def _pieces(source: Source) -> Iterator[bytes]:
    """The file in UTF-8; what another encoding can't say is U+FFFD."""
    start = source.read(_CHUNK)
    name, skipped = _encoding(start)
    start = start[skipped:]
    if name == "utf-8":
        yield start
        while piece := source.read(_CHUNK):
            yield piece
        return
    decoder = codecs.getincrementaldecoder(name)("replace")
    yield decoder.decode(start).encode("utf-8", "replace")
    while piece := source.read(_CHUNK):
        yield decoder.decode(piece).encode("utf-8", "replace")
    yield decoder.decode(b"", final=True).encode("utf-8", "replace")


def _cut(source: Source) -> Iterator[tuple[bytes, bool]]:
    """Lines with their ends (LF, CRLF or CR), and whether they are within the limit; a longer one comes empty."""
    rest, long = b"", False
    for piece in _pieces(source):
        # A CR at the end of a piece may be half of a CRLF.
        lines = (rest + piece).splitlines(keepends=True)
        rest = lines.pop() if lines and not lines[-1].endswith(b"\n") else b""
        for line in lines:
            good, long = not long and len(line) <= _MAX_LINE, False
            yield (line if good else b"\n"), good
        if len(rest) > _MAX_LINE and not rest.endswith(b"\r"):
            rest, long = b"", True
    if rest or long:
        yield rest.removesuffix(b"\r") + b"\n" if rest.endswith(b"\r") else rest or b"\n", not long


def read_lines(source: Source) -> Iterator[Line]:
    """The lines of a file; one that is too long, or no text, says so and costs no other line."""
    for number, (raw, good) in enumerate(_cut(source), 1):
        if not good:
            yield Line(number, "\n", ProblemCode.LINE_TOO_LONG)
            continue
        try:
            yield Line(number, raw.decode())
        except UnicodeDecodeError:
            # Quotes keep their meaning, so that only this row is lost and not all that follow.
            yield Line(number, raw.decode(errors="replace"), ProblemCode.NOT_UTF8)
