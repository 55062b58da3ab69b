"""The page of a student's certificate: what is missing, the name, the certificate."""

from __future__ import annotations

from datetime import datetime
from typing import Final, Literal
from urllib.parse import urlencode

import msgspec

from backend.certificates.types import LONGEST_NAME, AskPage, Status
from backend.infra.i18n import Translator
from backend.kernel.text import Locale, pick

NameError_ = Literal["", "required", "too_long", "unprintable", "same"]
State = Literal["no_access", "no_plan", "missing", "ask", "confirm", "issued", "correct", "recheck", "revoked", "ended"]
LANGUAGES: Final = tuple((locale, locale.own_name) for locale in Locale)
_SHARE: Final = "https://t.me/share/url"


class CertificatePage(msgspec.Struct, frozen=True, kw_only=True):
    """certificates/certificate.html

    ``confirm`` and ``recheck`` show a ``picture`` with a name that the person has not confirmed yet: the first one and
    the correction. ``signs`` are those of the name that can't be printed.
    """

    slug: str
    title: str
    state: State
    run: int | None
    missing: int
    name: str
    locale: Locale
    longest: int = LONGEST_NAME
    error: NameError_ = ""
    signs: str = ""
    picture: str = ""
    pdf: str = ""
    png: str = ""
    number: str = ""
    verify: str = ""
    share: str = ""
    """The address by which it is shared where the app can't send a prepared message."""
    may_correct: bool = False
    reason: str = ""
    revoked_at: datetime | None = None
    earlier: tuple[int, ...] = ()
    fresh: bool = False
    """It has just been issued or corrected."""

    @property
    def languages(self) -> tuple[tuple[Locale, str], ...]:
        """In which a certificate may be, each in its own words."""
        return LANGUAGES

    @property
    def path(self) -> str:
        """The address of the page."""
        return f"/learn/{self.slug}/certificate"

    @property
    def query(self) -> str:
        """What addresses of this page end with: the run, where it is not the present one."""
        return f"?run={self.run}" if self.run else ""


def certificate_page(
    shown: AskPage, locale: Locale, words: Translator, public_url: str, run: int | None
) -> CertificatePage:
    """The page as it is when somebody opens it; the certificate's files have no addresses yet."""
    view = CertificatePage(
        slug=shown.slug,
        title=pick(shown.course, locale),
        state=_state(shown),
        run=run,
        missing=shown.missing,
        name=shown.name,
        locale=locale,
        earlier=shown.earlier,
    )
    if shown.held is None:
        return view
    one = shown.held.certificate
    verify = f"{public_url}/verify/{one.number}"
    text = words.gettext("{name} has completed the course “{course}”. Certificate {number}").format(
        name=one.printed.name, course=one.printed.course, number=one.number
    )
    return msgspec.structs.replace(
        view,
        name=one.printed.name,
        locale=one.locale,
        number=one.number,
        verify=verify,
        share=f"{_SHARE}?{urlencode({'url': verify, 'text': text})}",
        may_correct=one.corrected_at is None,
        reason=one.revoke_reason,
        revoked_at=one.revoked_at,
    )


def _state(shown: AskPage) -> State:
    if shown.held is not None:
        states: dict[Status, State] = {
            Status.VALID: "issued", Status.REVOKED: "revoked", Status.ACCESS_ENDED: "ended",
        }  # fmt: skip
        return states[shown.held.status]
    if not shown.access:
        return "no_access"
    if not shown.in_plan:
        return "no_plan"
    return "ask" if shown.completed else "missing"
