"""The words of vouchers, gift cards and bonuses."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Final, NewType
from uuid import UUID

import msgspec

from backend.kernel.events import Event
from backend.kernel.ids import UserId
from backend.kernel.money import Money
from backend.payments.types import IntentId

VoucherId = NewType("VoucherId", UUID)
VoucherBatchId = NewType("VoucherBatchId", UUID)
GiftCardId = NewType("GiftCardId", UUID)
BonusRuleId = NewType("BonusRuleId", UUID)

VOUCHERS: Final = "vouchers"
"""The house's account that redeemed vouchers are paid from: what they have cost."""
GIFT_CARDS: Final = "gift_cards"
"""The house's account of gift cards that are paid for and not redeemed."""
GIFT_CARD_KEYS: Final = "gift_card:"
"""What the ledger's key of every gift card's transfer begins with."""
BONUSES: Final = "bonuses"
"""The house's account that bonuses are paid from: what they have cost."""


class Limits(msgspec.Struct, frozen=True):
    """The smallest and the largest amount, and those to offer, all in the shop's currency."""

    minimum: Money
    maximum: Money
    presets: tuple[Money, ...] = ()


class VoucherBatch(msgspec.Struct, frozen=True, kw_only=True):
    """Voucher codes that were made together. Each of ``codes`` is worth ``amount`` to each of ``people`` persons."""

    id: VoucherBatchId
    amount: Money
    people: int
    codes: int
    redeemed: int
    """How often in all."""
    note: str
    expires_at: datetime | None
    stopped_at: datetime | None
    created_by: UserId
    created_at: datetime

    def is_live(self, now: datetime) -> bool:
        """Whether a code of it may still be worth something."""
        open_still = self.expires_at is None or now < self.expires_at
        return self.stopped_at is None and open_still and self.redeemed < self.people * self.codes


class NewVouchers(msgspec.Struct, frozen=True):
    """A batch just made, with its codes: this once. None in a replay, since only their hashes are kept."""

    batch: VoucherBatch
    codes: tuple[str, ...]


class GiftStatus(StrEnum):
    """Where a gift card stands."""

    ACTIVE = "active"
    REDEEMED = "redeemed"
    TAKEN_BACK = "taken_back"


class GiftCard(msgspec.Struct, frozen=True, kw_only=True):
    """A gift card as its buyer sees it; ``code`` only while it is active."""

    id: GiftCardId
    amount: Money
    status: GiftStatus
    code: str
    created_at: datetime
    closed_at: datetime | None


class CodeKind(StrEnum):
    """What a code was."""

    VOUCHER = "voucher"
    GIFT_CARD = "gift_card"


class Redeemed(msgspec.Struct, frozen=True, kw_only=True):
    """A code that became money. ``again``: the same person had redeemed it before, and nothing moved."""

    kind: CodeKind
    amount: Money
    balance: Money
    again: bool


class BonusRule(msgspec.Struct, frozen=True, kw_only=True):
    """What a top-up from ``minimum`` on brings on top: ``basis_points`` of it (hundredths of a per cent) or ``fixed``.

    At most ``maximum``; from ``starts_at`` until ``ends_at``; for one ``way`` or (empty) for all. A rule never changes:
    it is stopped, and another one made.
    """

    id: BonusRuleId
    minimum: Money
    basis_points: int | None
    fixed: Money | None
    maximum: Money | None
    starts_at: datetime | None
    ends_at: datetime | None
    first_only: bool
    way: str
    stopped_at: datetime | None
    created_at: datetime


class NewBonusRule(msgspec.Struct, frozen=True, kw_only=True):
    """A rule to be made; see BonusRule."""

    minimum: Money
    basis_points: int | None = None
    fixed: Money | None = None
    maximum: Money | None = None
    starts_at: datetime | None = None
    ends_at: datetime | None = None
    first_only: bool = False
    way: str = ""


class RuleFigures(msgspec.Struct, frozen=True):
    """What a rule has given: to how many payments, and how much less what was taken back."""

    payments: int
    total: Money


class Bonus(msgspec.Struct, frozen=True, kw_only=True):
    """The bonus of one payment: all that was ``granted``, ``claimed`` back, and of that really ``taken``."""

    intent_id: IntentId
    user_id: UserId
    rule_id: BonusRuleId
    granted: Money
    claimed: Money
    taken: Money

    @property
    def due(self) -> Money:
        """What of it the person may keep."""
        return self.granted - self.claimed


class GiftCardRedeemed(Event, frozen=True, kw_only=True):
    """Somebody has redeemed the gift card that ``user_id`` bought; in minor units of ``currency``."""

    gift_card_id: GiftCardId
    user_id: UserId
    amount: int
    currency: str


class GiftOffer(msgspec.Struct, frozen=True):
    """A gift card that waits to be redeemed, as its link shows it: the amount and the giver's name."""

    amount: Money
    giver: str


class BonusCredited(Event, frozen=True, kw_only=True):
    """A top-up brought ``amount`` on top; ``balance`` is after it, in minor units of ``currency``."""

    intent_id: IntentId
    user_id: UserId
    amount: int
    balance: int
    currency: str
