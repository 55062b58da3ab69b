"""The texts of conversations, sealed with data keys of the customer's own. See decisions/0130."""

from __future__ import annotations

from typing import Final

from backend.infra.crypto import DecryptionError, KeyRing, open_sealed, seal
from backend.infra.unit_of_work import Tx
from backend.kernel.ids import DataKeyId, UserId
from backend.support.repository import messages
from backend.support.repository.messages import SealedText, StoredMessage
from backend.support.types import SupportMessageId

_PURPOSE: Final = "support"


async def seal_text(
    tx: Tx, ring: KeyRing, user_id: UserId, message_id: SupportMessageId, text: str
) -> SealedText | None:
    """The sealed text of a message in the conversation with ``user_id``; None for an empty one."""
    if not text:
        return None
    key_id, key = await _key(tx, ring, user_id)
    return SealedText(key_id, seal(key, text.encode(errors="replace"), _context(message_id)))


async def open_text(tx: Tx, ring: KeyRing, stored: StoredMessage) -> str | None:
    """The text of a message, empty where it has none; None where its key is gone."""
    if stored.text is None:
        return ""
    try:
        key = await ring.get(tx, stored.text.key_id)
        return open_sealed(key, stored.text.sealed, _context(stored.message.id)).decode()
    except DecryptionError:
        return None


async def _key(tx: Tx, ring: KeyRing, user_id: UserId) -> tuple[DataKeyId, bytes]:
    key_id = await messages.find_newest_key(tx, user_id)
    if key_id is not None:
        try:
            return key_id, await ring.get(tx, key_id)
        except DecryptionError:
            pass  # what it sealed stays closed; what is written now must not be lost with it
    key_id, key = await ring.create(tx, _PURPOSE)
    await messages.add_key(tx, user_id, key_id)
    return key_id, key


def _context(message_id: SupportMessageId) -> bytes:
    return b"support-message" + message_id.bytes
