"""Names of what a teacher says of a version, for pages."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from backend.assignments.types import Verdict
from backend.infra.i18n import Text
from backend.infra.i18n import mark as _

VERDICTS: Final[Mapping[str, Text]] = {
    Verdict.ACCEPT: _("Accept"),
    Verdict.AGAIN: _("Ask for another version"),
}
