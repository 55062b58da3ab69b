"""Codes, gift cards, vouchers and bonus rules, as they are shown."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Final
from urllib.parse import urlencode

import msgspec

from backend.approvals.types import FirstApproval
from backend.growth.types import BonusRule, GiftCard, GiftStatus, Limits, NewBonusRule, RuleFigures, VoucherBatch
from backend.identity.types import Actor
from backend.infra.formatting import format_money, format_percent
from backend.infra.i18n import mark as _
from backend.infra.reading import decimal_text
from backend.kernel.ids import BonusRuleId, UserId
from backend.kernel.money import Money
from backend.kernel.text import ascii_digits
from webapp.core.rendering import Viewer
from webapp.payments.screens.methods import way_title
from webapp.views import Preset
from webapp.views.growth import BonusRow, GiftPage, GiftRow, GiftState, GrowthError, VoucherRow

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


# ---- gift cards


def gift_row(gift: GiftCard) -> GiftRow:
    """A gift card in a list."""
    state: GiftState = gift.status.value
    return GiftRow(str(gift.id), gift.amount, state, gift.created_at, gift.closed_at)


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
        way=way_title(rule.way, viewer) if rule.way else "",
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
