"""The plans of a course for its reader, with the line for a plan whose places are taken."""

from __future__ import annotations

from typing import Annotated, Final
from uuid import UUID

import msgspec
from litestar import post
from litestar.params import FromPath
from msgspec import Meta

from backend.catalog.errors import StillInStock
from backend.catalog.types.waiting import WAITING_TOPIC
from backend.courses.types.learning import CourseView, OfferedTariff
from backend.infra.formatting import format_duration
from backend.kernel.errors import NotFound
from webapp.core import forms
from webapp.core.limits import WRITE, limited
from webapp.core.responses import Html, fragment, live_url, toast
from webapp.core.site import SoukRequest, site_of
from webapp.courses.screens import plans as present


class OnePlan(msgspec.Struct, frozen=True):
    """The plan whose line is meant, by its code."""

    plan: Annotated[str, Meta(max_length=40)]


async def plans_of(
    request: SoukRequest, view: CourseView, code: str, variant: UUID | None = None
) -> present.PlansView | None:
    """The plans of a course with one of them chosen; None where none is sold."""
    chosen = present.chosen_plan(view, code, variant)
    if chosen is None:
        return None
    line = await _line(request, chosen) if present.has_line(chosen) else None
    return present.plans(view, chosen, line, site_of(request).viewer(request.user), request.user)


async def _line(request: SoukRequest, chosen: OfferedTariff) -> present.LineView | None:
    tariff, lines = chosen.tariff, site_of(request).services.catalog.waiting
    place = await lines.place(request.user, tariff.variant_id)
    live = live_url(request, f"{WAITING_TOPIC}:{tariff.variant_id}", f"stock:{tariff.product_id}")
    return present.line_view(chosen, place, format_duration(lines.longest(), request.user.language), live)


@post("/courses/{slug:str}/line", name="learn:wait", guards=[limited(WRITE)], status_code=200)
async def join(request: SoukRequest, slug: FromPath[str]) -> Html:
    """Stand in line for a plan without places. Raises NotFound, TooManyWaits, TariffOwned, CourseNotOnSale."""
    plan = (await forms.read_form(request, OnePlan)).plan
    chosen = await _chosen(request, slug, plan)
    try:
        await site_of(request).services.catalog.waiting.join(request.user, chosen.tariff.variant_id)
    except StillInStock:
        words = site_of(request).viewer(request.user).words
        return toast(await _answer(request, slug, plan), words.gettext("A place is free. You can join now."))
    return await _answer(request, slug, plan)


@post("/courses/{slug:str}/line/leave", name="learn:leave", guards=[limited(WRITE)], status_code=200)
async def leave(request: SoukRequest, slug: FromPath[str]) -> Html:
    """Leave the line for a plan. Raises NotFound."""
    plan = (await forms.read_form(request, OnePlan)).plan
    chosen = await _chosen(request, slug, plan)
    await site_of(request).services.catalog.waiting.leave(request.user, chosen.tariff.variant_id)
    return await _answer(request, slug, plan)


async def _chosen(request: SoukRequest, slug: str, code: str) -> OfferedTariff:
    """The plan of the code. Raises NotFound."""
    view = await site_of(request).services.courses.learning.view(request.user, slug)
    chosen = present.chosen_plan(view, code)
    if chosen is None or chosen.tariff.code != code:
        raise NotFound("no such plan")
    return chosen


async def _answer(request: SoukRequest, slug: str, plan: str) -> Html:
    view = await site_of(request).services.courses.learning.view(request.user, slug)
    shown = await plans_of(request, view, plan)
    if shown is None:
        raise NotFound("nothing is sold of it")
    return fragment(request, "courses/_plans_answer.html", shown)


LINE_HANDLERS: Final = (join, leave)
