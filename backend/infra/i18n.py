"""Translations, read from the .po files at start: no compiled artefacts."""

from __future__ import annotations

import functools
import gettext
import io
from pathlib import Path

from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po

from backend.kernel.text import Locale

LOCALES_DIR = Path(__file__).parent.parent / "locales"
DOMAIN = "souk"


class Translator:
    """The words of one language; English is the source and stands in for what is missing."""

    def __init__(self, locale: Locale, translations: gettext.NullTranslations) -> None:
        self.locale = locale
        self.gettext = translations.gettext
        self.ngettext = translations.ngettext
        self.pgettext = translations.pgettext
        self.npgettext = translations.npgettext


def mark(text: str) -> str:
    """Mark a message that stands in code for extraction (imported as ``_``); it is translated where it is told."""
    return text


@functools.cache
def translator(locale: Locale) -> Translator:
    """The translator of ``locale``; each file is read once."""
    path = LOCALES_DIR / locale / f"{DOMAIN}.po"
    if not path.exists():
        return Translator(locale, gettext.NullTranslations())
    with path.open("rb") as source:
        catalog = read_po(source, locale=str(locale), domain=DOMAIN)
    compiled = io.BytesIO()
    write_mo(compiled, catalog)
    compiled.seek(0)
    return Translator(locale, gettext.GNUTranslations(compiled))
