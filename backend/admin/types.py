"""Types of the back office's own pages."""

from __future__ import annotations

from datetime import datetime

import msgspec

from backend.infra.audit_reading import Line
from backend.infra.live_settings import LiveSetting
from backend.kernel.ids import UserId


class Overview(msgspec.Struct, frozen=True):
    """The shop's condition in figures."""

    dead_letters: int
    """Jobs that failed for good and were not sent again."""


class AuditPage(msgspec.Struct, frozen=True, kw_only=True):
    """Entries of the audit trail, with the names of people and the numbers of orders (by subject) in them."""

    lines: list[Line]
    names: dict[UserId, str]
    orders: dict[str, str]
    next_cursor: str | None


class SettingInForce(msgspec.Struct, frozen=True, kw_only=True):
    """A setting of the running shop; values are written as in ``.env``."""

    setting: LiveSetting
    value: str
    environment: str
    """The value that counts again after a reset."""
    changed: bool
    """Whether an admin has replaced the environment's value, even by an equal one."""


class SettingChange(msgspec.Struct, frozen=True, kw_only=True):
    """One change in the history of a setting."""

    at: datetime
    actor_id: UserId | None
    """None for the command line."""
    name: str
    old: str
    new: str
    reset: bool
    """Whether the environment's value was put back in force."""
