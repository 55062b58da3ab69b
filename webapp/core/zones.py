"""Time zones to choose from, as people know them: by a city and the hour that it is there."""

from __future__ import annotations

import functools
import zoneinfo
from datetime import datetime
from typing import Final

import msgspec

from backend.infra.formatting import format_time, joined, timezone, zone_city
from backend.kernel.text import Locale, fold

_AREAS: Final = ("Africa", "America", "Antarctica", "Asia", "Atlantic", "Australia", "Europe", "Indian", "Pacific")


class ZoneChoice(msgspec.Struct, frozen=True):
    """A zone: its IANA name, and its label."""

    name: str
    label: str


class ZonesPart(msgspec.Struct, frozen=True):
    """core/_zones.html: all zones, of which ``chosen`` is one."""

    zones: tuple[ZoneChoice, ...]
    chosen: str


@functools.cache
def zone_names() -> tuple[str, ...]:
    """The time zones of places, and UTC."""
    return ("UTC", *sorted(name for name in zoneinfo.available_timezones() if name.partition("/")[0] in _AREAS))


def zone_choice(name: str, locale: Locale, now: datetime) -> ZoneChoice:
    """A zone with its city and the hour there: "Damascus · 14:32"."""
    return ZoneChoice(name, joined((zone_city(name, locale), format_time(now.astimezone(timezone(name)))), locale))


def zones_part(chosen: str, locale: Locale, now: datetime) -> ZonesPart:
    """Each city once, by its name; a zone that is chosen is there in any case, if there is such a zone."""
    known = chosen in zoneinfo.available_timezones()
    city = zone_city(chosen, locale) if known else ""
    names = [chosen if name == city else zone for name, zone in _cities(locale)]
    if known and chosen not in names:
        names = [chosen, *names]
    return ZonesPart(tuple(zone_choice(name, locale, now) for name in names), chosen)


@functools.cache
def _cities(locale: Locale) -> tuple[tuple[str, str], ...]:
    """Cities with their zones, in the order of their names; of zones with one name, the first."""
    zones: dict[str, str] = {}
    for name in zone_names():
        zones.setdefault(zone_city(name, locale), name)
    return tuple(sorted(zones.items(), key=lambda item: fold(item[0]).casefold()))
