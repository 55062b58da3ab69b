"""The parts that pages share: the chrome, chips, tiles."""

from __future__ import annotations

from datetime import datetime
from typing import Literal
from urllib.parse import urlencode

import msgspec

from backend.kernel.money import Money

Tone = Literal["", "good", "warn", "bad"]


AmountError = Literal["", "required", "not_a_number", "too_much", "too_little", "spent", "no_price", "both"]


Hue = Literal["blue", "indigo", "violet", "pink", "red", "orange", "amber", "green", "teal", "grey"]


Place = Literal["shop", "learn", "readings", "cart", "me", "manage"]


class Tab(msgspec.Struct, frozen=True):
    """One place of the bottom bar."""

    key: Place
    href: str


class SideItem(msgspec.Struct, frozen=True):
    """One line of the back office's list, shown beside the page from 700 px."""

    key: Literal[
        "home", "orders", "stock", "people", "courses", "assignments", "groups", "payments", "books", "methods",
        "deliveries", "admins", "audit", "wishes", "readings", "tickets", "catalogue",
    ]  # fmt: skip
    href: str


class Chrome(msgspec.Struct, frozen=True):
    """The frame of a page: the tabs, the active one, and the link one level up (None on a tab's own page)."""

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


class PictureView(msgspec.Struct, frozen=True):
    """A stored picture: its address, and those of all its sizes for a browser to choose from, if it has several."""

    src: str
    srcset: str = ""


class TileView(msgspec.Struct, frozen=True):
    """The picture of a thing, or its initial on a hue with a ring of marks; ``flag`` is a country code."""

    initial: str
    hue: Hue
    icon: str = "card"
    flag: str | None = None
    anywhere: bool = False
    picture: PictureView | None = None


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


class StepView(msgspec.Struct, frozen=True):
    """A moment of something followed over time; ``at`` is None for what is still to come.

    ``about`` names what it happened to, where that is a part of the whole.
    """

    key: Literal[
        "placed", "paid", "paid_balance", "delivered", "key", "cancelled", "expired",
        "asked", "seen", "confirming", "balance", "part", "rest", "failed", "held", "refunded", "partially_refunded",
        "receipt", "receipt_received", "in_review", "preparing", "line_delivered", "line_failed", "replaced",
    ]  # fmt: skip
    state: Literal["done", "now", "todo", "bad"]
    at: datetime | None = None
    amount: Money | None = None
    about: str = ""


class PriceRow(msgspec.Struct, frozen=True):
    """A part of a price; ``quantity`` times ``each`` where there are several."""

    title: str
    amount: Money
    quantity: int = 1
    each: Money | None = None


class Preset(msgspec.Struct, frozen=True):
    """A ready amount."""

    amount: Money
    selected: bool = False


class Badge(msgspec.Struct, frozen=True):
    """A state in words, already in the reader's language."""

    text: str
    tone: Tone = ""


class Fact(msgspec.Struct, frozen=True):
    """A name and its value; ``copy``: a long code of a machine, to be copied with a tap."""

    name: str
    value: str
    copy: bool = False


class ReasonSheet(msgspec.Struct, frozen=True):
    """core/_reason.html: a reason before something is done; ``kind`` says what; ``title`` is a refusal's question."""

    kind: Literal["dismiss", "reject", "cancel", "refuse", "refuse_work", "claim", "end_subscription"]
    action: str
    error: bool = False
    title: str = ""
    limit: Money | None = None


def address(path: str, **query: str | None) -> str:
    """``path`` with the parameters of ``query`` that have a value."""
    given = {name: value for name, value in query.items() if value}
    return f"{path}?{urlencode(given)}" if given else path
