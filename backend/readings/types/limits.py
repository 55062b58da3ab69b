"""What readings may be, in the shop as it is set now."""

from __future__ import annotations

import msgspec


class ReadingLimits(msgspec.Struct, frozen=True, kw_only=True):
    """The settings of the reading room."""

    free_card: bool
    """Whether everybody can turn over a card a day."""
    question_length: int
    """Characters."""
    follow_ups: int
    """How many questions a reading may have after its own."""
    follow_up_credits: int
