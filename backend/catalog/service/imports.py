"""Imports files of products and of keys, for the command line and the demo."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from backend.catalog.rules.rows import CatalogueRow, StockRow
from backend.catalog.service.import_catalogue import CatalogueImport
from backend.catalog.service.import_stock import StockImport
from backend.catalog.types.imports import CatalogueReport, Problem, StockReport
from backend.identity.types import Actor, Permission
from backend.infra.crypto import KeyRing
from backend.infra.unit_of_work import UnitOfWork
from backend.kernel.money import Money


class ImportsService:
    """Imports catalogue and stock files. ``currency`` is the shop's; ``ring`` encrypts the keys."""

    def __init__(self, *, uow: UnitOfWork, ring: KeyRing, currency: str) -> None:
        self._uow = uow
        self._ring = ring
        self._currency = currency

    async def import_catalogue(
        self,
        actor: Actor,
        rows: Iterable[CatalogueRow | Problem],
        *,
        apply: bool,
        source: str,
        pictures: Mapping[str, str] | None = None,
    ) -> CatalogueReport:
        """Create and update categories, products and variants from the rows of a file; all of them or none.

        Without ``apply``, and when any row is bad, nothing is written and the report says what would change.
        ``pictures`` maps the names in the file to names in the storage. Raises Forbidden.
        """
        actor.require(Permission.CATALOGUE)
        job = CatalogueImport(self._uow, self._currency, actor.user_id, source, pictures or {})
        return await job.run(rows, apply=apply)

    async def import_stock(
        self,
        actor: Actor,
        rows: Iterable[StockRow | Problem],
        *,
        apply: bool,
        source: str,
        unit_cost: Money | None = None,
        progress: Callable[[int], None] | None = None,
    ) -> StockReport:
        """Add keys to the stock; all of them or none. A key that the variant has or had is skipped.

        For a variant of the kind "shared key" a row sets the key that later buyers get, and how often it can be sold.

        Without ``apply``, and when any row is bad, nothing is written. ``progress`` is called with the number of rows
        done. Raises Forbidden.
        """
        actor.require(Permission.STOCK)
        job = StockImport(self._uow, self._ring, self._currency, actor.user_id, source, unit_cost)
        return await job.run(rows, apply=apply, progress=progress)
