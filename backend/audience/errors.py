"""Errors of segments."""

from __future__ import annotations

from backend.kernel.errors import AppError, Kind


class SegmentNameTaken(AppError):
    """The admin has a segment of this name already."""

    code = "segment_name_taken"
    kind = Kind.CONFLICT


class TooManyPeople(AppError):
    """More than ``limit`` people are acted on together."""

    code = "too_many_people"
    kind = Kind.CONFLICT
