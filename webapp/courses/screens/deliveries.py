"""The deliveries page: what became of the message of each lesson of each student."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

import msgspec

from backend.courses.types import DeliveryState
from backend.courses.types.schedule import Delivery, DeliveryReason
from backend.kernel.ids import UserId
from webapp.core.parts import Chip, address
from webapp.courses.screens.teaching import CourseRow


class DeliveryRow(msgspec.Struct, frozen=True, kw_only=True):
    """A lesson of a student."""

    enrolment_id: str
    lesson_id: str
    name: str
    number: int
    title: str
    due_at: datetime
    state: DeliveryState
    reason: DeliveryReason | None
    message_id: int | None
    retry_at: datetime | None
    sent_at: datetime | None

    @property
    def id(self) -> str:
        """What its element is called."""
        return f"{self.enrolment_id}-{self.lesson_id}"

    @property
    def line_id(self) -> str:
        """What its line in the table is called."""
        return f"t-{self.id}"


class LessonDeliveriesPage(msgspec.Struct, frozen=True, kw_only=True):
    """courses/admin/deliveries.html; ``name`` is the one student whose deliveries these are.

    ``line``: an answer takes the place of a line of the table, not of a cell.
    """

    course: CourseRow
    filters: tuple[Chip, ...]
    rows: tuple[DeliveryRow, ...]
    name: str = ""
    next_url: str | None = None
    line: bool = False

    @property
    def path(self) -> str:
        """Its address."""
        return f"/admin/courses/{self.course.id}/deliveries"


def delivery_row(one: Delivery, names: Mapping[UserId, str]) -> DeliveryRow:
    """A lesson of a student in the list."""
    return DeliveryRow(
        enrolment_id=str(one.enrolment_id),
        lesson_id=str(one.lesson_id),
        name=names.get(one.user_id) or "—",
        number=one.position,
        title=one.title,
        due_at=one.due_at,
        state=one.state,
        reason=one.reason,
        message_id=one.message_id,
        retry_at=one.retry_at,
        sent_at=one.sent_at,
    )


def filters(path: str, chosen: DeliveryState | None, student: str) -> tuple[Chip, ...]:
    """The states to filter by; ``all`` first, then what needs a hand."""
    states: Sequence[DeliveryState | None] = (
        None, DeliveryState.FAILED, DeliveryState.PLANNED, DeliveryState.SENT, DeliveryState.SKIPPED,
    )  # fmt: skip
    return tuple(
        Chip(
            href=address(path, state=state, student=student),
            active=state == chosen,
            key=state.value if state else "all",
        )
        for state in states
    )
