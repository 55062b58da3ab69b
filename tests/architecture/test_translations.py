"""Everything that a person reads is in the catalogues, in every language, and nothing else is."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest
from babel.messages.catalog import Message
from jinja2 import Environment

from backend.infra.i18n import catalogues, translator
from backend.kernel.text import Locale
from tests.architecture.catalogues import ROOT, TRANSLATED, catalogue, extracted, updated

TEMPLATES: Final = ROOT / "webapp" / "templates"
PLACEHOLDER: Final = re.compile(r"%\(\w+\)s|\{\w*\}")
_TWO: Final = 2
"""The place of the Arabic form for two; before it are those for none and one."""
TAG: Final = re.compile(r"</?\w+[^>]*>")
SAME_EVERYWHERE: Final = {
    ", ",  # between list items; only Arabic has a comma of its own
    "/language: English, العربية, Русский",
}
"""Messages that may read in another language as they do in English: names that stay, and signs."""
UNTRANSLATED: Final = {
    "courses/lesson.html": {"screen--read"},
    "layouts/public.html": {
        "Souk",
        "width=device-width, initial-scale=1",
        "noindex, nofollow, noarchive",
        "same-origin",
    },
    "layouts/shell.html": {
        "Souk",
        "Souk needs JavaScript, as every Telegram mini app does.",
        "يحتاج سوق إلى جافا سكربت.",
        "Souk работает только с JavaScript.",
        "width=device-width, initial-scale=1, viewport-fit=cover",
        "light dark",
        "telephone=no",
        "same-origin",
    },
    "layouts/page.html": {"Souk"},
    "errors/_page.html": {"Souk", "screen--mid"},
    "orders/_key.html": {".txt"},
}
"""What stands in a template as it is: the brand, values that are no words, what is said in all languages at once."""
ICONS: Final = set(re.findall(r'<symbol id="i-([\w-]+)"', (ROOT / "webapp" / "static" / "icons.svg").read_text()))
"""Their names fill the block ``icon`` of an error page."""


def forms(value: object) -> tuple[str, ...]:
    return tuple(map(str, value)) if isinstance(value, (tuple, list)) else (str(value),)


def messages(locale: Locale) -> Iterator[Message]:
    return (message for message in catalogue(locale) if message.id)


def said() -> list[Message]:
    """Every message of the code, untranslated."""
    return [message for part in extracted().values() for message in part if message.id]


@pytest.mark.long("the first one reads all messages of the code")
@pytest.mark.parametrize("locale", TRANSLATED)
def test_a_catalogue_holds_what_the_code_says_and_nothing_else(locale: Locale) -> None:
    needed = {(forms(message.id), message.context) for message in said()}
    known = {(forms(message.id), message.context) for message in messages(locale)}
    assert needed - known == set(), "missing: make messages, then translate"
    assert known - needed == set(), "unused: make messages"


def test_english_is_the_code() -> None:
    assert catalogues(Locale.EN) == []
    assert translator(Locale.EN).ngettext("%(n)s order", "%(n)s orders", 2) == "%(n)s orders"


def test_every_message_in_the_code_is_found_by_babel() -> None:
    """A call inside an f-string is not, until Python 3.12; nor is one by a name that Babel does not know."""
    extracted = {(forms(message.id), message.context) for message in said()}
    files = [file for part in ("backend", "bot", "webapp") for file in (ROOT / part).rglob("*.py")]
    assert [(str(file), text) for file in files for text in said_in(file) if text not in extracted] == []


def said_in(file: Path) -> Iterator[tuple[tuple[str, ...], str | None]]:
    """The literal messages of a module, with their contexts."""
    takes = {"_": 1, "say": 1, "gettext": 1, "mark": 1, "ngettext": 2, "pgettext": 2, "npgettext": 3}
    for node in ast.walk(ast.parse(file.read_text())):
        if not isinstance(node, ast.Call):
            continue
        name = node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", "")
        texts = [arg.value for arg in node.args[: takes.get(name, 0)] if isinstance(arg, ast.Constant)]
        if texts and all(isinstance(text, str) for text in texts):
            context = texts.pop(0) if name in {"pgettext", "npgettext"} else None
            yield tuple(texts), context


@pytest.mark.parametrize("locale", TRANSLATED)
def test_catalogues_are_written_as_make_messages_writes_them(locale: Locale) -> None:
    files = updated(locale)
    assert set(catalogues(locale)) == set(files), "one file for each slice that says something"
    for path, text in files.items():
        assert path.read_text() == text, f"{path.name}: run make messages"
        assert not re.search(r"^#[:~]|-Date:", text, re.MULTILINE)


@pytest.mark.parametrize("locale", TRANSLATED)
def test_every_message_is_translated_in_every_form(locale: Locale) -> None:
    count = {Locale.AR: 6, Locale.RU: 3}[locale]
    for message in messages(locale):
        translations = forms(message.string)
        assert not message.fuzzy, message.id
        assert len(translations) == (count if message.pluralizable else 1), message.id
        assert all(text.strip() for text in translations), message.id


@pytest.mark.parametrize("locale", TRANSLATED)
def test_placeholders_and_markup_stay(locale: Locale) -> None:
    for message in messages(locale):
        for pattern in (PLACEHOLDER, TAG):
            (expected,) = {frozenset(pattern.findall(text)) for text in forms(message.id)}
            for form, text in enumerate(forms(message.string)):
                missing = expected ^ frozenset(pattern.findall(text))
                # Arabic has a word for "none of", "one" and "two of" a thing, beside which the number says it twice.
                worded = locale is Locale.AR and message.pluralizable and form <= _TWO
                assert not missing or (worded and len(missing) == 1 and missing <= expected), (message.id, text)


@pytest.mark.parametrize("locale", TRANSLATED)
def test_nothing_is_left_in_english(locale: Locale) -> None:
    same = {message.id for message in messages(locale) if set(forms(message.id)) & set(forms(message.string))}
    assert same <= SAME_EVERYWHERE
    assert not [
        message.id
        for message in messages(locale)
        if message.id not in SAME_EVERYWHERE and not re.search(r"[\u0400-\u04ff\u0600-\u06ff]", "".join(message.string))
    ]


def test_the_allow_lists_hold_nothing_that_is_gone() -> None:
    assert {message.id for message in said()} >= SAME_EVERYWHERE
    for name, texts in UNTRANSLATED.items():
        assert texts <= set(raw_texts(TEMPLATES / name)), name


@pytest.mark.parametrize("path", sorted(TEMPLATES.rglob("*.html")), ids=lambda path: str(path.relative_to(TEMPLATES)))
def test_a_template_says_nothing_untranslated(path: Path) -> None:
    allowed = UNTRANSLATED.get(str(path.relative_to(TEMPLATES)), set())
    assert set(raw_texts(path)) - ICONS <= allowed


def raw_texts(path: Path) -> Iterator[str]:
    """The words of a template that stand outside of every expression: between tags and in attributes that are read."""
    parts, translated = [], False
    for _line, kind, value in Environment(extensions=["jinja2.ext.i18n"]).lex(path.read_text()):
        if kind == "name" and value in {"trans", "endtrans"}:
            translated = value == "trans"
        elif kind == "data" and not translated:
            parts.append(value)
        elif kind == "block_begin":
            parts.append("\0")
    text = "".join(parts)
    read = re.findall(r'\b(?:aria-label|title|placeholder|alt|content|data-toast|data-title)="([^"]*)"', text)
    # A block may fill a tag: attributes go first, wherever they stand.
    text = re.sub(r'[\w-]+="[^"]*"', "", text)
    for raw in [*re.split(r"<[^>]*>|\0", text), *read]:
        if re.search(r"[^\W\d_]", raw):
            yield " ".join(raw.replace("\0", " ").split())


@pytest.mark.parametrize(
    ("locale", "form_of"),
    [
        (Locale.AR, {0: 0, 1: 1, 2: 2, 3: 3, 10: 3, 11: 4, 99: 4, 100: 5, 102: 5, 103: 3, 111: 4}),
        (Locale.RU, {0: 2, 1: 0, 2: 1, 4: 1, 5: 2, 11: 2, 21: 0, 22: 1, 112: 2}),
    ],
)
def test_numbers_choose_their_form(locale: Locale, form_of: dict[int, int]) -> None:
    one, many = "%(orders)s order", "%(orders)s orders"
    entry = next(message for message in messages(locale) if message.id == (one, many))
    for number, form in form_of.items():
        assert translator(locale).ngettext(one, many, number) == entry.string[form], number


def test_arabic_has_latin_digits_and_no_middle_dot() -> None:
    """Beside a number "·" reads as a zero; numbers are formatted with Latin digits, so texts have them too."""
    bad = re.compile("[·•|\u0660-\u0669\u06f0-\u06f9\u066a-\u066c]")
    assert [text for message in messages(Locale.AR) for text in forms(message.string) if bad.search(text)] == []
    for file in TEMPLATES.rglob("*.html"):
        outside = re.sub(r"{% trans %}.*?{% endtrans %}", "", file.read_text())
        assert "·" not in outside, f"{file}: sep()"
