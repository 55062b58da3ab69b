"""Wallets, balance adjustments and the ledger, as admins see them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Final, Literal

import msgspec

from backend.identity.types import Actor, Permission
from backend.infra.formatting import format_money
from backend.infra.i18n import mark as _
from backend.kernel.ids import UserId
from backend.kernel.money import Money
from backend.wallet.types import Adjustment, AdjustmentStatus, LedgerReport, Problem
from backend.wallet.types import HistoryRow as Change
from webapp.core.confirming import isolated
from webapp.core.parts import AmountError, Badge, Tone
from webapp.core.rendering import Viewer
from webapp.payments.screens.admin_parts import badge
from webapp.wallet.screens import wallet
from webapp.wallet.screens.wallet import HistoryRow

_STATUSES: Final[dict[AdjustmentStatus, tuple[str, Tone]]] = {
    AdjustmentStatus.WAITING: (_("Needs approval"), "warn"),
    AdjustmentStatus.APPLIED: (_("Done"), "good"),
    AdjustmentStatus.REFUSED: (_("Rejected"), "bad"),
}


class WalletEntry(msgspec.Struct, frozen=True):
    """A change of a person's wallet; ``href`` opens its order or its payment."""

    row: HistoryRow
    href: str | None = None


def wallet_entry(change: Change, actor: Actor, viewer: Viewer) -> WalletEntry:
    """A change of a person's wallet; it opens its order or payment."""
    row = wallet.entry(change, actor, viewer)
    href = f"/admin/payments/{row.payment_id}" if row.payment_id else None
    if row.order_number and actor.may(Permission.ORDERS):
        href = f"/admin/orders/{row.order_number}"
    return WalletEntry(row, href)


class AdjustmentView(msgspec.Struct, frozen=True):
    """A balance adjustment; ``can`` is what this reader may do with a pending one."""

    id: str
    amount: Money
    reason: str
    at: datetime
    badge: Badge
    person: str
    person_href: str
    asked_by: str
    refusal: str = ""
    mine: bool = False
    can: frozenset[Literal["approve", "refuse"]] = frozenset()
    question: str = ""
    """What is asked before it is approved, with the sum and the person."""


def adjustment(item: Adjustment, names: Mapping[UserId, str], actor: Actor, viewer: Viewer) -> AdjustmentView:
    """An adjustment. The admin who asked may only withdraw it; an admin whose wallet it is may do nothing."""
    mine = item.asked_by == actor.user_id
    can: set[Literal["approve", "refuse"]] = set()
    if item.status is AdjustmentStatus.WAITING and item.user_id != actor.user_id:
        can |= {"refuse"} if mine else {"refuse", "approve"}
    return AdjustmentView(
        id=str(item.id),
        amount=item.amount,
        reason=item.reason,
        at=item.created_at,
        badge=badge(_STATUSES[item.status], viewer),
        person=names.get(item.user_id, "—"),
        person_href=f"/admin/people/{item.user_id}/wallet",
        asked_by=names.get(item.asked_by, "—"),
        refusal=item.refusal,
        mine=mine,
        can=frozenset(can),
        question=adjust_question(item.amount, names.get(item.user_id, "—"), viewer),
    )


def adjust_question(amount: Money, name: str, viewer: Viewer) -> str:
    """The question before a balance changes by ``amount``, with the sum and whose it is."""
    debit = amount.amount < 0
    title = _("Take %(amount)s from %(name)s?") if debit else _("Add %(amount)s to the balance of %(name)s?")
    values = {"amount": format_money(max(amount, -amount), viewer.locale), "name": isolated(name)}
    return viewer.words.gettext(title) % values


def refuse_question(item: Adjustment, name: str, actor: Actor, viewer: Viewer) -> str:
    """The question before an adjustment is refused, or withdrawn by the admin who asked for it."""
    mine = item.asked_by == actor.user_id
    title = (
        _("Withdraw the adjustment of %(amount)s for %(name)s?")
        if mine
        else _("Reject the adjustment of %(amount)s for %(name)s?")
    )
    values = {"amount": format_money(item.amount, viewer.locale, sign=True), "name": isolated(name)}
    return viewer.words.gettext(title) % values


class LedgerStat(msgspec.Struct, frozen=True):
    """Whether the ledger is balanced, in one figure."""

    balanced: bool
    apart: Money
    checked_at: datetime | None


class AssetRow(msgspec.Struct, frozen=True):
    """One asset of the ledger: people's balances, holds, the shop's accounts, and how far their sum is from zero."""

    asset: str
    people: Money
    held: Money
    shop: Money
    apart: Money


class LedgerPage(msgspec.Struct, frozen=True):
    """wallet/admin/ledger.html"""

    balanced: bool
    checked_at: datetime | None
    transfers: int
    assets: tuple[AssetRow, ...]
    problems: tuple[str, ...] = ()


class PersonWallet(msgspec.Struct, frozen=True):
    """wallet/admin/wallet.html; wallet/admin/_wallet_rows.html takes the same for a next page."""

    person_id: str
    name: str
    balance: Money
    entries: tuple[WalletEntry, ...]
    adjustments: tuple[AdjustmentView, ...] = ()
    next_url: str | None = None


class AdjustSheet(msgspec.Struct, frozen=True):
    """wallet/admin/_adjust.html: an admin's credit or debit of ``balance``.

    Above ``limit`` a second admin must approve.
    """

    action: str
    name: str
    balance: Money
    limit: Money | None
    intent: str
    debit: bool = False
    typed: str = ""
    reason: str = ""
    amount_error: AmountError = ""
    reason_error: bool = False


class AdjustmentsPage(msgspec.Struct, frozen=True):
    """wallet/admin/adjustments.html: adjustments to approve."""

    rows: tuple[AdjustmentView, ...]


_PROBLEMS: Final[dict[Problem, str]] = {
    Problem.UNBALANCED: _("Transfers whose entries don't add up to zero: {count}"),
    Problem.INCOMPLETE: _("Transfers with a missing entry: {count}"),
    Problem.ORPHAN_LEG: _("Entries without a transfer or an account: {count}"),
    Problem.WRONG_ASSET: _("Entries in another currency than their account: {count}"),
    Problem.WRONG_BALANCE: _("Customer balances that don't match their entries: {count}"),
    Problem.BROKEN_CHAIN: _("Entries that don't follow from the one before: {count}"),
    Problem.WRONG_ROLLUP: _("Shop balances that don't match their entries: {count}"),
    Problem.ASSET_NOT_ZERO: _("Currencies that don't add up to zero: {count}"),
}


def _apart(report: LedgerReport, asset: str) -> Money:
    off = (item for item in report.differences if item.problem is Problem.ASSET_NOT_ZERO and item.asset == asset)
    return Money(next((item.actual - item.expected for item in off), 0), asset)


def ledger_page(report: LedgerReport, viewer: Viewer) -> LedgerPage:
    """The report on the ledger. What people don't hold is the shop's, except for the difference."""
    rows = []
    for asset, held in sorted(report.totals.items()):
        people, apart = Money(held, asset), _apart(report, asset)
        rows.append(AssetRow(asset, people, Money.zero(asset), apart - people, apart))
    return LedgerPage(
        balanced=report.balanced,
        checked_at=report.at,
        transfers=report.transfers,
        assets=tuple(rows),
        problems=tuple(
            viewer.words.gettext(_PROBLEMS[problem]).format(count=count) for problem, count in report.problems.items()
        ),
    )


def ledger_stat(report: LedgerReport, currency: str) -> LedgerStat:
    """The report in one figure."""
    return LedgerStat(report.balanced, _apart(report, currency), report.at)
