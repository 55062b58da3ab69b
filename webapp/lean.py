"""Import this first in the web process: Litestar stays without its plugins for models that Souk does not use.

It imports pydantic and attrs wherever they are installed (aiogram brings both): 8 MB in each web process.
"""

from __future__ import annotations

import backend.infra.lean

backend.infra.lean.go_without("pydantic", "attrs", "attr")
