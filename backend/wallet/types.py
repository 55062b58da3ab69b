"""What the ledger is to the outside: accounts, transfers, holds, adjustments, reports."""

from __future__ import annotations

import re
from datetime import date, datetime
from enum import StrEnum
from typing import Final, NewType
from uuid import UUID

import msgspec

from backend.kernel.events import Event
from backend.kernel.ids import UserId
from backend.kernel.money import Money
from backend.kernel.paging import Page

AccountId = NewType("AccountId", UUID)
TransferId = NewType("TransferId", UUID)
HoldId = NewType("HoldId", UUID)
AdjustmentId = NewType("AdjustmentId", UUID)

WALLET: Final = "wallet"
"""The account that a person spends from, one for each asset."""
HELD: Final = "held"
"""The account of a person's money that is on hold."""
REVENUE: Final = "revenue"
"""The shop account that sales go to."""
ADJUSTMENTS: Final = "adjustments"
"""The shop account that admins' credits come from and their debits go to."""

_SHOP_NAME: Final = re.compile(r"[a-z][a-z0-9_]*(:[a-z0-9_-]+)?")


class TransferKind(StrEnum):
    """Why money moved."""

    TOP_UP = "top_up"
    PURCHASE = "purchase"
    REFUND = "refund"
    ADJUSTMENT = "adjustment"
    BONUS = "bonus"
    READING = "reading"
    HOLD = "hold"
    """Put on hold for a purpose, such as an order."""
    RELEASE = "release"
    """Returned to the wallet from a hold."""
    VOUCHER = "voucher"
    """A voucher or gift card, bought or redeemed."""


class AccountRef(msgspec.Struct, frozen=True):
    """One side of a transfer: a person's account or the shop's, by name; the asset comes with the amount."""

    user_id: UserId | None
    name: str

    @classmethod
    def user(cls, user_id: UserId) -> AccountRef:
        """A person's wallet."""
        return cls(user_id, WALLET)

    @classmethod
    def held(cls, user_id: UserId) -> AccountRef:
        """A person's money on hold."""
        return cls(user_id, HELD)

    @classmethod
    def shop(cls, name: str) -> AccountRef:
        """An account of the shop, such as ``revenue`` or ``provider:demo``. Raises ValueError for an odd name."""
        if not _SHOP_NAME.fullmatch(name):
            raise ValueError(f"not an account name: {name!r}")
        return cls(None, name)


class Memo(msgspec.Struct, frozen=True, omit_defaults=True):
    """What the history shows beside a change. The names of the fields are stored."""

    title: dict[str, str] = {}
    """The name of the goods, by language."""
    quantity: int = 1
    method: str = msgspec.field(name="way", default="")
    """The payment method."""
    reason: str = ""
    """An admin's reason."""


class NewTransfer(msgspec.Struct, frozen=True, kw_only=True):
    """Money to be moved from ``debit`` to ``credit``. ``reference`` is the order's number or the payment's id."""

    kind: TransferKind
    idempotency_key: str
    debit: AccountRef
    credit: AccountRef
    amount: Money
    reference: str | None = None
    memo: Memo = Memo()


class PostedTransfer(msgspec.Struct, frozen=True, kw_only=True):
    """A transfer that is in the ledger."""

    id: TransferId
    kind: TransferKind
    debit: AccountRef
    credit: AccountRef
    amount: Money


class Hold(msgspec.Struct, frozen=True, kw_only=True):
    """Money on hold; ``open`` until it is ``captured`` or released."""

    id: HoldId
    purpose: str
    user_id: UserId
    amount: Money
    open: bool
    captured: bool = False


class AdjustmentStatus(StrEnum):
    """How far an adjustment has got."""

    WAITING = "waiting"
    """It needs a second approval."""
    APPLIED = "applied"
    REFUSED = "refused"


class Adjustment(msgspec.Struct, frozen=True, kw_only=True):
    """An admin's credit (a positive ``amount``) or debit. ``decided_by`` is the second admin, where there was one."""

    id: AdjustmentId
    user_id: UserId
    amount: Money
    reason: str
    status: AdjustmentStatus
    asked_by: UserId
    decided_by: UserId | None
    refusal: str
    """Why it was rejected."""
    created_at: datetime
    decided_at: datetime | None


class WalletAdjusted(Event, frozen=True, kw_only=True):
    """An admin has changed a wallet by ``amount`` (negative for a debit), in minor units; ``balance`` is after it."""

    adjustment_id: AdjustmentId
    user_id: UserId
    amount: int
    balance: int
    currency: str


class HistoryRow(msgspec.Struct, frozen=True, kw_only=True):
    """One change of a person's wallet. ``amount`` is negative for a debit; ``at`` is in UTC."""

    id: TransferId
    kind: TransferKind
    amount: Money
    at: datetime
    balance_after: Money
    reference: str | None
    memo: Memo
    key: str
    """The transfer's idempotency key; its prefix says what caused it."""


class Overview(msgspec.Struct, frozen=True, kw_only=True):
    """Balance and credits of a wallet. ``months`` (``2026-11``) since its first change, the latest first."""

    balance: Money
    credits: Money
    months: list[str]


class WalletView(msgspec.Struct, frozen=True, kw_only=True):
    """What the page of a wallet shows."""

    overview: Overview
    history: Page[HistoryRow]
    day_totals: dict[date, Money]
    """For each day of the history's page, in the person's time zone: the sum of the whole day's changes in the
    shop's currency (of the chosen kind), also of those that other pages show."""


class Problem(StrEnum):
    """What can be wrong with a ledger."""

    UNBALANCED = "unbalanced"
    """A transfer whose legs do not sum to zero in an asset."""
    INCOMPLETE = "incomplete"
    """A transfer with fewer than two legs."""
    ORPHAN_LEG = "orphan_leg"
    """A leg without its transfer or its account."""
    WRONG_ASSET = "wrong_asset"
    """A leg in another asset than its account's."""
    WRONG_BALANCE = "wrong_balance"
    """A person's balance that is not the sum of its legs, or is negative."""
    BROKEN_CHAIN = "broken_chain"
    """A leg that does not follow from the one before it: a number left out, or a false running balance."""
    WRONG_ROLLUP = "wrong_rollup"
    """A rolled-up balance of a shop account that is not the sum of its legs."""
    ASSET_NOT_ZERO = "asset_not_zero"
    """All accounts together do not come to zero in an asset."""


class Difference(msgspec.Struct, frozen=True):
    """One thing that is wrong. ``subject`` is the id of the transfer or account, or an asset's name; in minor units."""

    problem: Problem
    subject: str
    asset: str
    expected: int
    actual: int


class LedgerReport(msgspec.Struct, frozen=True, kw_only=True):
    """The result of a check of the ledger. ``differences`` has at most 100 of each problem, ``problems`` counts all."""

    at: datetime
    transfers: int
    legs: int
    accounts: int
    waiting: int
    """Legs of shop accounts that are not rolled up yet; balances include them."""
    totals: dict[str, int]
    """For each asset, the sum of people's balances, in minor units."""
    problems: dict[Problem, int]
    differences: list[Difference]

    @property
    def balanced(self) -> bool:
        """Whether nothing is wrong."""
        return not self.problems


class ShopBalance(msgspec.Struct, frozen=True):
    """The balance of a shop account; negative where money comes from, such as a provider's."""

    id: AccountId
    name: str
    balance: Money
