"""A person's readings as a source of their timeline."""

from __future__ import annotations

from typing import Final

from backend.infra.timeline import EntryKind, Source
from backend.readings.repository import timeline

SOURCE: Final = Source(EntryKind.READING, timeline.list_readings)
