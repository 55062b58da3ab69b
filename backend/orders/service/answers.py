"""What is asked at purchases, and what was answered, for those who may read it."""

from __future__ import annotations

from collections.abc import Collection

from backend.catalog.domain import questions
from backend.catalog.types import VariantId
from backend.catalog.types.questions import Answer, Question
from backend.identity.types import Actor, Permission
from backend.infra.crypto import KeyRing
from backend.infra.unit_of_work import UnitOfWork
from backend.kernel.errors import NotFound
from backend.kernel.ids import OrderLineId
from backend.orders.domain import answers
from backend.orders.types import OrderView


class AnswersService:
    """Answers are the buyer's, and of the admins with the permission for orders, who work with them."""

    def __init__(self, *, uow: UnitOfWork, ring: KeyRing) -> None:
        self._uow = uow
        self._ring = ring

    async def list_questions(
        self, actor: Actor, variants: Collection[VariantId]
    ) -> dict[VariantId, tuple[Question, ...]]:
        """What a buyer of these variants is asked; those of which nothing is asked are left out."""
        async with self._uow.read() as tx:
            return await questions.list_questions(tx, variants)

    async def of_order(self, actor: Actor, order: OrderView) -> dict[OrderLineId, tuple[Answer, ...]]:
        """What was answered for the lines of an order: the actor's own, or any for an admin of orders.

        Raises NotFound for another person's.
        """
        if order.user_id != actor.user_id and not actor.may(Permission.ORDERS):
            raise NotFound("somebody else's order")
        return await self._open([line.id for line in order.lines])

    async def of_line(self, actor: Actor, line_id: OrderLineId) -> tuple[Answer, ...]:
        """What was answered for one line. Needs the permission for orders."""
        return (await self.of_lines(actor, [line_id])).get(line_id, ())

    async def of_lines(self, actor: Actor, lines: Collection[OrderLineId]) -> dict[OrderLineId, tuple[Answer, ...]]:
        """What was answered for some lines; those without answers are left out. Needs the permission for orders."""
        actor.require(Permission.ORDERS)
        return await self._open(lines)

    async def _open(self, lines: Collection[OrderLineId]) -> dict[OrderLineId, tuple[Answer, ...]]:
        async with self._uow.read() as tx:
            return await answers.open_all(tx, self._ring, lines)
