"""Decisions about messages: when one that is not urgent waits for the reader's morning."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta

import msgspec

from backend.infra.formatting import timezone


class QuietHours(msgspec.Struct, frozen=True):
    """From the hour ``start`` to the hour ``end`` (0 to 23) on the reader's clock; none when both are the same."""

    start: int
    end: int

    def end_after(self, now: datetime, zone: str) -> datetime | None:
        """When the quiet hours that ``now`` falls into end for a reader in ``zone`` (a IANA name), in UTC.

        None outside of them. ``now`` has a zone.
        """
        local = now.astimezone(timezone(zone))
        begun, before_end = local.hour >= self.start, local.hour < self.end
        crosses_midnight = self.start > self.end
        if not (begun or before_end if crosses_midnight else begun and before_end):
            return None
        day = local.date() if before_end else local.date() + timedelta(days=1)
        # The wall clock's hour: on the days on which clocks change, too, the morning is at that hour.
        return datetime.combine(day, time(self.end), local.tzinfo).astimezone(UTC)
