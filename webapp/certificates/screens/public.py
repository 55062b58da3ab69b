"""The public page of a certificate, in its own language."""

from __future__ import annotations

from datetime import date, datetime
from typing import Literal

import msgspec

from backend.certificates.types import Held, Status
from backend.kernel.text import Locale


class VerifyPage(msgspec.Struct, frozen=True, kw_only=True):
    """certificates/verify.html; ``missing`` is a code that was never given, ``busy`` too many tries."""

    state: Literal["valid", "revoked", "ended", "missing", "busy", "ask"]
    locale: Locale
    shop: str
    typed: str = ""
    number: str = ""
    name: str = ""
    course: str = ""
    hours: int | None = None
    completed_on: date | None = None
    issued_at: datetime | None = None
    reprinted_at: datetime | None = None
    """When what it says was changed."""
    revoked_at: datetime | None = None
    picture: str = ""
    url: str = ""


def verify_page(held: Held, public_url: str) -> VerifyPage:
    """A certificate that exists."""
    one = held.certificate
    states: dict[Status, Literal["valid", "revoked", "ended"]] = {
        Status.VALID: "valid", Status.REVOKED: "revoked", Status.ACCESS_ENDED: "ended",
    }  # fmt: skip
    url = f"{public_url}/verify/{one.number}"
    return VerifyPage(
        state=states[held.status],
        locale=one.locale,
        shop=one.issuer,
        number=one.number,
        name=one.printed.name,
        course=one.printed.course,
        hours=one.printed.hours,
        completed_on=one.completed_on,
        issued_at=one.issued_at,
        reprinted_at=one.printed.printed_at if one.printed.revision > 1 else None,
        revoked_at=one.revoked_at,
        picture=f"{url}.png" if held.status is Status.VALID else "",
        url=url,
    )
