"""Old submissions are moved to compressed, encrypted files, and back when somebody opens them. See decisions/0093."""

from __future__ import annotations

import asyncio
import functools
import zlib
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from datetime import timedelta
from typing import Any, Concatenate, Final, ParamSpec, Protocol, TypeVar
from uuid import UUID

import msgspec
import structlog

from backend.assignments.domain import version_context
from backend.assignments.repository import Archived, Stored
from backend.assignments.repository import archive as repository
from backend.assignments.types import DeleteFiles, SubmissionId, SubmittedFileId
from backend.infra.crypto import DecryptionError, KeyRing, open_sealed, seal
from backend.infra.live_settings import Live
from backend.infra.storage import PrivateFiles
from backend.infra.unit_of_work import Tx, UnitOfWork
from backend.kernel.errors import NotFound, Unavailable

DELETE: Final = "assignments.delete_files"
_AT_ONCE: Final = 100
_MOST: Final = 1000
_TRIES: Final = 3
_FILES: Final = "submission_files"

P = ParamSpec("P")
R = TypeVar("R")
log = structlog.get_logger(__name__)


class _Bundle(msgspec.Struct, frozen=True):
    """The rows of a submission, and under which name the archive has the content of each of its files.

    The texts in the rows are opened, since what is encrypted can't be compressed: the bundle is sealed as a whole.
    ``format`` grows when what is in it changes its meaning: archives outlive the version that wrote them.
    """

    rows: repository.Rows
    contents: dict[str, str]
    format: int = 1


class ArchiveService:
    """Moves submissions between the database with ``files``, and ``archive``, where only compressed files are.

    A submission keeps its row and its data key: lists show it as before, and destroying the key destroys the archive.
    """

    def __init__(
        self, *, uow: UnitOfWork, ring: KeyRing, files: PrivateFiles, archive: PrivateFiles, after: Live[timedelta]
    ) -> None:
        self._uow = uow
        self._ring = ring
        self._files = files
        self._archive = archive
        self._after = after

    async def archive_old(self) -> int:
        """Archive submissions that nobody has touched for so long; how many, at most a thousand."""
        count, last = 0, None
        async with self._uow.read() as tx:
            before = tx.now - self._after()
        while count < _MOST:
            async with self._uow.read() as tx:
                old = await repository.list_old(tx, before, last, _AT_ONCE)
            for submission_id in old:
                try:
                    async with self._uow() as tx:
                        stored = await repository.lock_old(tx, submission_id, before)
                        if stored is not None:
                            await self._pack(tx, stored)
                            count += 1
                except (DecryptionError, NotFound) as error:
                    # A key that was destroyed, a file that is lost: the others are archived all the same.
                    log.warning("assignments.not_archived", submission=str(submission_id), error=repr(error))
            if len(old) < _AT_ONCE:
                break
            last = old[-1]
        return count

    async def restore(self, submission_id: SubmissionId) -> None:
        """Move an archived submission back; nothing happens to one that is there. Raises NotFound, DecryptionError."""
        async with self._uow() as tx:
            locked = await repository.lock_archived(tx, submission_id)
            if locked is not None:
                await self._unpack(tx, *locked)

    async def delete(self, payload: DeleteFiles) -> None:
        """Delete what was moved. Running it again changes nothing."""
        source = self._archive if payload.archived else self._files
        for name in payload.names:
            await source.delete(name)

    async def _pack(self, tx: Tx, stored: Stored) -> None:
        submission_id = stored.submission.id
        key = await self._ring.get(tx, stored.key_id)
        rows = await repository.read_rows(tx, submission_id)
        moved = [row for row in rows[_FILES] if row["stored"] is not None]
        async with _Written(self._archive) as written:
            contents = {}
            for row in moved:
                file_id = SubmittedFileId(row["id"])
                data = open_sealed(key, await self._files.get(row["stored"]), file_id.bytes)
                packed = await asyncio.to_thread(zlib.compress, data)
                contents[str(file_id)] = await written.put(seal(key, packed, _context(file_id.bytes)))
            for row, context in _texts(rows):
                row["ciphertext"] = open_sealed(key, row["ciphertext"], context)
            bundle = msgspec.msgpack.encode(_Bundle(rows, contents))
            sealed = seal(key, await asyncio.to_thread(zlib.compress, bundle, 9), _context(submission_id.bytes))
            await repository.archive(tx, submission_id, await written.put(sealed))
            tx.enqueue(DELETE, DeleteFiles(tuple(row["stored"] for row in moved), archived=False))

    async def _unpack(self, tx: Tx, stored: Stored, name: str) -> None:
        submission_id = stored.submission.id
        key = await self._ring.get(tx, stored.key_id)
        packed = open_sealed(key, await self._archive.get(name), _context(submission_id.bytes))
        bundle = msgspec.msgpack.decode(await asyncio.to_thread(zlib.decompress, packed), type=_Bundle)
        async with _Written(self._files) as written:
            for row in bundle.rows[_FILES]:
                if (content := bundle.contents.get(row["id"])) is not None:
                    file_id = SubmittedFileId(_uuid(row["id"]))
                    packed = open_sealed(key, await self._archive.get(content), _context(file_id.bytes))
                    data = await asyncio.to_thread(zlib.decompress, packed)
                    row["stored"] = await written.put(seal(key, data, file_id.bytes))
            for row, context in _texts(bundle.rows):
                row["ciphertext"] = seal(key, row["ciphertext"], context)
            await repository.restore(tx, submission_id, bundle.rows)
            tx.enqueue(DELETE, DeleteFiles((name, *bundle.contents.values()), archived=True))


class _Written:
    """Files that are written for a transaction, and deleted where it fails before its commit."""

    def __init__(self, files: PrivateFiles) -> None:
        self._files = files
        self._names: list[str] = []

    async def put(self, sealed: bytes) -> str:
        """Keep a file; its name."""
        self._names.append(await self._files.put(sealed))
        return self._names[-1]

    async def __aenter__(self) -> _Written:
        return self

    async def __aexit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is not None:
            for name in self._names:
                await self._files.delete(name)


class _Reader(Protocol):
    """A service that opens submissions."""

    _archive: ArchiveService


S = TypeVar("S", bound=_Reader)


def from_archive(verb: Callable[Concatenate[S, P], Awaitable[R]]) -> Callable[Concatenate[S, P], Awaitable[R]]:
    """Run a use case again after each archived submission that it met was restored. Raises Unavailable for the rest.

    The archive may take one that was not touched between two statements, never one that was just restored.
    """

    @functools.wraps(verb)
    async def wrapper(service: S, /, *args: P.args, **kwargs: P.kwargs) -> R:
        restored: Counter[SubmissionId] = Counter()
        while True:
            try:
                return await verb(service, *args, **kwargs)
            except Archived as met:
                restored[met.submission_id] += 1
                if restored[met.submission_id] > _TRIES:
                    raise Unavailable("a submission is archived again and again") from met
                await service._archive.restore(met.submission_id)

    return wrapper


def _texts(rows: repository.Rows) -> Iterator[tuple[dict[str, Any], bytes]]:
    """The rows that have a text, each with what its text is bound to."""
    for row in rows["submission_versions"]:
        yield row, version_context(SubmissionId(_uuid(row["submission_id"])), row["number"])
    for row in rows["feedback"]:
        yield row, _uuid(row["id"]).bytes
    for row in rows["feedback_revisions"]:
        yield row, _uuid(row["feedback_id"]).bytes


def _uuid(value: UUID | str) -> UUID:
    """As it comes from the database, or from an archive."""
    return value if isinstance(value, UUID) else UUID(value)


def _context(of: bytes) -> bytes:
    return b"archive:" + of
