"""What notifications and assignments need from support, inside the caller's transaction."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from backend.infra.crypto import KeyRing
from backend.infra.timeline import EntryKind, Source
from backend.infra.unit_of_work import Tx
from backend.kernel.ids import UserId
from backend.support.domain import texts
from backend.support.repository import messages, subjects, tickets, timeline
from backend.support.types import (
    TICKET_TOPIC,
    Delivery,
    Subject,
    SupportMessage,
    SupportMessageId,
    ThreadMessage,
    Ticket,
    TicketId,
)

TIMELINE: Final = Source(EntryKind.TICKET, timeline.list_tickets)
"""A person's tickets, for their timeline."""


async def remember(tx: Tx, chat_id: int, message_id: int, subject: Subject) -> None:
    """Record what a message of the bot is about, so that a reply to it can be assigned."""
    await subjects.save_subject(tx, chat_id, message_id, subject)


async def find_subject(tx: Tx, chat_id: int, message_id: int) -> Subject | None:
    """What a message of the bot is about; None for one that is about nothing."""
    return await subjects.find_subject(tx, chat_id, message_id)


async def get_message(tx: Tx, message_id: SupportMessageId) -> SupportMessage:
    """A message between a customer and the shop. Raises NotFound."""
    return (await messages.get(tx, message_id)).message


async def open_message(tx: Tx, ring: KeyRing, message_id: SupportMessageId) -> ThreadMessage:
    """A message with its text. Raises NotFound."""
    stored = await messages.get(tx, message_id)
    return ThreadMessage(message=stored.message, text=await texts.open_text(tx, ring, stored), at=stored.at)


async def get_ticket(tx: Tx, ticket_id: TicketId) -> Ticket:
    """A conversation with a customer. Raises NotFound."""
    return await tickets.get(tx, ticket_id)


async def record_delivery(tx: Tx, message_id: SupportMessageId, delivery: Delivery) -> None:
    """Record what became of an answer, and tell the pages that show it."""
    ticket_id = await messages.set_delivery(tx, message_id, delivery)
    if ticket_id is not None:
        tx.signal(TICKET_TOPIC, ticket_id)


async def destroy_texts(tx: Tx, ring: KeyRing, user_id: UserId) -> None:
    """Destroy the keys of a person's conversations, and with them all that they and the shop wrote."""
    for key_id in await messages.take_keys(tx, user_id):
        await ring.destroy(tx, key_id)


async def purge_subjects(tx: Tx, before: datetime) -> bool:
    """Delete a batch of records of what messages older than ``before`` were about; whether there may be more."""
    return await subjects.purge_subjects(tx, before)
