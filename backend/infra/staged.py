"""Large files that arrive in pieces and wait, encrypted, to be worked through: neither side holds a whole one.

A staged file is frames of a length and a sealed piece. A frame is sealed for its place in the file, so none can be
moved, left out or put in twice; the caller records how much of the file counts. See decisions/0122.
"""

from __future__ import annotations

import asyncio
import bisect
import io
import os
import secrets
from pathlib import Path
from typing import BinaryIO, Final

from backend.infra.crypto import DecryptionError, open_sealed, seal
from backend.kernel.errors import NotFound

_FRAME: Final = 1 << 18
_LENGTH: Final = 4
_OVERHEAD: Final = 28  # of a sealed frame: the nonce and the tag


def _context(name: str, at: int) -> bytes:
    return name.encode() + at.to_bytes(8, "big")


class StagedFiles:
    """Stores staged files under ``root``, which nothing serves."""

    def __init__(self, root: Path) -> None:
        self._root = root

    @staticmethod
    def new_name() -> str:
        """The name of a file that nothing was added to yet."""
        return secrets.token_hex(20)

    async def append(self, name: str, key: bytes, at: int, data: bytes) -> int:
        """Add ``data`` after the first ``at`` bytes of the stored file; how many count then.

        What stands after ``at`` is of an attempt that nobody recorded, and goes.
        """
        return await asyncio.to_thread(self._append, name, key, at, data)

    def open(self, name: str, key: bytes, size: int) -> BinaryIO:
        """The file as it was before it was encrypted; ``size`` is what ``append`` returned last.

        Raises NotFound; reading raises DecryptionError.
        """
        try:
            return io.BufferedReader(_Reader(self._path(name), name, key, size), _FRAME)
        except FileNotFoundError:
            raise NotFound("no such staged file") from None

    async def delete(self, name: str) -> None:
        """Remove the file, if it is there."""
        await asyncio.to_thread(self._path(name).unlink, missing_ok=True)

    def _path(self, name: str) -> Path:
        return self._root / name[:2] / name

    def _append(self, name: str, key: bytes, at: int, data: bytes) -> int:
        path = self._path(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("r+b" if path.exists() else "w+b") as file:
            file.truncate(at)
            file.seek(at)
            for start in range(0, len(data), _FRAME):
                sealed = seal(key, data[start : start + _FRAME], _context(name, at))
                file.write(len(sealed).to_bytes(_LENGTH, "big") + sealed)
                at += _LENGTH + len(sealed)
            file.flush()
            os.fsync(file.fileno())
        return at


class _Reader(io.RawIOBase):
    """Decrypts one frame at a time; can be read from anywhere, as ZIP needs."""

    def __init__(self, path: Path, name: str, key: bytes, size: int) -> None:
        super().__init__()
        self._file = path.open("rb")
        self._name, self._key = name, key
        self._frames: list[int] = []
        """Where each frame begins in the stored file."""
        self._starts: list[int] = []
        """Where each frame begins in the plain file."""
        self._size = 0
        self._at = 0
        self._held = (-1, b"")
        at = 0
        while at < size:
            self._file.seek(at)
            length = int.from_bytes(self._file.read(_LENGTH), "big")
            if length <= _OVERHEAD or at + _LENGTH + length > size:
                self._file.close()
                raise DecryptionError("the staged file is damaged")
            self._frames.append(at)
            self._starts.append(self._size)
            self._size += length - _OVERHEAD
            at += _LENGTH + length

    def readable(self) -> bool:
        """Always."""
        return True

    def seekable(self) -> bool:
        """Always."""
        return True

    def tell(self) -> int:
        """Where the next byte is read."""
        return self._at

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Read on from elsewhere."""
        start = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._size}[whence]
        self._at = max(0, start + offset)
        return self._at

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        """Up to the end of a frame. Raises DecryptionError."""
        if self._at >= self._size:
            return 0
        number = bisect.bisect_right(self._starts, self._at) - 1
        plain = self._frame(number)
        offset = self._at - self._starts[number]
        piece = plain[offset : offset + len(buffer)]
        buffer[: len(piece)] = piece
        self._at += len(piece)
        return len(piece)

    def close(self) -> None:
        """Close the stored file."""
        self._file.close()
        super().close()

    def _frame(self, number: int) -> bytes:
        if self._held[0] != number:
            at = self._frames[number]
            self._file.seek(at)
            length = int.from_bytes(self._file.read(_LENGTH), "big")
            self._held = (number, open_sealed(self._key, self._file.read(length), _context(self._name, at)))
        return self._held[1]
