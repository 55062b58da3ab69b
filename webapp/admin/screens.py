"""The back office's rows and reports."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Final, Literal

import msgspec

from backend.identity.types import Actor, UserRow
from backend.infra.i18n import mark as _
from backend.infra.jobs import FailedJob
from backend.kernel.ids import UserId
from backend.kernel.money import Money
from backend.orders import types as orders
from backend.payments.types import Intent
from backend.wallet.types import BooksReport, Problem
from webapp.core.rendering import Viewer
from webapp.core.tiles import hue_of, initial_of
from webapp.identity.screens.admin import AdminRow
from webapp.identity.screens.person import ManagePersonRow
from webapp.notifications.screens import DeliveryRow
from webapp.orders.screens.admin import ManageOrderRow
from webapp.orders.screens.orders import status, title
from webapp.payments.screens.methods import way_title
from webapp.wallet.screens.admin import AssetRow, BooksPage, BooksStat

BALANCE: Final = _("Balance")


_PROBLEMS: Final[dict[Problem, str]] = {
    Problem.UNBALANCED: _("Transfers whose sides do not sum to zero: {count}"),
    Problem.INCOMPLETE: _("Transfers with a side missing: {count}"),
    Problem.ORPHAN_LEG: _("Sides without a transfer or an account: {count}"),
    Problem.WRONG_ASSET: _("Sides in another currency than their account: {count}"),
    Problem.WRONG_BALANCE: _("Balances that are not the sum of their changes: {count}"),
    Problem.BROKEN_CHAIN: _("Changes that do not follow from the one before: {count}"),
    Problem.WRONG_ROLLUP: _("Balances of the house that are not the sum of their changes: {count}"),
    Problem.ASSET_NOT_ZERO: _("Currencies that do not come to zero: {count}"),
}


_ALL: Final = 100


def full_name(first: str, last: str | None) -> str:
    """A person's name in one line."""
    return f"{first} {last}".strip() if last else first


def order_row(order: orders.OrderRow, names: Mapping[UserId, str], actor: Actor, viewer: Viewer) -> ManageOrderRow:
    """An order in an admin's list."""
    shown = status(order.status, order.expires_at, viewer.now)
    return ManageOrderRow(
        number=order.number,
        title=title(order.line, actor.language),
        person=names.get(order.buyer_id, "—"),
        paid_with=viewer.words.gettext(BALANCE) if shown == "delivered" else "",
        status=shown,
        total=order.total,
        at=order.created_at,
    )


def paid_with(order: orders.OrderView, payments: Sequence[Intent], viewer: Viewer) -> str:
    """What an order was paid with: the ways of its payments, else the balance; nothing while it is not paid."""
    if orders.OrderStep.PAID not in {entry.step for entry in order.timeline}:
        return ""
    ways = dict.fromkeys(way_title(intent.way, viewer) for intent in payments if intent.credited)
    return ", ".join(ways) or viewer.words.gettext(BALANCE)


def person_row(
    person: UserRow, balances: Mapping[UserId, Money], figures: Mapping[UserId, orders.BuyerFigures], currency: str
) -> ManagePersonRow:
    """A person in a list."""
    name = full_name(person.first_name, person.last_name) or str(person.telegram_id)
    found = figures.get(person.id)
    return ManagePersonRow(
        id=str(person.id),
        name=name,
        initial=initial_of(name),
        hue=hue_of(str(person.id)),
        orders=found.orders if found else 0,
        balance=balances.get(person.id, Money.zero(currency)),
        username=person.username,
        blocked=person.blacklisted,
    )


def admin_row(person: UserRow, permissions: Iterable[str], actor: Actor) -> AdminRow:
    """An admin and what he may do."""
    name = full_name(person.first_name, person.last_name) or str(person.telegram_id)
    return AdminRow(
        id=str(person.id),
        name=name,
        initial=initial_of(name),
        hue=hue_of(str(person.id)),
        permissions=frozenset(permissions),  # type: ignore[arg-type]
        username=person.username,
        root=person.is_root,
        me=person.id == actor.user_id,
    )


def _apart(report: BooksReport, asset: str) -> Money:
    off = (item for item in report.differences if item.problem is Problem.ASSET_NOT_ZERO and item.asset == asset)
    return Money(next((item.found - item.expected for item in off), 0), asset)


def books(report: BooksReport, viewer: Viewer) -> BooksPage:
    """The proof of the ledger. The house holds what people do not, up to what is apart."""
    rows = []
    for asset, held in sorted(report.totals.items()):
        people, apart = Money(held, asset), _apart(report, asset)
        rows.append(AssetRow(asset, people, Money.zero(asset), apart - people, apart))
    return BooksPage(
        balanced=report.balanced,
        checked_at=report.at,
        transfers=report.transfers,
        assets=tuple(rows),
        problems=tuple(
            viewer.words.gettext(_PROBLEMS[problem]).format(count=count) for problem, count in report.problems.items()
        ),
    )


def books_stat(report: BooksReport, currency: str) -> BooksStat:
    """The proof in one figure."""
    return BooksStat(report.balanced, _apart(report, currency), report.at)


def percent_change(now: int, before: int) -> int:
    """By how much of a hundred ``now`` differs from ``before``; after nothing, anything is all of it."""
    return round((now - before) * _ALL / before) if before else _ALL if now else 0


class StatView(msgspec.Struct, frozen=True):
    """A figure of today beside the same time a day earlier."""

    key: Literal["sales", "orders", "people"]
    value: Money | int
    change: int | None = None
    change_percent: int | None = None


def stats(
    today: orders.SalesFigures, before: orders.SalesFigures, people: tuple[int, int] | None
) -> tuple[StatView, ...]:
    """Today's figures beside those of yesterday at the same time."""
    found = [
        StatView("sales", today.revenue, change_percent=percent_change(today.revenue.amount, before.revenue.amount)),
        StatView("orders", today.orders, change=today.orders - before.orders),
    ]
    if people is not None:
        found.append(StatView("people", people[0], change=people[0] - people[1]))
    return tuple(found)


def delivery(job: FailedJob) -> DeliveryRow:
    """A job that did not go through."""
    return DeliveryRow(
        id=str(job.id),
        name=job.task,
        state="dead" if job.dead_at else "retrying",
        attempts=job.attempts,
        at=job.dead_at or job.created_at,
        error=_last_line(job.last_error),
        next_at=None if job.dead_at else job.run_at,
    )


def _last_line(text: str) -> str:
    lines: Sequence[str] = text.strip().splitlines()
    return lines[-1][:200] if lines else ""


class HandRow(msgspec.Struct, frozen=True):
    """Work that waits for a person; ``urgent`` is the page's one red count."""

    key: Literal["orders_waiting", "stock_low", "deliveries", "unmatched", "deposits", "approvals", "reconciliation"]
    href: str
    count: int
    urgent: bool = False


class ManageHome(msgspec.Struct, frozen=True):
    """admin/home.html; ``rooms`` are those that this admin may enter. ``no_contact``: no support address is set."""

    hands: tuple[HandRow, ...]
    stats: tuple[StatView, ...]
    books: BooksStat | None
    latest: tuple[ManageOrderRow, ...] = ()
    rooms: tuple[str, ...] = ()
    no_contact: bool = False
