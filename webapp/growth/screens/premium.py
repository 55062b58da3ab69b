"""Premium membership as people and admins see it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Literal

import msgspec

from backend.growth.types.premium import Membership, PremiumRecord, PremiumState
from backend.kernel.ids import UserId
from webapp.catalog.screens.product import QuantityView

MOST_AT_ONCE = 60
"""How many months an admin may give or take in one go."""


class MembershipView(msgspec.Struct, frozen=True):
    """Somebody's premium; ``href`` is the page of the product by which it is renewed, if the shop has one."""

    state: PremiumState
    until: datetime | None = None
    open_until: datetime | None = None
    href: str = ""

    @property
    def member(self) -> bool:
        """Whether what is for members is open."""
        return self.state in {PremiumState.ENDLESS, PremiumState.ACTIVE, PremiumState.GRACE}


def membership(own: Membership, product: str | None = None) -> MembershipView:
    """Somebody's premium, renewed by ``product`` (a slug)."""
    href = f"/shop/{product}" if product else ""
    return MembershipView(own.state, own.until, own.open_until, href)


class ProductNote(msgspec.Struct, frozen=True):
    """growth/_membership.html: what the page of a product, which all readers share, says of its reader's premium.

    It asks again at ``url`` when the reader's premium changes. ``renews``: the product is premium itself.
    """

    membership: MembershipView
    url: str
    live_url: str
    renews: bool


class GrantRow(msgspec.Struct, frozen=True):
    """Months that were bought, or given or taken (negative) by ``by``, who said a ``reason``."""

    months: int
    at: datetime
    bought: bool
    by: str
    reason: str


class PremiumRows(msgspec.Struct, frozen=True):
    """The premium of a person on their page in the back office."""

    membership: MembershipView
    grants: tuple[GrantRow, ...]


def premium_rows(record: PremiumRecord, names: Mapping[UserId, str]) -> PremiumRows:
    """A person's premium with its latest grants; ``names`` are those of the admins who gave some."""
    grants = tuple(
        GrantRow(item.months, item.at, item.bought, names.get(item.by, "") if item.by else "", item.reason)
        for item in record.grants
    )
    return PremiumRows(membership(record.membership), grants)


class PremiumSheet(msgspec.Struct, frozen=True):
    """growth/admin/_premium.html: months are given or taken, with a reason."""

    name: str
    action: str
    membership: MembershipView
    months: QuantityView = QuantityView(1, 1, MOST_AT_ONCE)
    direction: Literal["give", "take"] = "give"
    reason: str = ""
    error: Literal["", "reason", "too_long"] = ""
