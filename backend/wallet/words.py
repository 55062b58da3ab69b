"""Names of what an adjustment does to a balance, for pages."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from backend.infra.i18n import Text
from backend.infra.i18n import mark as _

ADJUSTMENTS: Final[Mapping[str, Text]] = {
    "credit": _("Add to balance"),
    "debit": _("Deduct from balance"),
}
