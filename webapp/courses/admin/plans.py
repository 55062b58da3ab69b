"""Tariffs of a course in the back office: what each includes, its price and places, and whether it is sold."""

from __future__ import annotations

from typing import Annotated, Final
from uuid import UUID

import msgspec
from litestar import get, post
from litestar.params import FromPath
from msgspec import Meta

from backend.courses.errors import SlugTaken, TariffInUse
from backend.courses.types import CourseId, RunId, TariffId
from backend.courses.types.teaching import Tariff, TariffFields
from backend.infra.i18n import mark as _
from backend.kernel.errors import Invalid, NotFound
from webapp.core import forms
from webapp.core.answers import overtaken, replaced, say
from webapp.core.back_office import manage_page
from webapp.core.fields import Fields, errors_by, texts
from webapp.core.responses import FORM_ERROR, Html
from webapp.core.site import SoukRequest, site_of
from webapp.courses.admin.common import COURSES, ONE, TEACHING, WRITES
from webapp.courses.admin.courses import course_page
from webapp.courses.screens import plan_form as present
from webapp.courses.screens.plan_form import PlanPage

_PLANS: Final = ONE + "/plans"
_PLAN: Final = _PLANS + "/{tariff_id:uuid}"
_NAME: Final = Meta(max_length=60)
_NOTE: Final = Meta(max_length=200)
_NAMES: Final = {"name": "name_en", "run_id": "run"}
"""A service's name of what it refused -> the field of the form."""


class PlanForm(msgspec.Struct, frozen=True, kw_only=True):
    """A tariff; ``run`` is the id of its cohort, empty for a start at once."""

    name_en: Annotated[str, _NAME]
    name_ar: Annotated[str, _NAME] = ""
    name_ru: Annotated[str, _NAME] = ""
    note_en: Annotated[str, _NOTE] = ""
    note_ar: Annotated[str, _NOTE] = ""
    note_ru: Annotated[str, _NOTE] = ""
    price: forms.Amount
    reseller_price: forms.Amount | None = None
    rank: forms.Count
    feedback_hours: forms.Count | None = None
    groups: bool = False
    certificate: bool = False
    places: forms.Count | None = None
    run: UUID | None = None


class NewPlanForm(PlanForm, frozen=True, kw_only=True):
    """A tariff that is added; its ``code`` never changes."""

    code: str


@get(_PLANS + "/new", name="admin:new-plan", guards=[TEACHING])
async def new_plan(request: SoukRequest, course_id: FromPath[UUID]) -> Html:
    """The form of a new tariff, above the others. Raises NotFound."""
    tariffs = await site_of(request).services.courses.tariffs.list_of(request.user, CourseId(course_id))
    rank = max((one.fields.rank for one in tariffs), default=0) + 1
    return await _new(request, course_id, Fields({"rank": str(rank)}), status=200)


@post(_PLANS, name="admin:add-plan", guards=WRITES, status_code=200)
async def add(request: SoukRequest, course_id: FromPath[UUID]) -> Html:
    """Add a tariff. Raises NotFound."""
    form = await forms.read(request, NewPlanForm)
    if form.value is None:
        return await _new(request, course_id, Fields(form.typed, form.errors))
    try:
        await site_of(request).services.courses.tariffs.add(
            request.user, CourseId(course_id), form.value.code, _fields(form, form.value.rank)
        )
    except SlugTaken:
        return await _new(request, course_id, Fields(form.typed, {"code": "taken"}))
    except Invalid as refusal:
        return await _new(request, course_id, Fields(form.typed, errors_by(refusal.fields, _NAMES)))
    return await _done(request, course_id, _("Plan added"))


@get(_PLAN, name="admin:plan", guards=[TEACHING])
async def plan(request: SoukRequest, course_id: FromPath[UUID], tariff_id: FromPath[UUID]) -> Html:
    """The form of a tariff. Raises NotFound."""
    tariff = await _find(request, course_id, tariff_id)
    return await _one(request, tariff, present.plan_form(tariff), status=200)


@post(_PLAN, name="admin:save-plan", guards=WRITES, status_code=200)
async def save(request: SoukRequest, course_id: FromPath[UUID], tariff_id: FromPath[UUID]) -> Html:
    """Change a tariff, for those who have it too; its price is for later buyers. Raises NotFound."""
    tariff = await _find(request, course_id, tariff_id)
    form = await forms.read(request, PlanForm)
    if form.value is None:
        return await _one(request, tariff, Fields(form.typed, form.errors))
    fields = _fields(form, tariff.fields.position)
    try:
        await site_of(request).services.courses.tariffs.change(request.user, tariff.id, fields)
    except Invalid as refusal:
        return await _one(request, tariff, Fields(form.typed, errors_by(refusal.fields, _NAMES)))
    return await _done(request, course_id, _("Saved"))


@post(_PLAN + "/retire", name="admin:retire-plan", guards=WRITES, status_code=200)
async def retire(request: SoukRequest, course_id: FromPath[UUID], tariff_id: FromPath[UUID]) -> Html:
    """Take a tariff off sale; who has it keeps it. Raises NotFound."""
    tariff = await _find(request, course_id, tariff_id)
    await site_of(request).services.courses.tariffs.retire(request.user, tariff.id)
    return await _done(request, course_id, _("Plan retired"))


@post(_PLAN + "/restore", name="admin:restore-plan", guards=WRITES, status_code=200)
async def restore(request: SoukRequest, course_id: FromPath[UUID], tariff_id: FromPath[UUID]) -> Html:
    """Sell a retired tariff again. Raises NotFound."""
    tariff = await _find(request, course_id, tariff_id)
    await site_of(request).services.courses.tariffs.restore(request.user, tariff.id)
    return await _done(request, course_id, _("On sale again"))


@post(_PLAN + "/delete", name="admin:delete-plan", guards=WRITES, status_code=200)
async def delete(request: SoukRequest, course_id: FromPath[UUID], tariff_id: FromPath[UUID]) -> Html:
    """Delete a tariff that nobody has or had. Raises NotFound."""
    tariff = await _find(request, course_id, tariff_id)
    try:
        await site_of(request).services.courses.tariffs.delete(request.user, tariff.id)
    except TariffInUse as why:
        return overtaken(request, await _one(request, tariff, present.plan_form(tariff), status=409), why)
    return await _done(request, course_id, _("Plan deleted"))


async def _find(request: SoukRequest, course_id: UUID, tariff_id: UUID) -> Tariff:
    tariffs = await site_of(request).services.courses.tariffs.list_of(request.user, CourseId(course_id))
    for tariff in tariffs:
        if tariff.id == TariffId(tariff_id):
            return tariff
    raise NotFound("no such tariff of this course")


def _fields(form: forms.Form[NewPlanForm] | forms.Form[PlanForm], position: int) -> TariffFields:
    value = form.value
    assert value is not None
    return TariffFields(
        name=texts(form.typed, "name"),
        note=texts(form.typed, "note"),
        price=value.price,
        reseller_price=value.reseller_price,
        rank=value.rank,
        feedback_hours=value.feedback_hours,
        groups=value.groups,
        certificate=value.certificate,
        places=value.places,
        run_id=RunId(value.run) if value.run else None,
        position=position,
    )


async def _done(request: SoukRequest, course_id: UUID, said: str) -> Html:
    shown = replaced(await course_page(request, CourseId(course_id)), f"{COURSES}/{course_id}")
    return say(request, shown, said)


async def _new(request: SoukRequest, course_id: UUID, form: Fields, *, status: int = FORM_ERROR) -> Html:
    site = site_of(request)
    await site.services.courses.courses.get(request.user, CourseId(course_id))
    runs = await site.services.courses.runs.list_of(request.user, CourseId(course_id))
    view = PlanPage(
        form=form, course_id=str(course_id), cohorts=present.cohorts(runs), currency=site.settings.shop_currency
    )
    return _page(request, view, status)


async def _one(request: SoukRequest, tariff: Tariff, form: Fields, *, status: int = FORM_ERROR) -> Html:
    runs = await site_of(request).services.courses.runs.list_of(request.user, tariff.course_id)
    currency = site_of(request).settings.shop_currency
    view = present.plan_page(tariff, str(tariff.course_id), runs, form, request.user.language, currency)
    return _page(request, view, status)


def _page(request: SoukRequest, view: PlanPage, status: int) -> Html:
    up = f"{COURSES}/{view.course_id}"
    return manage_page(request, "courses/admin/plan.html", view, "courses", back=up, status=status)


HANDLERS: Final = (new_plan, add, plan, save, retire, restore, delete)
