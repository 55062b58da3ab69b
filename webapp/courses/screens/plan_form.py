"""A tariff of a course in the back office: its form."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from backend.courses.types.teaching import Run, Tariff
from backend.kernel.text import Locale, pick
from webapp.core.fields import LANGUAGES, Fields, switch, typed_texts


class CohortChoice(msgspec.Struct, frozen=True):
    """A cohort that a tariff may be a place in."""

    id: str
    run: Run


class PlanPage(msgspec.Struct, frozen=True, kw_only=True):
    """courses/admin/plan.html: a tariff; a new one has no ``id``."""

    form: Fields
    course_id: str
    cohorts: tuple[CohortChoice, ...]
    currency: str
    id: str = ""
    title: str = ""
    code: str = ""
    taken: int = 0
    retired: bool = False
    languages: tuple[tuple[str, str], ...] = LANGUAGES

    @property
    def path(self) -> str:
        """Where its form is posted."""
        base = f"/admin/courses/{self.course_id}/plans"
        return f"{base}/{self.id}" if self.id else base


def cohorts(runs: Sequence[Run]) -> tuple[CohortChoice, ...]:
    """The runs with a fixed date, the latest first."""
    return tuple(CohortChoice(str(run.id), run) for run in reversed(runs) if run.starts_on is not None)


def plan_form(tariff: Tariff) -> Fields:
    """The form of a stored tariff."""
    fields = tariff.fields
    return Fields(
        {
            **typed_texts(fields.name, "name"),
            **typed_texts(fields.note, "note"),
            "price": str(fields.price.decimal()),
            "reseller_price": str(fields.reseller_price.decimal()) if fields.reseller_price else "",
            "rank": str(fields.rank),
            "feedback_hours": str(fields.feedback_hours or ""),
            "groups": switch(fields.groups),
            "certificate": switch(fields.certificate),
            "places": str(fields.places or ""),
            "run": str(fields.run_id or ""),
        }
    )


def plan_page(
    tariff: Tariff, course_id: str, runs: Sequence[Run], form: Fields, locale: Locale, currency: str
) -> PlanPage:
    """The page of a stored tariff."""
    return PlanPage(
        form=form,
        course_id=course_id,
        cohorts=cohorts(runs),
        currency=currency,
        id=str(tariff.id),
        title=pick(tariff.fields.name, locale),
        code=tariff.code,
        taken=tariff.taken,
        retired=tariff.retired_at is not None,
    )
