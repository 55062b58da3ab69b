"""What notifications and assignments need from support, inside the caller's transaction."""

from __future__ import annotations

from datetime import datetime

from backend.infra.unit_of_work import Tx
from backend.support import repository
from backend.support.types import Subject, SupportMessage, SupportMessageId


async def remember(tx: Tx, chat_id: int, message_id: int, subject: Subject) -> None:
    """Record what a message of the bot is about, so that a reply to it can be assigned."""
    await repository.save_subject(tx, chat_id, message_id, subject)


async def find_subject(tx: Tx, chat_id: int, message_id: int) -> Subject | None:
    """What a message of the bot is about; None for one that is about nothing."""
    return await repository.find_subject(tx, chat_id, message_id)


async def get_message(tx: Tx, message_id: SupportMessageId) -> SupportMessage:
    """A message between a customer and the shop. Raises NotFound."""
    return await repository.get_message(tx, message_id)


async def purge_subjects(tx: Tx, before: datetime) -> bool:
    """Delete a batch of records of what messages older than ``before`` were about; whether there may be more."""
    return await repository.purge_subjects(tx, before)
