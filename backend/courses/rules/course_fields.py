"""The head of course.md as what the panel's forms make of a course: fields of its product, schedule and tariffs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from backend.catalog.types import HUES, ICONS
from backend.catalog.types.goods import ProductFields
from backend.courses.rules import teaching
from backend.courses.types import RunId
from backend.courses.types.authoring import CourseDraft, CourseHead, CourseWords, FolderProblemCode, TariffHead
from backend.courses.types.teaching import CertificateTerms, Schedule, TariffFields
from backend.kernel.errors import Invalid
from backend.kernel.money import Money
from backend.kernel.text import Locale

_HEAD_FIELDS = {"local_minute": "hour"}
"""Fields of a schedule that a head calls otherwise."""
_CODES = {
    "timezone": FolderProblemCode.BAD_ZONE, "code": FolderProblemCode.BAD_SLUG, "price": FolderProblemCode.BAD_PRICE,
}  # fmt: skip


def problems_of_head(head: CourseHead, currency: str) -> Iterator[tuple[str, FolderProblemCode, str]]:
    """What the panel would refuse of a course: the field, what is wrong, the value."""
    if head.currency != currency:
        yield "currency", FolderProblemCode.NOT_THE_CURRENCY, currency
    if head.icon not in ICONS:
        yield "icon", FolderProblemCode.UNKNOWN_VALUE, head.icon
    if head.hue and head.hue not in HUES:
        yield "hue", FolderProblemCode.UNKNOWN_VALUE, head.hue
    try:
        teaching.check_slug(head.slug)
    except Invalid:
        yield "slug", FolderProblemCode.BAD_SLUG, head.slug
    try:
        teaching.check_schedule(schedule_of(head))
    except Invalid as error:
        for field in error.fields:
            name = _HEAD_FIELDS.get(field, field)
            yield name, _CODES.get(field, FolderProblemCode.OUT_OF_RANGE), str(getattr(head, name))
    if not head.tariffs:
        yield "tariffs", FolderProblemCode.NO_TARIFFS, ""
    codes: set[str] = set()
    for number, tariff in enumerate(head.tariffs, start=1):
        at = f"tariffs.{number}."
        if tariff.code in codes:
            yield at + "code", FolderProblemCode.CODE_TWICE, tariff.code
        codes.add(tariff.code)
        yield from _problems_of_tariff(number, tariff, currency)


def _problems_of_tariff(number: int, tariff: TariffHead, currency: str) -> Iterator[tuple[str, FolderProblemCode, str]]:
    at = f"tariffs.{number}."
    try:
        fields = tariff_fields(number, tariff, {}, currency)
    except ValueError:
        yield at + "price", FolderProblemCode.BAD_PRICE, tariff.price
        return
    try:
        teaching.check_tariff(tariff.code, fields, currency)
    except Invalid as error:
        for field in error.fields:
            value = str(getattr(tariff, field, number))
            yield at + field, _CODES.get(field, FolderProblemCode.OUT_OF_RANGE), value


def product_fields(draft: CourseDraft, before: ProductFields | None) -> ProductFields:
    """How the course looks in the shop; what a folder does not hold stays as it was."""
    head, words = draft.head, draft.words
    return ProductFields(
        category=head.category,
        name=_texts({Locale.EN: head.title} | {locale: item.title for locale, item in words.items()}),
        summary=_texts({Locale.EN: head.summary} | {locale: item.summary for locale, item in words.items()}),
        description=_texts(draft.descriptions),
        icon=head.icon,
        hue=head.hue or (before.hue if before else HUES[len(head.slug) % len(HUES)]),
        picture=before.picture if before else None,
        hidden=before.hidden if before else True,
    )


def schedule_of(head: CourseHead) -> Schedule:
    """When the course's lessons come."""
    return Schedule(
        mode=head.mode,
        local_minute=int(head.hour),
        interval_days=head.interval_days,
        student_from=None if head.student_from is None else int(head.student_from),
        student_to=None if head.student_to is None else int(head.student_to),
        late_rule=head.late_rule,
        timezone=head.timezone,
        digest_after_days=head.digest_after_days,
        new_lessons_after_completion=head.new_lessons_after_completion,
        remind_days=head.remind_days,
    )


def terms_of(head: CourseHead) -> CertificateTerms:
    """What the course's certificates say."""
    return CertificateTerms(head.study_hours, head.certificate_per_run)


def tariff_fields(
    number: int,
    tariff: TariffHead,
    words: Mapping[Locale, CourseWords],
    currency: str,
    *,
    before: TariffFields | None = None,
    run_id: RunId | None = None,
) -> TariffFields:
    """A tariff in its languages, the ``number``th of the course. Raises ValueError for its price."""
    said = {
        locale: item for locale, course in words.items() for item in course.tariffs if item.code == tariff.code
    }  # fmt: skip
    return TariffFields(
        name=_texts({Locale.EN: tariff.name} | {locale: item.name for locale, item in said.items()}),
        note=_texts({Locale.EN: tariff.note} | {locale: item.note for locale, item in said.items()}),
        price=Money.parse(tariff.price, currency),
        reseller_price=before.reseller_price if before else None,
        rank=number,
        feedback_hours=tariff.feedback_hours,
        groups=tariff.groups,
        certificate=tariff.certificate,
        places=tariff.places,
        run_id=run_id,
        position=number,
    )


def _texts(texts: Mapping[Locale, str]) -> dict[str, str]:
    return {locale.value: text for locale, text in sorted(texts.items()) if text}
