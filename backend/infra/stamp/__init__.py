"""Stamps PDFs with whose copy they are. See decisions/0119."""

from __future__ import annotations

import asyncio
import json
import struct
from pathlib import Path
from typing import Final

import msgspec

from backend.infra.children import answer_of
from backend.infra.documents import Typesetter

_HERE: Final = Path(__file__).parent
_CHILD: Final = _HERE / "pdf_child.py"
_SECONDS: Final = 60.0
_AT_ONCE: Final = 2
_LONGEST_NAME: Final = 60


class Mark(msgspec.Struct, frozen=True):
    """What is written at the foot of each page."""

    name: str
    number: str


class StampRefused(Exception):
    """The document can't be stamped: ``encrypted``, ``damaged``, ``too_many_pages`` or ``too_complex``."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Stamper:
    """Stamps documents in processes of their own, a few at a time. The words are shaped by Typst, Arabic too."""

    def __init__(self) -> None:
        self._typesetter = Typesetter(_HERE / "stamp.typ")
        self._turns = asyncio.Semaphore(_AT_ONCE)

    async def stamp(self, document: bytes, mark: Mark) -> bytes:
        """The document with the mark on every page. Raises StampRefused."""
        _, data = await self._run(document, mark)
        return data

    async def count_pages(self, document: bytes) -> int:
        """How many pages a document has that can be stamped; it is stamped to find out. Raises StampRefused."""
        pages, _ = await self._run(document, Mark("", ""))
        return pages

    async def _run(self, document: bytes, mark: Mark) -> tuple[int, bytes]:
        line = await self._typesetter.pdf(Mark(mark.name[:_LONGEST_NAME], mark.number))
        async with self._turns:
            out = await answer_of(_CHILD, struct.pack(">I", len(line)) + line + document, seconds=_SECONDS)
        if out is None:
            raise StampRefused("too_complex")
        head, _, data = out.partition(b"\n")
        answer = json.loads(head)
        if answer["error"]:
            raise StampRefused(answer["error"])
        return int(answer["pages"]), data
