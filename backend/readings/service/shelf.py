"""What the reading room offers to everybody: whether there are spreads, and where credits are sold."""

from __future__ import annotations

import msgspec

from backend.catalog.domain import goods
from backend.catalog.types import StockKind, VariantId
from backend.infra.unit_of_work import UnitOfWork
from backend.readings.repository import packages, spreads


class CreditShelf(msgspec.Struct, frozen=True):
    """The products of the shop that are packages of credits, and how many credits each of their variants gives."""

    slugs: tuple[str, ...]
    credits: dict[VariantId, int]


class ShelfService:
    """Read by pages of people; prices and what is hidden are the catalogue's."""

    def __init__(self, *, uow: UnitOfWork) -> None:
        self._uow = uow

    async def has_spreads(self) -> bool:
        """Whether there is a spread that can be asked."""
        async with self._uow.read() as tx:
            return bool(await spreads.list_spreads(tx, hidden=False))

    async def packages(self) -> CreditShelf:
        """Where packages of credits are sold, the oldest product first."""
        async with self._uow.read() as tx:
            ids = await goods.list_of_kind(tx, StockKind.CREDITS)
            products = await goods.list_products(tx, ids)
            credits = await packages.list_all(tx)
        return CreditShelf(tuple(products[one].slug for one in ids if not products[one].fields.hidden), credits)
