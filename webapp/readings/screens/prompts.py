"""The interpreter in the back office: its model, a probe, prompts and their versions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final

import msgspec

from backend.kernel.ids import UserId
from backend.kernel.text import Locale
from backend.readings.types.models import ModelState, Outcomes, Probe, Prompt, PromptBody
from backend.readings.words import failure_text
from webapp.core.fields import LANGUAGES, Fields

TEXTS: Final = ("system", "cards", "question", "open_question", "follow_up")
"""The texts of a prompt, in the order in which the model reads them."""
_NAMES: Final = dict(LANGUAGES)


class OutcomeRow(msgspec.Struct, frozen=True, kw_only=True):
    """How often calls ended so; ``code`` is empty for whole texts."""

    code: str
    text: str
    calls: int
    seconds: str
    first_word: str


class PromptRow(msgspec.Struct, frozen=True, kw_only=True):
    """The prompt of a language that is used now."""

    code: str
    language: str
    version: int
    changed_at: datetime | None


class InterpreterPage(msgspec.Struct, frozen=True, kw_only=True):
    """readings/admin/prompts.html"""

    state: ModelState
    outcomes: tuple[OutcomeRow, ...]
    prompts: tuple[PromptRow, ...]
    languages: tuple[tuple[str, str], ...] = LANGUAGES


class ProbeSheet(msgspec.Struct, frozen=True, kw_only=True):
    """readings/admin/_probe.html; ``probe`` is None where nothing came in time, or no model is set up."""

    probe: Probe | None
    failure: str = ""
    seconds: str = ""
    first_word: str = ""


class VersionRow(msgspec.Struct, frozen=True, kw_only=True):
    """A version of a prompt; ``by`` is empty for the system and for what came with Souk."""

    version: int
    at: datetime | None
    by: str
    original: bool


class PromptPage(msgspec.Struct, frozen=True, kw_only=True):
    """readings/admin/prompt.html: a language's prompt, and its versions without the one that is used."""

    code: str
    language: str
    version: int
    form: Fields
    versions: tuple[VersionRow, ...]
    texts: tuple[str, ...] = TEXTS

    @property
    def path(self) -> str:
        """Where its form is posted."""
        return f"/admin/readings/prompts/{self.code}"


class VersionSheet(msgspec.Struct, frozen=True, kw_only=True):
    """readings/admin/_prompt_version.html: an older version, which can be used again."""

    path: str
    version: int
    current: int
    texts: tuple[tuple[str, str], ...]


def seconds_text(seconds: float | None) -> str:
    """Seconds with one decimal."""
    return "" if seconds is None else f"{seconds:.1f}"


def outcome_rows(outcomes: Sequence[Outcomes], locale: Locale) -> tuple[OutcomeRow, ...]:
    """How calls ended, the most frequent first."""
    return tuple(
        OutcomeRow(
            code=one.failure.value if one.failure else "",
            text=failure_text(one.failure, locale) if one.failure else "",
            calls=one.calls,
            seconds=seconds_text(one.seconds),
            first_word=seconds_text(one.first_word),
        )
        for one in outcomes
    )


def prompt_rows(prompts: Sequence[Prompt]) -> tuple[PromptRow, ...]:
    """The prompts that are used now."""
    return tuple(
        PromptRow(code=one.language, language=_NAMES[one.language], version=one.version, changed_at=one.changed_at)
        for one in sorted(prompts, key=lambda one: list(_NAMES).index(one.language))
    )


def probe_sheet(probe: Probe | None, locale: Locale) -> ProbeSheet:
    """What a probe found."""
    if probe is None:
        return ProbeSheet(probe=None)
    return ProbeSheet(
        probe=probe,
        failure=failure_text(probe.failure, locale) if probe.failure else "",
        seconds=seconds_text(probe.seconds),
        first_word=seconds_text(probe.first_word),
    )


def prompt_form(body: PromptBody, version: int, errors: Mapping[str, str] | None = None) -> Fields:
    """The form that has these texts."""
    return Fields({name: getattr(body, name) for name in TEXTS} | {"version": str(version)}, errors or {})


def prompt_page(
    stored: Prompt, form: Fields | None, history: Sequence[Prompt], names: Mapping[UserId, str]
) -> PromptPage:
    """The editor of a prompt: with what is stored, or with what was typed into ``form``."""
    assert stored.body is not None
    older = [
        VersionRow(
            version=one.version,
            at=one.changed_at,
            by=names.get(one.changed_by, "") if one.changed_by else "",
            original=False,
        )
        for one in history
    ]
    return PromptPage(
        code=stored.language,
        language=_NAMES[stored.language],
        version=stored.version,
        form=form or prompt_form(stored.body, stored.version),
        versions=(*older, VersionRow(version=0, at=None, by="", original=True)),
    )


def version_sheet(older: Prompt, current: Prompt) -> VersionSheet:
    """An older version to look at."""
    assert older.body is not None
    return VersionSheet(
        path=f"/admin/readings/prompts/{older.language}",
        version=older.version,
        current=current.version,
        texts=tuple((name, getattr(older.body, name)) for name in TEXTS),
    )
