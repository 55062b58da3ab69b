"""Private files named by their content: equal ones are stored once, and large ones are never whole in memory."""

from __future__ import annotations

import asyncio
import hashlib
import os
import re
import secrets
import shutil
import tempfile
from collections.abc import AsyncIterator, Callable, Collection, Sequence
from datetime import datetime
from pathlib import Path
from typing import BinaryIO, Final

import msgspec

from backend.kernel.errors import NotFound

_PIECE: Final = 256 * 1024
_LARGEST: Final = 2**40
_NAME: Final = re.compile(r"[0-9a-f]{64}")


class Overwrite(msgspec.Struct, frozen=True):
    """What to write at a place in a file: bytes, then so many zeros."""

    place: int
    data: bytes = b""
    zeros: int = 0


class ContentFiles:
    """Stores files under ``root``, which nothing serves. A file's name is the SHA-256 of its content, in hex."""

    def __init__(self, root: Path) -> None:
        self._root = root

    async def put(self, source: BinaryIO) -> str:
        """Store what ``source`` holds from its beginning; its name. What is stored already stays."""
        return await asyncio.to_thread(self._put, source)

    @staticmethod
    async def name_of(source: BinaryIO) -> str:
        """The name that a file would be stored under."""
        return await asyncio.to_thread(_digest, source)

    async def read(self, name: str, start: int, length: int) -> AsyncIterator[bytes]:
        """So many bytes from ``start`` on, in pieces. Raises NotFound before the first piece."""
        file = await asyncio.to_thread(self._open, name)
        try:
            await asyncio.to_thread(file.seek, start)
            while length > 0:
                piece = await asyncio.to_thread(file.read, min(length, _PIECE))
                if not piece:
                    return
                length -= len(piece)
                yield piece
        finally:
            file.close()

    async def get(self, name: str) -> bytes:
        """The whole file, for uploading it. Raises NotFound."""
        return b"".join([piece async for piece in self.read(name, 0, _LARGEST)])

    async def copy(self, name: str, target: Path) -> None:
        """Write a file to ``target``. Raises NotFound."""
        await asyncio.to_thread(self._copy, name, target)

    async def overwritten(self, name: str, look: Callable[[BinaryIO, int], Sequence[Overwrite]]) -> str:
        """Store a copy of a file with the changes that ``look`` finds in it (open, and its size in bytes); its name.

        Without changes it is the file's own name. Raises NotFound.
        """
        return await asyncio.to_thread(self._overwritten, name, look)

    async def delete_others(self, names: Collection[str], before: datetime) -> int:
        """Delete the files that are not among ``names`` and older than ``before``; how many."""
        return await asyncio.to_thread(self._delete_others, set(names), before.timestamp())

    def _put(self, source: BinaryIO) -> str:
        path = self._path(_digest(source))
        try:
            # So that a file about to be named by a row is not deleted as one that no row names.
            os.utime(path)
        except FileNotFoundError:
            self._write(source, path)
        return path.name

    @staticmethod
    def _write(source: BinaryIO, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        fresh = path.with_suffix(f".{secrets.token_hex(6)}.part")
        source.seek(0)
        try:
            with fresh.open("wb") as target:
                while piece := source.read(_PIECE):
                    target.write(piece)
                target.flush()
                os.fsync(target.fileno())
            fresh.replace(path)
        except BaseException:
            fresh.unlink(missing_ok=True)
            raise

    def _open(self, name: str) -> BinaryIO:
        if not _NAME.fullmatch(name):
            raise NotFound("no such file")
        try:
            return self._path(name).open("rb")
        except FileNotFoundError:
            raise NotFound("no such file") from None

    def _copy(self, name: str, target: Path) -> None:
        with self._open(name) as source:
            self._write(source, target)

    def _overwritten(self, name: str, look: Callable[[BinaryIO, int], Sequence[Overwrite]]) -> str:
        with self._open(name) as source:
            changes = look(source, os.fstat(source.fileno()).st_size)
            if not changes:
                return name
            # Not in the system's folder for such files, which may be memory.
            with tempfile.TemporaryFile(dir=self._root) as copy:
                source.seek(0)
                shutil.copyfileobj(source, copy, _PIECE)
                for change in changes:
                    copy.seek(change.place)
                    copy.write(change.data)
                    for done in range(0, change.zeros, _PIECE):
                        copy.write(bytes(min(_PIECE, change.zeros - done)))
                return self._put(copy)

    def _delete_others(self, names: set[str], before: float) -> int:
        deleted = 0
        for path in self._root.glob("??/*"):
            if path.name not in names and path.stat().st_mtime < before:
                path.unlink(missing_ok=True)
                deleted += 1
        return deleted

    def _path(self, name: str) -> Path:
        return self._root / name[:2] / name


def _digest(source: BinaryIO) -> str:
    source.seek(0)
    digest = hashlib.sha256()
    while piece := source.read(_PIECE):
        digest.update(piece)
    return digest.hexdigest()
