"""Documents that are sold: PDFs and ZIPs, whole and spoilt."""

from __future__ import annotations

import zipfile
from io import BytesIO

from pypdf import PdfReader, PdfWriter


def zipped(**members: str) -> bytes:
    """A ZIP of texts."""
    target = BytesIO()
    with zipfile.ZipFile(target, "w") as packed:
        for name, text in members.items():
            packed.writestr(zipfile.ZipInfo(f"{name}.txt"), text)
    return target.getvalue()


ZIP = zipped(guide="How to begin")


def pdf(pages: int = 2, *, password: str = "", width: int = 300, height: int = 400, rotated: int = 0) -> bytes:
    """A PDF of empty pages."""
    writer = PdfWriter()
    for _ in range(pages):
        page = writer.add_blank_page(width, height)
        if rotated:
            page.rotate(rotated)
    if password:
        writer.encrypt(password)
    target = BytesIO()
    writer.write(target)
    return target.getvalue()


def texts_of(data: bytes) -> list[str]:
    """The text of each page."""
    return [page.extract_text() for page in PdfReader(BytesIO(data)).pages]
