"""Certificates as they are drawn: the same on every machine, with our fonts only, whatever the name."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from datetime import UTC, date, datetime
from pathlib import Path
from uuid import UUID

import pytest
from msgspec.structs import replace

from backend.certificates.gateways import TEMPLATE
from backend.certificates.rules.naming import check_name
from backend.certificates.rules.printing import Printed, printed
from backend.certificates.types import Certificate, CertificateId, Print, PrintReason
from backend.courses.types import CourseId, EnrolmentId
from backend.infra.documents import Typesetter
from backend.infra.fonts import FONTS_DIR
from backend.infra.i18n import translator
from backend.infra.typography import clean
from backend.kernel.ids import UserId
from backend.kernel.text import Locale
from tests import pixels

GOLDEN = Path(__file__).parent / "golden"
PPI = 32
_TOLERANCE = 0.004
"""Another processor may round an edge otherwise; a letter that is drawn otherwise is ten times that."""
_ID = UUID(int=1)
NAMES = {
    "en": (Locale.EN, "Layla Ahmed", "Calm in seven days"),
    "ar": (Locale.AR, "لَيْلى بنت أحمد الزَّهْراني", "الهدوء في سبعة أيام"),
    "ru": (Locale.RU, "Екатерина Щёголева-Ющенко", "Спокойствие за семь дней"),
    "mixed": (Locale.AR, "Anna-Мария O’Neill", "دورة «Python» المتقدمة (2026)"),
    "long-en": (Locale.EN, ("Maximiliana Wilhelmina " * 9)[:200], "Calm in seven days"),
    "long-ar": (Locale.AR, ("عبدالرحمن بن محمد الأنصاري " * 9)[:200].strip(), "الهدوء في سبعة أيام " * 5),
    "word-ru": (Locale.RU, "Щ" * 200, "Ы" * 100),
    "word-ar": (Locale.AR, ("بسمالرحمنعليهسيدكمفتح" * 10)[:200], "الهدوء"),
    "markup": (Locale.EN, '#read("/etc/passwd") *b* $x$ <script> \\ @y `z` // /* ]', "#panic() = _x_"),
}


def _page(locale: Locale, name: str, course: str) -> Printed:
    cleaned = clean(name)
    check_name(cleaned)
    certificate = Certificate(
        id=CertificateId(_ID),
        code="7K3MQ9TZ4XBCD8WF",
        user_id=UserId(_ID),
        course_id=CourseId(_ID),
        enrolment_id=EnrolmentId(_ID),
        locale=locale,
        issuer="Souk Academy",
        completed_on=date(2026, 11, 12),
        issued_at=datetime(2026, 11, 13, tzinfo=UTC),
        corrected_at=None,
        revoked_at=None,
        revoke_reason="",
        plan_rank=2,
        printed=Print(
            revision=1,
            name=cleaned,
            course=course,
            hours=14,
            reason=PrintReason.ISSUED,
            printed_at=datetime(2026, 11, 13, tzinfo=UTC),
            printed_by=UserId(_ID),
        ),
    )
    return printed(certificate, translator(locale), "https://souk.example")


@pytest.fixture(scope="module")
def typesetter() -> Typesetter:
    return Typesetter(TEMPLATE)


@pytest.mark.parametrize("which", NAMES)
async def test_it_looks_as_it_did(which: str, typesetter: Typesetter) -> None:
    """And nothing leaves the column of the text, nor covers what is below it, whatever a later picture looks like."""
    drawn = pixels.read(await typesetter.png(_page(*NAMES[which]), ppi=PPI))
    assert pixels.difference(drawn, pixels.read((GOLDEN / f"{which}.png").read_bytes())) < _TOLERANCE
    assert pixels.ink(drawn, left=0.06, right=0.1, top=0.1, bottom=0.9) == 0
    assert pixels.ink(drawn, left=0.9, right=0.94, top=0.1, bottom=0.9) == 0
    assert pixels.ink(drawn, left=0.1, right=0.9, top=0.72, bottom=0.745) == 0
    assert pixels.ink(drawn, left=0.1, right=0.9, top=0.35, bottom=0.55) > 50


async def test_another_name_looks_otherwise(typesetter: Typesetter) -> None:
    """The golden pictures would show it."""
    drawn = pixels.read(await typesetter.png(_page(Locale.AR, "ليلى", NAMES["ar"][2]), ppi=PPI))
    assert pixels.difference(drawn, pixels.read((GOLDEN / "ar.png").read_bytes())) > _TOLERANCE * 2


async def test_the_same_data_gives_the_same_bytes(typesetter: Typesetter) -> None:
    page = _page(*NAMES["ar"])
    pdfs = {await typesetter.pdf(page), await Typesetter(TEMPLATE).pdf(page)}
    assert len(pdfs) == 1
    (pdf,) = pdfs
    assert pdf.startswith(b"%PDF-")
    assert await typesetter.png(page, ppi=PPI) == await typesetter.png(page, ppi=PPI)


def test_a_preview_says_so_and_has_no_code() -> None:
    certificate = _page(*NAMES["en"])
    assert (certificate.mark, certificate.code[:4]) == ("", "7K3M")
    assert replace(certificate, qr="") != certificate


_SEPARATE = """
import asyncio, hashlib, json, sys
import msgspec
from pathlib import Path
before = [name for name in sys.modules if name.startswith("typst")]
from backend.certificates.gateways import TEMPLATE
from backend.certificates.rules.printing import Printed
from backend.infra.documents import Typesetter
idle = [name for name in sys.modules if name.split(".")[0] in {"typst", "segno"}]
page = msgspec.json.decode(sys.stdin.buffer.read(), type=Printed)
setter = Typesetter(TEMPLATE)
png = asyncio.run(setter.png(page, ppi=32))
fonts = {font.path for font in setter._fonts.fonts()}
maps = Path("/proc/self/maps").read_text()
print(json.dumps([idle, hashlib.sha256(png).hexdigest(), sorted(fonts), maps]))
"""


@pytest.mark.long("starts a Python that has imported nothing")
async def test_neither_fonts_nor_libraries_of_the_system_are_used(typesetter: Typesetter, tmp_path: Path) -> None:
    """In a process of its own: idle it has no typst, and drawing it loads no font but ours and no text library."""
    import msgspec

    page = _page(*NAMES["ar"])
    done = subprocess.run(
        [sys.executable, "-c", _SEPARATE], input=msgspec.json.encode(page), capture_output=True, check=True,
        env={"HOME": str(tmp_path), "FONTCONFIG_PATH": str(tmp_path)}, cwd=Path(__file__).parents[3],
    )  # fmt: skip
    idle, digest, fonts, maps = json.loads(done.stdout)
    assert idle == []
    assert digest == hashlib.sha256(await typesetter.png(page, ppi=PPI)).hexdigest()
    assert {Path(path).parent for path in fonts} == {FONTS_DIR}
    assert len(fonts) == 4
    for library in ("fontconfig", "freetype", "harfbuzz", "fribidi", "pango", "cairo", "/usr/share/fonts"):
        assert library not in maps


def test_each_font_is_the_one_listed() -> None:
    listed = json.loads((FONTS_DIR / "fonts.json").read_text("utf-8"))
    files = {path.name for path in FONTS_DIR.iterdir() if path.suffix in {".ttf", ".LICENSE"}}
    for entry in listed:
        assert hashlib.sha256((FONTS_DIR / entry["file"]).read_bytes()).hexdigest() == entry["sha256"]
        assert "SIL OPEN FONT LICENSE" in (FONTS_DIR / entry["licence_file"]).read_text("utf-8")
        files -= {entry["file"], entry["licence_file"]}
    assert not files, "every font is listed"
