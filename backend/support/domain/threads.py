"""A conversation as it goes on: messages find their ticket, and the ticket its state."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Final

from backend.infra.crypto import KeyRing
from backend.infra.unit_of_work import Tx
from backend.kernel.ids import OrderId, UserId
from backend.orders import domain as orders
from backend.support.domain import texts
from backend.support.repository import messages, tickets
from backend.support.types import (
    TEXT_KIND,
    TICKET_TOPIC,
    ChatPost,
    Delivery,
    SupportAnswered,
    SupportAsked,
    SupportMessage,
    SupportMessageId,
    Thread,
    ThreadMessage,
    Ticket,
    TicketState,
)

_SHOWN: Final = 20
"""Messages of a page."""
_REOPENS: Final = timedelta(days=14)
"""A customer who writes within this time after their ticket was closed goes on with it."""


async def ask(
    tx: Tx,
    ring: KeyRing,
    user_id: UserId,
    order_id: OrderId | None,
    post: ChatPost,
    *,
    chat_id: int | None = None,
    intent: str = "",
) -> SupportMessage | None:
    """Add a customer's message to their ticket, which is opened or reopened; None when it was added before.

    Without a chat it was written in the Mini App, and ``intent`` is its idempotency key.
    """
    await messages.lock_person(tx, user_id)
    if chat_id is not None and await messages.is_known(tx, chat_id, post.message_id):
        return None
    if intent and await messages.find_intended(tx, user_id, intent) is not None:
        return None
    ticket = await tickets.find_active(tx, user_id) or await tickets.find_latest(tx, user_id, tx.now - _REOPENS)
    ticket = ticket or await tickets.add(tx, user_id, TicketState.OPEN)
    message = _message(tx, ticket, user_id, order_id, post=post, chat_id=chat_id)
    await messages.add(tx, message, await texts.seal_text(tx, ring, user_id, message.id, post.text), intent)
    values: dict[str, Any] = {"last_message_id": message.id, "asked_at": ticket.asked_at or tx.now}
    if ticket.state is not TicketState.OPEN:
        values |= {"state": TicketState.OPEN.value, "state_since": tx.now}
    if order_id is not None:
        values["order_id"] = order_id
    await tickets.change(tx, ticket.id, values)
    tx.emit(SupportAsked(message_id=message.id, user_id=user_id))
    tx.signal(TICKET_TOPIC, ticket.id)
    return message


async def answer(
    tx: Tx,
    ring: KeyRing,
    user_id: UserId,
    author_id: UserId,
    order_id: OrderId | None,
    post: ChatPost,
    *,
    chat_id: int | None = None,
    intent: str = "",
    takes: bool = True,
) -> SupportMessage | None:
    """Add an admin's message to the customer's ticket, which is opened where there is none; None for a repeated one.

    ``chat_id`` is the chat where the post was written; without it, it was written in the back office and ``intent``
    is its idempotency key. ``takes``: a ticket that nobody has is the author's from now on.
    """
    await messages.lock_person(tx, user_id)
    if chat_id is not None and await messages.is_known(tx, chat_id, post.message_id):
        return None
    if intent and await messages.find_intended(tx, author_id, intent) is not None:
        return None
    ticket = await tickets.find_active(tx, user_id) or await tickets.find_latest(tx, user_id, tx.now - _REOPENS)
    ticket = ticket or await tickets.add(tx, user_id, TicketState.WAITING)
    message = _message(tx, ticket, author_id, order_id or ticket.order_id, post=post, chat_id=chat_id)
    if not await messages.add(tx, message, await texts.seal_text(tx, ring, user_id, message.id, post.text), intent):
        return None
    values: dict[str, Any] = {
        "last_message_id": message.id,
        "state": TicketState.WAITING.value,
        "state_since": tx.now,
        "assignee_id": ticket.assignee_id or (author_id if takes else None),
    }
    if ticket.asked_at is not None and ticket.answered_at is None:
        values["answered_at"] = tx.now
    if order_id is not None:
        values["order_id"] = order_id
    await tickets.change(tx, ticket.id, values)
    tx.emit(SupportAnswered(message_id=message.id, user_id=user_id, author_id=author_id))
    tx.signal(TICKET_TOPIC, ticket.id)
    return message


async def load(tx: Tx, ring: KeyRing, ticket: Ticket, before: SupportMessageId | None = None) -> Thread:
    """A ticket with its latest messages, or those before ``before``."""
    rows = await messages.list_of_ticket(tx, ticket.id, before, _SHOWN + 1)
    shown = [
        ThreadMessage(message=row.message, text=await texts.open_text(tx, ring, row), at=row.at)
        for row in reversed(rows[:_SHOWN])
    ]
    order = await orders.load_without_keys(tx, ticket.order_id) if ticket.order_id else None
    earlier = shown[0].message.id if len(rows) > _SHOWN else None
    number = order.number if order else None
    return Thread(ticket=ticket, messages=tuple(shown), earlier=earlier, order_number=number)


def _message(
    tx: Tx, ticket: Ticket, author_id: UserId, order_id: OrderId | None, *, post: ChatPost, chat_id: int | None
) -> SupportMessage:
    return SupportMessage(
        id=SupportMessageId(tx.new_id()),
        user_id=ticket.user_id,
        author_id=author_id,
        chat_id=chat_id,
        message_id=post.message_id if chat_id is not None else None,
        order_id=order_id,
        ticket_id=ticket.id,
        kind=post.kind[:32] or TEXT_KIND,
        delivery=Delivery.PENDING if author_id != ticket.user_id else None,
    )
