"""Refusals of courses."""

from __future__ import annotations

from backend.catalog.errors import PurchaseRefused
from backend.kernel.errors import AppError, Kind


class TariffOwned(PurchaseRefused):
    """The person has this tariff of the course, or a higher one."""

    code = "tariff_owned"


class OnePlaceOnly(PurchaseRefused):
    """A person takes one place in a course: not several, and not in two tariffs at once."""

    code = "one_place_only"


class CourseNotOnSale(PurchaseRefused):
    """The course is not published, the tariff is retired, or its cohort is closed."""

    code = "course_not_on_sale"


class SlugTaken(AppError):
    """Another course or lesson has this slug."""

    code = "slug_taken"
    kind = Kind.CONFLICT


class TariffInUse(AppError):
    """Somebody has or had the tariff, or it is in an order: it can be retired, not deleted."""

    code = "tariff_in_use"
    kind = Kind.CONFLICT


class AccessEnded(AppError):
    """The person's access to the course has ended; what they have done is stored."""

    code = "access_ended"
    kind = Kind.FORBIDDEN


class HourNotAllowed(AppError):
    """Students of this course may not move their lessons to this hour."""

    code = "hour_not_allowed"
    kind = Kind.INVALID


class LessonLocked(AppError):
    """The lesson is not open to this student yet."""

    code = "lesson_locked"
    kind = Kind.FORBIDDEN


class AssignmentMissing(AppError):
    """The lesson is completed by submitting its assignment, which the student has not done."""

    code = "assignment_missing"
    kind = Kind.CONFLICT


class QuizMissing(AppError):
    """The lesson is completed by its quiz, which the student has not passed and may still try."""

    code = "quiz_missing"
    kind = Kind.CONFLICT


class LessonEdited(AppError):
    """Somebody else has changed the lesson, or the course's list of lessons, since it was read."""

    code = "lesson_edited"
    kind = Kind.CONFLICT


class FileInUse(AppError):
    """A lesson shows the file."""

    code = "file_in_use"
    kind = Kind.CONFLICT


class NotACourseFolder(AppError):
    """A folder holds no course, or something else that must not be overwritten."""

    code = "not_a_course_folder"
    kind = Kind.INVALID
