"""SQL of catalogue files that wait for their admin's yes."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

import msgspec
from sqlalchemy import delete, select
from sqlalchemy.dialects.postgresql import insert

from backend.catalog.models.uploads import CatalogueUpload
from backend.infra.unit_of_work import Tx
from backend.kernel.errors import NotFound
from backend.kernel.ids import UserId


class StoredUpload(msgspec.Struct, frozen=True):
    """An uploaded file; ``file_format`` is a Format's value."""

    id: UUID
    name: str
    file_format: str
    body: bytes


async def add(tx: Tx, upload: StoredUpload, by: UserId | None) -> None:
    """Keep a file; nothing happens for one that is kept already."""
    row = {**msgspec.structs.asdict(upload), "uploaded_by": by, "uploaded_at": tx.now}
    await tx.execute(insert(CatalogueUpload).values(row).on_conflict_do_nothing())


async def get(tx: Tx, upload_id: UUID) -> StoredUpload:
    """A kept file. Raises NotFound."""
    columns = [CatalogueUpload.__table__.c[name] for name in StoredUpload.__struct_fields__]
    row = (await tx.execute(select(*columns).where(CatalogueUpload.id == upload_id))).mappings().one_or_none()
    if row is None:
        raise NotFound("no such file")
    return StoredUpload(**row)


async def delete_before(tx: Tx, moment: datetime) -> None:
    """Delete the files that were uploaded before a moment."""
    await tx.execute(delete(CatalogueUpload).where(CatalogueUpload.uploaded_at < moment))
