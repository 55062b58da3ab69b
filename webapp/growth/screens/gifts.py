"""Redeeming a code, and a person's own gift cards, as they are shown."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, Final, Literal, cast
from urllib.parse import urlencode

import msgspec

from backend.growth.types import CodeKind, GiftCard, GiftQuote, GiftStatus, Limits
from backend.infra.formatting import format_money
from backend.infra.i18n import mark as _
from backend.kernel.money import Money
from webapp.core.forms import Form
from webapp.core.parts import Preset
from webapp.core.rendering import Viewer

GiftError = Literal["", "required", "not_a_number", "below_minimum", "above_maximum"]
REDEEM: Final = "/wallet/redeem"
_SHARE: Final = "https://t.me/share/url"
_GIFT_WORDS: Final = _("A {amount} gift for you. Open the link to add it to your balance.")


class RedeemPage(msgspec.Struct, frozen=True):
    """growth/redeem.html; ``wait`` is the time until the next attempt when there were too many."""

    code: str = ""
    error: Literal["", "required", "not_valid", "too_many"] = ""
    wait: timedelta = timedelta(0)


class RedeemedPage(msgspec.Struct, frozen=True):
    """growth/redeemed.html; ``again``: this person had redeemed the code before."""

    kind: CodeKind
    amount: Money
    balance: Money
    again: bool


class GiftRow(msgspec.Struct, frozen=True):
    """A gift card in its buyer's list; ``closed_at`` is when it was redeemed or cancelled."""

    id: str
    amount: Money
    status: GiftStatus
    at: datetime
    closed_at: datetime | None = None


class GiftsPage(msgspec.Struct, frozen=True):
    """growth/gifts.html"""

    rows: tuple[GiftRow, ...]


def gift_row(gift: GiftCard) -> GiftRow:
    """A gift card in a list."""
    return GiftRow(str(gift.id), gift.amount, gift.status, gift.created_at, gift.closed_at)


class GiftPage(msgspec.Struct, frozen=True):
    """growth/gift.html; ``code``, ``link`` and ``share_url`` are empty unless the card is active."""

    gift: GiftRow
    code: str = ""
    link: str = ""
    share_url: str = ""
    fresh: bool = False


def gift_page(gift: GiftCard, viewer: Viewer, *, bot_url: str, public_url: str, fresh: bool = False) -> GiftPage:
    """A gift card with its code, a link to redeem it, and a link that opens Telegram's list of chats to share it.

    Without BOT_URL the link opens the shop in a browser, which leads to Telegram.
    """
    if gift.status is not GiftStatus.ACTIVE:
        return GiftPage(gift_row(gift))
    code = gift.code.replace("-", "")
    link = f"{bot_url}?start=g_{code}" if bot_url else f"{public_url.rstrip('/')}{REDEEM}?code={gift.code}"
    amount = format_money(gift.amount, viewer.locale, trim=True)
    share = urlencode({"url": link, "text": viewer.words.gettext(_GIFT_WORDS).format(amount=amount)})
    return GiftPage(gift_row(gift), gift.code, link, f"{_SHARE}?{share}", fresh)


class NewGiftPage(msgspec.Struct, frozen=True):
    """growth/new_gift.html; ``missing`` is what the balance lacks for a card of ``amount``."""

    balance: Money
    amount: Money
    presets: tuple[Preset, ...]
    minimum: Money
    maximum: Money
    intent: str
    typed: str = ""
    error: GiftError = ""
    missing: Money | None = None


def new_gift_page(form: Form[Any], amount: Money | None, quote: GiftQuote, limits: Limits, intent: str) -> NewGiftPage:
    """The form for a gift card of ``amount``, which is None while the typed text is no amount."""
    typed = form.text("amount")
    return NewGiftPage(
        balance=quote.balance,
        amount=amount or Money.zero(quote.balance.currency),
        presets=presets(limits, typed or form.text("preset")),
        minimum=limits.minimum,
        maximum=limits.maximum,
        intent=intent,
        typed=typed,
        error=cast(GiftError, form.errors.get("amount") or quote.error),
        missing=quote.missing,
    )


def presets(limits: Limits, typed: str = "") -> tuple[Preset, ...]:
    """The ready amounts; the typed one is marked."""
    return tuple(Preset(amount, plain(amount) == typed) for amount in limits.presets)


def plain(amount: Money) -> str:
    """An amount as a field holds it: "10", "7.50"."""
    return str(amount.decimal()).removesuffix(".00")
