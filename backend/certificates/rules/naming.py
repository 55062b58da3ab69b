"""Names as they are printed: which are refused."""

from __future__ import annotations

import unicodedata

from backend.certificates.types import LONGEST_NAME
from backend.infra.typography import unprintable
from backend.kernel.errors import Invalid


def check_name(name: str) -> None:
    """Raises Invalid for a cleaned name: ``required``, ``too_long``, ``unprintable`` (the signs are its param)."""
    if not any(unicodedata.category(sign)[0] == "L" for sign in name):
        raise Invalid("no letters", fields={"name": "required"})
    if len(name) > LONGEST_NAME:
        raise Invalid("too long a name", fields={"name": "too_long"})
    if signs := unprintable(name):
        raise Invalid("signs that no font has", fields={"name": "unprintable"}, signs=signs)
