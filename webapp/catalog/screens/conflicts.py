"""Two admins changed one product or category: what the later one's form and what is stored differ in."""

from __future__ import annotations

import zlib
from collections.abc import Mapping, Sequence
from typing import Final, Literal

import msgspec

from backend.catalog.types.editing import ManagedCategory
from backend.infra.formatting import country_name
from backend.infra.i18n import Translator
from backend.kernel.text import Locale, pick

_TEXTS: Final = tuple(f"{name}_{locale}" for name in ("name", "summary", "description") for locale in Locale)
PRODUCT: Final = (
    *_TEXTS, "category", "country", "tags", "slug", "choice", "hue", "icon", "shown", "publish_at", "premium_only",
)  # fmt: skip
CATEGORY: Final = (*(f"name_{locale}" for locale in Locale), "parent", "slug", "hue", "icon", "shown")
"""The fields of their forms."""
_PICK: Final = "pick_"
_NOT_SENT: Final = frozenset({"version", "base", "all", "in_language"})
Side = Literal["theirs", "yours"]


class Difference(msgspec.Struct, frozen=True):
    """A field in which two admins differ, as its values are shown; ``pick`` is what is proposed.

    ``field`` is its name without the language, ``language`` the language's own name.
    """

    name: str
    field: str
    language: str
    theirs: str
    yours: str
    pick: Side


class ConflictPage(msgspec.Struct, frozen=True, kw_only=True):
    """catalog/admin/conflict.html: what another admin saved meanwhile, beside what this one typed."""

    what: Literal["product", "category"]
    path: str
    """Its address."""
    title: str
    version: str
    base: str
    archived: bool
    differences: tuple[Difference, ...]
    hidden: tuple[tuple[str, str], ...]
    """What this admin typed."""


def base_of(values: Mapping[str, str], fields: Sequence[str]) -> str:
    """A short mark of each field of a form, by which it is seen later who changed it."""
    return "".join(_mark(_plain(values, name)) for name in fields)


def differing(typed: Mapping[str, str], stored: Mapping[str, str], fields: Sequence[str]) -> list[str]:
    """The fields that are typed otherwise than they are stored."""
    return [name for name in fields if _plain(typed, name) != _plain(stored, name)]


def resolved(typed: Mapping[str, str], stored: Mapping[str, str], fields: Sequence[str]) -> dict[str, str]:
    """What was typed, with what is stored in each field where that was picked; with ``all`` nothing but the typed."""
    if typed.get("all") == "yours":
        return dict(typed)
    theirs = {name: stored.get(name, "") for name in fields if typed.get(_PICK + name) == "theirs"}
    return {**typed, **theirs}


def conflict_page(
    what: Literal["product", "category"],
    path: str,
    title: str,
    typed: Mapping[str, str],
    stored: Mapping[str, str],
    categories: Sequence[ManagedCategory],
    words: Translator,
    *,
    archived: bool = False,
) -> ConflictPage:
    """The page that shows the difference. What only the other admin changed is proposed as theirs."""
    fields = PRODUCT if what == "product" else CATEGORY
    marks = typed.get("base", "")
    named = {one.slug: pick(one.name, words.locale) for one in categories}
    rows = []
    for name in differing(typed, stored, fields):
        at = fields.index(name) * 6
        own = marks[at : at + 6] != _mark(_plain(typed, name))
        field, language = name.rpartition("_")[::2] if name in _TEXTS else (name, "")
        rows.append(
            Difference(
                name=name,
                field=field,
                language=Locale(language).own_name if language else "",
                theirs=_shown(name, stored, named, words),
                yours=_shown(name, typed, named, words),
                pick="yours" if own else "theirs",
            )
        )
    hidden = ((name, value) for name, value in typed.items() if name not in _NOT_SENT and not name.startswith(_PICK))
    return ConflictPage(
        what=what,
        path=path,
        title=title,
        version=stored["version"],
        base=base_of(stored, fields),
        archived=archived,
        differences=tuple(rows),
        hidden=tuple(hidden),
    )


def _mark(text: str) -> str:
    return f"{zlib.crc32(text.encode()) & 0xFFFFFF:06x}"


def _plain(values: Mapping[str, str], name: str) -> str:
    """A field's text however a browser sends its line ends, spaces and tags."""
    text = values.get(name, "").replace("\r\n", "\n").strip()
    return ",".join(sorted(part.strip().lower() for part in text.split(","))) if name == "tags" else text


def _shown(name: str, values: Mapping[str, str], categories: Mapping[str, str], words: Translator) -> str:
    text = values.get(name, "").strip()
    if name in {"shown", "premium_only"}:
        return words.gettext("On") if text == "on" else words.gettext("Off")
    if name == "country":
        return country_name(text, words.locale) if text else words.gettext("Everywhere")
    if name == "parent" and not text:
        return words.gettext("At the top")
    if name in {"category", "parent"}:
        return categories.get(text, text)
    return text.replace("T", " ") if name == "publish_at" else text
