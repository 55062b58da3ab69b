"""What a product or a category of the panel's form may be: the same limits as in a catalogue file."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Collection, Mapping
from datetime import datetime
from typing import Any, Final

import msgspec

from backend.catalog.rules import fields
from backend.catalog.rules.fields import FieldError, Parser
from backend.catalog.types import HUES, ICONS, ChoiceKind
from backend.catalog.types.editing import (
    LONGEST_CATEGORY_NAME,
    LONGEST_DESCRIPTION,
    LONGEST_NAME,
    LONGEST_SUMMARY,
    CategoryDraft,
    ProductDraft,
)
from backend.kernel.errors import Invalid
from backend.kernel.text import Locale

_HIDDEN_ORDER: Final = re.compile("[\u202a-\u202e\u2066-\u2069]")
"""Signs that show letters in another order than they are written in."""
_TEXTS: Final[dict[str, Parser]] = {
    "name": fields.words(LONGEST_NAME),
    "summary": fields.words(LONGEST_SUMMARY),
    "description": fields.markdown(LONGEST_DESCRIPTION),
}
_LONGEST_SLUG: Final = 64
_NOT_IN_SLUG: Final = re.compile(r"[^a-z0-9]+")
_CHOICES: Final = frozenset(item.value for item in ChoiceKind)


def check_product(draft: ProductDraft, stored: ProductDraft | None, now: datetime) -> ProductDraft:
    """The draft as it is stored: without empty texts, and hidden until it is published.

    A time that was stored before may have come meanwhile: then it is shown at once. Raises Invalid, naming the fields:
    a text's is ``name_en``.
    """
    bad: dict[str, str] = {}
    given = {"name": draft.name, "summary": draft.summary, "description": draft.description}
    checked = {field: _texts(field, texts, _TEXTS[field], bad) for field, texts in given.items()}
    if not checked["name"].get(Locale.EN):
        bad.setdefault("name_en", "required")
    _try("slug", fields.slug, draft.slug, bad)
    country = _try("country", fields.country, draft.country or "", bad)
    tags = _try("tags", fields.tags, ";".join(draft.tags), bad)
    _look(draft, bad)
    if draft.choice not in _CHOICES:
        bad["choice"] = "unknown_value"
    if not draft.category:
        bad["category"] = "required"
    publish_at, hidden = draft.publish_at, draft.hidden
    if publish_at is not None:
        same, due = stored is not None and stored.publish_at == publish_at, publish_at <= now
        if due and not same:
            bad["publish_at"] = "past"
        hidden, publish_at = (False, None) if due else (True, publish_at)
    if bad:
        raise Invalid("bad product", fields=bad)
    return msgspec.structs.replace(draft, **checked, country=country, tags=tags, hidden=hidden, publish_at=publish_at)


def check_category(draft: CategoryDraft) -> CategoryDraft:
    """The draft as it is stored. Raises Invalid, naming the fields."""
    bad: dict[str, str] = {}
    name = _texts("name", draft.name, fields.words(LONGEST_CATEGORY_NAME), bad)
    if not name.get(Locale.EN):
        bad.setdefault("name_en", "required")
    _try("slug", fields.slug, draft.slug, bad)
    _look(draft, bad)
    if bad:
        raise Invalid("bad category", fields=bad)
    return msgspec.structs.replace(draft, name=name)


def propose_slug(name: str, taken: Collection[str] = (), *, fallback: str = "product") -> str:
    """An address made of a name, with a number at its end where another has it already."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    stem = _NOT_IN_SLUG.sub("-", plain).strip("-")[:_LONGEST_SLUG].strip("-") or fallback
    slug, number = stem, 1
    while slug in taken:
        number += 1
        ending = f"-{number}"
        slug = stem[: _LONGEST_SLUG - len(ending)].rstrip("-") + ending
    return slug


def differences(before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """The fields that differ, before and after, for the audit trail."""
    changed = [name for name in after if before.get(name) != after[name]]
    return {
        "before": {name: _plain(before[name]) for name in changed if name in before},
        "after": {name: _plain(after[name]) for name in changed},
    }


def _plain(value: Any) -> Any:
    return value.isoformat() if isinstance(value, datetime) else value


def _texts(field: str, texts: Mapping[str, str], parse: Parser, bad: dict[str, str]) -> dict[str, str]:
    checked: dict[str, str] = {}
    for locale in Locale:
        text = texts.get(locale, "").strip()
        if _HIDDEN_ORDER.search(text):
            bad[f"{field}_{locale}"] = "hidden_order"
        elif text:
            parsed = _try(f"{field}_{locale}", parse, text, bad)
            if parsed:
                checked[locale.value] = parsed
    if set(texts) - set(Locale):
        bad[f"{field}_en"] = "unknown_language"
    return checked


def _try(name: str, parse: Callable[[str], Any], text: str, bad: dict[str, str]) -> Any:
    try:
        return parse(text)
    except FieldError as error:
        bad[name] = error.code.value
        return None


def _look(draft: ProductDraft | CategoryDraft, bad: dict[str, str]) -> None:
    if draft.icon not in ICONS:
        bad["icon"] = "unknown_value"
    if draft.hue not in HUES:
        bad["hue"] = "unknown_value"
