"""The first page of the reading room in the back office."""

from __future__ import annotations

from typing import Final

from litestar import get

from backend.identity.types import Permission
from webapp.core.responses import Html
from webapp.core.site import SoukRequest, site_of
from webapp.readings.admin.common import READINGS, ROOM, room_page
from webapp.readings.screens import prompts as present
from webapp.readings.screens.office import RoomPage

_DAYS: Final = 7


@get(ROOM, name="admin:readings", guards=[READINGS])
async def home(request: SoukRequest) -> Html:
    """How many readings there were, what needs attention, and the ways on."""
    services, actor = site_of(request).services, request.user
    counts = {days: await services.readings.figures.count_readings(actor, days) for days in (1, 7, 30)}
    outcomes = await services.interpretation.model.outcomes(actor, _DAYS)
    listed = await services.readings.spreads.list_all(actor)
    view = RoomPage(
        counts=counts,
        spreads=sum(1 for one in listed if not one.hidden),
        packages=sum(1 for one in await services.readings.packages.list_all(actor) if not one.fields.hidden),
        incomplete=len(await services.readings.packages.list_incomplete(actor)),
        state=await services.interpretation.model.state(actor),
        failures=tuple(row for row in present.outcome_rows(outcomes, actor.language) if row.code),
        settings=actor.may(Permission.SETTINGS),
        money=actor.may(Permission.MONEY),
    )
    return room_page(request, "home.html", view, back=None)


HANDLERS: Final = (home,)
