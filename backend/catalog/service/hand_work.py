"""The queue of goods by hand: an admin takes a line, prepares it, and delivers or refuses it."""

from __future__ import annotations

from typing import Final

from backend.catalog.domain import hand_work as domain
from backend.catalog.errors import WorkTaken
from backend.catalog.repository import hand_work as repository
from backend.catalog.repository.hand_work import Result, Taken
from backend.catalog.rules import results
from backend.catalog.types.fulfilment import GoodsFile, LineFailed
from backend.catalog.types.hand_work import WORK_TOPIC, HandWork, HandWorkDue, WorkCount, WorkView
from backend.identity import domain as identity
from backend.identity.types import Actor, Permission
from backend.infra import audit
from backend.infra.crypto import KeyRing, seal
from backend.infra.storage import PrivateFiles
from backend.infra.unit_of_work import Tx, UnitOfWork, retry_conflicts
from backend.kernel.errors import Invalid
from backend.kernel.ids import OrderLineId, UserId
from backend.kernel.text import file_name

_SHOWN: Final = 200
_REMINDED_AT_ONCE: Final = 100


class HandWorkService:
    """What admins with the permission for orders prepare. One at a time prepares a line: who has taken it.

    Results are encrypted, each with a data key of its own; ``files`` stores those that are files.
    """

    def __init__(self, *, uow: UnitOfWork, ring: KeyRing, files: PrivateFiles) -> None:
        self._uow = uow
        self._ring = ring
        self._files = files

    async def list_open(self, actor: Actor, view: WorkView = WorkView.ALL) -> list[HandWork]:
        """What is to be prepared by all, by the actor, or by nobody yet, the soonest due first. Raises Forbidden."""
        actor.require(Permission.ORDERS)
        async with self._uow.read() as tx:
            return await repository.list_open(tx, _SHOWN, view, actor.user_id)

    async def count(self, actor: Actor) -> WorkCount:
        """How much is to be prepared, and how much of that is the actor's. Raises Forbidden."""
        actor.require(Permission.ORDERS)
        async with self._uow.read() as tx:
            return await repository.count_open(tx, actor.user_id)

    async def get(self, actor: Actor, line_id: OrderLineId) -> HandWork:
        """One line, also after it has ended; never with its result. Raises Forbidden, NotFound."""
        actor.require(Permission.ORDERS)
        async with self._uow.read() as tx:
            return await repository.get_work(tx, line_id)

    @retry_conflicts
    async def take(self, actor: Actor, line_id: OrderLineId, *, over: UserId | None = None) -> None:
        """Prepare a line from now on: one that nobody prepares, or that of ``over``, who prepares it now.

        It changes nothing where the actor has it already. Raises WorkTaken where somebody else was faster, Forbidden,
        NotFound, WorkEnded, WorkRefunded.
        """
        actor.require(Permission.ORDERS)
        async with self._uow() as tx:
            item = await domain.lock_open(tx, line_id)
            if item.taken_by == actor.id:
                return
            if item.taken_by != over:
                raise WorkTaken(item.taken_by)
            await repository.set_taken(tx, line_id, actor.id)
            await self._record(tx, actor, "take_work", line_id, {"over": str(over)} if over else {})
            tx.signal(WORK_TOPIC)

    @retry_conflicts
    async def hand_back(self, actor: Actor, line_id: OrderLineId) -> None:
        """Leave a line to others. Raises Forbidden, NotFound, WorkTaken, WorkEnded, WorkRefunded."""
        actor.require(Permission.ORDERS)
        async with self._uow() as tx:
            await self._lock_own(tx, actor, line_id)
            await repository.set_taken(tx, line_id, None)
            await self._record(tx, actor, "hand_back_work", line_id)
            tx.signal(WORK_TOPIC)

    @retry_conflicts
    async def hand_over(self, actor: Actor, line_id: OrderLineId, to: UserId) -> None:
        """Have another admin prepare a line: one that nobody prepares, or the actor's own.

        Raises Invalid (field ``to``) for somebody who may not, WorkTaken where a third one prepares it, Forbidden,
        NotFound, WorkEnded, WorkRefunded.
        """
        actor.require(Permission.ORDERS)
        async with self._uow() as tx:
            if not await identity.holds(tx, to, Permission.ORDERS):
                raise Invalid("nobody to hand over to", fields={"to": "required"})
            item = await domain.lock_open(tx, line_id)
            if item.taken_by not in {None, actor.user_id, to}:
                raise WorkTaken(item.taken_by)
            await domain.hand_over(tx, line_id, to, actor.user_id)

    async def list_preparers(self, actor: Actor) -> dict[UserId, str]:
        """The names of the admins who may prepare goods. Raises Forbidden."""
        actor.require(Permission.ORDERS)
        async with self._uow.read() as tx:
            admins = await identity.list_admins(tx, Permission.ORDERS)
            names = await identity.user_names(tx, [admin.user_id for admin in admins])
        return dict(sorted(names.items(), key=lambda item: item[1].casefold()))

    @retry_conflicts
    async def deliver_text(self, actor: Actor, line_id: OrderLineId, text: str) -> None:
        """Give ``text`` to the buyer. The actor must have taken the line.

        Raises Invalid (field ``text``: ``required``, ``too_long``), Forbidden, NotFound, WorkTaken, WorkEnded,
        WorkRefunded.
        """
        actor.require(Permission.ORDERS)
        cleaned = results.clean_text(text)
        async with self._uow() as tx:
            item = await self._lock_own(tx, actor, line_id)
            await domain.deliver_text(tx, self._ring, line_id, item, actor.user_id, cleaned)
            await self._record(tx, actor, "deliver_work", line_id, {"characters": len(cleaned)})

    @retry_conflicts
    async def deliver_file(self, actor: Actor, line_id: OrderLineId, name: str, data: bytes) -> None:
        """Give a file to the buyer. The actor must have taken the line.

        Raises Invalid (field ``file``: ``required``, ``too_large``), Forbidden, NotFound, WorkTaken, WorkEnded,
        WorkRefunded.
        """
        actor.require(Permission.ORDERS)
        results.check_file(data)
        named = GoodsFile(file_name(name), len(data))
        async with self._uow() as tx:
            item = await self._lock_own(tx, actor, line_id)
            key_id, key = await self._ring.create(tx, domain.KEY_PURPOSE)
            # Inside the transaction, so that no row ever names a file that is not there.
            stored = await self._files.put(seal(key, data, line_id.bytes))
            try:
                await domain.deliver(tx, line_id, item, actor.user_id, Result(key_id, file=stored, named=named))
                await self._record(tx, actor, "deliver_work", line_id, {"bytes": len(data)})
            except BaseException:
                # Not for what fails in the commit: the row may stand then.
                await self._files.delete(stored)
                raise

    @retry_conflicts
    async def refuse(self, actor: Actor, line_id: OrderLineId, reason: str) -> None:
        """Say that a line will not be delivered: its money goes back, and the buyer reads ``reason``.

        The actor must have taken it. Raises Invalid (field ``reason``: ``required``, ``too_long``), Forbidden,
        NotFound, WorkTaken, WorkEnded, WorkRefunded.
        """
        actor.require(Permission.ORDERS)
        cleaned = results.clean_reason(reason)
        async with self._uow() as tx:
            item = await self._lock_own(tx, actor, line_id)
            await repository.set_refused(tx, line_id, actor.user_id, cleaned)
            tx.emit(LineFailed(line_id=line_id, reason=cleaned))
            await domain.after_ending(tx, item)
            await self._record(tx, actor, "refuse_work", line_id, {"reason": cleaned})

    async def remind(self) -> int:
        """Have the admins reminded of lines whose promised time is near, each once; how many."""
        reminded = 0
        while True:
            async with self._uow() as tx:
                due = await repository.remind(tx, _REMINDED_AT_ONCE)
                for line_id, taken_by in due:
                    tx.emit(HandWorkDue(line_id=line_id, taken_by=taken_by))
            reminded += len(due)
            if len(due) < _REMINDED_AT_ONCE:
                return reminded

    @staticmethod
    async def _lock_own(tx: Tx, actor: Actor, line_id: OrderLineId) -> Taken:
        item = await domain.lock_open(tx, line_id)
        if item.taken_by != actor.user_id:
            raise WorkTaken(item.taken_by)
        return item

    @staticmethod
    async def _record(
        tx: Tx, actor: Actor, action: str, line_id: OrderLineId, facts: dict[str, str | int] | None = None
    ) -> None:
        await audit.record(tx, actor.user_id, f"orders.{action}", f"order_line:{line_id}", facts or {})
