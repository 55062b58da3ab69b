"""Value that admins give to people, and its approvals."""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final, NewType
from uuid import UUID

import msgspec

from backend.identity.types import Permission
from backend.kernel.events import Event
from backend.kernel.ids import UserId
from backend.kernel.money import Money

ValueId = NewType("ValueId", UUID)

WINDOW: Final = timedelta(hours=24)
"""What one admin gives alone within this time counts together; it is rolling, so midnight does not reset it."""


class ValueKind(StrEnum):
    """How an admin gives value to a person. A new kind is a line here and one call of ``domain.make``."""

    ADJUSTMENT = "adjustment"
    REFUND = "refund"
    """The refund of a delivered order, to the wallet or to its payment method."""
    UNMATCHED = "unmatched"
    """An unmatched payment that an admin assigns to a person."""
    DEPOSIT = "deposit"
    VOUCHERS = "vouchers"
    BONUS_RULE = "bonus_rule"
    """A rule for top-up bonuses; what it will give in total is unknown when it is added."""
    PROMO = "promo"
    """Promo codes; what a percentage or a code without a limit will take off in all is unknown when it is made."""
    BULK_REFUND = "bulk_refund"
    """Refunds of many orders, by their sum."""
    CREDITS = "credits"
    """Credits for readings, at the price of the dearest package."""
    WAIVED_REFUND = "waived_refund"
    """A refund made at the provider that an admin dismisses, so that the person also keeps the money in the wallet."""


class NewValue(msgspec.Struct, frozen=True, kw_only=True):
    """Value that an admin is about to give to ``user_id``, or to unknown people (None)."""

    kind: ValueKind
    subject: str
    """The id of what the value is for; each kind and subject has at most one first approval."""
    amount: Money
    """What counts against the limit, never negative."""
    permission: Permission
    """Who can be the second admin."""
    user_id: UserId | None
    reason: str = ""
    """The admin's text, shown to the second admin but not compared."""
    facts: dict[str, str] = {}
    """What both admins must approve identically, beside the amount and ``user_id``."""
    open_ended: bool = False
    """Whether it keeps giving: then it is above every limit, and ``amount`` is what it gives for one payment."""
    waits: bool = True
    """Whether a second admin can approve it later; else it is refused above the limit."""


class Approval(StrEnum):
    """Whether the value may be given now."""

    GIVEN = "given"
    FIRST = "first"
    """This is the first approval: a second admin must approve the same."""
    WAITING = "waiting"
    """This admin approved before: a second admin is still needed."""
    REFUSED = "refused"
    """Above the limit, and a second admin cannot approve it later."""


class FirstApproval(msgspec.Struct, frozen=True, kw_only=True):
    """An admin's approval that awaits a second one."""

    id: ValueId
    kind: ValueKind
    subject: str
    amount: Money
    permission: Permission
    user_id: UserId | None
    reason: str
    facts: dict[str, str]
    by: UserId
    at: datetime


class ApprovalAsked(Event, frozen=True, kw_only=True):
    """An admin gave a first approval, and the other admins with ``permission`` are asked for the second."""

    value_id: ValueId
    kind: ValueKind
    subject: str
    user_id: UserId | None
    asked_by: UserId
    amount: int
    currency: str
    permission: Permission
