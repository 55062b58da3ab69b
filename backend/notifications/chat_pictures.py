"""Stored pictures for the chat: read to be uploaded once, then sent by Telegram's own id. See decisions/0120."""

from __future__ import annotations

from backend.infra.storage import Storage
from backend.infra.unit_of_work import UnitOfWork
from backend.kernel.errors import NotFound
from backend.notifications import repository


class ChatPictures:
    """The pictures of products for the bot ``bot_id``: another's ids are no use to it."""

    def __init__(self, *, uow: UnitOfWork, storage: Storage, bot_id: int) -> None:
        self._uow = uow
        self._storage = storage
        self._bot_id = bot_id

    async def find(self, name: str) -> str | None:
        """Telegram's id of a picture, where this bot has sent it before."""
        async with self._uow.read() as tx:
            return await repository.find_file_id(tx, self._bot_id, name)

    async def read(self, name: str) -> bytes | None:
        """What to upload; None where it is not stored."""
        try:
            return (await self._storage.get(name)).data
        except NotFound:
            return None

    async def sent(self, name: str, file_id: str) -> None:
        """Keep Telegram's id of what was uploaded."""
        async with self._uow() as tx:
            await repository.set_file_id(tx, self._bot_id, name, file_id)

    async def refused(self, name: str, file_id: str) -> None:
        """Forget an id that Telegram refuses."""
        async with self._uow() as tx:
            await repository.drop_file_id(tx, self._bot_id, name, file_id)
