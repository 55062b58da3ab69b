"""The messages of the code beside those of the catalogues.

``python -m tests.architecture.catalogues`` brings them together (``make messages``). A catalogue holds no places, no
dates and no guesses: it changes only where a message does.
"""

from __future__ import annotations

import functools
import io
from pathlib import Path
from typing import Final

from babel.messages import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.frontend import parse_mapping_cfg
from babel.messages.pofile import read_po, write_po

from backend.infra.i18n import DOMAIN, LOCALES_DIR
from backend.kernel.text import Locale

ROOT: Final = Path(__file__).parents[2]
_HEADER: Final = """\
msgid ""
msgstr ""
"Language: {language}\\n"
"MIME-Version: 1.0\\n"
"Content-Type: text/plain; charset=utf-8\\n"
"Content-Transfer-Encoding: 8bit\\n"
"Plural-Forms: {plural_forms}\\n"

"""


def path_of(locale: Locale) -> Path:
    """The file of a language's catalogue."""
    return LOCALES_DIR / locale / f"{DOMAIN}.po"


@functools.cache
def extracted() -> Catalog:
    """Every message that the code and the templates say, untranslated."""
    with (LOCALES_DIR / "babel.cfg").open() as mapping:
        methods, options = parse_mapping_cfg(mapping)
    found = Catalog()
    for _file, _line, message, _comments, context in extract_from_dir(ROOT, methods, options):
        found.add(message, context=context)
    return found


def catalogue(locale: Locale) -> Catalog:
    """The language's catalogue as it stands."""
    with path_of(locale).open("rb") as file:
        return read_po(file, locale=str(locale), domain=DOMAIN)


def updated(locale: Locale) -> str:
    """What the language's file should be: all that is extracted, nothing else; a new message waits for its words.

    English says what the code says.
    """
    old, new = catalogue(locale), Catalog(locale=str(locale))
    for message in extracted():
        if not message.id:
            continue
        known = old.get(message.id, message.context)
        new.add(message.id, message.id if locale is Locale.EN else known and known.string, context=message.context)
    text = io.BytesIO()
    write_po(text, new, no_location=True, omit_header=True, sort_output=True, width=120)
    return _HEADER.format(language=locale, plural_forms=old.plural_forms) + text.getvalue().decode().strip() + "\n"


if __name__ == "__main__":
    for language in Locale:
        path_of(language).write_text(updated(language))
