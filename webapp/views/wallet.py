"""Balance, history and top-ups."""

from __future__ import annotations

from datetime import date, datetime
from typing import Literal

import msgspec

from backend.kernel.money import Money
from webapp.views.common import Chip
from webapp.views.orders import StepView
from webapp.views.shop import WayRow

EntryKind = Literal["purchase", "top_up", "bonus", "refund", "adjustment", "reading"]


class HistoryRow(msgspec.Struct, frozen=True):
    """A change of the balance, as its owner sees it: negative is money gone."""

    kind: EntryKind
    amount: Money
    at: datetime
    title: str = ""
    detail: str = ""
    order_number: str | None = None


class HistoryDay(msgspec.Struct, frozen=True):
    """Changes of one day and their sum."""

    day: date
    total: Money
    rows: tuple[HistoryRow, ...]


class Month(msgspec.Struct, frozen=True):
    """A month of the history; ``first`` None is all the time."""

    first: date | None
    active: bool = False


class WalletPage(msgspec.Struct, frozen=True):
    """wallet/home.html; wallet/_rows.html takes ``days`` and ``next_url`` for a next page.

    Kinds have keys: all or an EntryKind. ``kind`` is the chosen one, sent along when the month
    changes (form field ``month``, as 2026-11).
    """

    balance: Money
    days: tuple[HistoryDay, ...]
    kinds: tuple[Chip, ...] = ()
    months: tuple[Month, ...] = ()
    credits: int = 0
    csv_url: str | None = None
    next_url: str | None = None
    kind: str = ""


class Preset(msgspec.Struct, frozen=True):
    """A ready amount."""

    amount: Money
    selected: bool = False


class TopUpPage(msgspec.Struct, frozen=True):
    """wallet/topup.html; wallet/_quote.html takes the same. ``typed`` is the reader's own amount."""

    amount: Money
    presets: tuple[Preset, ...]
    minimum: Money
    maximum: Money
    ways: tuple[WayRow, ...]
    intent: str
    typed: str = ""
    error: Literal["", "too_small", "too_large", "not_a_number"] = ""
    order: str = ""


class PaymentPage(msgspec.Struct, frozen=True):
    """wallet/payment.html; wallet/_payment.html takes the same when it changes."""

    id: str
    state: Literal["waiting", "arrived", "failed", "cancelled", "expired"]
    amount: Money
    way: str
    steps: tuple[StepView, ...]
    until: datetime | None = None
    live_url: str | None = None
    pay_url: str | None = None
    pay_with: Literal["link", "invoice", "none"] = "none"
    next_href: str = "/wallet"
