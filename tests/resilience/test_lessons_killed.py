"""The worker killed with -9 while it sends lessons: nobody loses one, and only what was under way comes twice."""

from __future__ import annotations

import signal

import pytest

from tests.backend.courses.students import School
from tests.resilience.ground import Ground
from tests.resilience.processes import Fuse, until

_STUDENTS = 12


@pytest.mark.parametrize(("place", "twice"), [("lessons.claimed", 0), ("lessons.sent", 25)])
async def test_a_worker_that_dies_loses_no_lesson(ground: Ground, fuse: Fuse, place: str, twice: int) -> None:
    """It dies with all claimed and none sent, or after Telegram's first answer; up to 25 are under way."""
    buyers = await ground.buyers(_STUDENTS, 0)
    school = School(ground.services.uow, ground.services.clock)
    await school.course(lessons=1)
    await school.enrol_people([buyer.actor.id for buyer in buyers])
    fuse.lay(place)
    ground.worker.start()
    assert await ground.worker.ended() == -signal.SIGKILL
    await fuse.blown(place)
    sent_before = len(ground.tap.tries)
    # As it is by itself after two minutes.
    await ground.rows("UPDATE lesson_deliveries SET lease_until = now(), retry_at = now() WHERE state = 'claimed'")
    ground.worker.start()

    async def all_sent() -> bool:
        return await ground.count("SELECT count(*) FROM lesson_deliveries WHERE state = 'sent'") == _STUDENTS

    await until(all_sent)
    taken = [sum(outcome == "taken" for _, outcome in ground.tap.to(buyer.actor.telegram_id)) for buyer in buyers]
    assert min(taken) == 1
    assert sum(taken) - _STUDENTS <= min(sent_before, twice)
    if place == "lessons.claimed":
        assert sent_before == 0
