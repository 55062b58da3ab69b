"""Facts that slices tell each other through the outbox."""

from __future__ import annotations

import msgspec


class Event(msgspec.Struct, frozen=True, kw_only=True):
    """Something that has happened. Named in the past tense; carries ids and amounts, never secrets."""

    @classmethod
    def name(cls) -> str:
        """The event's name in the outbox."""
        return cls.__name__
