"""Links by which people come: what they say of who brought them counts until the first paid order."""

from __future__ import annotations

from backend.growth.domain import attribution
from backend.identity.types import LinkFollowed
from backend.infra.unit_of_work import UnitOfWork
from backend.orders.repository import orders as repository


class LinksService:
    """Notes who brought a person: growth keeps it, and orders know when they first paid."""

    def __init__(self, *, uow: UnitOfWork) -> None:
        self._uow = uow

    async def note(self, event: LinkFollowed) -> None:
        """Note who brought a person, unless they had paid an order when they followed the link. Can be repeated."""
        async with self._uow() as tx:
            if not await repository.has_paid_before(tx, event.user_id, event.at):
                await attribution.note_touch(tx, event.user_id, event.start_param, event.at)
