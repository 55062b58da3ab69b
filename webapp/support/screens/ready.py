"""Ready answers: their list, and the form of one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec

from backend.kernel.text import Locale, pick
from backend.support.types import ReadyAnswer
from webapp.support.screens.tickets import READY


class ReadyRow(msgspec.Struct, frozen=True):
    """A ready answer in the list; ``missing`` are the languages that it lacks."""

    href: str
    name: str
    text: str
    missing: tuple[str, ...]


class ReadyList(msgspec.Struct, frozen=True):
    """support/admin/ready.html"""

    rows: tuple[ReadyRow, ...]


class ReadyText(msgspec.Struct, frozen=True):
    """An answer in one language."""

    name: str
    label: str
    text: str
    error: str


class ReadyView(msgspec.Struct, frozen=True, kw_only=True):
    """support/admin/ready_answer.html: the form of a ready answer; a new one has no ``id``."""

    id: str
    name: str
    version: int
    texts: tuple[ReadyText, ...]
    errors: Mapping[str, str] = {}

    @property
    def path(self) -> str:
        """Where the form is sent."""
        return f"{READY}/{self.id or 'new'}"


def ready_list(answers: Sequence[ReadyAnswer], locale: Locale) -> ReadyList:
    """The ready answers, by name, each with its text in the reader's language where it has one."""
    return ReadyList(
        tuple(
            ReadyRow(
                href=f"{READY}/{one.id}",
                name=one.name,
                text=pick(one.texts, locale),
                missing=tuple(locale.own_name for locale in Locale if not one.texts.get(locale)),
            )
            for one in answers
        )
    )


def ready_view(
    ready_id: str, version: int, name: str, texts: Mapping[str, str], errors: Mapping[str, str] | None = None
) -> ReadyView:
    """The form of a ready answer with what was typed, or stored."""
    wrong = errors or {}
    return ReadyView(
        id=ready_id,
        name=name,
        version=version,
        texts=tuple(
            ReadyText(f"text_{locale}", locale.own_name, texts.get(locale, ""), wrong.get(f"text_{locale}", ""))
            for locale in Locale
        ),
        errors=wrong,
    )
