"""Codes, gift cards, vouchers and bonus rules, as they are shown."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Final, Literal
from urllib.parse import urlencode

import msgspec

from backend.approvals.types import FirstApproval
from backend.growth.types import (
    BonusRule,
    BonusRuleId,
    GiftCard,
    GiftStatus,
    Limits,
    NewBonusRule,
    RuleFigures,
    VoucherBatch,
)
from backend.identity.types import Actor
from backend.infra.formatting import format_money, format_percent
from backend.infra.i18n import mark as _
from backend.infra.reading import decimal_text
from backend.kernel.ids import UserId
from backend.kernel.money import Money
from backend.kernel.text import ascii_digits
from webapp.core.parts import Preset
from webapp.core.rendering import Viewer
from webapp.payments.screens.methods import method_title

GiftState = Literal["active", "redeemed", "taken_back"]


GrowthError = Literal["", "required", "not_a_number", "too_small", "too_large"]


REDEEM: Final = "/wallet/redeem"


_SHARE: Final = "https://t.me/share/url"


_GIFT_WORDS: Final = _("A gift for you: {amount}. Open it and it is in your wallet.")


_ERRORS: Final[dict[str, GrowthError]] = {"below_minimum": "too_small", "above_maximum": "too_large"}


_DAY: Final = re.compile(r"\d{4}-\d{2}-\d{2}")


def amount_error(code: str) -> GrowthError:
    """A form's own name for what is wrong with an amount."""
    return _ERRORS.get(code, "not_a_number")


def presets(limits: Limits, typed: str = "") -> tuple[Preset, ...]:
    """The ready amounts, the typed one marked."""
    return tuple(Preset(amount, plain(amount) == typed) for amount in limits.presets)


def plain(amount: Money) -> str:
    """An amount as a field holds it: "10", "7.50"."""
    return str(amount.decimal()).removesuffix(".00")


class GiftRow(msgspec.Struct, frozen=True):
    """A gift card in its buyer's list; ``closed_at`` is when it was redeemed or taken back."""

    id: str
    amount: Money
    state: GiftState
    at: datetime
    closed_at: datetime | None = None


# ---- gift cards


def gift_row(gift: GiftCard) -> GiftRow:
    """A gift card in a list."""
    state: GiftState = gift.status.value
    return GiftRow(str(gift.id), gift.amount, state, gift.created_at, gift.closed_at)


class GiftPage(msgspec.Struct, frozen=True):
    """growth/gift.html; ``code``, ``link`` and ``share_url`` while it can be given away."""

    gift: GiftRow
    code: str = ""
    link: str = ""
    share_url: str = ""
    fresh: bool = False


def gift_page(gift: GiftCard, viewer: Viewer, *, bot_url: str, public_url: str, fresh: bool = False) -> GiftPage:
    """A gift card with what is given away: the code, a link for everybody, a link that opens Telegram's own list.

    Without BOT_URL the link opens the shop in a browser, which leads to Telegram.
    """
    if gift.status is not GiftStatus.ACTIVE:
        return GiftPage(gift_row(gift))
    plain = gift.code.replace("-", "")
    link = f"{bot_url}?start=g_{plain}" if bot_url else f"{public_url.rstrip('/')}{REDEEM}?code={gift.code}"
    amount = format_money(gift.amount, viewer.locale, trim=True)
    share = urlencode({"url": link, "text": viewer.words.gettext(_GIFT_WORDS).format(amount=amount)})
    return GiftPage(gift_row(gift), gift.code, link, f"{_SHARE}?{share}", fresh)


class VoucherRow(msgspec.Struct, frozen=True):
    """A batch of vouchers in an admin's list; ``most`` is how often it can be redeemed in all."""

    id: str
    amount: Money
    codes: int
    most: int
    redeemed: int
    note: str
    state: Literal["live", "over", "used", "stopped"]
    at: datetime
    expires_at: datetime | None


# ---- vouchers


def voucher_row(batch: VoucherBatch, now: datetime) -> VoucherRow:
    """A batch in a list."""
    most = batch.people * batch.codes
    if batch.stopped_at is not None:
        state = "stopped"
    elif batch.redeemed >= most:
        state = "used"
    else:
        state = "live" if batch.is_live(now) else "over"
    return VoucherRow(
        id=str(batch.id),
        amount=batch.amount,
        codes=batch.codes,
        most=most,
        redeemed=batch.redeemed,
        note=batch.note,
        state=state,  # type: ignore[arg-type]
        at=batch.created_at,
        expires_at=batch.expires_at,
    )


class BonusRow(msgspec.Struct, frozen=True):
    """A bonus rule; ``percent`` in words or ``fixed``; ``given`` to ``payments`` payments.

    One that is ``waiting`` for a second admin says whose the first approval is (``by``; ``mine``: this reader's).
    """

    id: str
    minimum: Money
    percent: str
    fixed: Money | None
    maximum: Money | None
    starts: date | None
    ends: date | None
    first_only: bool
    way: str
    state: Literal["waiting", "running", "later", "over", "stopped"]
    payments: int
    given: Money
    by: str = ""
    mine: bool = False


# ---- bonus rules


def bonus_row(rule: BonusRule, figures: RuleFigures, viewer: Viewer) -> BonusRow:
    """A rule in a list; its last day is shown, not the moment after."""
    now, zone = viewer.now, viewer.timezone
    if rule.stopped_at is not None:
        state = "stopped"
    elif rule.ends_at is not None and rule.ends_at <= now:
        state = "over"
    else:
        state = "later" if rule.starts_at is not None and now < rule.starts_at else "running"
    percent = ""
    if rule.basis_points is not None:
        percent = format_percent(Decimal(rule.basis_points) / 100, viewer.locale, sign=True)
    last = rule.ends_at - timedelta(microseconds=1) if rule.ends_at else None
    return BonusRow(
        id=str(rule.id),
        minimum=rule.minimum,
        percent=percent,
        fixed=rule.fixed,
        maximum=rule.maximum,
        starts=rule.starts_at.astimezone(zone).date() if rule.starts_at else None,
        ends=last.astimezone(zone).date() if last else None,
        first_only=rule.first_only,
        way=method_title(rule.way, viewer) if rule.way else "",
        state=state,  # type: ignore[arg-type]
        payments=figures.payments,
        given=figures.total,
    )


def bonus_rows(found: Sequence[tuple[BonusRule, RuleFigures]], viewer: Viewer) -> tuple[BonusRow, ...]:
    """The rules in a list."""
    return tuple(bonus_row(rule, figures, viewer) for rule, figures in found)


def waiting_bonuses(
    found: Sequence[tuple[FirstApproval, NewBonusRule]], names: Mapping[UserId, str], actor: Actor, viewer: Viewer
) -> tuple[BonusRow, ...]:
    """The rules that wait for a second admin, as the list shows them."""
    return tuple(
        msgspec.structs.replace(
            bonus_row(
                BonusRule(
                    **msgspec.structs.asdict(rule), id=BonusRuleId(first.id), stopped_at=None, created_at=first.at
                ),
                RuleFigures(0, Money.zero(rule.minimum.currency)),
                viewer,
            ),
            state="waiting",
            by=names.get(first.by, "—"),
            mine=first.by == actor.user_id,
        )
        for first, rule in found
    )


# ---- what was typed


def read_day(text: str, viewer: Viewer, *, after: bool = False) -> datetime | None:
    """The first moment of a day (``2026-11-21``) in the reader's time zone, or the first one after it; None for none.

    Raises ValueError for anything else.
    """
    if not text:
        return None
    plain = ascii_digits(text.strip())
    if not _DAY.fullmatch(plain):
        raise ValueError("not a day")
    day = date.fromisoformat(plain) + timedelta(days=1 if after else 0)
    return datetime.combine(day, time(), viewer.timezone)


def read_basis_points(text: str) -> int:
    """Hundredths of a per cent in "12,5" or "12.5 %". Raises ValueError."""
    plain = decimal_text(text.strip().rstrip("%٪"), most_decimals=2)
    return int(Decimal(plain) * 100)


class RedeemPage(msgspec.Struct, frozen=True):
    """growth/redeem.html; ``wait`` is how long there were too many tries."""

    code: str = ""
    error: Literal["", "required", "not_valid", "too_many"] = ""
    wait: timedelta = timedelta(0)


class RedeemedPage(msgspec.Struct, frozen=True):
    """growth/redeemed.html; ``again``: it was his before."""

    kind: Literal["voucher", "gift_card"]
    amount: Money
    balance: Money
    again: bool


class GiftsPage(msgspec.Struct, frozen=True):
    """growth/gifts.html"""

    rows: tuple[GiftRow, ...]


class NewGiftPage(msgspec.Struct, frozen=True):
    """growth/new_gift.html, with the card's ``amount``; ``missing`` is what the balance lacks."""

    balance: Money
    amount: Money
    presets: tuple[Preset, ...]
    minimum: Money
    maximum: Money
    intent: str
    typed: str = ""
    error: GrowthError = ""
    missing: Money | None = None


class VouchersPage(msgspec.Struct, frozen=True):
    """growth/admin/vouchers.html"""

    rows: tuple[VoucherRow, ...]


class VoucherSheet(msgspec.Struct, frozen=True):
    """growth/admin/_voucher.html"""

    row: VoucherRow


class NewVouchersPage(msgspec.Struct, frozen=True):
    """growth/admin/new_vouchers.html; ``errors`` maps a field to what is wrong with it.

    ``limit`` is what one admin may make alone in 24 hours, in all ways together; None where nobody else could approve.
    """

    presets: tuple[Preset, ...]
    maximum: Money
    limit: Money | None
    intent: str
    amount: str = ""
    kind: Literal["one", "many"] = "one"
    count: str = ""
    until: str = ""
    note: str = ""
    errors: dict[str, str] = {}


class CodesPage(msgspec.Struct, frozen=True):
    """growth/admin/codes.html: the codes, this once; none when they have been shown before."""

    row: VoucherRow
    codes: tuple[str, ...]


class BonusesPage(msgspec.Struct, frozen=True):
    """growth/admin/bonuses.html"""

    rows: tuple[BonusRow, ...]


class WayChoice(msgspec.Struct, frozen=True):
    """A way to pay that a rule may be for; the empty key is every way."""

    key: str
    title: str


class NewBonusPage(msgspec.Struct, frozen=True):
    """growth/admin/new_bonus.html; ``errors`` maps a field to what is wrong with it."""

    presets: tuple[Preset, ...]
    ways: tuple[WayChoice, ...]
    amount: str = ""
    kind: Literal["percent", "fixed"] = "percent"
    value: str = ""
    maximum: str = ""
    starts: str = ""
    ends: str = ""
    first_only: bool = False
    way: str = ""
    errors: dict[str, str] = {}
