"""The reader's own page and settings."""

from __future__ import annotations

import msgspec
from markupsafe import Markup

from backend.kernel.money import Money
from webapp.core.parts import Hue


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
    support_url: str = ""


class Choice(msgspec.Struct, frozen=True):
    """A choice; ``label`` is shown untranslated, such as a language's own name."""

    key: str
    label: str
    selected: bool = False


class SettingsPage(msgspec.Struct, frozen=True):
    """identity/settings.html"""

    languages: tuple[Choice, ...]
    timezone: str


class TextPage(msgspec.Struct, frozen=True):
    """identity/text.html: terms, privacy, about; ``body`` is safe Markup."""

    title: str
    body: Markup
