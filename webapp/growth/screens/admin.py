"""Vouchers and bonus rules, as admins see them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import TypedDict

import msgspec

from backend.approvals.types import FirstApproval
from backend.growth.types import (
    BonusRule,
    BonusRuleId,
    BonusStatus,
    NewBonusRule,
    RuleFigures,
    VoucherBatch,
    VoucherStatus,
)
from backend.identity.types import Actor
from backend.infra.formatting import format_percent
from backend.kernel.ids import UserId
from backend.kernel.money import Money
from webapp.core.parts import Preset
from webapp.core.rendering import Viewer
from webapp.payments.screens.methods import method_title


class ValueForm(msgspec.Struct, frozen=True):
    """What was typed into a form, and the error code of each wrong field; ``presets`` are amounts to choose."""

    presets: tuple[Preset, ...]
    typed: Mapping[str, str]
    errors: Mapping[str, str]

    def text(self, name: str, default: str = "") -> str:
        """What was typed into a field."""
        return self.typed.get(name, "") or default

    def error(self, name: str) -> str:
        """What is wrong with a field; empty for nothing."""
        return self.errors.get(name, "")


class Days(TypedDict):
    """The first and the last day of an offer."""

    starts: date | None
    ends: date | None


def days(starts_at: datetime | None, ends_at: datetime | None, viewer: Viewer) -> Days:
    """The first and the last day, in the reader's timezone, of an offer that ends just before ``ends_at``."""
    last = ends_at - timedelta(microseconds=1) if ends_at else None
    return {
        "starts": starts_at.astimezone(viewer.timezone).date() if starts_at else None,
        "ends": last.astimezone(viewer.timezone).date() if last else None,
    }


class Approver(TypedDict):
    """Who gave the first approval, and whether that is the reader."""

    by: str
    mine: bool


def first_approval(first: FirstApproval, names: Mapping[UserId, str], actor: Actor) -> Approver:
    """Who gave the first approval of an offer that awaits the second one."""
    return {"by": names.get(first.by, "—"), "mine": first.by == actor.user_id}


# ---- vouchers


class VoucherRow(msgspec.Struct, frozen=True):
    """A batch of vouchers in a list; ``most`` is how often its codes can be redeemed together."""

    id: str
    amount: Money
    codes: int
    most: int
    redeemed: int
    note: str
    status: VoucherStatus
    at: datetime
    expires_at: datetime | None


class VouchersPage(msgspec.Struct, frozen=True):
    """growth/admin/vouchers.html"""

    rows: tuple[VoucherRow, ...]


class VoucherSheet(msgspec.Struct, frozen=True):
    """growth/admin/_voucher.html"""

    row: VoucherRow


class NewVouchersPage(msgspec.Struct, frozen=True):
    """growth/admin/new_vouchers.html; ``limit`` is the single-admin limit, None where nobody else could approve."""

    form: ValueForm
    maximum: Money
    limit: Money | None
    intent: str


class CodesPage(msgspec.Struct, frozen=True):
    """growth/admin/codes.html; ``codes`` is empty when they were shown before."""

    row: VoucherRow
    codes: tuple[str, ...]


def voucher_row(batch: VoucherBatch, now: datetime) -> VoucherRow:
    """A batch in a list."""
    return VoucherRow(
        id=str(batch.id),
        amount=batch.amount,
        codes=batch.codes,
        most=batch.most,
        redeemed=batch.redeemed,
        note=batch.note,
        status=batch.status(now),
        at=batch.created_at,
        expires_at=batch.expires_at,
    )


# ---- bonus rules


class BonusRow(msgspec.Struct, frozen=True):
    """A bonus rule in a list; exactly one of ``percent`` (formatted) and ``fixed`` is set.

    While the rule awaits approval, ``by`` is the admin who gave the first approval; ``mine``: this reader did.
    """

    id: str
    minimum: Money
    percent: str
    fixed: Money | None
    maximum: Money | None
    starts: date | None
    ends: date | None
    """The last day of the rule."""
    first_only: bool
    method: str
    status: BonusStatus
    payments: int
    given: Money
    """The sum of bonuses for ``payments`` payments."""
    by: str = ""
    mine: bool = False


class BonusesPage(msgspec.Struct, frozen=True):
    """growth/admin/bonuses.html"""

    rows: tuple[BonusRow, ...]


class MethodChoice(msgspec.Struct, frozen=True):
    """A payment method that a rule may be limited to; an empty ``key`` stands for all methods."""

    key: str
    title: str


class NewBonusPage(msgspec.Struct, frozen=True):
    """growth/admin/new_bonus.html"""

    form: ValueForm
    methods: tuple[MethodChoice, ...]


def bonus_row(rule: BonusRule, figures: RuleFigures, viewer: Viewer) -> BonusRow:
    """A rule in a list."""
    percent = ""
    if rule.basis_points is not None:
        percent = format_percent(Decimal(rule.basis_points) / 100, viewer.locale, sign=True)
    return BonusRow(
        id=str(rule.id),
        minimum=rule.minimum,
        percent=percent,
        fixed=rule.fixed,
        maximum=rule.maximum,
        **days(rule.starts_at, rule.ends_at, viewer),
        first_only=rule.first_only,
        method=method_title(rule.method, viewer) if rule.method else "",
        status=rule.status(viewer.now),
        payments=figures.payments,
        given=figures.total,
    )


def bonus_rows(rules: Sequence[tuple[BonusRule, RuleFigures]], viewer: Viewer) -> tuple[BonusRow, ...]:
    """The rules in a list."""
    return tuple(bonus_row(rule, figures, viewer) for rule, figures in rules)


def requested_bonuses(
    requests: Sequence[tuple[FirstApproval, NewBonusRule]], names: Mapping[UserId, str], actor: Actor, viewer: Viewer
) -> tuple[BonusRow, ...]:
    """The rules that await a second admin, in a list."""
    return tuple(
        msgspec.structs.replace(
            bonus_row(
                BonusRule(
                    **msgspec.structs.asdict(rule), id=BonusRuleId(first.id), stopped_at=None, created_at=first.at
                ),
                RuleFigures(0, Money.zero(rule.minimum.currency)),
                viewer,
            ),
            status=BonusStatus.AWAITING_APPROVAL,
            **first_approval(first, names, actor),
        )
        for first, rule in requests
    )
