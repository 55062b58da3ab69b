"""What people ask and read, sealed with data keys of their own. See decisions/0099.

An envelope names its data key, so that rotation, a lost master key and a person's erasure each touch what they must.
"""

from __future__ import annotations

from typing import Final
from uuid import UUID

from backend.infra.crypto import DecryptionError, KeyRing, open_sealed, seal
from backend.infra.unit_of_work import Tx
from backend.kernel.ids import DataKeyId, UserId
from backend.readings.repository import keys
from backend.readings.types import AnswerId, ReadingId, Unopenable

_PURPOSE: Final = "readings"
_FORMAT: Final = b"\x01"
_HEADER: Final = 1 + 16


class Sealer:
    """Seals and opens what one data key of a person covers, without the database."""

    def __init__(self, key_id: DataKeyId, key: bytes) -> None:
        self.key_id = key_id
        self._key = key

    def seal(self, plaintext: bytes, context: bytes) -> bytes:
        """An envelope: its format, the key's id, and what is sealed; ``context`` says where it belongs."""
        return _FORMAT + self.key_id.bytes + seal(self._key, plaintext, context)

    def seal_text(self, text: str, context: bytes) -> bytes:
        """An envelope of a text."""
        return self.seal(text.encode(), context)

    def open(self, envelope: bytes, context: bytes) -> bytes:
        """What is in an envelope of this key. Raises DecryptionError."""
        if key_of(envelope) != self.key_id:
            raise DecryptionError("an envelope of another key")
        return open_sealed(self._key, envelope[_HEADER:], context)


def key_of(envelope: bytes) -> DataKeyId:
    """The key that an envelope names. Raises DecryptionError for what is no envelope."""
    if len(envelope) <= _HEADER or envelope[:1] != _FORMAT:
        raise DecryptionError("not an envelope")
    return DataKeyId(UUID(bytes=envelope[1:_HEADER]))


async def sealer(tx: Tx, ring: KeyRing, user_id: UserId) -> Sealer:
    """What seals a person's words now: with their newest key, or a new one where that is missing."""
    key_id = await keys.find_newest(tx, user_id)
    if key_id is None:
        await keys.lock_person(tx, user_id)
        key_id = await keys.find_newest(tx, user_id)
    if key_id is not None:
        try:
            return Sealer(key_id, await ring.get(tx, key_id))
        except DecryptionError:
            pass  # what it sealed stays closed; what is written now must not be lost with it
    key_id, key = await ring.create(tx, _PURPOSE)
    await keys.add(tx, user_id, key_id)
    return Sealer(key_id, key)


async def open_bytes(tx: Tx, ring: KeyRing, envelope: bytes, context: bytes) -> bytes | Unopenable:
    """What is in an envelope; Unopenable where its key is missing, or it was changed."""
    key_id = key_of(envelope)
    try:
        return open_sealed(await ring.get(tx, key_id), envelope[_HEADER:], context)
    except DecryptionError:
        return Unopenable(await keys.find_master(tx, key_id) or str(key_id))


async def seal_text(tx: Tx, ring: KeyRing, user_id: UserId, text: str, context: bytes) -> bytes:
    """An envelope of a person's text; for many texts ask for ``sealer`` once."""
    return (await sealer(tx, ring, user_id)).seal_text(text, context)


async def open_text(tx: Tx, ring: KeyRing, envelope: bytes, context: bytes) -> str | Unopenable:
    """The text in an envelope; Unopenable where its key is missing, or it was changed."""
    opened = await open_bytes(tx, ring, envelope, context)
    return opened if isinstance(opened, Unopenable) else opened.decode()


async def destroy_keys(tx: Tx, ring: KeyRing, user_id: UserId) -> None:
    """Destroy a person's keys, and with them all that they have asked and read."""
    for key_id in await keys.list_keys(tx, user_id):
        await ring.destroy(tx, key_id)
    await keys.remove_all(tx, user_id)


async def count_missing(tx: Tx, ring: KeyRing) -> int:
    """How many keys of readings are gone, or wrapped by a master key that the ring does not have."""
    closed = set((await ring.survey(tx)).closed)
    masters = await keys.list_masters(tx)
    return sum(count for master, count in masters.items() if master is None or master in closed)


def seed_context(reading_id: ReadingId) -> bytes:
    """What a sealed seed is bound to."""
    return b"reading-seed" + reading_id.bytes


def question_context(answer_id: AnswerId) -> bytes:
    """What a sealed question is bound to."""
    return b"reading-question" + answer_id.bytes


def answer_context(answer_id: AnswerId) -> bytes:
    """What a sealed whole text is bound to."""
    return b"reading-answer" + answer_id.bytes


def chunk_context(answer_id: AnswerId, attempt: int, seq: int) -> bytes:
    """What a sealed chunk of a text is bound to."""
    return b"reading-chunk" + answer_id.bytes + attempt.to_bytes(4, "big") + seq.to_bytes(4, "big")
