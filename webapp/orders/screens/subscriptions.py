"""A person's subscriptions, the sheet that begins one, and the same for an admin."""

from __future__ import annotations

from datetime import datetime

import msgspec

from backend.catalog.types import Offer
from backend.catalog.words import goods_name
from backend.identity.types import Actor
from backend.kernel.money import Money
from backend.orders.types.subscriptions import (
    ChargeRefusal,
    SubscriptionCharge,
    SubscriptionOffer,
    SubscriptionStatus,
    SubscriptionView,
)
from webapp.core.looks import Picture, goods_tile
from webapp.core.parts import TileView
from webapp.core.rendering import Viewer
from webapp.identity.screens.person import ManagePersonRow


def title(offer: Offer, actor: Actor) -> str:
    """The goods in the reader's language, with country and variant."""
    return goods_name(offer.name, offer.variant_name, offer.country, actor.language)


class SubscribeSheet(msgspec.Struct, frozen=True):
    """orders/_subscribe.html: what is had each period, for how much. ``total`` is the price that was shown."""

    variant_id: str
    title: str
    tile: TileView
    price: Money
    charged: Money

    @property
    def total(self) -> int:
        """The price in the smallest units of what is charged."""
        return self.charged.amount


def subscribe(offer: Offer, terms: SubscriptionOffer, actor: Actor, picture: Picture) -> SubscribeSheet:
    """The sheet before a subscription is begun."""
    return SubscribeSheet(
        variant_id=str(terms.variant_id),
        title=title(offer, actor),
        tile=goods_tile(offer, actor, picture),
        price=terms.price,
        charged=terms.charged,
    )


class SubscriptionRow(msgspec.Struct, frozen=True):
    """A subscription in a list; ``until`` is the next renewal, or the end of one that was cancelled."""

    id: str
    title: str
    tile: TileView
    charged: Money
    status: SubscriptionStatus
    until: datetime | None


def row(view: SubscriptionView, actor: Actor, picture: Picture) -> SubscriptionRow:
    """A subscription in a list."""
    subscription, offer = view.subscription, view.offer
    return SubscriptionRow(
        id=str(subscription.id),
        title=title(offer, actor),
        tile=goods_tile(offer, actor, picture),
        charged=subscription.charged,
        status=subscription.status,
        until=subscription.paid_until,
    )


class SubscriptionsPage(msgspec.Struct, frozen=True):
    """orders/subscriptions.html"""

    rows: tuple[SubscriptionRow, ...]


class ChargeRow(msgspec.Struct, frozen=True):
    """A charge: its order's ``number``, or why it bought nothing."""

    at: datetime
    amount: Money
    number: str | None
    refusal: ChargeRefusal | None


class SubscriptionPage(msgspec.Struct, frozen=True):
    """orders/subscription.html, orders/admin/subscription.html.

    ``allowed``: the shop allows its renewals again, and the person resumes them in Telegram.
    """

    row: SubscriptionRow
    slug: str
    price: Money
    since: datetime
    charges: tuple[ChargeRow, ...]
    cancellable: bool
    resumable: bool
    allowed: bool
    live_url: str = ""
    buyer: str = ""
    person: ManagePersonRow | None = None


def detail(
    view: SubscriptionView, actor: Actor, viewer: Viewer, picture: Picture, *, live_url: str = ""
) -> SubscriptionPage:
    """One subscription with its charges."""
    subscription = view.subscription
    resumable = subscription.resumable(viewer.now)
    runs_out = subscription.status is SubscriptionStatus.CANCELLED and not resumable
    return SubscriptionPage(
        row=row(view, actor, picture),
        slug=view.offer.slug,
        price=subscription.price,
        since=subscription.created_at,
        charges=tuple(_charge(charge) for charge in view.charges),
        cancellable=subscription.cancellable,
        resumable=resumable,
        allowed=runs_out and subscription.paid_until is not None and viewer.now < subscription.paid_until,
        live_url=live_url,
    )


def _charge(charge: SubscriptionCharge) -> ChargeRow:
    return ChargeRow(charge.at, charge.amount, charge.number, charge.refusal)
