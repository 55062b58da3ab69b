"""Use cases of an admin's search: products, categories and keys."""

from __future__ import annotations

from typing import Final

from backend.catalog.repository import finding, stock
from backend.catalog.rules.naming import read_name
from backend.catalog.types.finding import GoodsHits, KeyHit
from backend.identity.types import Actor, Permission
from backend.infra.crypto import KeyRing
from backend.infra.unit_of_work import UnitOfWork
from backend.kernel.text import like, searched

_MOST: Final = 30
_SHORTEST_NAME: Final = 2
_SHORTEST_KEY: Final = 4
_LONGEST_KEY: Final = 4096
_AT_ONCE: Final = 1000


class FindingService:
    """Finds goods for admins; every statement is bounded. ``ring`` fingerprints a key that is searched for."""

    def __init__(self, *, uow: UnitOfWork, ring: KeyRing) -> None:
        self._uow = uow
        self._ring = ring

    async def goods(self, actor: Actor, query: str) -> GoodsHits:
        """Products that have words that begin as those of ``query`` in their names, and categories, in any language.

        Hidden ones too. Needs the permission for the catalogue or for stock.
        """
        if not actor.may(Permission.STOCK):
            actor.require(Permission.CATALOGUE)
        plain = searched(query).lower()
        if len(plain) < _SHORTEST_NAME:
            return GoodsHits()
        patterns, name = [like(word) for word in plain.split()], read_name(query)
        async with self._uow.read() as tx:
            return GoodsHits(
                products=await finding.list_products(tx, name, _MOST) if name else (),
                categories=await finding.list_categories(tx, patterns, _MOST),
            )

    async def keys(self, actor: Actor, typed: str) -> tuple[KeyHit, ...]:
        """The keys that are exactly ``typed``, sold or not, by their keyed hashes: nothing is decrypted.

        Needs the permission for stock.
        """
        actor.require(Permission.STOCK)
        key = typed.strip().encode(errors="replace")
        if not _SHORTEST_KEY <= len(key) <= _LONGEST_KEY:
            return ()
        hits: tuple[KeyHit, ...] = ()
        async with self._uow.read() as tx:
            variants = await stock.list_stocked_variants(tx)
            for at in range(0, len(variants), _AT_ONCE):
                some = variants[at : at + _AT_ONCE]
                prints = [self._ring.fingerprint(key, one.bytes) for one in some]
                hits += await finding.list_keys(tx, some, prints, _MOST)
                if len(hits) >= _MOST:
                    break
        return hits[:_MOST]
