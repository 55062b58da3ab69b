"""Claims under the warranty: what the buyer of an order sees and sends, and what admins decide."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

import msgspec

from backend.catalog.words import goods_name
from backend.identity.types import Actor
from backend.kernel.ids import UserId
from backend.kernel.money import Money
from backend.kernel.text import Locale
from backend.orders import types as orders
from backend.orders.types.warranty import Claim, ClaimRow, ClaimStatus, Warranty
from webapp.core.looks import Picture, goods_tile
from webapp.core.parts import TileView
from webapp.core.rendering import Viewer


def _title(line: orders.OrderLine, locale: Locale) -> str:
    return goods_name(line.name, line.variant_name, line.country, locale)


class ClaimChoice(msgspec.Struct, frozen=True):
    """A delivered thing that can be claimed; ``index`` of ``of`` things of the order."""

    item: str
    title: str
    index: int
    of: int
    refund: Money
    reviewed: bool


class ClaimSheet(msgspec.Struct, frozen=True):
    """orders/_claim.html: which thing doesn't work, and what happens then."""

    action: str
    intent: str
    choices: tuple[ClaimChoice, ...]
    until: datetime

    @property
    def reviewed(self) -> bool:
        """Whether an admin decides, whichever is chosen."""
        return all(choice.reviewed for choice in self.choices)


def claim_sheet(order: orders.OrderView, warranty: Warranty, intent: str, viewer: Viewer) -> ClaimSheet:
    """The sheet of an order of which something can be claimed."""
    lines = {line.id: line for line in order.lines}
    return ClaimSheet(
        action=f"/orders/{order.number}/claim",
        intent=intent,
        choices=tuple(
            ClaimChoice(
                item=str(one.key.id),
                title=_title(lines[one.key.line_id], viewer.locale),
                index=one.key.ordinal,
                of=len(order.keys),
                refund=one.refund,
                reviewed=one.reviewed,
            )
            for one in warranty.claimable
        ),
        until=min(one.until for one in warranty.claimable),
    )


class ClaimView(msgspec.Struct, frozen=True):
    """A claim on the page of its order; ``reason`` is why it was rejected."""

    status: ClaimStatus
    about: str
    at: datetime
    reason: str = ""


class WarrantyView(msgspec.Struct, frozen=True):
    """What the page of an order says of its warranty: until when something can be claimed, and the claims so far."""

    href: str
    until: datetime | None
    claims: tuple[ClaimView, ...] = ()


def warranty_view(
    order: orders.OrderView, until: datetime | None, claims: Sequence[Claim], viewer: Viewer
) -> WarrantyView | None:
    """The warranty on the page of an order; None where there is nothing to say."""
    if until is None and not claims:
        return None
    titles = {line.id: _title(line, viewer.locale) if len(order.lines) > 1 else "" for line in order.lines}
    return WarrantyView(
        href=f"/orders/{order.number}/claim",
        until=until,
        claims=tuple(
            ClaimView(one.status, titles[one.line_id], one.decided_at or one.created_at, one.reason or "")
            for one in claims
        ),
    )


class ManageClaim(msgspec.Struct, frozen=True):
    """A claim that waits for an admin; ``of_person`` counts its buyer's claims of the last 30 days."""

    id: str
    number: str
    title: str
    tile: TileView
    buyer: str
    at: datetime
    refund: Money
    of_person: int
    mine: bool


class ManageClaims(msgspec.Struct, frozen=True):
    """orders/admin/claims.html."""

    rows: tuple[ManageClaim, ...]


def manage_claims(
    rows: Sequence[ClaimRow], names: Mapping[UserId, str], actor: Actor, viewer: Viewer, picture: Picture
) -> ManageClaims:
    """The claims that wait, oldest first."""
    return ManageClaims(
        tuple(
            ManageClaim(
                id=str(row.claim.id),
                number=row.number,
                title=_title(row.line, viewer.locale),
                tile=goods_tile(row.line, actor, picture),
                buyer=names.get(row.claim.user_id, "—"),
                at=row.claim.created_at,
                refund=row.refund,
                of_person=row.earlier,
                mine=row.claim.user_id == actor.user_id,
            )
            for row in rows
        )
    )
