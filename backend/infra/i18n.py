"""Translations, read at start from the .po files of each slice: no compiled artefacts."""

from __future__ import annotations

import functools
import gettext
import io
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po

from backend.kernel.text import Locale

LOCALES_DIR = Path(__file__).parent.parent / "locales"


Text = str | tuple[str, str]
"""A message that stands in code: its English, or its context and its English."""


class Translator:
    """The texts of one language; English is the source and the fallback."""

    def __init__(self, locale: Locale, translations: gettext.NullTranslations) -> None:
        self.locale = locale
        self.gettext = translations.gettext
        self.ngettext = translations.ngettext
        self.pgettext = translations.pgettext
        self.npgettext = translations.npgettext

    def say(self, text: Text) -> str:
        """The translation of a message that ``mark`` or ``mark_of`` marked."""
        return self.gettext(text) if isinstance(text, str) else self.pgettext(*text)


def mark(text: str) -> str:
    """Mark a message that stands in code for extraction (imported as ``_``); it is translated where it is shown."""
    return text


def mark_of(context: str, text: str) -> tuple[str, str]:
    """Mark a message that needs two translations (imported as ``pgettext``); ``Translator.say`` translates it."""
    return context, text


def catalogues(locale: Locale) -> list[Path]:
    """The files of a language, one for each slice; English has none: its words stand in the code."""
    return sorted((LOCALES_DIR / locale).glob("*.po"))


@functools.cache
def translator(locale: Locale) -> Translator:
    """The translator of ``locale``; each file is read once."""
    words = Catalog(locale=str(locale))
    for path in catalogues(locale):
        with path.open("rb") as source:
            part = read_po(source, locale=str(locale))
        # The plural rule is the files': Babel's own for Arabic has its last two forms swapped.
        words.mime_headers = part.mime_headers
        for message in part:
            if message.id:
                words[message.id] = message
    if not len(words):
        return Translator(locale, gettext.NullTranslations())
    compiled = io.BytesIO()
    write_mo(compiled, words)
    compiled.seek(0)
    return Translator(locale, gettext.GNUTranslations(compiled))
