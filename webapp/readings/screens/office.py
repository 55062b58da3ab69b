"""The first page of the reading room in the back office."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from backend.readings.types.models import ModelState
from webapp.readings.screens.prompts import OutcomeRow


class RoomPage(msgspec.Struct, frozen=True, kw_only=True):
    """readings/admin/home.html: ``counts`` are readings by the days that they are of."""

    counts: Mapping[int, int]
    spreads: int
    """On offer."""
    packages: int
    """On sale."""
    incomplete: int
    """Packages that give no credits yet, so that nobody can buy them."""
    state: ModelState
    failures: tuple[OutcomeRow, ...]
    """Of the model's calls in the last seven days, by class."""
    settings: bool
    """Whether the reader may change settings."""
    money: bool
    """Whether the reader may give credits."""
