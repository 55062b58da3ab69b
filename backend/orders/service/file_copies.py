"""Files that were bought and bear their buyer's name: made outside of any transaction, once, and stored encrypted."""

from __future__ import annotations

from backend.catalog.domain import goods_files
from backend.catalog.types.files import FileSold
from backend.identity import domain as identity
from backend.infra.crypto import KeyRing, open_sealed
from backend.infra.failpoints import failpoint
from backend.infra.stamp import Mark, Stamper
from backend.infra.storage import PrivateFiles
from backend.infra.unit_of_work import UnitOfWork
from backend.kernel.ids import OrderLineId
from backend.orders import domain
from backend.orders.domain.lines import Fulfillers
from backend.orders.repository import lines as line_rows
from backend.orders.types import OrderView
from backend.orders.types.lines import OrderFileReady


class FileCopies:
    """Makes the copies; the first that needs one makes it, a download or the worker. See decisions/0119."""

    def __init__(
        self, *, uow: UnitOfWork, fulfillers: Fulfillers, ring: KeyRing, files: PrivateFiles, stamper: Stamper
    ) -> None:
        self._uow = uow
        self._fulfillers = fulfillers
        self._ring = ring
        self._files = files
        self._stamper = stamper

    async def prepare(self, event: FileSold) -> None:
        """Task: make the copy of a line that was sold, then have it sent to the chat."""
        async with self._uow.read() as tx:
            order_id = await line_rows.find_order_id(tx, event.line_id)
            order = await domain.load(tx, self._fulfillers, order_id=order_id) if order_id else None
        if order is None or not any(key.line_id == event.line_id and key.file for key in order.keys):
            return  # refunded since
        await self.make(order, event.line_id)
        failpoint("files.copied")
        async with self._uow() as tx:
            tx.emit(OrderFileReady(order_id=order.id, user_id=order.user_id, line_id=event.line_id))

    async def make(self, order: OrderView, line_id: OrderLineId) -> None:
        """Make the copy of a line where it has to have one and has none. Raises StampRefused, DecryptionError."""
        async with self._uow.read() as tx:
            master = await goods_files.find_master(tx, self._ring, line_id)
            if master is None:
                return
            names = await identity.user_names(tx, [order.user_id])
        sealed = master.sealed
        document = open_sealed(sealed.key, await self._files.get(sealed.stored), sealed.context)
        copy = await self._stamper.stamp(document, Mark(names.get(order.user_id, ""), order.number))
        failpoint("files.stamped")
        async with self._uow() as tx:
            await goods_files.add_copy(tx, self._ring, self._files, line_id, master.file_id, copy)
            failpoint("files.copy_stored")
