"""The parts that pages share: the chrome, chips, tiles."""

from __future__ import annotations

from typing import Literal

import msgspec

Hue = Literal["blue", "indigo", "violet", "pink", "red", "orange", "amber", "green", "teal", "grey"]
Place = Literal["shop", "me", "manage"]


class Tab(msgspec.Struct, frozen=True):
    """One place of the bottom bar."""

    key: Place
    href: str


class SideItem(msgspec.Struct, frozen=True):
    """One line of the back office's list, shown beside the page from 700 px."""

    key: Literal["home", "orders", "people", "payments", "books", "ways", "deliveries", "admins"]
    href: str


class Chrome(msgspec.Struct, frozen=True):
    """What stands around a page: the places, the chosen one, and the way up (None on a place's own page)."""

    tabs: tuple[Tab, ...]
    active: Place
    back: str | None = None
    side: tuple[SideItem, ...] = ()
    side_active: str = ""
    admin_name: str = ""


class Chip(msgspec.Struct, frozen=True):
    """A filter that adds up: ``label`` when it is data, ``key`` when the template has the words."""

    href: str
    active: bool = False
    label: str = ""
    key: str = ""
    icon: str | None = None
    country: str | None = None


class TileView(msgspec.Struct, frozen=True):
    """The picture of a thing, or its initial on a hue with a ring of marks; ``flag`` is a country code."""

    initial: str
    hue: Hue
    icon: str = "card"
    flag: str | None = None
    anywhere: bool = False
    picture_url: str | None = None


class StockView(msgspec.Struct, frozen=True):
    """How much is left: None means plenty, 0 sold out. ``low`` turns the count to the warning colour."""

    left: int | None = None
    low: bool = False


class SureSheet(msgspec.Struct, frozen=True):
    """sheets/_sure.html: a question, and what is posted once more where it is answered with yes."""

    action: str
    title: str
    button: str
    text: str = ""
    fields: tuple[tuple[str, str], ...] = ()
    danger: bool = False
