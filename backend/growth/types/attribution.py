"""Who brought people: partners, their codes, and the first touch."""

from __future__ import annotations

from datetime import datetime
from typing import Final, NewType
from uuid import UUID

import msgspec

PartnerId = NewType("PartnerId", UUID)
MAX_CODE: Final = 19
"""``c_<slug of 40>-p_<code>`` has 64 signs."""


class StartLink(msgspec.Struct, frozen=True):
    """What a start parameter names, if that exists: a course's slug, a partner's code."""

    course: str | None = None
    partner: str | None = None


class Partner(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody who brings people by a link with their code."""

    id: PartnerId
    code: str
    name: str
    created_at: datetime
    stopped_at: datetime | None
    """Since when the link brings nobody new; who was brought stays theirs."""
    people: int
    """How many came by the link first, before they had paid for anything."""
