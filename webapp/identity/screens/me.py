"""The reader's own page and settings."""

from __future__ import annotations

from datetime import datetime

import msgspec
from markupsafe import Markup

from backend.identity.types import ZoneSource
from backend.kernel.money import Money
from webapp.core.parts import Hue
from webapp.core.zones import ZoneChoice
from webapp.growth.screens.premium import MembershipView


class HeldRow(msgspec.Struct, frozen=True):
    """Something that is reserved for the reader until a moment."""

    href: str
    title: str
    until: datetime


class MePage(msgspec.Struct, frozen=True):
    """identity/home.html"""

    name: str
    initial: str
    hue: Hue
    balance: Money
    language: str
    username: str | None = None
    photo_url: str | None = None
    orders_waiting: int = 0
    premium: MembershipView | None = None
    """None where the shop sells no premium and the reader never had any."""
    support_url: str = ""
    held: tuple[HeldRow, ...] = ()
    favourites: int = 0
    sellers: bool = False
    """Whether the shop vouches for anybody."""
    in_line: int = 0
    """How many products the reader waits for, with those that are held."""


class Choice(msgspec.Struct, frozen=True):
    """A choice; ``label`` is shown untranslated, such as a language's own name."""

    key: str
    label: str
    selected: bool = False


class SettingsPage(msgspec.Struct, frozen=True):
    """identity/settings.html"""

    languages: tuple[Choice, ...]
    city: str
    """The one by which the reader's time zone is known."""
    zone_source: ZoneSource


class ZoneSheet(msgspec.Struct, frozen=True):
    """identity/_timezone.html"""

    zone: ZoneChoice
    source: ZoneSource
    error: bool = False
    """The zone that was sent is unknown."""


class TextPage(msgspec.Struct, frozen=True):
    """identity/text.html: terms, privacy, about; ``body`` is safe Markup."""

    title: str
    body: Markup
