"""Codes of certificates: 80 random bits as sixteen signs that are not misread."""

from __future__ import annotations

import secrets
from typing import Final

from backend.kernel.text import CODE_ALPHABET, code_signs

_LENGTH: Final = 16
_LONGEST_TYPED: Final = 200


def new_code() -> str:
    """A code that nobody can guess."""
    return "".join(secrets.choice(CODE_ALPHABET) for _ in range(_LENGTH))


def read_code(typed: str) -> str | None:
    """The code that somebody typed, pasted or followed, with or without hyphens; None for what can't be one."""
    plain = code_signs(typed[:_LONGEST_TYPED])
    return plain if len(plain) == _LENGTH and all(sign in CODE_ALPHABET for sign in plain) else None
