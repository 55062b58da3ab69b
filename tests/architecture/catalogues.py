"""The messages of the code beside those of the catalogues.

``python -m tests.architecture.catalogues`` brings them together (``make messages``). A catalogue holds no places, no
dates and no guesses: it changes only where a message does.
"""

from __future__ import annotations

import functools
import io
from collections import defaultdict
from pathlib import Path
from typing import Final

from babel.messages import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.frontend import parse_mapping_cfg
from babel.messages.pofile import read_po, write_po

from backend.infra.i18n import LOCALES_DIR, catalogues
from backend.kernel.text import Locale

ROOT: Final = Path(__file__).parents[2]
TRANSLATED: Final = (Locale.AR, Locale.RU)
"""The languages that have files; English is what the code says."""
SLICES: Final = frozenset(path.parent.name for path in (ROOT / "backend").glob("*/types*"))
_HEADER: Final = """\
msgid ""
msgstr ""
"Language: {language}\\n"
"MIME-Version: 1.0\\n"
"Content-Type: text/plain; charset=utf-8\\n"
"Content-Transfer-Encoding: 8bit\\n"
"Plural-Forms: {plural_forms}\\n"

"""


@functools.cache
def said() -> dict[tuple[str | tuple[str, ...], str | None], set[str]]:
    """Every message of the code and the templates, with its context, and the files (below the root) that say it."""
    with (LOCALES_DIR / "babel.cfg").open() as mapping:
        methods, options = parse_mapping_cfg(mapping)
    files: dict[tuple[str | tuple[str, ...], str | None], set[str]] = defaultdict(set)
    for file, _line, message, _comments, context in extract_from_dir(ROOT, methods, options):
        files[message, context].add(file)
    return dict(files)


@functools.cache
def extracted() -> dict[str, Catalog]:
    """Every message that code and templates say, untranslated, by slice; what several slices say is ``core``'s."""
    parts: dict[str, Catalog] = defaultdict(Catalog)
    for (message, context), files in said().items():
        slices = {slice_of(Path(file)) for file in files}
        parts[slices.pop() if len(slices) == 1 else "core"].add(message, context=context)
    return dict(parts)


def slice_of(file: Path) -> str:
    """The slice that a file (below the root) belongs to; ``core`` for what belongs to none."""
    names = [part.removesuffix(".py") for part in file.parts]
    return next((name for name in names[1:] if name in SLICES), "core")


def path_of(locale: Locale, name: str) -> Path:
    """The file of a slice's messages in a language."""
    return LOCALES_DIR / locale / f"{name}.po"


def catalogue(locale: Locale) -> Catalog:
    """All that the language's files say."""
    whole = Catalog(locale=str(locale))
    for path in catalogues(locale):
        with path.open("rb") as file:
            part = read_po(file, locale=str(locale))
        whole.mime_headers = part.mime_headers
        for message in part:
            if message.id:
                whole[message.id] = message
    return whole


def updated(locale: Locale) -> dict[Path, str]:
    """What the language's files should be: all that is extracted, nothing else; a new message waits for its words."""
    old = catalogue(locale)
    files = {}
    for name, part in extracted().items():
        new = Catalog(locale=str(locale))
        for message in part:
            if message.id:
                known = old.get(message.id, message.context)
                new.add(message.id, known and known.string, context=message.context)
        text = io.BytesIO()
        write_po(text, new, no_location=True, omit_header=True, sort_output=True, width=120)
        header = _HEADER.format(language=locale, plural_forms=old.plural_forms)
        files[path_of(locale, name)] = header + text.getvalue().decode().strip() + "\n"
    return files


def main() -> None:
    """Write the files of every language, and remove those that have no messages any more."""
    for locale in TRANSLATED:
        files = updated(locale)
        for path in set(catalogues(locale)) - set(files):
            path.unlink()
        for path, text in files.items():
            path.write_text(text)


if __name__ == "__main__":
    main()
