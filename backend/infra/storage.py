"""Files in a local directory: pictures named by what was uploaded, and private files with unguessable names."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import os
import re
import secrets
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import msgspec

from backend.infra.pictures import without_metadata
from backend.kernel.errors import Invalid, NotFound

MAX_BYTES: Final = 5 * 1024 * 1024
"""The largest picture of a product."""
UPLOAD_MB: Final = 10
"""The largest file that anybody may upload, whatever it is: the app, the texts and the Caddyfile follow this number.

Telegram takes no larger picture, and an upload is in memory twice while it is encrypted.
"""
MAX_UPLOAD_BYTES: Final = UPLOAD_MB * 1_000_000
_TYPES: Final = {"svg": "image/svg+xml", "webp": "image/webp", "png": "image/png", "jpg": "image/jpeg"}
_NAME: Final = re.compile(r"[0-9a-f]{40}(-\d{2,4})?\.(svg|webp|png|jpg)")
"""A width follows the hash of pictures that are stored in several."""
# An SVG is a document: nothing that runs, loads or names an entity may be in one that we serve.
_ACTIVE_SVG: Final = re.compile(
    rb"<!(?:doctype|entity)|<\?xml-stylesheet|<\s*(?:script|foreignobject|iframe|image|a|animate|set|style|use)\b"
    rb"|\bon\w+\s*=|(?:href|src)\s*=\s*[\"'](?!#)|javascript:|url\(\s*[\"']?(?!#)",
    re.IGNORECASE,
)


class StoredFile(msgspec.Struct, frozen=True):
    """A file as it is to be sent."""

    data: bytes
    content_type: str


def sniff(data: bytes) -> str | None:
    """The ending that fits what ``data`` is, whatever it was called; None for what is not a picture we keep."""
    if data.startswith(b"\x89PNG\r\n\x1a\n"):
        return "png"
    if data.startswith(b"\xff\xd8\xff"):
        return "jpg"
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "webp"
    head = data[:512].lstrip().lower()
    if head.startswith((b"<svg", b"<?xml")) and b"<svg" in head:
        return "svg"
    return None


def sniff_document(data: bytes) -> str | None:
    """The content type of a picture without a vector, or a PDF, by what is in it; None for anything else."""
    if data.startswith(b"%PDF-"):
        return "application/pdf"
    ending = sniff(data)
    return None if ending in {None, "svg"} else _TYPES[str(ending)]


def _write_whole(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    # A reader sees the whole file or none, also when the power goes.
    fresh = path.with_suffix(f".{secrets.token_hex(6)}.part")
    with fresh.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(path)


class PrivateFiles:
    """Stores private files under ``root``, which nothing serves. Callers encrypt a file before they store it."""

    def __init__(self, root: Path) -> None:
        self._root = root

    async def put(self, sealed: bytes) -> str:
        """Keep a file; its name."""
        name = secrets.token_hex(20)
        await asyncio.to_thread(_write_whole, self._path(name), sealed)
        return name

    async def get(self, name: str) -> bytes:
        """The file. Raises NotFound."""
        try:
            return await asyncio.to_thread(self._path(name).read_bytes)
        except FileNotFoundError:
            raise NotFound("no such file") from None

    async def delete(self, name: str) -> None:
        """Remove the file, if it is there."""
        await asyncio.to_thread(self._path(name).unlink, missing_ok=True)

    def _path(self, name: str) -> Path:
        return self._root / name[:2] / name


class Storage:
    """Stores pictures under ``root`` without metadata, equal ones once. See decisions/0082.

    A stored picture never changes, so browsers may cache it.
    """

    def __init__(self, root: Path) -> None:
        self._root = root

    def name_of(self, data: bytes, *, trusted: bool = False) -> str:
        """The name that ``data`` is kept under: its hash, metadata included, and ending.

        Vector pictures are taken only from ``trusted`` hands, and even then with nothing active inside. Raises Invalid.
        """
        if len(data) > MAX_BYTES:
            raise Invalid("the picture is too large", fields={"picture": "too_large"})
        ending = sniff(data)
        if ending is None or (ending == "svg" and (not trusted or _ACTIVE_SVG.search(data))):
            raise Invalid("not a picture that is kept", fields={"picture": "not_a_picture"})
        return f"{hashlib.sha256(data).hexdigest()[:40]}.{ending}"

    async def put(self, data: bytes, *, trusted: bool = False) -> str:
        """Keep a picture; its name. Raises Invalid as name_of does."""
        name = self.name_of(data, trusted=trusted)
        await asyncio.to_thread(self._write, name, data)
        return name

    async def put_files(self, files: Sequence[tuple[str, bytes]]) -> None:
        """Keep the files of a picture that we encoded, in this order, under the names that they come with."""
        for name, data in files:
            await asyncio.to_thread(self._write, name, data)

    async def get(self, name: str) -> StoredFile:
        """The picture called ``name``. Raises NotFound, also for a name that put never gave."""
        if not _NAME.fullmatch(name):
            raise NotFound("no such file")
        try:
            data = await asyncio.to_thread(self._read, name)
        except FileNotFoundError:
            raise NotFound("no such file") from None
        return StoredFile(data, _type_of(name))

    async def put_folder(self, folder: Path, *, keep: bool = True, trusted: bool = False) -> dict[str, str]:
        """The pictures in ``folder`` by their names there; without ``keep`` they are only looked at. Raises Invalid."""
        names = {}
        for path, data in await asyncio.to_thread(_read_pictures, folder):
            names[path.name] = await self.put(data, trusted=trusted) if keep else self.name_of(data, trusted=trusted)
        return names

    def _path(self, name: str) -> Path:
        return self._root / "clean" / name[:2] / name

    def _write(self, name: str, data: bytes) -> None:
        path = self._path(name)
        if not path.exists():
            _write_whole(path, without_metadata(data, _type_of(name)))

    def _read(self, name: str) -> bytes:
        path = self._path(name)
        try:
            return path.read_bytes()
        except FileNotFoundError:
            # Stored when pictures were kept as they came. Another reader may be as far as this with the same one.
            old = self._root / name[:2] / name
            with contextlib.suppress(FileNotFoundError):
                self._write(name, old.read_bytes())
                old.unlink()
            return path.read_bytes()


def _type_of(name: str) -> str:
    return _TYPES[name.rpartition(".")[2]]


def _read_pictures(folder: Path) -> list[tuple[Path, bytes]]:
    endings = {".svg", ".webp", ".png", ".jpg", ".jpeg"}
    return [(path, path.read_bytes()) for path in sorted(folder.iterdir()) if path.suffix.lower() in endings]
