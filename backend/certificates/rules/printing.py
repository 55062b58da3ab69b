"""What is printed on a certificate: facts and words in its language, as the template takes them."""

from __future__ import annotations

from typing import Final
from urllib.parse import urlsplit

import msgspec

from backend.certificates.types import Certificate
from backend.infra.formatting import format_date, format_number
from backend.infra.i18n import Translator
from backend.infra.typography import breakable, direction, printable, qr_code

_NO_CODE: Final = "····-····-····-····"


class Printed(msgspec.Struct, frozen=True, kw_only=True):
    """The data of template/certificate.typ. ``mark`` is drawn over it; ``qr`` is an SVG, empty for none."""

    lang: str
    dir: str
    title: str
    issuer: str
    issuer_dir: str
    certifies: str
    name: str
    name_dir: str
    completed: str
    course: str
    course_dir: str
    hours: str
    date_label: str
    date: str
    code_label: str
    code: str
    check: str
    address: str
    qr: str
    mark: str


def printed(certificate: Certificate, words: Translator, public_url: str) -> Printed:
    """What a certificate says; an unfinished one, without a code, is marked as a preview."""
    _, locale, said = words.gettext, certificate.locale, certificate.printed
    issuer, course = printable(certificate.issuer), printable(said.course)
    hours = ""
    if said.hours is not None:
        count = format_number(said.hours, locale)
        hours = words.ngettext("{hours} hour of study", "{hours} hours of study", said.hours).format(hours=count)
    host = urlsplit(public_url).netloc
    return Printed(
        lang=locale.value,
        dir=locale.direction,
        title=_("Certificate of completion"),
        issuer=breakable(issuer),
        issuer_dir=direction(issuer),
        certifies=_("This is to certify that"),
        name=breakable(said.name),
        name_dir=direction(said.name),
        completed=_("has completed the course"),
        course=breakable(course),
        course_dir=direction(course),
        hours=hours,
        date_label=_("Completed on"),
        date=format_date(certificate.completed_on, locale, "d MMMM y"),
        code_label=_("Certificate number"),
        code=certificate.number if certificate.code else _NO_CODE,
        check=_("Check it at"),
        address=f"{host}/verify",
        qr=qr_code(f"{public_url}/verify/{certificate.number}") if certificate.code else "",
        mark="" if certificate.code else words.pgettext("certificate", "Preview"),
    )
