"""Types of promo codes. See decisions/0071."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import NewType
from uuid import UUID

import msgspec

from backend.catalog.types import ProductId, VariantId
from backend.growth.types import Discount
from backend.kernel.ids import UserId
from backend.kernel.money import Money

PromoId = NewType("PromoId", UUID)
PromoCodeId = NewType("PromoCodeId", UUID)


class PromoScope(StrEnum):
    """Which goods a promo code is for. The values are stored."""

    ALL = "all"
    CATEGORY = "category"
    """A category and those below it, by its slug."""
    PRODUCT = "product"
    """One product, by its slug."""
    KIND = "kind"
    """All goods of a StockKind."""


class PromoStatus(StrEnum):
    """Whether the codes of a promotion can be used, and if not, why."""

    AWAITING_APPROVAL = "awaiting_approval"
    """A second admin must approve the promotion first."""
    SCHEDULED = "scheduled"
    ACTIVE = "active"
    USED_UP = "used_up"
    ENDED = "ended"
    STOPPED = "stopped"


class PromoRefusal(StrEnum):
    """Why a promo code takes nothing off an order."""

    UNKNOWN = "unknown"
    NOT_STARTED = "not_started"
    ENDED = "ended"
    """Its last day has passed, or an admin has stopped it."""
    USED_UP = "used_up"
    ALREADY_USED = "already_used"
    """The buyer has used it as often as one person can."""
    FIRST_ONLY = "first_only"
    """It is for a first purchase, and the buyer has one."""
    BELOW_MINIMUM = "below_minimum"
    OTHER_GOODS = "other_goods"
    """None of the goods is one that the code is for."""
    OWN = "own"
    """The buyer is the admin who made it."""


class NewPromo(msgspec.Struct, frozen=True, kw_only=True):
    """A promotion to be made: its codes take off ``basis_points`` of the price or ``amount``, exactly one of the two.

    Its JSON is stored with a first approval: a field keeps its name.
    """

    basis_points: int = 0
    """Hundredths of a per cent."""
    amount: Money | None = None
    code: str = ""
    """The one code, as its maker spells it; empty for ``codes`` random ones."""
    codes: int = 1
    uses: int | None = None
    """How often each code can be used; None for no limit."""
    per_person: int | None = None
    """How often one person can use the promotion's codes together; None for no limit."""
    scope: PromoScope = PromoScope.ALL
    target: str = ""
    """What the scope names: a slug, or a StockKind's value."""
    minimum: Money | None = None
    """The least that the goods it is for must cost, at the buyer's own prices."""
    starts_at: datetime | None = None
    ends_at: datetime | None = None
    """The first moment at which the codes no longer work."""
    first_only: bool = False
    """Only for a person's first purchase."""
    note: str = ""


class Promo(NewPromo, frozen=True, kw_only=True):
    """A promotion that was made. It never changes: it is stopped, and another one made."""

    id: PromoId
    stopped_at: datetime | None
    created_by: UserId | None
    """None for one that the system made."""
    created_at: datetime

    @property
    def personal(self) -> bool:
        """Whether what the buyer bought before decides about it, so that their orders are counted one at a time."""
        return self.per_person is not None or self.first_only


class PromoCode(msgspec.Struct, frozen=True):
    """One code with its promotion; ``used`` is counted only where the promotion limits its uses."""

    id: PromoCodeId
    code: str
    used: int
    promo: Promo

    @property
    def used_up(self) -> bool:
        """Whether it was used as often as it can be."""
        return self.promo.uses is not None and self.used >= self.promo.uses


class PromoFigures(msgspec.Struct, frozen=True):
    """How often a promotion's codes are ``used`` by orders that are not released, and what these ``saved``."""

    used: int
    saved: Money
    code: str
    """The first code."""

    def status(self, promo: Promo, now: datetime) -> PromoStatus:
        """The promotion's status at ``now``."""
        if promo.stopped_at is not None:
            return PromoStatus.STOPPED
        if promo.ends_at is not None and promo.ends_at <= now:
            return PromoStatus.ENDED
        if promo.uses is not None and self.used >= promo.uses * promo.codes:
            return PromoStatus.USED_UP
        return PromoStatus.SCHEDULED if promo.starts_at is not None and now < promo.starts_at else PromoStatus.ACTIVE


class PromoUse(msgspec.Struct, frozen=True, kw_only=True):
    """A use of a code by an order; ``released``: the order ended unpaid, and the use counts no longer."""

    order_number: str
    user_id: UserId
    code: str
    amount: Money
    at: datetime
    released: bool


class PromoDetail(msgspec.Struct, frozen=True):
    """A promotion with its codes and its latest uses; ``target_name`` by language, where the scope names something."""

    promo: Promo
    figures: PromoFigures
    codes: tuple[str, ...]
    uses: tuple[PromoUse, ...]
    target_name: dict[str, str] | None


class PromoLine(msgspec.Struct, frozen=True):
    """A line of an order that a code may take something off; ``total`` is its price for this buyer before that."""

    variant_id: VariantId
    product_id: ProductId
    slug: str
    kind: str
    total: Money


class PromoBuyer(msgspec.Struct, frozen=True):
    """Who uses a code. ``first``: it would be their first purchase."""

    id: UserId
    first: bool


class PromoOffer(msgspec.Struct, frozen=True):
    """What a code may take off an order."""

    code: PromoCode
    discount: Discount


class AppliedPromo(msgspec.Struct, frozen=True):
    """The code that an order uses, and what it takes off."""

    code_id: PromoCodeId
    code: str
    saved: Money


class RefusedPromo(msgspec.Struct, frozen=True):
    """Why a code takes nothing off; ``minimum`` is what the goods must cost, where they cost less."""

    reason: PromoRefusal
    minimum: Money | None = None
