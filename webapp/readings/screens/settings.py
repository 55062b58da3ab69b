"""The settings of the reading room in the back office."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final

import msgspec

from backend.admin.types import SettingChange
from backend.kernel.ids import UserId
from webapp.core.fields import LANGUAGES, Fields

_SWITCH: Final = "reading_free_card"
HELP: Final = "reading_help_lines"
NAMES: Final = (
    _SWITCH, "reading_follow_ups", "reading_follow_up_credits", "reading_question_length", HELP, f"{HELP}_ar",
    f"{HELP}_ru",
)  # fmt: skip
"""The fields of the form: names of settings in small letters."""


class ChangeRow(msgspec.Struct, frozen=True, kw_only=True):
    """A change of a setting; ``by`` is empty for the system."""

    name: str
    old: str
    new: str
    by: str
    at: datetime


class SettingsPage(msgspec.Struct, frozen=True, kw_only=True):
    """readings/admin/settings.html"""

    form: Fields
    changes: tuple[ChangeRow, ...]
    languages: tuple[tuple[str, str], ...] = LANGUAGES


def shown(values: Mapping[str, str]) -> dict[str, str]:
    """Settings as the form has them: switches on or empty, help lines with real line breaks."""
    typed = {name.lower(): value.replace("\\n", "\n") for name, value in values.items()}
    return typed | {_SWITCH: "on" if typed.get(_SWITCH) == "1" else ""}


def stored(typed: Mapping[str, str]) -> dict[str, str]:
    """What was typed, as settings have it."""
    values = {name.upper(): "\\n".join(value.splitlines()) for name, value in typed.items()}
    return values | {_SWITCH.upper(): "1" if typed.get(_SWITCH) == "on" else "0"}


def change_rows(changes: Sequence[SettingChange], names: Mapping[UserId, str]) -> tuple[ChangeRow, ...]:
    """The last changes, the latest first."""
    return tuple(
        ChangeRow(
            name=one.name.lower(),
            old=one.old,
            new=one.new,
            by=names.get(one.actor_id, "") if one.actor_id else "",
            at=one.at,
        )
        for one in changes
    )
