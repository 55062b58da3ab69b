"""Use cases of the chat: a customer writes to the shop, an admin answers there, and the customer rates it."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from backend.identity import domain as identity
from backend.identity.types import Actor, Permission
from backend.infra.crypto import KeyRing
from backend.infra.unit_of_work import Tx, UnitOfWork, retry_conflicts
from backend.kernel.errors import NotFound
from backend.kernel.ids import OrderId, UserId
from backend.orders import domain as orders
from backend.support import rules
from backend.support.domain import threads
from backend.support.repository import messages, subjects, tickets
from backend.support.types import (
    MOST_STARS,
    TICKET_TOPIC,
    Answered,
    ChatPost,
    Received,
    Subject,
    SubjectKind,
    Thread,
    TicketId,
)

_CONVERSATION: Final = timedelta(minutes=30)
"""A customer's next message within this time belongs to the same conversation."""


class SupportChatService:
    """Takes messages between customers and admins from the chat into tickets, and has each delivered to the other."""

    def __init__(self, *, uow: UnitOfWork, ring: KeyRing) -> None:
        self._uow = uow
        self._ring = ring

    @retry_conflicts
    async def receive(self, telegram_id: int, post: ChatPost) -> Received:
        """Take a customer's message into their ticket, also from a blocked customer; admins are told.

        The customer's order is attached if they reply to a message about it or the text contains its number. Raises
        NotFound for a person whom the shop does not know.
        """
        async with self._uow() as tx:
            user_id = await identity.find_user_id(tx, telegram_id)
            if user_id is None:
                raise NotFound("an unknown person")
            begins = not await messages.wrote_since(tx, user_id, tx.now - _CONVERSATION)
            order_id = await self._order(tx, user_id, telegram_id, post)
            message = await threads.ask(tx, self._ring, user_id, order_id, post, chat_id=telegram_id)
            new = message is not None
            return Received(new=new, begins=new and begins)

    @retry_conflicts
    async def write(self, actor: Actor, text: str, intent: str) -> None:
        """Take what a customer writes in the Mini App into their ticket; with the same ``intent`` once.

        Raises Invalid for a text that is empty or too long.
        """
        post = ChatPost(text=rules.check_text(text))
        async with self._uow() as tx:
            order_id = await orders.find_named(tx, actor.id, post.text)
            await threads.ask(tx, self._ring, actor.id, order_id, post, intent=intent)

    async def own_thread(self, actor: Actor) -> Thread | None:
        """The customer's own latest ticket with its latest messages; None for who has never written."""
        async with self._uow.read() as tx:
            latest = await tickets.list_of_person(tx, actor.id, 1)
            return await threads.load(tx, self._ring, latest[0].ticket) if latest else None

    @retry_conflicts
    async def answer(self, actor: Actor, post: ChatPost) -> Answered | None:
        """Have an admin's message delivered to the customer of the message that it replies to.

        None when that message is not about another person, so there is nobody to answer. Raises Forbidden without the
        permission.
        """
        if post.reply_to is None:
            return None
        async with self._uow() as tx:
            subject = await subjects.find_subject(tx, actor.telegram_id, post.reply_to)
            if subject is None or subject.user_id == actor.id:
                return None
            actor.require(subject.permission)
            order_id = OrderId(subject.id) if subject.kind is SubjectKind.ORDER else None
            message = await threads.answer(
                tx, self._ring, subject.user_id, actor.id, order_id, post,
                chat_id=actor.telegram_id, takes=actor.may(Permission.TICKETS),
            )  # fmt: skip
            names = await identity.user_names(tx, [subject.user_id])
            return Answered(names.get(subject.user_id, ""), message is not None)

    async def customer_name(self, actor: Actor, user_id: UserId) -> str:
        """The name of the customer whom an admin is about to answer. Raises Forbidden, NotFound."""
        actor.require(Permission.TICKETS)
        async with self._uow.read() as tx:
            names = await identity.user_names(tx, [user_id])
        if user_id not in names:
            raise NotFound(f"user {user_id}")
        return names[user_id]

    async def expect_answer(self, actor: Actor, user_id: UserId, message_id: int) -> None:
        """Treat a reply to the bot's message ``message_id`` in the actor's chat as an answer to this customer."""
        actor.require(Permission.TICKETS)
        async with self._uow() as tx:
            subject = Subject(SubjectKind.SUPPORT, user_id, user_id)
            await subjects.save_subject(tx, actor.telegram_id, message_id, subject)

    @retry_conflicts
    async def rate(self, actor: Actor, ticket_id: TicketId, stars: int) -> bool:
        """Store how the customer rates their ticket; False when they have rated it, or it isn't theirs."""
        if not 1 <= stars <= MOST_STARS:
            return False
        async with self._uow() as tx:
            rated = await tickets.rate(tx, ticket_id, actor.id, stars)
            if rated:
                tx.signal(TICKET_TOPIC, ticket_id)
            return rated

    @staticmethod
    async def _order(tx: Tx, user_id: UserId, chat_id: int, post: ChatPost) -> OrderId | None:
        subject = await subjects.find_subject(tx, chat_id, post.reply_to) if post.reply_to is not None else None
        if subject is not None and subject.kind is SubjectKind.ORDER and subject.user_id == user_id:
            return OrderId(subject.id)
        return await orders.find_named(tx, user_id, post.text)
