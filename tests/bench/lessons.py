"""Lessons that are due: the worker's rounds against pgbench on the same statements, among few students and many."""

from __future__ import annotations

import asyncio
import re
import statistics
import tempfile
import time
from pathlib import Path

from sqlalchemy import text

from backend.courses.ports import Arrived, nobody
from backend.courses.repository import deliveries, schedule
from backend.courses.service.sending import SendingService
from backend.courses.types.schedule import LessonMessage
from backend.infra.hot import HotStatement
from backend.kernel.ids import new_id
from tests.bench.pgbench import ROUNDS, run_script
from tests.bench.report import Row
from tests.bench.world import World

SMALL, LARGE = 1_000, 1_000_000
_LESSONS = 30
_BATCH = 100
_DUE = 1_000
"""Due at a time: all of the few, a thousandth of the many."""

_STUDENTS = """
INSERT INTO users (id, telegram_id, language, created_at)
SELECT ids.id, 5000000000 + :offset + n, 'en', now() FROM (
    SELECT n, CAST('00000000-0000-7000-9' || lpad(to_hex(CAST(:offset AS bigint) / 1000000), 3, '0') || '-'
                   || lpad(to_hex(n), 12, '0') AS uuid) AS id FROM generate_series(1, :count) n
) ids
"""
_RULE = '{"mode": "every_24h", "number": 2, "zone": "UTC", "minute": 600, "shift": 0, "tzdata": "2026.6"}'
_ENROL = """
INSERT INTO enrolments (id, user_id, course_id, run_id, enrolled_at, started_at, timezone, next_lesson_id, next_due_at,
                        due_rule)
SELECT u.id, u.id, :course_id, :run_id, now(), now() - interval '1 day', 'UTC', :lesson_id, now() + interval '90 days',
       CAST(CAST(:rule AS text) AS jsonb)
FROM users u WHERE u.telegram_id > 5000000000 + :offset AND u.telegram_id <= 5000000000 + :offset + :count
"""
_GRANTS = """
INSERT INTO course_grants (id, enrolment_id, tariff_id, source, order_line_id, paid_amount, currency, granted_at)
SELECT id, id, :tariff_id, 'order_line', id, 100, 'USD', now() FROM enrolments WHERE course_id = :course_id
"""
_FIRST = """
INSERT INTO lesson_deliveries (enrolment_id, lesson_id, due_at, state, sent_at)
SELECT id, :lesson_id, now() - interval '1 day', 'sent', now() - interval '1 day' FROM enrolments
WHERE course_id = :course_id
"""
_MAKE_DUE = """
UPDATE enrolments SET next_due_at = now() - interval '1 minute', next_lesson_id = :lesson_id, shift_minutes = 0
WHERE id IN (SELECT id FROM enrolments WHERE course_id = :course_id ORDER BY id LIMIT :count)
"""
_FORGET = """
DELETE FROM lesson_deliveries d USING lessons l
WHERE l.id = d.lesson_id AND l.course_id = :course_id AND l.position > 1
"""
"""The second lesson is delivered again and again."""


class Nobody:
    """A messenger that sends nothing, at once."""

    async def turn(self, chat_id: int, patience: float) -> None:
        """At once."""

    async def send(self, chat_id: int, message: LessonMessage, *, skip: int = 0, arrived: Arrived = nobody) -> int:
        return 1


class Course:
    """A course with so many students, in the second lesson."""

    def __init__(self, world: World, count: int, offset: int) -> None:
        self.world, self.count, self.offset = world, count, offset
        self.id, self.lessons = new_id(), [new_id() for _ in range(_LESSONS)]

    async def run(self, sql: str, **values: object) -> None:
        async with self.world.services.uow() as tx:
            await tx.execute(text("SET LOCAL session_replication_role = replica"))
            # A million rows take longer than any statement of the shop may, on a machine that does more than this.
            await tx.execute(text("SET LOCAL statement_timeout = 0"))
            await tx.execute(text(sql), values)

    async def make(self) -> None:
        run_id = new_id()
        await self.run(
            "INSERT INTO courses (id, slug, product_id, state, mode, timezone, created_at)"
            " VALUES (:id, :slug, :id, 'published', 'every_24h', 'UTC', now())", id=self.id, slug=f"bench{self.offset}",
        )  # fmt: skip
        await self.run(
            "INSERT INTO course_runs (id, course_id, number, opened_at) VALUES (:id, :course_id, 1, now())",
            id=run_id, course_id=self.id,
        )  # fmt: skip
        for number, lesson_id in enumerate(self.lessons, start=1):
            await self.run(
                "INSERT INTO lessons (id, course_id, slug, position, updated_at)"
                " VALUES (:id, :course_id, :slug, :position, now())",
                id=lesson_id, course_id=self.id, slug=f"l{number}", position=number,
            )  # fmt: skip
        await self.run(_STUDENTS, offset=self.offset, count=self.count)
        values = {"course_id": self.id, "offset": self.offset, "count": self.count}
        await self.run(_ENROL, run_id=run_id, lesson_id=self.lessons[1], rule=_RULE, **values)
        await self.run(_GRANTS, tariff_id=new_id(), course_id=self.id)
        await self.run(_FIRST, lesson_id=self.lessons[0], course_id=self.id)
        await self.vacuum("users", "enrolments", "course_grants", "lesson_deliveries", "lessons")

    async def vacuum(self, *tables: str) -> None:
        """What autovacuum does in a running shop; here it would come by chance, in the middle of a round."""
        async with self.world.services.engine.connect() as connection:
            raw = await connection.get_raw_connection()
            driver = raw.driver_connection
            assert driver is not None
            for table in tables:
                await driver.execute(f"VACUUM ANALYZE {table}")

    async def make_due(self) -> None:
        """A thousand students have their second lesson due, as if they had never had it."""
        await self.run(_FORGET, course_id=self.id)
        await self.run(_MAKE_DUE, course_id=self.id, lesson_id=self.lessons[1], count=_DUE)
        await self.vacuum("enrolments", "lesson_deliveries")


def _filled(statement: HotStatement, **values: str) -> str:
    """The statement's own SQL with an expression for each of its parameters."""
    names = [name for name, _ in statement._processors]
    sql = re.sub(r"\$(\d+)", lambda match: f"({values[names[int(match[1]) - 1]]})", statement.sql)
    return " ".join(sql.split())


def _script(course: Course) -> str:
    """One batch of the worker as a pgbench script: the statements of the repositories, in their transactions."""
    lease, now = "now() + interval '120 seconds'", "now()"
    ids, lessons, each = "':ids'::uuid[]", "':lessons'::uuid[]", "':ids'::uuid[]"
    fill = "array_fill({}, ARRAY[cardinality(" + each + ")])"

    def same(expression: str) -> str:
        return fill.format(expression)

    rule = f"'{_RULE}'::jsonb"
    due = _filled(schedule._DUE, now=now, most=str(_BATCH))
    gather = (
        f"WITH due AS ({due}) SELECT coalesce(array_agg(id), '{{}}')::text AS ids,"
        f" array_fill('{course.lessons[1]}'::uuid, ARRAY[count(*)::int])::text AS lessons,"
        f" ({lease})::text AS lease FROM due \\gset"
    )
    people = "SELECT id, telegram_id, language, timezone, bot_blocked_at, blacklisted_at FROM users WHERE id = ANY({})"
    leased = same("':lease'::timestamptz")
    lines = [
        _filled(deliveries._CLAIM, lease=lease, now=now, most=str(_BATCH)) + ";",
        "BEGIN;",
        gather,
        _filled(schedule._LOAD, ids=ids) + ";",
        people.format(ids) + ";",
        _filled(schedule._LESSONS, ids=f"ARRAY['{course.id}'::uuid]") + ";",
        _filled(
            deliveries._ADD, enrolments=ids, lessons=lessons, dues=same(now), states=same("'claimed'::text"),
            retries=leased, reasons=same("NULL::text"),
        ) + ";",
        _filled(
            schedule._SAVE, ids=ids, lessons=same(f"'{course.lessons[2]}'::uuid"), zones=same("'UTC'::text"),
            dues=same("now() + interval '1 day'"), rules=same(rule), shifts=same("0"),
        ) + ";",
        "COMMIT;",
        _filled(deliveries._FACTS, enrolments=ids, lessons=lessons) + ";",
        people.format(ids) + ";",
        "BEGIN;",
        _filled(
            deliveries._SETTLE, now=now, enrolments=ids, lessons=lessons, leases=leased, states=same("'sent'::text"),
            reasons=same("NULL::text"), retries=same("NULL::timestamptz"), messages=same("1::bigint"),
            chats=same("1::bigint"), versions=same("1"),
        ) + ";",
        "COMMIT;",
    ]  # fmt: skip
    return "\n".join(lines) + "\n"


def _pgbench(world: World, course: Course) -> float:
    """Lessons a second by PostgreSQL alone, from one client, as the worker is one."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "lessons.sql"
        path.write_text(_script(course))
        return run_script(world, path, "-M", "simple", "-c", "1", "-t", str(_DUE // _BATCH)) * _BATCH


async def _round(sending: SendingService, course: Course) -> float:
    """The milliseconds of a lesson when a thousand are due."""
    await course.make_due()
    started = time.perf_counter()
    done = 0
    while done < _DUE:
        done += await sending.work(_BATCH)
    return (time.perf_counter() - started) / done * 1000


async def lessons_due(world: World) -> list[Row]:
    """Lessons a second that are opened, claimed, sent to nobody and recorded, of a thousand due among a million.

    Against pgbench on the same statements; and the milliseconds of a lesson among a million students and a thousand.
    """
    sending = SendingService(uow=world.services.uow, messenger=Nobody(), public_url="https://souk.example")
    # Few students first: they are all that there are in these tables then.
    few, many = Course(world, SMALL, 0), Course(world, LARGE, 10_000_000)
    took: dict[int, list[float]] = {}
    theirs: list[float] = []
    for course in (few, many):
        await course.make()
        took[course.count] = [await _round(sending, course) for _ in range(ROUNDS * 3)][ROUNDS:]
    for _ in range(ROUNDS * 2):
        await many.make_due()
        theirs.append(await asyncio.to_thread(_pgbench, world, many))
        took[LARGE].append(await _round(sending, many))
    small, large = statistics.median(took[SMALL]), statistics.median(took[LARGE])
    return [
        Row.of("lessons_due", 1000 / large, "1/s", statistics.median(theirs), "higher"),
        Row.of("lessons_due_large", large, "ms", small, "lower"),
    ]
