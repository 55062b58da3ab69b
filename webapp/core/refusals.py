"""How the API says no, for its description."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any, Final

import msgspec
from litestar.openapi.datastructures import ResponseSpec


class Refusal(msgspec.Struct, frozen=True):
    """``code`` is for programs, ``message`` for the caller's eyes, ``params`` hold what the message speaks of."""

    code: str
    message: str
    params: dict[str, Any]


class Refused(msgspec.Struct, frozen=True):
    """The one shape of every answer that is not the thing asked for."""

    error: Refusal


_ALWAYS: Final = (400, 401, 429, 503)


def refusals(*statuses: int) -> dict[int, ResponseSpec]:
    """What a call may answer besides its good answer: bad input, no credentials, too often, away; and ``statuses``."""
    return {
        status: ResponseSpec(Refused, generate_examples=False, description=HTTPStatus(status).phrase)
        for status in sorted({*_ALWAYS, *statuses})
    }
