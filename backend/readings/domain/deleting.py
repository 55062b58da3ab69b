"""A person deletes readings: their words go, the draw and what it cost stay. See decisions/0099."""

from __future__ import annotations

from backend.infra.crypto import KeyRing
from backend.infra.unit_of_work import Tx
from backend.kernel.errors import NotFound
from backend.kernel.ids import UserId
from backend.readings.domain import answers, drawing, privacy
from backend.readings.repository import answers as stored_answers
from backend.readings.repository import history, keys, readings
from backend.readings.types import ReadingId, ReadingState


async def delete(tx: Tx, user_id: UserId, reading_id: ReadingId) -> None:
    """Delete a person's reading; what is being written of it is stopped. Raises NotFound."""
    await keys.lock_person(tx, user_id)
    reading = await readings.get(tx, reading_id, locked=True)
    if reading.user_id != user_id or reading.state is not ReadingState.DRAWN or reading.deleted_at is not None:
        raise NotFound("no reading of theirs")
    await _delete(tx, reading_id)


async def delete_all(tx: Tx, ring: KeyRing, user_id: UserId) -> None:
    """Delete all of a person's readings and destroy their keys; what they were shown sealed is revealed before."""
    await keys.lock_person(tx, user_id)
    for waiting in await readings.list_committed(tx, user_id):
        await drawing.abandon(tx, ring, waiting)
    for reading_id in await history.list_ids(tx, user_id):
        await _delete(tx, reading_id)
    await privacy.destroy_keys(tx, ring, user_id)


async def _delete(tx: Tx, reading_id: ReadingId) -> None:
    for answer in await stored_answers.list_of(tx, reading_id):
        await answers.stopped(tx, answer.id, answer.attempt)
    await history.clear(tx, reading_id)
