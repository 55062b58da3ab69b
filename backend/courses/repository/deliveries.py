"""SQL of deliveries: claimed by a worker, sent outside of any transaction, recorded."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

import msgspec
from sqlalchemy import BigInteger, DateTime, Integer, Text, Uuid, bindparam, text
from sqlalchemy.dialects.postgresql import ARRAY

from backend.courses.rules.planning import Opened
from backend.courses.types import CourseId, DeliveryState, EnrolmentId, LessonId
from backend.courses.types.schedule import Claim, Delivery, DeliveryReason
from backend.infra.hot import HotStatement
from backend.infra.unit_of_work import Tx
from backend.kernel.ids import UserId

_AT: Final = DateTime(timezone=True)
_IDS: Final = ARRAY(Uuid())
# ``retry_at`` is when a delivery whose message is still to be sent is taken again; of a claimed one, its lease's end.
_ADD: Final = HotStatement(
    text("""
    INSERT INTO lesson_deliveries (enrolment_id, lesson_id, due_at, state, lease_until, retry_at, reason)
    SELECT n.enrolment_id, n.lesson_id, n.due_at, n.state, CASE WHEN n.state = 'claimed' THEN n.retry_at END,
           n.retry_at, n.reason
    FROM unnest(:enrolments, :lessons, :dues, :states, :retries, :reasons)
         n (enrolment_id, lesson_id, due_at, state, retry_at, reason)
    ON CONFLICT DO NOTHING
    """).bindparams(
        bindparam("enrolments", type_=_IDS),
        bindparam("lessons", type_=_IDS),
        bindparam("dues", type_=ARRAY(_AT)),
        bindparam("states", type_=ARRAY(Text())),
        bindparam("retries", type_=ARRAY(_AT)),
        bindparam("reasons", type_=ARRAY(Text())),
    )
)
_CLAIM: Final = HotStatement(
    text("""
    UPDATE lesson_deliveries d SET state = 'claimed', lease_until = :lease, retry_at = :lease
    FROM (
        SELECT enrolment_id, lesson_id, state FROM lesson_deliveries
        WHERE retry_at <= :now ORDER BY retry_at LIMIT :most FOR UPDATE SKIP LOCKED
    ) w
    WHERE d.enrolment_id = w.enrolment_id AND d.lesson_id = w.lesson_id
    RETURNING d.enrolment_id, d.lesson_id, d.due_at, d.reason, d.parts_sent, d.lesson_version, w.state AS before
    """).bindparams(bindparam("lease", type_=_AT), bindparam("now", type_=_AT), bindparam("most", type_=Integer()))
)
_SETTLE: Final = HotStatement(
    text("""
    UPDATE lesson_deliveries d SET state = n.state, lease_until = NULL, retry_at = n.retry_at, reason = n.reason,
           sent_at = CASE WHEN n.state = 'sent' THEN :now END,
           message_id = coalesce(n.message_id, d.message_id), chat_id = coalesce(n.chat_id, d.chat_id),
           lesson_version = coalesce(n.version, d.lesson_version)
    FROM unnest(:enrolments, :lessons, :leases, :states, :reasons, :retries, :messages, :chats, :versions)
         n (enrolment_id, lesson_id, lease, state, reason, retry_at, message_id, chat_id, version)
    WHERE d.enrolment_id = n.enrolment_id AND d.lesson_id = n.lesson_id
      AND d.state = 'claimed' AND d.lease_until = n.lease
    RETURNING d.enrolment_id
    """).bindparams(
        bindparam("now", type_=_AT),
        bindparam("enrolments", type_=_IDS),
        bindparam("lessons", type_=_IDS),
        bindparam("leases", type_=ARRAY(_AT)),
        bindparam("states", type_=ARRAY(Text())),
        bindparam("reasons", type_=ARRAY(Text())),
        bindparam("retries", type_=ARRAY(_AT)),
        bindparam("messages", type_=ARRAY(BigInteger())),
        bindparam("chats", type_=ARRAY(BigInteger())),
        bindparam("versions", type_=ARRAY(Integer())),
    )
)
_ARRIVED: Final = HotStatement(
    text("""
    UPDATE lesson_deliveries SET parts_sent = :parts, lesson_version = :version, chat_id = :chat,
        part_ids = part_ids || CAST(:message AS bigint)
    WHERE enrolment_id = :enrolment_id AND lesson_id = :lesson_id AND state = 'claimed' AND lease_until = :lease
    RETURNING enrolment_id
    """).bindparams(
        bindparam("parts", type_=BigInteger()),
        bindparam("version", type_=Integer()),
        bindparam("chat", type_=BigInteger()),
        bindparam("message", type_=BigInteger()),
        bindparam("enrolment_id", type_=Uuid()),
        bindparam("lesson_id", type_=Uuid()),
        bindparam("lease", type_=_AT),
    )
)
_FACTS: Final = HotStatement(
    text("""
    SELECT d.enrolment_id, d.lesson_id, e.user_id, c.slug AS course, l.slug AS lesson, l.version, l.course_id,
           l.has_assignment, l.quiz_version IS NOT NULL AS has_quiz, l.deleted_at IS NOT NULL AS deleted,
           (SELECT jsonb_object_agg(t.locale, t.title) FROM lesson_texts t WHERE t.lesson_id = l.id) AS titles,
           EXISTS (SELECT FROM course_grants g WHERE g.enrolment_id = e.id AND g.ended_at IS NULL) AS live,
           (SELECT count(*) FROM lesson_deliveries o JOIN lessons m ON m.id = o.lesson_id AND m.deleted_at IS NULL
            WHERE o.enrolment_id = e.id AND o.reason = 'digest' AND o.message_id IS NULL) AS together
    FROM unnest(:enrolments, :lessons) w (enrolment_id, lesson_id)
    JOIN lesson_deliveries d ON d.enrolment_id = w.enrolment_id AND d.lesson_id = w.lesson_id
    JOIN enrolments e ON e.id = d.enrolment_id
    JOIN lessons l ON l.id = d.lesson_id
    JOIN courses c ON c.id = e.course_id
    """).bindparams(bindparam("enrolments", type_=_IDS), bindparam("lessons", type_=_IDS))
)
_DIGESTED: Final = text("""
    UPDATE lesson_deliveries SET message_id = :message_id, chat_id = :chat_id
    WHERE enrolment_id = :enrolment_id AND state = 'skipped' AND reason = 'digest' AND message_id IS NULL
""").bindparams(
    bindparam("message_id", type_=BigInteger()), bindparam("chat_id", type_=BigInteger()),
    bindparam("enrolment_id", type_=Uuid()),
)  # fmt: skip
_LIST: Final = """
    SELECT d.enrolment_id, d.lesson_id, e.user_id, l.position, d.due_at, d.state, d.reason, d.message_id,
           d.lesson_version, d.retry_at, d.sent_at,
           coalesce((SELECT t.title FROM lesson_texts t WHERE t.lesson_id = l.id ORDER BY t.locale <> :locale, t.locale
                     LIMIT 1), l.slug) AS title
    FROM lesson_deliveries d JOIN enrolments e ON e.id = d.enrolment_id JOIN lessons l ON l.id = d.lesson_id
    WHERE {condition} ORDER BY d.due_at DESC, d.enrolment_id DESC, d.lesson_id DESC LIMIT :most OFFSET :skip
"""
_AGAIN: Final = text("""
    UPDATE lesson_deliveries d
    SET state = 'planned', retry_at = :now, lease_until = NULL, sent_at = NULL, reason = NULL, parts_sent = 0
    WHERE enrolment_id = :enrolment_id AND lesson_id = :lesson_id AND state <> 'claimed' RETURNING enrolment_id
""").bindparams(
    bindparam("now", type_=_AT), bindparam("enrolment_id", type_=Uuid()), bindparam("lesson_id", type_=Uuid())
)
_UNBLOCKED: Final = text("""
    UPDATE lesson_deliveries d SET state = 'planned', retry_at = :now, reason = w.reason, parts_sent = 0
    FROM (
        SELECT enrolment_id, lesson_id,
               CASE WHEN count(*) OVER (PARTITION BY enrolment_id) > 1 THEN 'digest' END AS reason,
               row_number() OVER (PARTITION BY enrolment_id ORDER BY due_at DESC) AS place
        FROM lesson_deliveries
        WHERE enrolment_id = ANY(:ids) AND state = 'failed' AND reason = 'bot_blocked'
    ) w
    WHERE d.enrolment_id = w.enrolment_id AND d.lesson_id = w.lesson_id AND w.place = 1
    RETURNING d.enrolment_id
""").bindparams(bindparam("now", type_=_AT), bindparam("ids", type_=_IDS))
_UNBLOCKED_OTHERS: Final = text("""
    UPDATE lesson_deliveries SET state = 'skipped', reason = 'digest'
    WHERE enrolment_id = ANY(:ids) AND state = 'failed' AND reason = 'bot_blocked'
""").bindparams(bindparam("ids", type_=_IDS))
_OPEN: Final = text("SELECT lesson_id, due_at FROM lesson_deliveries WHERE enrolment_id = :id").bindparams(
    bindparam("id", type_=Uuid())
)
_REMOVE: Final = text("""
    DELETE FROM lesson_deliveries
    WHERE enrolment_id = :enrolment_id AND lesson_id = ANY(:lessons) AND state <> 'claimed'
""").bindparams(bindparam("enrolment_id", type_=Uuid()), bindparam("lessons", type_=_IDS))


class OpenSince(msgspec.Struct, frozen=True):
    """A lesson that is open to a student."""

    lesson_id: LessonId
    due_at: datetime


class Facts(msgspec.Struct, frozen=True, kw_only=True):
    """What a lesson's message is made of. ``together``: how many lessons a digest announces."""

    enrolment_id: EnrolmentId
    lesson_id: LessonId
    course_id: CourseId
    user_id: UserId
    course: str
    lesson: str
    version: int
    deleted: bool
    titles: dict[str, str] | None
    live: bool
    together: int
    has_assignment: bool
    has_quiz: bool


class Result(msgspec.Struct, frozen=True, kw_only=True):
    """What became of a claimed delivery."""

    claim: Claim
    state: DeliveryState
    reason: DeliveryReason | None = None
    retry_at: datetime | None = None
    message_id: int | None = None
    chat_id: int | None = None
    version: int | None = None


async def add(tx: Tx, opened: Sequence[tuple[EnrolmentId, Opened]], lease: timedelta | None) -> list[Claim]:
    """Store lessons that open now; those that are announced are claimed for ``lease``, or planned where it is None."""
    if not opened:
        return []
    until = tx.now + (lease or timedelta())
    announced = DeliveryState.CLAIMED if lease else DeliveryState.PLANNED
    columns: dict[str, list[Any]] = {
        "enrolments": [id_ for id_, _ in opened],
        "lessons": [item.lesson_id for _, item in opened],
        "dues": [item.due_at for _, item in opened],
        "states": [announced if item.announced else DeliveryState.SKIPPED for _, item in opened],
        "retries": [until if item.announced else None for _, item in opened],
        "reasons": [item.reason for _, item in opened],
    }
    await tx.fetch(_ADD, columns)
    return [
        Claim(
            enrolment_id=id_, lesson_id=item.lesson_id, due_at=item.due_at, lease_until=until,
            digest=item.reason is DeliveryReason.DIGEST,
        )
        for id_, item in opened if item.announced and lease
    ]  # fmt: skip


async def claim_pending(tx: Tx, most: int, lease: timedelta) -> tuple[list[Claim], int]:
    """Claim messages that are to be sent again, and how many of them may have arrived: their worker never reported."""
    until = tx.now + lease
    rows = await tx.fetch(_CLAIM, {"now": tx.now, "most": most, "lease": until})
    claims = [
        Claim(
            enrolment_id=row["enrolment_id"], lesson_id=row["lesson_id"], due_at=row["due_at"], lease_until=until,
            digest=row["reason"] == DeliveryReason.DIGEST, parts_sent=row["parts_sent"], version=row["lesson_version"],
        )
        for row in rows
    ]  # fmt: skip
    return claims, sum(row["before"] == DeliveryState.CLAIMED for row in rows)


async def list_facts(tx: Tx, claims: Sequence[Claim]) -> dict[tuple[UUID, UUID], Facts]:
    """What the messages of these claims are made of, by enrolment and lesson."""
    columns = {"enrolments": [one.enrolment_id for one in claims], "lessons": [one.lesson_id for one in claims]}
    rows = await tx.fetch(_FACTS, columns)
    return {(row["enrolment_id"], row["lesson_id"]): Facts(**row) for row in rows}


async def settle(tx: Tx, results: Sequence[Result]) -> int:
    """Store what became of claims; how many were still ours."""
    columns: dict[str, Any] = {
        "now": tx.now,
        "enrolments": [item.claim.enrolment_id for item in results],
        "lessons": [item.claim.lesson_id for item in results],
        "leases": [item.claim.lease_until for item in results],
        "states": [item.state for item in results],
        "reasons": [item.reason for item in results],
        "retries": [item.retry_at for item in results],
        "messages": [item.message_id for item in results],
        "chats": [item.chat_id for item in results],
        "versions": [item.version for item in results],
    }
    settled = len(await tx.fetch(_SETTLE, columns))
    for item in results:
        if item.claim.digest and item.message_id is not None:
            values = {"message_id": item.message_id, "chat_id": item.chat_id, "enrolment_id": item.claim.enrolment_id}
            await tx.execute(_DIGESTED, values)
    return settled


async def note_parts(tx: Tx, claim: Claim, parts: int, version: int, chat_id: int, message_id: int) -> bool:
    """Store that so many parts of a version's message have arrived; False where the claim is no longer ours."""
    values = {"enrolment_id": claim.enrolment_id, "lesson_id": claim.lesson_id, "lease": claim.lease_until}
    return bool(
        await tx.fetch(_ARRIVED, {**values, "parts": parts, "version": version, "chat": chat_id, "message": message_id})
    )


async def list_deliveries(
    tx: Tx, *, locale: str, course_id: CourseId | None = None, enrolment_id: EnrolmentId | None = None,
    lesson_id: LessonId | None = None, state: DeliveryState | None = None, skip: int = 0, most: int = 50,
) -> list[Delivery]:  # fmt: skip
    """Deliveries of a course, a student or a lesson, the latest due first; all states, or one."""
    filters = {"e.course_id": course_id, "d.enrolment_id": enrolment_id, "d.lesson_id": lesson_id, "d.state": state}
    chosen = {name: value for name, value in filters.items() if value is not None}
    condition = " AND ".join(f"{name} = :{name[2:]}" for name in chosen) or "true"
    values: dict[str, Any] = {name[2:]: value for name, value in chosen.items()}
    statement = text(_LIST.format(condition=condition))
    rows = await tx.execute(statement, {**values, "locale": locale, "most": most, "skip": skip})
    return [
        Delivery(
            **{
                **row, "state": DeliveryState(row["state"]),
                "reason": DeliveryReason(row["reason"]) if row["reason"] else None,
            }
        )
        for row in rows.mappings()
    ]  # fmt: skip


async def list_open(tx: Tx, enrolment_id: EnrolmentId) -> list[OpenSince]:
    """The lessons that are open to a student, and since when."""
    rows = await tx.execute(_OPEN, {"id": enrolment_id})
    return [OpenSince(LessonId(row.lesson_id), row.due_at) for row in rows]


async def send_again(tx: Tx, enrolment_id: EnrolmentId, lesson_id: LessonId) -> bool:
    """Have an open lesson's message sent once more, now; False for a lesson that is not open or is being sent."""
    values = {"now": tx.now, "enrolment_id": enrolment_id, "lesson_id": lesson_id}
    return (await tx.execute(_AGAIN, values)).first() is not None


async def send_unblocked(tx: Tx, ids: Sequence[EnrolmentId]) -> int:
    """Have these students told of what came while they had the bot blocked: one message each; how many."""
    if not ids:
        return 0
    messages = len((await tx.execute(_UNBLOCKED, {"now": tx.now, "ids": list(ids)})).all())
    await tx.execute(_UNBLOCKED_OTHERS, {"ids": list(ids)})
    return messages


async def remove(tx: Tx, enrolment_id: EnrolmentId, lessons: Sequence[LessonId]) -> None:
    """Close lessons again that were opened by hand; one that is being sent stays open."""
    await tx.execute(_REMOVE, {"enrolment_id": enrolment_id, "lessons": list(lessons)})
