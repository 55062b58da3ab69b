"""The reading room in figures, and their files."""

from __future__ import annotations

from typing import Any, Final, Literal

import msgspec
from litestar import Request, get
from litestar.response import Stream

from webapp.core import forms
from webapp.core.downloads import csv_file, downloader, whole
from webapp.core.guards import PUBLIC
from webapp.core.parts import address
from webapp.core.responses import Html, signed_url
from webapp.core.site import SoukRequest, site_of
from webapp.readings.admin.common import READINGS, ROOM, room_page
from webapp.readings.screens import figures as present
from webapp.readings.screens.figures import FiguresPage

FIGURES: Final = ROOM + "/figures"
_SECONDS: Final = 3600
"""How long a file's address is good for."""


class FiguresQuery(msgspec.Struct, frozen=True):
    """The period, in days."""

    days: Literal["7", "30", "90"] = "30"


@get(FIGURES, name="admin:reading-figures", guards=[READINGS])
async def figures(request: SoukRequest) -> Html:
    """Readings by spread and day, credits, the model's cost, failures."""
    site, actor = site_of(request), request.user
    chosen = forms.read_query(request, FiguresQuery).days
    days, room = int(chosen), site.services.readings.figures
    outcomes = await site.services.interpretation.model.outcomes(actor, days)
    spreads = await room.of_spreads(actor, days)
    files = {name: address(f"{FIGURES}/{name}.csv", days=chosen) for name in ("spreads", "days", "failures")}
    view = FiguresPage(
        chips=present.chips(FIGURES, chosen),
        spreads=present.spread_bars(spreads, actor.language),
        totals=present.totals(spreads, outcomes),
        days=present.day_bars(await room.by_day(actor, days)),
        credits=await room.of_credits(actor, days),
        failures=present.failure_rows(spreads, outcomes, actor.language),
        files={name: signed_url(request, target, seconds=_SECONDS) for name, target in files.items()},
    )
    return room_page(request, "figures.html", view)


@get(FIGURES + "/spreads.csv", name="admin:spreads-csv", opt=PUBLIC)
async def spreads_csv(request: Request[Any, Any, Any]) -> Stream:
    """What came of each spread as a file, by signed address."""
    actor, site = await downloader(request), site_of(request)
    days = int(forms.read_query(request, FiguresQuery).days)
    rows = present.spread_bars(await site.services.readings.figures.of_spreads(actor, days), actor.language)
    return csv_file(whole(present.spreads_csv(rows, site.viewer(actor))), "souk-spreads.csv")


@get(FIGURES + "/days.csv", name="admin:reading-days-csv", opt=PUBLIC)
async def days_csv(request: Request[Any, Any, Any]) -> Stream:
    """What came of each day as a file, by signed address."""
    actor, site = await downloader(request), site_of(request)
    days = int(forms.read_query(request, FiguresQuery).days)
    rows = await site.services.readings.figures.by_day(actor, days)
    return csv_file(whole(present.days_csv(rows, site.viewer(actor))), "souk-readings.csv")


@get(FIGURES + "/failures.csv", name="admin:reading-failures-csv", opt=PUBLIC)
async def failures_csv(request: Request[Any, Any, Any]) -> Stream:
    """Failures by class as a file, by signed address."""
    actor, site = await downloader(request), site_of(request)
    days = int(forms.read_query(request, FiguresQuery).days)
    spreads = await site.services.readings.figures.of_spreads(actor, days)
    outcomes = await site.services.interpretation.model.outcomes(actor, days)
    rows = present.failure_rows(spreads, outcomes, actor.language)
    return csv_file(whole(present.failures_csv(rows, site.viewer(actor))), "souk-failures.csv")


HANDLERS: Final = (figures, spreads_csv, days_csv, failures_csv)
