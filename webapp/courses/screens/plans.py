"""What a course costs: its plans, what each includes, and what choosing one would mean for this person."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date, datetime
from typing import Final
from uuid import UUID

import msgspec

from backend.catalog.types.waiting import Place
from backend.courses.types import LateRule, ScheduleMode
from backend.courses.types.learning import CourseView, OfferedTariff
from backend.courses.types.teaching import TariffFields
from backend.identity.types import Actor
from backend.infra.formatting import format_number
from backend.infra.i18n import Translator
from backend.kernel.money import Money
from backend.kernel.text import pick
from webapp.core.parts import Hue
from webapp.core.rendering import Viewer
from webapp.courses.screens.times import LessonTimes, lesson_times, takes

_FEW: Final = 10
"""So many places left are worth a word."""


class PlanTab(msgspec.Struct, frozen=True):
    """A plan to choose."""

    code: str
    name: str
    on: bool


class Feature(msgspec.Struct, frozen=True):
    """What a plan includes, or with which plan that comes."""

    icon: str
    hue: Hue
    text: str
    off: bool = False


class LineView(msgspec.Struct, frozen=True, kw_only=True):
    """How a person stands in the line for a plan without places: ``number`` of ``waiting`` people, 0 outside of it.

    ``held_until``: a place is reserved for them, for ``hold`` (in words) as for everybody.
    """

    number: int
    waiting: int
    held_until: datetime | None
    hold: str
    live_url: str


class PlansView(msgspec.Struct, frozen=True, kw_only=True):
    """courses/_plans.html: the plans of a course and the chosen one.

    ``left`` is a number of places where few are left, and 0 where none are. ``counted`` is what was paid for the course
    before and is taken off ``price``. ``owned``: the person has this plan or a higher one. ``closed``: it is not sold
    to them for another reason.
    """

    slug: str
    tabs: tuple[PlanTab, ...]
    code: str
    variant_id: str
    name: str
    note: str
    features: tuple[Feature, ...]
    price: Money
    counted: Money
    due: Money
    upgrade: bool
    owned: bool
    closed: bool
    left: int | None
    line: LineView | None
    """How they stand in the line for the plan; None where they can buy it and nothing is held, or can't for good."""
    times: LessonTimes | None
    """When lessons come to this person; None where that does not depend on their clock, or is settled already."""
    begins: date | None
    """The day on which the cohort starts; None for a start at once."""
    late: str
    """What somebody gets who joins the cohort after its start; empty where that makes no difference."""

    @property
    def sold(self) -> bool:
        """Whether it can be bought now."""
        return not (self.owned or self.closed or self.left == 0)


def chosen_plan(view: CourseView, code: str, variant: UUID | None = None) -> OfferedTariff | None:
    """The plan of the code or the variant, else the middle of those that can be bought; None where none is sold."""
    if not view.tariffs:
        return None
    open_ = [offer for offer in view.tariffs if offer.refusal is None and offer.left != 0] or list(view.tariffs)
    named = (offer for offer in view.tariffs if offer.tariff.code == code or offer.tariff.variant_id == variant)
    return next(named, open_[len(open_) // 2])


def has_line(offer: OfferedTariff) -> bool:
    """Whether people may stand in line for a plan, or have one of its few places reserved."""
    return offer.refusal is None and offer.left is not None and offer.left <= _FEW


def line_view(offer: OfferedTariff, place: Place, hold: str, live_url: str) -> LineView | None:
    """How a person stands with a plan; None where nothing is to be said of it."""
    if offer.left and place.held_until is None:
        return None
    number, until = (0, place.held_until) if place.held_until else (place.number, None)
    return LineView(number=number, waiting=place.waiting, held_until=until, hold=hold, live_url=live_url)


def plans(view: CourseView, chosen: OfferedTariff, line: LineView | None, viewer: Viewer, actor: Actor) -> PlansView:
    """The plans, with the chosen one's facts."""
    fields, run = chosen.tariff.fields, chosen.run
    left = chosen.left
    starts = run.starts_on if run is not None else None
    return PlansView(
        slug=view.slug,
        tabs=tuple(
            PlanTab(offer.tariff.code, pick(offer.tariff.fields.name, viewer.locale), offer is chosen)
            for offer in view.tariffs
        ),
        code=chosen.tariff.code,
        variant_id=str(chosen.tariff.variant_id),
        name=pick(fields.name, viewer.locale),
        note=pick(fields.note, viewer.locale),
        features=features(fields, len(view.lessons), [offer.tariff.fields for offer in view.tariffs], viewer),
        price=chosen.price,
        counted=chosen.counted,
        due=chosen.due,
        upgrade=chosen.upgrade,
        owned=chosen.refusal == "tariff_owned",
        closed=chosen.refusal is not None and chosen.refusal != "tariff_owned",
        left=left if left is not None and left <= _FEW else None,
        line=line,
        times=lesson_times(view, actor) if starts is None and not takes(view) else None,
        begins=starts,
        late=_late(view, viewer, starts) if starts is not None and not takes(view) else "",
    )


def _late(view: CourseView, viewer: Viewer, starts: date) -> str:
    """The course's rule for who joins a cohort late: as what happens, or before the start as what would."""
    if view.schedule.mode is not ScheduleMode.COHORT:
        return ""
    _, rule = viewer.words.gettext, view.schedule.late_rule
    if starts <= viewer.today:
        return {
            LateRule.ALL_AT_ONCE: _("This group has started. All its past lessons open when you join."),
            LateRule.FROM_TODAY: _("This group has started. You go on with it today, and its past lessons are open."),
            LateRule.ONE_A_DAY: _("This group has started. You begin with the first lesson and get one a day."),
        }[rule]
    return {
        LateRule.ALL_AT_ONCE: _("If you join later, all past lessons open immediately."),
        LateRule.FROM_TODAY: _("If you join later, you go on with the group that day, and past lessons are open."),
        LateRule.ONE_A_DAY: _("If you join later, you begin with the first lesson and get one a day."),
    }[rule]


def features(plan: TariffFields, lessons: int, others: Sequence[TariffFields], viewer: Viewer) -> tuple[Feature, ...]:
    """What a plan includes; and what only others do, with the first of them."""
    words, _ = viewer.words, viewer.words.gettext
    count = words.ngettext("%(count)s lesson, yours to keep", "%(count)s lessons, yours to keep", lessons)
    listed = [Feature("learn", "teal", count % {"count": format_number(lessons, viewer.locale)})]
    answered = feedback_words(plan, words, viewer)
    rows: tuple[tuple[str, Hue, str, str, Callable[[TariffFields], bool]], ...] = (
        ("chat", "blue", answered, _("Answers to assignments"), lambda one: one.feedback_hours is not None),
        ("medal", "amber", _("Certificate"), _("Certificate"), lambda one: one.certificate),
        ("users", "violet", _("Closed group"), _("Closed group"), lambda one: one.groups),
    )
    for icon, hue, included, name, has in rows:
        if has(plan):
            listed.append(Feature(icon, hue, included))
        elif other := next((one for one in others if has(one)), None):
            text = _("{feature}: with {plan}").format(feature=name, plan=pick(other.name, viewer.locale))
            listed.append(Feature(icon, "grey", text, off=True))
    return tuple(listed)


def feedback_words(plan: TariffFields, words: Translator, viewer: Viewer) -> str:
    """Within how long a teacher answers; empty where nobody does."""
    if plan.feedback_hours is None:
        return ""
    text = words.ngettext(
        "A teacher answers within %(count)s hour", "A teacher answers within %(count)s hours", plan.feedback_hours
    )
    return text % {"count": format_number(plan.feedback_hours, viewer.locale)}
