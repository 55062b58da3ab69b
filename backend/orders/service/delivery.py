"""The keys of an order, for their buyer."""

from __future__ import annotations

from backend.catalog.domain import goods_files
from backend.catalog.errors import DownloadsUsedUp
from backend.catalog.types.files import Fetch
from backend.identity.types import Actor
from backend.infra.crypto import open_sealed
from backend.infra.storage import PrivateFiles
from backend.infra.unit_of_work import UnitOfWork
from backend.kernel.errors import NotFound
from backend.orders import domain
from backend.orders.domain.lines import Fulfillers
from backend.orders.repository import orders as repository
from backend.orders.service.common import load_own
from backend.orders.service.file_copies import FileCopies
from backend.orders.types import OrderView
from backend.orders.types.keys import DeliveredKey, KeysRequested, OpenedKey, RevealChannel
from backend.orders.types.lines import DeliveredFile


class DeliveryService:
    """Shows a buyer their keys and files, and logs each time; ``files`` stores the files of goods, if any has some."""

    def __init__(
        self, *, uow: UnitOfWork, fulfillers: Fulfillers, files: PrivateFiles | None, copies: FileCopies | None
    ) -> None:
        self._uow = uow
        self._fulfillers = fulfillers
        self._files = files
        self._copies = copies

    async def reveal(self, actor: Actor, number: str, ordinal: int) -> OpenedKey:
        """One key in plain text; this is logged. Raises NotFound."""
        opened = await self._open(actor, number, RevealChannel.PAGE, ordinal)
        if not opened:
            raise NotFound("no such key")
        return opened[0]

    async def open_file(self, actor: Actor, number: str, ordinal: int | None = None) -> list[OpenedKey]:
        """The order's keys (or one) for a text file; this is logged. Raises NotFound."""
        return await self._open(actor, number, RevealChannel.FILE, ordinal)

    async def download(self, actor: Actor, number: str, ordinal: int, fetch: Fetch | None = None) -> DeliveredFile:
        """A delivered file; this is logged, and counted where the file may be downloaded a number of times only.

        What a device asks for again at the address of ``fetch`` is the same download. Raises NotFound, DownloadsUsedUp.
        """
        if self._copies is not None:
            async with self._uow.read() as tx:
                order = await load_own(tx, self._fulfillers, actor, number)
                key = _file_of(order, ordinal)
                begun = fetch is not None and await goods_files.has_begun(tx, key.line_id, fetch)
            if key.file and key.file.left == 0 and not begun:
                raise DownloadsUsedUp()
            await self._copies.make(order, key.line_id)
        async with self._uow() as tx:
            order = await load_own(tx, self._fulfillers, actor, number)
            key = _file_of(order, ordinal)
            if key.file is None or self._files is None:
                raise NotFound("files are stored nowhere")
            await goods_files.count_download(tx, key.line_id, fetch)
            sealed = await self._fulfillers.find_file(tx, key.kind, key.id)
            await repository.add_reveals(tx, order.id, [key.id], actor.user_id, RevealChannel.FILE)
        data = open_sealed(sealed.key, await self._files.get(sealed.stored), sealed.context)
        return DeliveredFile(key.file.name, data, sealed.stored)

    async def send_to_chat(self, actor: Actor, number: str) -> None:
        """Send the keys to the buyer's chat again. Raises NotFound."""
        async with self._uow() as tx:
            order = await load_own(tx, self._fulfillers, actor, number)
            if all(key.file for key in order.keys):
                raise NotFound("the order has no keys")
            tx.emit(KeysRequested(order_id=order.id, user_id=order.user_id))

    async def _open(self, actor: Actor, number: str, channel: RevealChannel, ordinal: int | None) -> list[OpenedKey]:
        async with self._uow() as tx:
            order = await load_own(tx, self._fulfillers, actor, number)
            return await domain.open_keys(
                tx, self._fulfillers, order, by=actor.user_id, channel=channel, ordinal=ordinal
            )


def _file_of(order: OrderView, ordinal: int) -> DeliveredKey:
    """The file with this ordinal. Raises NotFound, also for a key, which is no file."""
    key = next((one for one in order.keys if one.ordinal == ordinal), None)
    if key is None or key.file is None:
        raise NotFound("no such file")
    return key
