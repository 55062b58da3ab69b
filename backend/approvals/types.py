"""What an admin gives away, and who approved it."""

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
"""What one admin makes alone within this time counts together: rolling, so that midnight doubles nothing."""


class ValueKind(StrEnum):
    """A way in which an admin makes value for somebody. A new way is a line here and one call of ``domain.make``."""

    ADJUSTMENT = "adjustment"
    REFUND = "refund"
    """Money of a delivered order that goes back, to the wallet or through its payment method."""
    UNMATCHED = "unmatched"
    """An unmatched payment that an admin assigns to somebody."""
    DEPOSIT = "deposit"
    VOUCHERS = "vouchers"
    BONUS_RULE = "bonus_rule"
    """A rule for top-up bonuses: what it gives in all is known to nobody when it is made."""
    WAIVED_REFUND = "waived_refund"
    """A refund made at the provider that an admin dismisses: the person keeps the money in the wallet as well."""


class NewValue(msgspec.Struct, frozen=True, kw_only=True):
    """Value that an admin is about to make: ``amount`` for ``user_id`` (None: for whoever comes)."""

    kind: ValueKind
    subject: str
    """The id of what it is about; one first approval waits for each kind and subject."""
    amount: Money
    """What counts, never negative."""
    permission: Permission
    """Who can be the second admin."""
    user_id: UserId | None
    reason: str = ""
    """The admin's words, shown to the second admin and not compared."""
    facts: dict[str, str] = {}
    """What both admins must say alike, beside the amount."""
    open_ended: bool = False
    """Whether it goes on giving: then it is above every limit, and ``amount`` only says what it gives at once."""
    waits: bool = True
    """Whether it can wait for a second admin; else it is refused above the limit."""


class Approval(StrEnum):
    """Whether the value may be made now."""

    GIVEN = "given"
    FIRST = "first"
    """This is the first approval: a second admin must say the same."""
    WAITING = "waiting"
    """This admin said so before: it still waits for a second admin."""
    REFUSED = "refused"
    """Above the limit, and of a kind that cannot wait."""


class FirstApproval(msgspec.Struct, frozen=True, kw_only=True):
    """An admin's approval that waits for a second one."""

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
    """An admin gave a first approval: the other admins with ``permission`` are asked for the second."""

    value_id: ValueId
    kind: ValueKind
    subject: str
    user_id: UserId | None
    asked_by: UserId
    amount: int
    currency: str
    permission: Permission
