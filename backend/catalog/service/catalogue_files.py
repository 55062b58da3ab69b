"""The catalogue as a file in the panel: written out as a stream, read back after a dry run."""

from __future__ import annotations

import io
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Final
from uuid import UUID

import msgspec

from backend.catalog.errors import CatalogueChanged
from backend.catalog.repository import uploads, writes
from backend.catalog.repository.uploads import StoredUpload
from backend.catalog.repository.writes import Stored
from backend.catalog.rules.fields import quoted
from backend.catalog.rules.files import Format, read_rows
from backend.catalog.rules.rows import CatalogueReader, RowKind
from backend.catalog.rules.writing import COLUMNS, written
from backend.catalog.service.import_catalogue import CatalogueImport, fields_of
from backend.catalog.types import CategoryId, ProductId
from backend.catalog.types.imports import CatalogueReport
from backend.identity.types import Actor, Permission
from backend.infra import audit, spreadsheets
from backend.infra.storage import MAX_UPLOAD_BYTES
from backend.infra.unit_of_work import UnitOfWork
from backend.kernel.errors import Invalid

_AT_ONCE: Final = 500
_RETENTION: Final = timedelta(days=1)
_EXPORTED: Final = frozenset({Format.CSV, Format.JSON_LINES})


class CatalogueFilesService:
    """Files of the catalogue for admins with the permission for it. ``currency`` is the shop's."""

    def __init__(self, *, uow: UnitOfWork, currency: str) -> None:
        self._uow = uow
        self._currency = currency

    async def export(self, actor: Actor, ending: str) -> AsyncIterator[str]:
        """Categories, products and variants as an import takes them, in pieces; archived products are left out.

        ``ending`` is csv or jsonl. Raises Forbidden, Invalid.
        """
        actor.require(Permission.CATALOGUE)
        file_format = Format.of(f"catalogue.{ending}")
        if file_format not in _EXPORTED:
            raise Invalid("no such format", fields={"format": "unknown_value"})
        async with self._uow() as tx:
            await audit.record(tx, actor.user_id, "catalogue.export", f"file:{file_format.value}")
        return self._pieces(file_format)

    async def upload(self, actor: Actor, upload_id: UUID, name: str, data: bytes) -> CatalogueReport:
        """Keep a file for a day, and say what it would change; the same ``upload_id`` again changes nothing.

        Raises Forbidden, Invalid.
        """
        actor.require(Permission.CATALOGUE)
        file_format = Format.of(name)
        if not data:
            raise Invalid("no file", fields={"file": "required"})
        if file_format not in _EXPORTED:
            raise Invalid("no catalogue", fields={"file": "unknown_format"})
        if len(data) > MAX_UPLOAD_BYTES:
            raise Invalid("too large", fields={"file": "too_large"})
        stored = StoredUpload(upload_id, name, file_format.value, data)
        async with self._uow() as tx:
            await uploads.delete_before(tx, tx.now - _RETENTION)
            await uploads.add(tx, stored, actor.user_id)
        return await self._import(actor, stored, apply=False)

    async def check(self, actor: Actor, upload_id: UUID) -> CatalogueReport:
        """What an uploaded file would change now. Raises Forbidden, NotFound."""
        actor.require(Permission.CATALOGUE)
        return await self._import(actor, await self._find(upload_id), apply=False)

    async def apply(self, actor: Actor, upload_id: UUID, *, version: int) -> CatalogueReport:
        """Make the changes that were shown for this version of the catalogue; all of them or none.

        Raises Forbidden, NotFound, and CatalogueChanged where the catalogue is another one by now.
        """
        actor.require(Permission.CATALOGUE)
        stored = await self._find(upload_id)
        report = await self._import(actor, stored, apply=True, version=version)
        if not report.applied and not report.problems:
            raise CatalogueChanged()
        return report

    async def _find(self, upload_id: UUID) -> StoredUpload:
        async with self._uow.read() as tx:
            return await uploads.get(tx, upload_id)

    async def _import(
        self, actor: Actor, stored: StoredUpload, *, apply: bool, version: int | None = None
    ) -> CatalogueReport:
        rows = CatalogueReader(self._currency).read(read_rows(io.BytesIO(stored.body), Format(stored.file_format)))
        job = CatalogueImport(self._uow, self._currency, actor.user_id, stored.name, {})
        return await job.run(rows, apply=apply, version=version)

    async def _pieces(self, file_format: Format) -> AsyncIterator[str]:
        if file_format is Format.CSV:
            yield spreadsheets.first_line(COLUMNS)
        async for rows in self._rows():
            if file_format is Format.CSV:
                yield spreadsheets.lines([quoted(row.get(name, "")) for name in COLUMNS] for row in rows)
            else:
                yield "".join(f"{msgspec.json.encode(row).decode()}\n" for row in rows)

    async def _rows(self) -> AsyncIterator[list[dict[str, str]]]:
        async with self._uow.read() as tx:
            categories = await writes.list_all_categories(tx)
        slugs = {row.id: row.slug for row in categories}
        yield [self._row(RowKind.CATEGORY, row.slug, row, slugs) for row in categories]
        after: ProductId | None = None
        while True:
            async with self._uow.read() as tx:
                products = await writes.list_products_after(tx, after, _AT_ONCE)
                if not products:
                    return
                variants = await writes.list_variants_of(tx, [row.id for row in products])
                # A category that was added meanwhile comes before the products that are in it.
                if any(row.category_id not in slugs for row in products):
                    added = [row for row in await writes.list_all_categories(tx) if row.id not in slugs]
                    slugs |= {row.id: row.slug for row in added}
                    yield [self._row(RowKind.CATEGORY, row.slug, row, slugs) for row in added]
            yield [self._row(RowKind.PRODUCT, row.slug, row, slugs) for row in products]
            named = {row.id: row.slug for row in products}
            refs = ((f"{named[row.product_id]}/{row.code}", row) for row in variants)
            yield [self._row(RowKind.VARIANT, ref, row, slugs) for ref, row in refs]
            after = products[-1].id

    def _row(self, kind: RowKind, ref: str, row: Stored, slugs: dict[CategoryId, str]) -> dict[str, str]:
        return written(kind, ref, fields_of(kind, row, slugs), self._currency)
