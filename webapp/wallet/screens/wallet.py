"""The wallet and its history."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from datetime import date, datetime
from typing import Final, Literal

import msgspec

from backend.growth.types import GIFT_CARD_KEYS
from backend.identity.types import Actor
from backend.infra.formatting import times
from backend.infra.i18n import mark as _
from backend.kernel.money import Money
from backend.kernel.text import pick
from backend.wallet import types as wallet
from webapp.core.looks import by_day
from webapp.core.parts import Chip, address
from webapp.core.rendering import Viewer
from webapp.payments.screens.history import PaymentRow
from webapp.payments.screens.methods import method_title

EntryKind = Literal[
    "purchase", "top_up", "bonus", "refund", "adjustment", "reading", "hold", "release", "voucher", "gift_card",
    "sent_back",
]  # fmt: skip


KINDS: Final = ("all", "purchase", "top_up", "refund", "bonus", "voucher", "hold", "release", "adjustment")


_KIND: Final[dict[wallet.TransferKind, EntryKind]] = {
    wallet.TransferKind.TOP_UP: "top_up",
    wallet.TransferKind.PURCHASE: "purchase",
    wallet.TransferKind.REFUND: "refund",
    wallet.TransferKind.ADJUSTMENT: "adjustment",
    wallet.TransferKind.BONUS: "bonus",
    wallet.TransferKind.READING: "reading",
    wallet.TransferKind.HOLD: "hold",
    wallet.TransferKind.RELEASE: "release",
    wallet.TransferKind.VOUCHER: "voucher",
}


_CSV_HEADER: Final = (
    _("Date"), _("Type"), _("Amount"), _("Currency"), _("Balance"), _("Reference"), _("Description"),
)  # fmt: skip


_LABELS: Final[dict[EntryKind, str]] = {
    "purchase": _("Purchase"),
    "top_up": _("Top-up"),
    "bonus": _("Top-up bonus"),
    "refund": _("Refund to balance"),
    "adjustment": _("Balance adjustment"),
    "reading": _("Reading"),
    "hold": _("On hold"),
    "release": _("Hold released"),
    "voucher": _("Voucher"),
    "gift_card": _("Gift card"),
    "sent_back": _("Refund to payment method"),
}


_ORDER_PREFIX: Final = "S-"


_PAYMENT: Final = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


_BY_METHOD: Final = frozenset({wallet.TransferKind.TOP_UP, wallet.TransferKind.REFUND})


def _kind(row: wallet.HistoryRow) -> EntryKind:
    if row.kind is wallet.TransferKind.REFUND and row.amount.amount < 0:
        return "sent_back"  # through a provider; any other refund is a credit
    if row.key.startswith(GIFT_CARD_KEYS):
        return "gift_card"
    return _KIND[row.kind]


def transfer_words(kind: str) -> str:
    """What a stored kind of transfer is called, to be translated."""
    return _LABELS[_KIND[wallet.TransferKind(kind)]]


class HistoryRow(msgspec.Struct, frozen=True):
    """A change of the balance, as its owner sees it: negative for a debit; it opens its order or its payment."""

    kind: EntryKind
    label: str
    """What the kind is called, in the reader's language."""
    amount: Money
    at: datetime
    title: str = ""
    detail: str = ""
    order_number: str | None = None
    payment_id: str | None = None


def entry(row: wallet.HistoryRow, actor: Actor, viewer: Viewer) -> HistoryRow:
    """One change. A purchase has the name of its goods and opens its order, a top-up that of its payment method."""
    name = pick(row.memo.title, actor.language)
    if name and row.memo.quantity > 1:
        name = times(name, row.memo.quantity, actor.language)
    reference = row.reference or ""
    number = reference if reference.startswith(_ORDER_PREFIX) else None
    paid_by = row.memo.method if row.kind in _BY_METHOD else ""
    of_payment = row.kind is not wallet.TransferKind.VOUCHER and row.memo.method and _PAYMENT.fullmatch(reference)
    kind = _kind(row)
    return HistoryRow(
        kind=kind,
        label=viewer.words.gettext(_LABELS[kind]),
        amount=row.amount,
        at=row.at,
        title=name or (method_title(row.memo.method, viewer) if paid_by else ""),
        detail="" if number else row.memo.reason,
        order_number=number,
        payment_id=reference if of_payment else None,
    )


class HistoryDay(msgspec.Struct, frozen=True):
    """Changes of one day and their sum."""

    day: date
    total: Money
    rows: tuple[HistoryRow, ...]


def days(shown: wallet.WalletView, actor: Actor, viewer: Viewer) -> tuple[HistoryDay, ...]:
    """The changes by the days of the reader's time zone, each with the sum of the whole day."""
    return tuple(
        HistoryDay(day, shown.day_totals[day], tuple(entry(row, actor, viewer) for row in rows))
        for day, rows in by_day(shown.history.items, lambda row: row.at, actor)
    )


def chips(kind: wallet.TransferKind | None, month: str | None) -> tuple[Chip, ...]:
    """The kinds of change to filter by."""
    return tuple(
        Chip(
            href=address("/wallet", kind=None if key == "all" else key, month=month),
            active=key == (kind.value if kind else "all"),
            key=key,
        )
        for key in KINDS
    )


class Month(msgspec.Struct, frozen=True):
    """A month of the history by its first day; ``first`` None is all time."""

    first: date | None
    active: bool = False


def months(firsts: Sequence[str], chosen: str | None) -> tuple[Month, ...]:
    """The months to choose from, all time first."""
    listed = [Month(date.fromisoformat(f"{month}-01"), month == chosen) for month in firsts]
    return (Month(None, chosen is None), *listed) if listed else ()


def csv_words(viewer: Viewer) -> tuple[list[str], Callable[[wallet.HistoryRow], str]]:
    """The statement's columns, and what calls each change by its kind, in the reader's language."""
    say = viewer.words.gettext
    return [say(name) for name in _CSV_HEADER], lambda row: say(_LABELS[_kind(row)])


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
    open_payments: tuple[PaymentRow, ...] = ()
    has_payments: bool = False
