"""Use cases of an admin's search: what a code is of."""

from __future__ import annotations

from typing import Final

from backend.growth import domain, rules
from backend.growth.repository import finding
from backend.growth.rules import promos
from backend.growth.types.finding import CodeHit
from backend.identity.types import Actor, Permission
from backend.infra.crypto import KeyRing
from backend.infra.unit_of_work import UnitOfWork
from backend.kernel.text import searched

_MOST: Final = 20
_SHORTEST: Final = 2


class CodeFindingService:
    """Finds vouchers and gift cards by their keyed hashes, promotions and partners by their codes."""

    def __init__(self, *, uow: UnitOfWork, ring: KeyRing) -> None:
        self._uow = uow
        self._ring = ring

    async def find(self, actor: Actor, typed: str) -> list[CodeHit]:
        """What ``typed`` is a code of, at most twenty. Needs the permission for money."""
        actor.require(Permission.MONEY)
        plain = searched(typed)
        if len(plain) < _SHORTEST:
            return []
        code, key = rules.read_code(plain), promos.code_key(plain)
        async with self._uow.read() as tx:
            hits = [] if code is None else await finding.list_valued(tx, domain.fingerprint(self._ring, code))
            hits += [] if key is None else await finding.list_promos(tx, key)
            return hits + await finding.list_partners(tx, plain, _MOST)
