"""SQL of the variants that the back office edits, and of those in the recycle bin."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import msgspec
from sqlalchemy import DateTime, RowMapping, Uuid, bindparam, select, text, update

from backend.catalog.models import Product, Variant
from backend.catalog.repository.availability import of_variant
from backend.catalog.types import AVAILABILITY_CAP, ChoiceKind, ProductId, StockKind, VariantId
from backend.catalog.types.bin import BinPlace
from backend.catalog.types.quantity_prices import read_steps
from backend.catalog.types.variants import VariantDraft, VariantRecord, VariantsProduct
from backend.infra.unit_of_work import Tx
from backend.kernel.errors import NotFound
from backend.kernel.ids import UserId
from backend.kernel.money import Money

_PRODUCT: Final = select(
    *(Product.__table__.c[name] for name in VariantsProduct.__struct_fields__)
)  # fmt: skip
# What a batch still sells is looked at alone: old prices warn of nothing.
_COST: Final = """
    (SELECT max(b.unit_cost) FROM stock_batches b
     WHERE b.variant_id = v.id AND b.currency = v.currency AND b.unit_cost IS NOT NULL
       AND EXISTS (SELECT FROM stock_keys k WHERE k.batch_id = b.id AND k.state = 'available'))
"""
_VARIANTS: Final = text(
    f"""
    SELECT v.id, v.product_id, v.code, v.name, v.note, v.price_amount, v.reseller_amount, v.currency,
           v.quantity_prices, v.min_quantity, v.max_quantity, v.per_person_limit, v.warranty_days, v.low_stock_at,
           v.promised_hours, v.open_places, v.premium_months, v.subscription_days, v.version, v.hidden, v.archived_at,
           {of_variant(str(AVAILABILITY_CAP))} AS available, {_COST} AS unit_cost
    FROM variants v JOIN products p ON p.id = v.product_id
    WHERE v.product_id = :product AND (CAST(:everything AS boolean) OR v.archived_at IS NULL)
    ORDER BY v.position, v.code
    """  # noqa: S608 - constants of ours
)
_ARCHIVED: Final = text(
    """
    SELECT v.id, v.name, v.archived_at, v.archived_by, p.name AS product_name, p.country
    FROM variants v JOIN products p ON p.id = v.product_id
    WHERE v.archived_at IS NOT NULL AND (CAST(:at AS timestamptz) IS NULL OR (v.archived_at, v.id) < (:at, :id))
    ORDER BY v.archived_at DESC, v.id DESC LIMIT :most
    """
).bindparams(bindparam("at", type_=DateTime(timezone=True)), bindparam("id", type_=Uuid()))
_NUMBERS: Final = (
    "min_quantity", "max_quantity", "per_person_limit", "warranty_days", "low_stock_at", "promised_hours",
    "open_places", "premium_months", "subscription_days",
)  # fmt: skip


class VariantRow(msgspec.Struct, frozen=True, kw_only=True):
    """A variant's columns by their names, as an edit compares them."""

    id: VariantId
    product_id: ProductId
    code: str
    version: int
    hidden: bool
    archived_at: datetime | None
    archived_shown: bool
    position: int
    columns: dict[str, Any]
    """What an admin can change."""


_STATE: Final = ("id", "product_id", "code", "version", "hidden", "archived_at", "archived_shown", "position")
_EDITED: Final = ("name", "note", "currency", "price_amount", "reseller_amount", "quantity_prices", *_NUMBERS)
_ROWS: Final = select(*(Variant.__table__.c[name] for name in (*_STATE, *_EDITED)))


async def get_product(tx: Tx, product_id: ProductId) -> VariantsProduct:
    """The product of some variants. Raises NotFound."""
    row = (await tx.execute(_PRODUCT.where(Product.id == product_id))).mappings().one_or_none()
    if row is None:
        raise NotFound("no such product")
    return VariantsProduct(**{**row, "kind": StockKind(row["kind"]), "choice": ChoiceKind(row["choice"])})


async def list_records(tx: Tx, product_id: ProductId, *, archived: bool = False) -> list[VariantRecord]:
    """The variants of a product in their order; with ``archived`` also those in the recycle bin."""
    rows = await tx.execute(_VARIANTS, {"product": product_id, "everything": archived})
    return [_record(row) for row in rows.mappings()]


async def list_rows(tx: Tx, product_id: ProductId) -> list[VariantRow]:
    """Every variant of a product as an edit compares it, in their order. The caller is the only writer."""
    statement = _ROWS.where(Variant.product_id == product_id).order_by(Variant.position, Variant.code)
    return [
        VariantRow(**{name: row[name] for name in _STATE}, columns={name: row[name] for name in _EDITED})
        for row in (await tx.execute(statement)).mappings()
    ]


async def set_positions(tx: Tx, order: Sequence[VariantId]) -> None:
    """Put the variants in this order."""
    for position, variant_id in enumerate(order):
        await tx.execute(update(Variant).where(Variant.id == variant_id).values(position=position))


async def archive(tx: Tx, variant_id: VariantId, by: UserId | None, *, shown: bool) -> None:
    """Put a variant into the recycle bin; ``shown``: it was on sale."""
    values = {"archived_at": tx.now, "archived_by": by, "archived_shown": shown, "hidden": True}
    await tx.execute(update(Variant).where(Variant.id == variant_id).values(**values, version=Variant.version + 1))


async def bring_back(tx: Tx, variant_id: VariantId, *, shown: bool) -> None:
    """Take a variant out of the recycle bin, on sale or hidden."""
    values = {"archived_at": None, "archived_by": None, "archived_shown": False, "hidden": not shown}
    await tx.execute(update(Variant).where(Variant.id == variant_id).values(**values, version=Variant.version + 1))


def _record(row: RowMapping) -> VariantRecord:
    currency = row["currency"]
    reseller, cost = row["reseller_amount"], row["unit_cost"]
    return VariantRecord(
        id=row["id"],
        product_id=row["product_id"],
        code=row["code"],
        draft=VariantDraft(
            name=row["name"],
            note=row["note"],
            price=Money(row["price_amount"], currency),
            reseller_price=None if reseller is None else Money(reseller, currency),
            quantity_prices=read_steps(row["quantity_prices"], currency),
            **{name: row[name] for name in _NUMBERS},
        ),
        version=row["version"],
        hidden=row["hidden"],
        archived_at=row["archived_at"],
        available=row["available"],
        cost=None if cost is None else Money(cost, currency),
    )


async def list_archived(tx: Tx, before: BinPlace | None, most: int) -> list[RowMapping]:
    """Variants in the recycle bin, the latest archived first."""
    place = {"at": before.at if before else None, "id": before.id if before else None, "most": most}
    return list((await tx.execute(_ARCHIVED, place)).mappings())


async def find_archived(tx: Tx, variant_id: UUID) -> tuple[ProductId, bool] | None:
    """The product of a variant in the recycle bin, and whether it was on sale; None where it is not there.

    Raises NotFound for one that is gone.
    """
    statement = select(Variant.product_id, Variant.archived_at, Variant.archived_shown).where(Variant.id == variant_id)
    row = (await tx.execute(statement)).one_or_none()
    if row is None:
        raise NotFound("no such variant")
    return None if row.archived_at is None else (ProductId(row.product_id), row.archived_shown)
