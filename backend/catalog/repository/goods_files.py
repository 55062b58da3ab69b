"""SQL of files as goods. Who changes what a variant offers locks its row in ``variant_places`` first."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any, Final
from uuid import UUID

import msgspec
from sqlalchemy import Uuid, bindparam, delete, insert, select, text, update
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.dialects.postgresql import insert as upsert

from backend.catalog.models import Product, Variant
from backend.catalog.models.files import FileCopy, FileFetch, FileLine, FileOffer, FileVersion
from backend.catalog.types import ProductId, StockKind, VariantId
from backend.catalog.types.files import Fetch, FileGoods, FileVariant, FileVersionId, FileVersionView, UsedUp
from backend.catalog.types.fulfilment import GoodsFile
from backend.infra.unit_of_work import Tx
from backend.kernel.errors import NotFound
from backend.kernel.ids import DataKeyId, OrderLineId

_LINES: Final = bindparam("lines", type_=ARRAY(Uuid()))
_SHOWN: Final = 100
_FETCHES_LAST: Final = timedelta(days=1)
_MOST_VARIANTS: Final = 500
# Who gets the newest version is said by the offer as it is now; a revoked line has no file.
_VERSION_OF_LINE: Final = "v.id = CASE WHEN o.latest_for_all THEN o.file_id ELSE l.file_id END"
_LIST_SOLD = text(
    f"""
    SELECT l.order_line_id, v.name, v.size, l.download_limit - l.downloads AS left_over, v.kind
    FROM file_lines l JOIN file_offers o ON o.variant_id = l.variant_id JOIN file_versions v ON {_VERSION_OF_LINE}
    WHERE l.order_line_id = ANY(:lines) AND l.state = 'sold'
    """  # noqa: S608 - a constant of ours
).bindparams(_LINES)
_FIND = text(
    f"""
    SELECT v.id, v.stamps, v.stored, v.data_key_id, c.stored AS copy_stored, c.data_key_id AS copy_key_id
    FROM file_lines l JOIN file_offers o ON o.variant_id = l.variant_id JOIN file_versions v ON {_VERSION_OF_LINE}
    LEFT JOIN file_copies c ON c.order_line_id = l.order_line_id AND c.file_id = v.id
    WHERE l.order_line_id = :line AND l.state = 'sold'
    """  # noqa: S608 - a constant of ours
).bindparams(bindparam("line", type_=Uuid()))
_SELL = text(
    """
    UPDATE file_lines l SET state = 'sold', file_id = o.file_id, download_limit = o.download_limit, taken_at = :now
    FROM file_offers o WHERE o.variant_id = l.variant_id AND l.order_line_id = ANY(:lines) AND l.state = 'reserved'
    RETURNING l.order_line_id, l.quantity
    """
).bindparams(_LINES)
_RELEASE = text(
    "DELETE FROM file_lines WHERE order_line_id = :line AND state = 'reserved' RETURNING quantity"
).bindparams(bindparam("line", type_=Uuid()))
_REVOKE = text(
    """
    UPDATE file_lines SET quantity = greatest(quantity - :taken, 1),
        state = CASE WHEN quantity > :taken THEN state ELSE 'revoked' END
    WHERE order_line_id = :line AND state = 'sold'
    """
).bindparams(bindparam("line", type_=Uuid()))
# Checked and counted by one statement: of two at once, the second sees what the first has left.
_COUNT = text(
    """
    UPDATE file_lines SET downloads = downloads + 1
    WHERE order_line_id = :line AND state = 'sold' AND downloads < download_limit RETURNING downloads
    """
).bindparams(bindparam("line", type_=Uuid()))
_IS_FILE = select(FileLine.state).where(FileLine.order_line_id == bindparam("line"))
_GOODS = (
    select(
        Variant.id.label("variant_id"), Product.slug.label("product_slug"), Product.name.label("product_name"),
        Variant.name.label("variant_name"), FileOffer.file_id.label("current"), FileOffer.download_limit,
        FileOffer.latest_for_all,
    )
    .join(Product, Product.id == Variant.product_id)
    .outerjoin(FileOffer, FileOffer.variant_id == Variant.id)
    .where(Variant.id == bindparam("variant"), Product.kind == StockKind.FILE)
)  # fmt: skip
_PRODUCT = (
    select(Variant.product_id)
    .join(Product, Product.id == Variant.product_id)
    .where(Variant.id == bindparam("variant"), Product.kind == StockKind.FILE)
)
_LEFT = text("SELECT remaining FROM variant_places WHERE variant_id = :variant").bindparams(
    bindparam("variant", type_=Uuid())
)
_VERSIONS = text(
    """
    SELECT v.id, v.version, v.name, v.size, v.kind, v.pages, v.stamps, v.uploaded_by, v.uploaded_at,
        (SELECT count(*) FROM file_lines l WHERE l.variant_id = v.variant_id AND l.file_id = v.id) AS sold
    FROM file_versions v WHERE v.variant_id = :variant ORDER BY v.version DESC LIMIT :most
    """
).bindparams(bindparam("variant", type_=Uuid()))
_NEWEST = text(
    """
    SELECT v.version, v.id, v.fingerprint, v.stamps FROM file_versions v
    WHERE v.variant_id = :variant ORDER BY v.version DESC LIMIT 1
    """
).bindparams(bindparam("variant", type_=Uuid()))
_VARIANTS = text(
    """
    SELECT v.id AS variant_id, p.name AS product_name, v.name AS variant_name, f.name AS file, f.size,
        l.remaining AS left
    FROM products p JOIN variants v ON v.product_id = p.id LEFT JOIN file_offers o ON o.variant_id = v.id
    LEFT JOIN file_versions f ON f.id = o.file_id LEFT JOIN variant_places l ON l.variant_id = v.id
    WHERE p.kind = 'file' ORDER BY p.created_at DESC, p.id, v.position, v.id LIMIT :most
    """
)
_USED_UP = (
    select(FileLine.order_line_id, FileLine.downloads, FileLine.taken_at)
    .where(
        FileLine.variant_id == bindparam("variant"), FileLine.state == "sold",
        FileLine.downloads >= FileLine.download_limit,
    )
    .order_by(FileLine.taken_at.desc())
    .limit(_SHOWN)
)  # fmt: skip


class LineVersion(msgspec.Struct, frozen=True):
    """The version that a line has; ``copy_stored`` is where its stamped copy is, if it was made."""

    id: FileVersionId
    stamps: bool
    stored: str
    data_key_id: DataKeyId
    copy_stored: str | None
    copy_key_id: DataKeyId | None


class Newest(msgspec.Struct, frozen=True):
    """The newest version of a variant."""

    version: int
    id: FileVersionId
    fingerprint: bytes
    stamps: bool


async def add_line(tx: Tx, line_id: OrderLineId, variant_id: VariantId, quantity: int) -> None:
    """Record a reservation."""
    row = {"order_line_id": line_id, "variant_id": variant_id, "quantity": quantity, "state": "reserved"}
    await tx.execute(insert(FileLine), {**row, "taken_at": tx.now, "download_limit": 1})


async def sell_reserved(tx: Tx, lines: Sequence[OrderLineId]) -> dict[OrderLineId, int]:
    """Sell what is reserved for the lines, in the version of this moment; their quantities."""
    rows = await tx.execute(_SELL, {"lines": list(lines), "now": tx.now})
    return {OrderLineId(row.order_line_id): row.quantity for row in rows}


async def release(tx: Tx, line_id: OrderLineId) -> int:
    """Delete a reservation; how many it had reserved, 0 for none."""
    return int((await tx.execute(_RELEASE, {"line": line_id})).scalar_one_or_none() or 0)


async def revoke(tx: Tx, line_id: OrderLineId, quantity: int) -> None:
    """Lower what a sold line has; without any left its access ends."""
    await tx.execute(_REVOKE, {"line": line_id, "taken": quantity})


async def list_sold(tx: Tx, lines: Sequence[OrderLineId]) -> dict[OrderLineId, GoodsFile]:
    """The files of those lines that have one, with how often each can still be downloaded."""
    rows = await tx.execute(_LIST_SOLD, {"lines": list(lines)})
    return {OrderLineId(row.order_line_id): GoodsFile(row.name, row.size, row.left_over) for row in rows}


async def find(tx: Tx, line_id: UUID) -> LineVersion | None:
    """The version that a sold line has; None for a line without one."""
    row = (await tx.execute(_FIND, {"line": line_id})).mappings().one_or_none()
    return None if row is None else LineVersion(**row)


async def count_download(tx: Tx, line_id: UUID) -> bool:
    """Count one download; False where none is left."""
    return (await tx.execute(_COUNT, {"line": line_id})).one_or_none() is not None


async def is_file_line(tx: Tx, line_id: UUID) -> bool:
    """Whether a line is one of a file that is sold."""
    return (await tx.execute(_IS_FILE, {"line": line_id})).one_or_none() is not None


async def lock_line(tx: Tx, line_id: UUID) -> None:
    """Have the downloads of a line counted one after the other until the transaction ends."""
    await tx.execute(_IS_FILE.with_for_update(), {"line": line_id})


async def list_devices(tx: Tx, line_id: UUID, address: bytes) -> set[bytes]:
    """The devices that have used an address."""
    statement = select(FileFetch.device).where(FileFetch.order_line_id == line_id, FileFetch.address == address)
    return set((await tx.execute(statement)).scalars())


async def add_fetch(tx: Tx, line_id: UUID, fetch: Fetch) -> None:
    """Remember a download; those of addresses that are long over are forgotten."""
    old = (FileFetch.order_line_id == line_id, FileFetch.at < tx.now - _FETCHES_LAST)
    await tx.execute(delete(FileFetch).where(*old))
    row = {"order_line_id": line_id, "address": fetch.address, "device": fetch.device, "at": tx.now}
    await tx.execute(insert(FileFetch), row)


async def add_copy(
    tx: Tx, line_id: OrderLineId, file_id: FileVersionId, stored: str, size: int, key_id: DataKeyId
) -> bool:
    """Record a line's stamped copy of a version; False where another process was faster."""
    row = {"order_line_id": line_id, "file_id": file_id, "stored": stored, "size": size, "data_key_id": key_id}
    statement = upsert(FileCopy).values(row).on_conflict_do_nothing().returning(FileCopy.file_id)
    return (await tx.execute(statement)).one_or_none() is not None


async def get_goods(tx: Tx, variant_id: VariantId) -> FileGoods:
    """A variant that is sold as a file, with its versions, the newest first. Raises NotFound for another kind."""
    row = (await tx.execute(_GOODS, {"variant": variant_id})).mappings().one_or_none()
    if row is None:
        raise NotFound("no such variant of a file")
    values: dict[str, Any] = {name: value for name, value in row.items() if value is not None}
    left = (await tx.execute(_LEFT, {"variant": variant_id})).scalar_one_or_none()
    versions = await tx.execute(_VERSIONS, {"variant": variant_id, "most": _SHOWN})
    listed = tuple(FileVersionView(**version) for version in versions.mappings())
    return FileGoods(**{"current": None, **values}, left=left, versions=listed)


async def find_product(tx: Tx, variant_id: VariantId) -> ProductId:
    """The product of a variant that is sold as a file. Raises NotFound for another kind."""
    row = (await tx.execute(_PRODUCT, {"variant": variant_id})).one_or_none()
    if row is None:
        raise NotFound("no such variant of a file")
    return ProductId(row.product_id)


async def find_newest(tx: Tx, variant_id: VariantId) -> Newest | None:
    """The newest version of a variant's file."""
    row = (await tx.execute(_NEWEST, {"variant": variant_id})).mappings().one_or_none()
    return None if row is None else Newest(**row)


async def add_version(tx: Tx, row: dict[str, Any]) -> None:
    """Insert a version."""
    await tx.execute(insert(FileVersion), row)


async def set_offer(tx: Tx, variant_id: VariantId, values: dict[str, Any]) -> None:
    """Change what a variant offers, or offer it for the first time."""
    statement = upsert(FileOffer).values(variant_id=variant_id, **values)
    await tx.execute(statement.on_conflict_do_update(index_elements=[FileOffer.variant_id], set_=values))


async def change_offer(tx: Tx, variant_id: VariantId, values: dict[str, Any]) -> None:
    """Change an offer that there is."""
    await tx.execute(update(FileOffer).where(FileOffer.variant_id == variant_id).values(values))


async def list_variants(tx: Tx) -> list[FileVariant]:
    """The variants that are sold as files, those of the newest products first."""
    rows = await tx.execute(_VARIANTS, {"most": _MOST_VARIANTS})
    return [FileVariant(**row) for row in rows.mappings()]


async def list_used_up(tx: Tx, variant_id: VariantId) -> list[UsedUp]:
    """The lines whose buyers have no downloads left, the latest first."""
    rows = await tx.execute(_USED_UP, {"variant": variant_id})
    return [UsedUp(OrderLineId(row.order_line_id), row.downloads, row.taken_at) for row in rows]


async def reset_downloads(tx: Tx, variant_id: VariantId, line_id: OrderLineId) -> bool:
    """Count a line's downloads from zero again; False for a line that the variant has not sold."""
    statement = (
        update(FileLine)
        .where(FileLine.order_line_id == line_id, FileLine.variant_id == variant_id, FileLine.state == "sold")
        .values(downloads=0)
        .returning(FileLine.order_line_id)
    )
    return (await tx.execute(statement)).one_or_none() is not None
