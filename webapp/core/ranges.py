"""Parts of a file that a browser asks for: how it seeks in a video. Source: RFC 9110, 14."""

from __future__ import annotations

import re
from typing import Any, Final, NamedTuple

from litestar import Request

_ONE_RANGE: Final = re.compile(r"bytes\s*=\s*(\d{0,18})\s*-\s*(\d{0,18})\s*", re.IGNORECASE)


class Range(NamedTuple):
    """The bytes from ``first`` to ``last``, both included."""

    first: int
    last: int

    @property
    def length(self) -> int:
        """How many bytes."""
        return self.last - self.first + 1


class Unsatisfiable(Exception):
    """The range lies outside the file: answered with 416."""


def asked_range(header: str | None, size: int) -> Range | None:
    """What a Range header asks of a file of ``size`` bytes; None for the whole of it.

    Several ranges, other units and what is not understood mean the whole file, as RFC 9110 allows. Raises
    Unsatisfiable.
    """
    match = _ONE_RANGE.fullmatch(header.strip()) if header else None
    if match is None or match.groups() == ("", ""):
        return None
    first, last = match.groups()
    if not first:
        if not int(last) or not size:
            raise Unsatisfiable
        return Range(max(size - int(last), 0), size - 1)
    if last and int(last) < int(first):
        return None
    if int(first) >= size:
        raise Unsatisfiable
    return Range(int(first), min(int(last), size - 1) if last else size - 1)


class Part(NamedTuple):
    """What a file is answered with: 200 for the whole of it, 206 for a range, 416 for a range outside of it."""

    status: int
    first: int
    length: int
    headers: dict[str, str]


def asked_part(request: Request[Any, Any, Any], size: int, version: str, headers: dict[str, str]) -> Part:
    """The part of a file of ``size`` bytes that a request asks for; the rest of another ``version`` is of no use."""
    etag = f'"{version}"'
    headers = headers | {"accept-ranges": "bytes", "etag": etag}
    asked = request.headers.get("range") if request.headers.get("if-range", etag) == etag else None
    try:
        part = asked_range(asked, size)
    except Unsatisfiable:
        return Part(416, 0, 0, headers | {"content-range": f"bytes */{size}"})
    if part is None:
        return Part(200, 0, size, headers)
    return Part(206, part.first, part.length, headers | {"content-range": f"bytes {part.first}-{part.last}/{size}"})
