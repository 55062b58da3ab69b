"""Everybody's orders as admins list, count and export them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from typing import Final
from uuid import UUID

import msgspec

from backend.catalog import domain as catalog
from backend.catalog.domain import families
from backend.catalog.types import CategoryId, ProductId, VariantId
from backend.catalog.words import goods_name
from backend.identity import domain as identity
from backend.identity.types import Actor, Permission, PersonContact
from backend.infra import audit, spreadsheets
from backend.infra.formatting import timezone
from backend.infra.unit_of_work import Tx, UnitOfWork
from backend.kernel.ids import OrderId, UserId
from backend.kernel.paging import Page, decode_cursor, encode_cursor
from backend.kernel.text import pick
from backend.orders.repository import lists, managing
from backend.orders.types import OrderStatus
from backend.orders.types.criteria import MOST_COUNTED, ExportedOrder, ManagedOrder, OrderCount, OrderCriteria

ANY_ORDER: Final = OrderCriteria()
_PAGE: Final = 30
_MOST_VARIANTS: Final = 2000
_BATCH: Final = 1000
COLUMNS: Final = (
    "order", "status", "customer", "username", "telegram_id", "goods", "payment_method", "amount", "refunded",
    "currency", "created_at", "paid_at", "updated_at",
)  # fmt: skip
"""The columns of a file of orders."""


class ManagingService:
    """Lists of everybody's orders, for admins with the permission for orders; quick however many there are."""

    def __init__(self, *, uow: UnitOfWork) -> None:
        self._uow = uow

    async def list_orders(
        self, actor: Actor, chosen: OrderCriteria = ANY_ORDER, cursor: str | None = None
    ) -> Page[ManagedOrder]:
        """A page of the orders that meet the criteria, the newest first. Raises Forbidden, Invalid for a bad cursor."""
        actor.require(Permission.ORDERS)
        before = OrderId(decode_cursor(cursor, UUID)) if cursor else None
        async with self._uow.read() as tx:
            variants = await variants_of(tx, chosen)
            ids = await managing.list_ids(tx, chosen, variants, before=before, limit=_PAGE + 1)
            shown = ids[:_PAGE]
            rows = await self._rows(tx, shown)
        return Page(rows, encode_cursor(shown[-1]) if len(ids) > _PAGE else None)

    async def list_by_id(self, actor: Actor, ids: Sequence[OrderId]) -> list[ManagedOrder]:
        """Orders that a search has found, the newest first. Raises Forbidden."""
        actor.require(Permission.ORDERS)
        async with self._uow.read() as tx:
            return await self._rows(tx, ids)

    async def count(self, actor: Actor, chosen: OrderCriteria) -> OrderCount:
        """How many orders meet the criteria, counted up to MOST_COUNTED. Raises Forbidden."""
        actor.require(Permission.ORDERS)
        async with self._uow.read() as tx:
            return await managing.count(tx, chosen, await variants_of(tx, chosen), MOST_COUNTED + 1)

    async def product_name(self, actor: Actor, product: ProductId) -> str:
        """The name of a product in the actor's language; empty for an unknown one. Raises Forbidden."""
        actor.require(Permission.ORDERS)
        async with self._uow.read() as tx:
            return pick(await families.find_product_name(tx, product) or {}, actor.language)

    async def category_names(self, actor: Actor) -> dict[CategoryId, str]:
        """The names of all categories in the actor's language. Raises Forbidden."""
        actor.require(Permission.ORDERS)
        async with self._uow.read() as tx:
            names = await families.list_category_names(tx)
        return {category: pick(name, actor.language) for category, name in names.items()}

    async def export(
        self,
        actor: Actor,
        chosen: OrderCriteria,
        *,
        header: Sequence[str] = COLUMNS,
        status_of: Callable[[OrderStatus], str] = lambda status: status.value,
        method_of: Callable[[str], str] = lambda method: method,
    ) -> AsyncIterator[str]:
        """The orders that meet the criteria as CSV, in pieces; noted in the audit trail first.

        ``header``, ``status_of`` and ``method_of`` are the words of the actor's language; times are in their zone,
        amounts in major units. Raises Forbidden.
        """
        actor.require(Permission.ORDERS)
        async with self._uow() as tx:
            # What narrows the list, without the names and texts of people.
            facts = {name: one for name, one in msgspec.structs.asdict(chosen).items() if one and name != "only"}
            if chosen.only is not None:
                facts["chosen"] = len(chosen.only)
            await audit.record(tx, actor.user_id, "orders.export", "orders", facts)
        return self._pieces(actor, chosen, header, status_of, method_of)

    async def _pieces(
        self,
        actor: Actor,
        chosen: OrderCriteria,
        header: Sequence[str],
        status_of: Callable[[OrderStatus], str],
        method_of: Callable[[str], str],
    ) -> AsyncIterator[str]:
        yield spreadsheets.first_line(header)
        before: OrderId | None = None
        # A batch at a time: nothing stays open while a slow phone downloads, and one that hangs up asks no more.
        while True:
            async with self._uow.read() as tx:
                variants = await variants_of(tx, chosen)
                ids = await managing.list_ids(tx, chosen, variants, before=before, limit=_BATCH)
                rows = await managing.list_exported(tx, ids)
                people = await identity.list_contacts(tx, {row.buyer_id for row in rows})
            if rows:
                yield spreadsheets.lines(_cells(actor, row, people, status_of, method_of) for row in rows)
            if len(ids) < _BATCH:
                return
            before = ids[-1]

    async def _rows(self, tx: Tx, ids: Sequence[OrderId]) -> list[ManagedOrder]:
        rows = await lists.list_rows(tx, ids, len(ids)) if ids else []
        updated = await managing.list_updated(tx, ids) if ids else {}
        return [ManagedOrder(row, *updated[row.id]) for row in rows]


def _cells(
    actor: Actor,
    row: ExportedOrder,
    people: Mapping[UserId, PersonContact],
    status_of: Callable[[OrderStatus], str],
    method_of: Callable[[str], str],
) -> Sequence[spreadsheets.Cell]:
    there, who = timezone(actor.timezone), people.get(row.buyer_id)
    names = (
        (goods_name(name, variant, country, actor.language), quantity) for name, variant, country, quantity in row.goods
    )
    return (
        row.number,
        status_of(row.status),
        who.name if who else "",
        who.username if who else "",
        who.telegram_id if who else "",
        ", ".join(f"{name} × {quantity}" if quantity > 1 else name for name, quantity in names),
        method_of(row.method) if row.method else "",
        row.total.decimal(),
        row.refunded.decimal(),
        row.total.currency,
        row.created_at.astimezone(there),
        row.paid_at.astimezone(there) if row.paid_at else None,
        row.updated_at.astimezone(there),
    )


async def variants_of(tx: Tx, chosen: OrderCriteria) -> set[VariantId] | None:
    """The variants that the criteria narrow an order's goods to; None for any."""
    families_chosen: list[list[VariantId]] = []
    if chosen.product is not None:
        families_chosen.append(await families.list_of_product(tx, chosen.product, _MOST_VARIANTS))
    if chosen.category is not None:
        families_chosen.append(await families.list_of_category(tx, chosen.category, _MOST_VARIANTS))
    if chosen.goods.strip():
        families_chosen.append(await catalog.list_variants_named(tx, chosen.goods, _MOST_VARIANTS))
    return set.intersection(*(set(one) for one in families_chosen)) if families_chosen else None
