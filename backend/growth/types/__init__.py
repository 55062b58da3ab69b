"""Types of vouchers, gift cards and top-up bonuses."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Final, Literal, NewType
from uuid import UUID

import msgspec

from backend.catalog.types import VariantId
from backend.kernel.events import Event
from backend.kernel.ids import UserId
from backend.kernel.money import Money
from backend.payments.types import IntentId

VoucherId = NewType("VoucherId", UUID)
VoucherBatchId = NewType("VoucherBatchId", UUID)
GiftCardId = NewType("GiftCardId", UUID)
BonusRuleId = NewType("BonusRuleId", UUID)

VOUCHERS: Final = "vouchers"
"""The shop's account from which redeemed vouchers are paid: what they have cost."""
GIFT_CARDS: Final = "gift_cards"
"""The shop's account that holds the money of gift cards which are paid for and not redeemed."""
GIFT_CARD_KEYS: Final = "gift_card:"
"""The start of the idempotency key of each gift card's transfers."""
BONUSES: Final = "bonuses"
"""The shop's account from which bonuses are paid: what they have cost."""


WHOLE: Final = 10_000
"""The whole in basis points: hundredths of a per cent."""


class Limits(msgspec.Struct, frozen=True):
    """The smallest and the largest amount, and the ``presets`` to offer, all in the shop's currency."""

    minimum: Money
    maximum: Money
    presets: tuple[Money, ...] = ()


class VoucherStatus(StrEnum):
    """Whether the codes of a batch can be redeemed, and if not, why."""

    ACTIVE = "active"
    USED_UP = "used_up"
    EXPIRED = "expired"
    STOPPED = "stopped"


class VoucherBatch(msgspec.Struct, frozen=True, kw_only=True):
    """Voucher codes that were made together."""

    id: VoucherBatchId
    amount: Money
    """What one person gets for one code."""
    people: int
    """How many people can redeem each code."""
    codes: int
    """How many codes there are."""
    redeemed: int
    """How often all codes together were redeemed."""
    note: str
    expires_at: datetime | None
    stopped_at: datetime | None
    created_by: UserId
    created_at: datetime

    @property
    def most(self) -> int:
        """How often all codes together can be redeemed."""
        return self.people * self.codes

    def status(self, now: datetime) -> VoucherStatus:
        """The batch's status at ``now``."""
        if self.stopped_at is not None:
            return VoucherStatus.STOPPED
        if self.redeemed >= self.most:
            return VoucherStatus.USED_UP
        expired = self.expires_at is not None and self.expires_at <= now
        return VoucherStatus.EXPIRED if expired else VoucherStatus.ACTIVE


class NewVouchers(msgspec.Struct, frozen=True):
    """A new batch with its codes. A repeated request gets no ``codes``: only their hashes are stored."""

    batch: VoucherBatch
    codes: tuple[str, ...]


class GiftStatus(StrEnum):
    """What became of a gift card. The values are stored."""

    ACTIVE = "active"
    REDEEMED = "redeemed"
    CANCELLED = "taken_back"


class GiftCard(msgspec.Struct, frozen=True, kw_only=True):
    """A gift card as its buyer sees it; ``code`` is empty unless the card is active."""

    id: GiftCardId
    amount: Money
    status: GiftStatus
    code: str
    created_at: datetime
    closed_at: datetime | None


class GiftQuote(msgspec.Struct, frozen=True, kw_only=True):
    """What buying a gift card of some amount would do to the buyer's balance."""

    balance: Money
    """The balance now."""
    error: Literal["", "below_minimum", "above_maximum"] = ""
    missing: Money | None = None
    """What the balance lacks; None if it is enough."""
    balance_after: Money | None = None
    """The balance after the purchase; None if the card cannot be bought."""


class CodeKind(StrEnum):
    """What a code belongs to."""

    VOUCHER = "voucher"
    GIFT_CARD = "gift_card"


class Redeemed(msgspec.Struct, frozen=True, kw_only=True):
    """A redeemed code. ``again``: the same person had redeemed it before, so no money was moved."""

    kind: CodeKind
    amount: Money
    balance: Money
    again: bool


class BonusStatus(StrEnum):
    """Whether a bonus rule gives bonuses, and if not, why."""

    AWAITING_APPROVAL = "awaiting_approval"
    """A second admin must approve the rule first."""
    SCHEDULED = "scheduled"
    ACTIVE = "active"
    ENDED = "ended"
    STOPPED = "stopped"


class NewBonusRule(msgspec.Struct, frozen=True, kw_only=True):
    """A rule to be added: the bonus for a top-up is ``basis_points`` of it or ``fixed``, exactly one of the two.

    Its JSON is stored with the first approval: a field keeps its encoded name.
    """

    minimum: Money
    """The smallest top-up that gets the bonus."""
    basis_points: int | None = None
    """Hundredths of a per cent of the top-up."""
    fixed: Money | None = None
    maximum: Money | None = None
    """The largest bonus for one top-up."""
    starts_at: datetime | None = None
    ends_at: datetime | None = None
    """The first moment at which the rule no longer applies."""
    first_only: bool = False
    """Only a person's first top-up gets the bonus."""
    method: str = msgspec.field(name="way", default="")
    """The payment method's name; empty for all methods."""


class BonusRule(NewBonusRule, frozen=True, kw_only=True):
    """A rule that was added. It never changes: it is stopped, and another one added."""

    id: BonusRuleId
    stopped_at: datetime | None
    created_at: datetime

    def status(self, now: datetime) -> BonusStatus:
        """The rule's status at ``now``."""
        if self.stopped_at is not None:
            return BonusStatus.STOPPED
        if self.ends_at is not None and self.ends_at <= now:
            return BonusStatus.ENDED
        return BonusStatus.SCHEDULED if self.starts_at is not None and now < self.starts_at else BonusStatus.ACTIVE


class RuleFigures(msgspec.Struct, frozen=True):
    """What a rule has given: for how many ``payments``, and the ``total`` without what was reclaimed."""

    payments: int
    total: Money


class Bonus(msgspec.Struct, frozen=True, kw_only=True):
    """The bonus of one payment: ``taken <= claimed <= granted``."""

    intent_id: IntentId
    user_id: UserId
    rule_id: BonusRuleId
    granted: Money
    """All that was credited."""
    claimed: Money
    """What refunds of the payment have reclaimed."""
    taken: Money
    """What of ``claimed`` the balance could cover; the rest is forgiven."""

    @property
    def due(self) -> Money:
        """What the person keeps of the bonus."""
        return self.granted - self.claimed


class GiftCardRedeemed(Event, frozen=True, kw_only=True):
    """A friend redeemed the gift card that ``user_id`` bought; ``amount`` is in minor units of ``currency``."""

    gift_card_id: GiftCardId
    user_id: UserId
    amount: int
    currency: str


class GiftOffer(msgspec.Struct, frozen=True):
    """An active gift card as its link shows it: the amount and the giver's name."""

    amount: Money
    giver: str


class BonusCredited(Event, frozen=True, kw_only=True):
    """A top-up got a bonus of ``amount``; ``balance`` includes it. Both are in minor units of ``currency``."""

    intent_id: IntentId
    user_id: UserId
    amount: int
    balance: int
    currency: str


class Discount(msgspec.Struct, frozen=True, kw_only=True):
    """What a buyer may have taken off an order: ``basis_points`` of the price or an ``amount``, exactly one of the two.

    ``variants`` are those it is for; None for all. Of equal discounts the one with the smaller ``id`` is used.
    """

    id: str
    basis_points: int = 0
    amount: Money | None = None
    variants: frozenset[VariantId] | None = None

    def __post_init__(self) -> None:
        share = self.basis_points if self.amount is None else self.amount.amount
        if share <= 0 or self.basis_points > WHOLE or (self.amount is not None and self.basis_points):
            raise ValueError("a discount is a share of up to the whole, or an amount")

    def covers(self, variant_id: VariantId) -> bool:
        """Whether the variant is one of those that the discount is for."""
        return self.variants is None or variant_id in self.variants
