"""Documents drawn by Typst from a template and data: PDF and PNG, with the fonts of ``fonts`` and no others.

Typst is imported at the first document: it costs a process 25 MB. It draws in a thread, without Python's lock.
"""

from __future__ import annotations

import asyncio
from functools import cached_property
from pathlib import Path
from typing import Any, Final, Literal

import msgspec

from backend.infra.fonts import FONTS_DIR

_AT_ONCE: Final = 2
"""How many documents one process draws at a time; the others wait."""


class Typesetter:
    """Draws the one-page document of ``template``, whose ``sys.inputs.data`` is JSON: data can never become markup.

    The same data gives the same bytes on every machine.
    """

    def __init__(self, template: Path) -> None:
        self._template = template
        self._turns = asyncio.Semaphore(_AT_ONCE)

    async def pdf(self, data: msgspec.Struct) -> bytes:
        """The document as PDF."""
        return await self._draw("pdf", data, None)

    async def png(self, data: msgspec.Struct, *, ppi: int) -> bytes:
        """The document as a picture of so many pixels an inch."""
        return await self._draw("png", data, ppi)

    async def _draw(self, kind: Literal["pdf", "png"], data: msgspec.Struct, ppi: int | None) -> bytes:
        async with self._turns:
            return await asyncio.to_thread(self._compile, kind, msgspec.json.encode(data).decode(), ppi)

    def _compile(self, kind: Literal["pdf", "png"], data: str, ppi: int | None) -> bytes:
        # A compiler holds the data of its latest document: each document has its own, which costs a millisecond.
        typst = self._typst
        compiler = typst.Compiler(
            str(self._template),
            root=str(self._template.parent),
            font_paths=self._fonts,
            ignore_system_fonts=True,
            sys_inputs={"data": data},
        )
        drawn = compiler.compile(format=kind, ppi=ppi, timestamp=0)
        assert isinstance(drawn, bytes), "the template has one page"
        return drawn

    @cached_property
    def _typst(self) -> Any:
        import typst  # noqa: PLC0415 - an idle process does without it

        return typst

    @cached_property
    def _fonts(self) -> Any:
        return self._typst.Fonts(include_system_fonts=False, include_embedded_fonts=False, font_paths=[str(FONTS_DIR)])
