"""What the back office's own pages show."""

from __future__ import annotations

import msgspec


class Overview(msgspec.Struct, frozen=True):
    """The state of the house in figures."""

    dead_letters: int
