"""Of whom figures are: for slices that count what is theirs."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import Select

from backend.courses.repository import figures as repository
from backend.courses.types import CourseId
from backend.courses.types.figures import Chosen


def matching(course_id: CourseId, chosen: Chosen) -> Select[UUID]:
    """The chosen enrolments of a course, however many, as a condition: ``enrolment_id.in_(…)``."""
    return repository.matching(course_id, chosen)
