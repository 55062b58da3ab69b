"""Promo codes, as admins see them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Final

import msgspec

from backend.approvals.types import FirstApproval
from backend.catalog.types import CategoryRow
from backend.growth.types.promos import NewPromo, Promo, PromoDetail, PromoFigures, PromoId, PromoScope, PromoStatus
from backend.identity.types import Actor, Permission
from backend.infra.formatting import format_percent
from backend.kernel.ids import UserId
from backend.kernel.money import Money
from backend.kernel.text import pick
from webapp.core.rendering import Viewer
from webapp.growth.screens.admin import ValueForm, days, first_approval

PROMOS: Final = "/admin/promos"


class PromoRow(msgspec.Struct, frozen=True, kw_only=True):
    """A promotion in a list; ``most`` is how often its codes can be used together, None for no limit.

    While it awaits approval, ``by`` is the admin who gave the first approval; ``mine``: this reader did.
    """

    id: str
    percent: str
    """What it takes off, formatted; empty where that is an ``amount``."""
    amount: Money | None
    code: str
    codes: int
    used: int
    most: int | None
    saved: Money
    status: PromoStatus
    first_only: bool
    starts: date | None
    ends: date | None
    """Its last day."""
    minimum: Money | None
    scope: PromoScope
    target: str
    per_person: int | None
    note: str
    at: datetime
    by: str = ""
    mine: bool = False


class PromosPage(msgspec.Struct, frozen=True):
    """growth/admin/promos.html"""

    rows: tuple[PromoRow, ...]


class UseRow(msgspec.Struct, frozen=True):
    """An order that uses a code; ``href`` is empty where this admin may not see orders."""

    number: str
    href: str
    person: str
    code: str
    amount: Money
    at: datetime
    released: bool


class PromoPage(msgspec.Struct, frozen=True):
    """growth/admin/promo.html"""

    row: PromoRow
    target: str
    codes: tuple[str, ...]
    uses: tuple[UseRow, ...]


class NewPromoPage(msgspec.Struct, frozen=True):
    """growth/admin/new_promo.html"""

    form: ValueForm
    categories: tuple[CategoryRow, ...]
    intent: str


def promo_row(promo: Promo, figures: PromoFigures, viewer: Viewer) -> PromoRow:
    """A promotion in a list."""
    return PromoRow(
        id=str(promo.id),
        percent="" if promo.amount else format_percent(Decimal(promo.basis_points) / 100, viewer.locale),
        amount=promo.amount,
        code=figures.code or promo.code,
        codes=promo.codes,
        used=figures.used,
        most=None if promo.uses is None else promo.uses * promo.codes,
        saved=figures.saved,
        status=figures.status(promo, viewer.now),
        first_only=promo.first_only,
        **days(promo.starts_at, promo.ends_at, viewer),
        minimum=promo.minimum,
        scope=promo.scope,
        target=promo.target,
        per_person=promo.per_person,
        note=promo.note,
        at=promo.created_at,
    )


def requested(
    requests: Sequence[tuple[FirstApproval, NewPromo]],
    names: Mapping[UserId, str],
    actor: Actor,
    viewer: Viewer,
    nothing: Money,
) -> tuple[PromoRow, ...]:
    """The promotions that await a second admin, in a list."""
    return tuple(
        msgspec.structs.replace(
            promo_row(_awaiting(first, new), PromoFigures(0, nothing, new.code), viewer),
            status=PromoStatus.AWAITING_APPROVAL,
            **first_approval(first, names, actor),
        )
        for first, new in requests
    )


def _awaiting(first: FirstApproval, new: NewPromo) -> Promo:
    asked = msgspec.structs.asdict(new)
    return Promo(**asked, id=PromoId(first.id), stopped_at=None, created_by=first.by, created_at=first.at)


def promo_page(detail: PromoDetail, names: Mapping[UserId, str], actor: Actor, viewer: Viewer) -> PromoPage:
    """A promotion with its codes and uses."""
    orders = actor.may(Permission.ORDERS)
    return PromoPage(
        row=promo_row(detail.promo, detail.figures, viewer),
        target=pick(detail.target_name, actor.language) if detail.target_name else detail.promo.target,
        codes=detail.codes,
        uses=tuple(
            UseRow(
                use.order_number,
                f"/admin/orders/{use.order_number}" if orders else "",
                names.get(use.user_id, "—"),
                use.code,
                use.amount,
                use.at,
                use.released,
            )
            for use in detail.uses
        ),
    )
