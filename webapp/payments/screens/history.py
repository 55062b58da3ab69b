"""A person's payments, in lists."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime

import msgspec

from backend.identity.types import Actor
from backend.kernel.money import Money
from backend.payments.types import Intent, IntentStatus
from webapp.core.looks import by_day
from webapp.core.parts import Hue
from webapp.core.rendering import Viewer
from webapp.payments.screens.methods import method_look, method_title


class PaymentRow(msgspec.Struct, frozen=True):
    """A payment in a list."""

    id: str
    method: str
    icon: str
    hue: Hue
    amount: Money
    status: IntentStatus
    in_review: bool
    at: datetime


def row(intent: Intent, viewer: Viewer) -> PaymentRow:
    """A payment in a list."""
    icon, colour = method_look(intent.method)
    return PaymentRow(
        id=str(intent.id),
        method=method_title(intent.method, viewer),
        icon=icon,
        hue=colour,
        amount=intent.credited if intent.credited else intent.amount,
        status=intent.status_at(viewer.now),
        in_review=intent.in_review,
        at=intent.created_at,
    )


def open_rows(intents: Iterable[Intent], viewer: Viewer) -> tuple[PaymentRow, ...]:
    """The payments that may still be paid."""
    return tuple(row(item, viewer) for item in intents if item.is_running(viewer.now))


class PaymentDay(msgspec.Struct, frozen=True):
    """Payments of one day of the reader's timezone."""

    day: date
    rows: tuple[PaymentRow, ...]


class PaymentsPage(msgspec.Struct, frozen=True):
    """payments/payments.html: the latest payments."""

    days: tuple[PaymentDay, ...]


def listed(intents: Iterable[Intent], viewer: Viewer, actor: Actor) -> PaymentsPage:
    """The latest payments, by the days of the reader's time zone."""
    days = by_day((row(item, viewer) for item in intents), lambda item: item.at, actor)
    return PaymentsPage(tuple(PaymentDay(day, rows) for day, rows in days))
