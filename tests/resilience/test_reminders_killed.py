"""The worker killed with -9 while it decides whom to remind: each student is reminded once."""

from __future__ import annotations

import signal
from datetime import timedelta

from tests.factories.courses import add_course, add_lessons, add_teacher, open_lessons, tariffs_of
from tests.resilience.ground import Ground
from tests.resilience.processes import Fuse, until

_STUDENTS = 6
_SENT = "SELECT count(*) FROM notifications WHERE kind = 'course_reminder' AND status = 'sent'"


async def test_a_worker_that_dies_before_its_commit_has_decided_nothing(ground: Ground, fuse: Fuse) -> None:
    buyers = await ground.buyers(_STUDENTS, 0)
    services = ground.services
    teacher = await add_teacher(services.uow)
    course = await add_course(services.uow, teacher)
    lessons = await add_lessons(services.uow, course, 1)
    tariff = (await tariffs_of(services.uow, teacher, course))["basic"]
    for buyer in buyers:
        enrolment = await services.courses.students.gift(teacher, buyer.actor.id, tariff.id, "for the test")
        await open_lessons(services.uow, enrolment, lessons, services.clock.now() - timedelta(days=5))
    await ground.rows(
        "UPDATE enrolments SET started_at = now() - interval '5 days', remind_at = now(), next_due_at = NULL"
    )
    await ground.rows("DELETE FROM outbox_jobs")  # what they are told of joining is another test's
    fuse.lay("reminders.decided")
    ground.worker.start()
    assert await ground.worker.ended() == -signal.SIGKILL
    await fuse.blown("reminders.decided")
    assert await ground.count("SELECT count(*) FROM enrolments WHERE reminders = 0") == _STUDENTS
    # As it is by itself after a minute.
    await ground.rows("UPDATE cron_runs SET ran_at = ran_at - interval '2 minutes' WHERE name = 'courses.remind'")
    ground.worker.start()

    async def all_sent() -> bool:
        return await ground.count(_SENT) == _STUDENTS

    await until(all_sent)
    assert await ground.count("SELECT sum(reminders) FROM enrolments") == _STUDENTS
    taken = [sum(outcome == "taken" for _, outcome in ground.tap.to(buyer.actor.telegram_id)) for buyer in buyers]
    assert taken == [1] * _STUDENTS
