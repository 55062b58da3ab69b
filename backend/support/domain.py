"""What notifications may ask of support, inside their own transactions."""

from __future__ import annotations

from datetime import datetime

from backend.infra.unit_of_work import Tx
from backend.support import repository
from backend.support.types import Subject, SupportMessage, SupportMessageId


async def remember(tx: Tx, chat_id: int, message_id: int, subject: Subject) -> None:
    """Note what a message of the bot speaks of, so that a reply to it finds the way."""
    await repository.save_subject(tx, chat_id, message_id, subject)


async def get_message(tx: Tx, message_id: SupportMessageId) -> SupportMessage:
    """One message. Raises NotFound."""
    return await repository.get_message(tx, message_id)


async def purge_subjects(tx: Tx, before: datetime) -> bool:
    """Forget what messages older than ``before`` spoke of, some at a time; whether there may be more."""
    return await repository.purge_subjects(tx, before)
