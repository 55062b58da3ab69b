"""Codes, gift cards, vouchers and bonus rules."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Literal

import msgspec

from backend.kernel.money import Money
from webapp.views.wallet import Preset

GiftState = Literal["active", "redeemed", "taken_back"]
GrowthError = Literal["", "required", "not_a_number", "too_small", "too_large"]


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


class GiftRow(msgspec.Struct, frozen=True):
    """A gift card in its buyer's list; ``closed_at`` is when it was redeemed or taken back."""

    id: str
    amount: Money
    state: GiftState
    at: datetime
    closed_at: datetime | None = None


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


class GiftPage(msgspec.Struct, frozen=True):
    """growth/gift.html; ``code``, ``link`` and ``share_url`` while it can be given away."""

    gift: GiftRow
    code: str = ""
    link: str = ""
    share_url: str = ""
    fresh: bool = False


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
