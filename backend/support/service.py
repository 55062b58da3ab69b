"""Use cases of support: a customer writes to the shop in the bot's chat, and an admin answers there."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from backend.identity import domain as identity
from backend.identity.types import Actor, Permission
from backend.infra.unit_of_work import Tx, UnitOfWork, retry_conflicts
from backend.kernel.errors import NotFound
from backend.kernel.ids import OrderId, UserId
from backend.orders import domain as orders
from backend.support import repository
from backend.support.types import (
    Answered,
    Received,
    Subject,
    SubjectKind,
    SupportAnswered,
    SupportAsked,
    SupportMessage,
    SupportMessageId,
)

_CONVERSATION: Final = timedelta(minutes=30)
"""A customer's next message within this time belongs to the same conversation."""


class SupportService:
    """Forwards messages between customers and admins; texts are not stored, they stay in Telegram."""

    def __init__(self, *, uow: UnitOfWork) -> None:
        self._uow = uow

    @retry_conflicts
    async def receive(
        self, telegram_id: int, message_id: int, *, reply_to: int | None = None, text: str = ""
    ) -> Received:
        """Forward a customer's message to the admins, also from a blocked customer.

        The customer's order is attached if they reply to a message about it or ``text`` contains its number. Raises
        NotFound for a person whom the shop does not know.
        """
        async with self._uow() as tx:
            user_id = await identity.find_user_id(tx, telegram_id)
            if user_id is None:
                raise NotFound("an unknown person")
            begins = not await repository.wrote_since(tx, user_id, tx.now - _CONVERSATION)
            order_id = await self._order(tx, user_id, telegram_id, reply_to, text)
            message = _message(tx, user_id, user_id, telegram_id, message_id, order_id)
            if not await repository.add_message(tx, message):
                return Received(new=False, begins=False)
            tx.emit(SupportAsked(message_id=message.id, user_id=user_id))
            return Received(new=True, begins=begins)

    @retry_conflicts
    async def answer(self, actor: Actor, message_id: int, reply_to: int) -> Answered | None:
        """Forward an admin's message to the customer of the message that it replies to.

        None when that message is not about another person, so there is nobody to answer. Raises Forbidden without the
        permission.
        """
        async with self._uow() as tx:
            subject = await repository.find_subject(tx, actor.telegram_id, reply_to)
            if subject is None or subject.user_id == actor.id:
                return None
            actor.require(subject.permission)
            order_id = OrderId(subject.id) if subject.kind is SubjectKind.ORDER else None
            message = _message(tx, subject.user_id, actor.id, actor.telegram_id, message_id, order_id)
            new = await repository.add_message(tx, message)
            if new:
                tx.emit(SupportAnswered(message_id=message.id, user_id=subject.user_id, author_id=actor.id))
            names = await identity.user_names(tx, [subject.user_id])
            return Answered(names.get(subject.user_id, ""), new)

    async def customer_name(self, actor: Actor, user_id: UserId) -> str:
        """The name of the customer whom an admin is about to answer. Raises Forbidden, NotFound."""
        actor.require(Permission.ORDERS)
        async with self._uow.read() as tx:
            names = await identity.user_names(tx, [user_id])
        if user_id not in names:
            raise NotFound(f"user {user_id}")
        return names[user_id]

    async def expect_answer(self, actor: Actor, user_id: UserId, message_id: int) -> None:
        """Treat a reply to the bot's message ``message_id`` in the actor's chat as an answer to this customer."""
        actor.require(Permission.ORDERS)
        async with self._uow() as tx:
            subject = Subject(SubjectKind.SUPPORT, user_id, user_id)
            await repository.save_subject(tx, actor.telegram_id, message_id, subject)

    @staticmethod
    async def _order(tx: Tx, user_id: UserId, chat_id: int, reply_to: int | None, text: str) -> OrderId | None:
        subject = await repository.find_subject(tx, chat_id, reply_to) if reply_to is not None else None
        if subject is not None and subject.kind is SubjectKind.ORDER and subject.user_id == user_id:
            return OrderId(subject.id)
        return await orders.find_named(tx, user_id, text)


def _message(
    tx: Tx, user_id: UserId, author_id: UserId, chat_id: int, message_id: int, order_id: OrderId | None
) -> SupportMessage:
    return SupportMessage(
        id=SupportMessageId(tx.new_id()),
        user_id=user_id,
        author_id=author_id,
        chat_id=chat_id,
        message_id=message_id,
        order_id=order_id,
    )
