"""Free cards inside the caller's transaction."""

from __future__ import annotations

from backend.infra.unit_of_work import Tx
from backend.kernel.ids import UserId
from backend.readings.errors import FreeCardTaken
from backend.readings.repository import free_cards as repository
from backend.readings.repository import keys
from backend.readings.rules import free_cards as rules
from backend.readings.types import ReadingId
from backend.readings.types.rooms import FreeCard


async def find(tx: Tx, user_id: UserId, zone: str) -> FreeCard:
    """Whether a person can turn over a card now, by the clock of ``zone``."""
    last = await repository.find_last(tx, user_id)
    shown = await repository.find_shown(tx, user_id)
    return FreeCard(next_at=rules.next_at(last, tx.now, zone), reading_id=shown)


async def turn(tx: Tx, user_id: UserId, zone: str, reading_id: ReadingId) -> None:
    """Note that a person turns over their card of today. Raises FreeCardTaken."""
    await keys.lock_person(tx, user_id)
    last = await repository.find_last(tx, user_id)
    if rules.next_at(last, tx.now, zone) is not None:
        raise FreeCardTaken()
    if not await repository.add(tx, user_id, rules.local_date(tx.now, zone), reading_id, tx.now + rules.APART):
        raise FreeCardTaken()
