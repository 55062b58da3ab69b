"""Settings that are changed while the shop runs: the environment's values, and what admins changed of them (0058)."""

from __future__ import annotations

import asyncio
import contextlib
import re
from collections.abc import AsyncIterator, Callable, Mapping
from datetime import datetime
from enum import StrEnum
from typing import Final, TypeVar

import msgspec
import structlog
from sqlalchemy import delete, select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Mapped, mapped_column

from backend.infra.database import Model
from backend.infra.ending import end
from backend.infra.environment import check_changeable
from backend.infra.settings import Settings, SettingsError, whole_bounds
from backend.infra.signals import Signals
from backend.infra.unit_of_work import Tx, UnitOfWork
from backend.kernel.errors import Unavailable
from backend.kernel.text import whole_number

TOPIC: Final = "settings"
"""Signalled after every change."""
MAX_AGE_SECONDS: Final = 60.0
"""A change whose signal was lost is read after this time at the latest."""
_START_SECONDS: Final = 2.0
_TEXT_LENGTH: Final = 200
_HELP_LENGTH: Final = 1000

T = TypeVar("T")
Live = Callable[[], T]
"""A value in force, read at each use: it may have changed since."""
log = structlog.get_logger(__name__)


class Unit(StrEnum):
    """What the number of a setting counts; TEXT is no number."""

    SECONDS = "seconds"
    ORDERS = "orders"
    KEYS = "keys"
    CLAIMS = "claims"
    PERCENT = "percent"
    HOURS = "hours"
    DAYS = "days"
    CREDITS = "credits"
    QUESTIONS = "questions"
    CHARACTERS = "characters"
    SWITCH = "switch"
    """0 is off, 1 is on."""
    HOUR = "hour"
    """An hour of the day, 0 to 23."""
    CURRENCY = "currency"
    """Whole units of the shop's currency; 0 means a round number that suits the currency."""
    TEXT = "text"


class LiveSetting(msgspec.Struct, frozen=True, kw_only=True):
    """A variable of ``.env.example`` that admins may change in the running shop."""

    name: str
    """As in the environment: ``ORDER_RESERVATION``."""
    unit: Unit
    minimum: int = 0
    """The smallest number, or the shortest text in characters."""
    maximum: int
    """The largest number, or the longest text in characters."""
    pattern: str = ""
    """What a text must match as a whole, unless it is empty; empty allows every text."""
    root_only: bool = False
    """Whether only the root admin (or the command line) may change it."""

    @property
    def field(self) -> str:
        """The name of its field in Settings."""
        return self.name.lower()

    @property
    def limits(self) -> str:
        """What it may be, for an error: ``a whole number from 1 to 100``."""
        if self.unit is not Unit.TEXT:
            return f"a whole number from {self.minimum} to {self.maximum}"
        return f"at most {self.maximum} characters" + (f" that match {self.pattern}" if self.pattern else "")

    def parse(self, value: str) -> int | str:
        """The value that ``value`` stands for, as in ``.env``. Raises SettingsError, which names the limits."""
        value = value.strip()
        try:
            number = None if self.unit is Unit.TEXT else whole_number(value)
        except ValueError:
            number = self.minimum - 1
        fits = self.minimum <= (len(value) if number is None else number) <= self.maximum
        if not fits or (value and self.pattern and not re.fullmatch(self.pattern, value)):
            raise SettingsError(f"{self.name} must be {self.limits}")
        return value if number is None else number


def _number(name: str, unit: Unit, *, root_only: bool = False) -> LiveSetting:
    minimum, maximum = whole_bounds(name.lower())
    return LiveSetting(name=name, unit=unit, minimum=minimum, maximum=maximum, root_only=root_only)


_ALL: Final = (
    _number("ORDER_RESERVATION", Unit.SECONDS),
    _number("ORDER_RESERVATION_MAX", Unit.SECONDS),
    _number("RESERVATION_ORDERS", Unit.ORDERS),
    _number("RESERVATION_KEYS", Unit.KEYS),
    _number("RESERVATION_SHARE", Unit.PERCENT),
    _number("CART_REMINDER_HOURS", Unit.HOURS),
    _number("SUBSCRIPTION_GRACE_DAYS", Unit.DAYS),
    _number("WARRANTY_CLAIMS", Unit.CLAIMS),
    _number("WAITING_HOLD", Unit.SECONDS),
    _number("QUIET_FROM", Unit.HOUR),
    _number("QUIET_UNTIL", Unit.HOUR),
    _number("PREMIUM_GRACE", Unit.DAYS),
    _number("ASSIGNMENT_ARCHIVE_DAYS", Unit.DAYS),
    _number("READING_FREE_CARD", Unit.SWITCH),
    _number("READING_FOLLOW_UPS", Unit.QUESTIONS),
    _number("READING_FOLLOW_UP_CREDITS", Unit.CREDITS),
    _number("READING_QUESTION_LENGTH", Unit.CHARACTERS),
    _number("TOP_UP_MINIMUM", Unit.CURRENCY),
    _number("TOP_UP_MAXIMUM", Unit.CURRENCY),
    # An admin who could raise it would need no second admin for anything.
    _number("ADJUSTMENT_LIMIT", Unit.CURRENCY, root_only=True),
    LiveSetting(name="ADMIN_USERNAME", unit=Unit.TEXT, maximum=33, pattern="@?[A-Za-z0-9_]{4,32}"),
    LiveSetting(name="READING_HELP_LINES", unit=Unit.TEXT, maximum=_HELP_LENGTH),
    LiveSetting(name="READING_HELP_LINES_AR", unit=Unit.TEXT, maximum=_HELP_LENGTH),
    LiveSetting(name="READING_HELP_LINES_RU", unit=Unit.TEXT, maximum=_HELP_LENGTH),
    LiveSetting(name="SUPPORT_URL", unit=Unit.TEXT, maximum=_TEXT_LENGTH, pattern="https?://[^ ]+"),
)
REGISTRY: Final[Mapping[str, LiveSetting]] = {setting.name: setting for setting in _ALL}
"""Every setting that can be changed while the shop runs, by its name."""


class ChangedSetting(Model):
    """A value that replaces the environment's. Without a row, the environment's value is in force."""

    __tablename__ = "changed_settings"

    name: Mapped[str] = mapped_column(primary_key=True)
    value: Mapped[str]
    """As it would be written in ``.env``."""
    changed_at: Mapped[datetime]


async def list_changed(tx: Tx) -> dict[str, str]:
    """The changed values by name. Names that this version does not know are left out."""
    rows = await tx.execute(select(ChangedSetting.name, ChangedSetting.value))
    return {row.name: row.value for row in rows if row.name in REGISTRY}


async def lock_changes(tx: Tx) -> None:
    """Let no other change happen until this transaction ends; reading goes on."""
    await tx.execute(text("LOCK TABLE changed_settings IN SHARE ROW EXCLUSIVE MODE"))


async def store_change(tx: Tx, name: str, value: str | None) -> None:
    """Replace the environment's value, or let it count again (None), and tell every process after the commit."""
    if value is None:
        await tx.execute(delete(ChangedSetting).where(ChangedSetting.name == name))
    else:
        row = {"value": value, "changed_at": tx.now}
        statement = insert(ChangedSetting).values(name=name, **row)
        await tx.execute(statement.on_conflict_do_update(index_elements=[ChangedSetting.name], set_=row))
    tx.signal(TOPIC)


def with_change(settings: Settings, name: str, value: str) -> Settings:
    """The settings with one value changed. Raises SettingsError that names the limit, or a setting that conflicts."""
    setting = REGISTRY[name]
    return _replaced(settings, {setting.field: setting.parse(value)})


def without_change(settings: Settings, environment: Settings, name: str) -> Settings:
    """The settings with one value as in the environment. Raises SettingsError that names a setting that conflicts."""
    field = REGISTRY[name].field
    return _replaced(settings, {field: getattr(environment, field)})


def _replaced(settings: Settings, values: Mapping[str, int | str]) -> Settings:
    changed: Settings = msgspec.structs.replace(settings, **values)
    check_changeable(changed)
    return changed


def with_changes(settings: Settings, changed: Mapping[str, str]) -> Settings:
    """The settings with all changed values, without those that are not valid (any more): the log names them."""
    with contextlib.suppress(SettingsError):
        return _replaced(settings, {REGISTRY[name].field: REGISTRY[name].parse(text) for name, text in changed.items()})
    for name, value in sorted(changed.items()):
        try:
            settings = with_change(settings, name, value)
        except SettingsError as error:
            log.error("settings.change_ignored", name=name, error=str(error))
    return settings


class LiveSettings:
    """The settings in force in this process: read from the database at the start and after every signal of a change."""

    def __init__(self, environment: Settings, uow: UnitOfWork, signals: Signals) -> None:
        self.environment = environment
        self._uow = uow
        self._current = environment
        self._changed: dict[str, str] = {}
        self._stale = asyncio.Event()
        self._one_at_a_time = asyncio.Lock()
        signals.on(TOPIC, lambda _: self._stale.set())
        signals.on_gap(self._stale.set)

    @property
    def current(self) -> Settings:
        """The settings in force now. Read them at each use: a kept value misses the next change."""
        return self._current

    async def refresh(self) -> None:
        """Read the changes again. Raises Unavailable or DBAPIError when the database cannot be asked."""
        # One after the other, so that an older answer never replaces a newer one.
        async with self._one_at_a_time:
            async with self._uow.read() as tx:
                changed = await list_changed(tx)
            if changed != self._changed:
                self._current = with_changes(self.environment, changed)
                self._changed = changed

    @contextlib.asynccontextmanager
    async def running(self, *, listen: bool = True) -> AsyncIterator[None]:
        """Read the changes, and follow them while the context lasts unless ``listen`` is false."""
        # A shop whose database is away starts all the same, with the environment's values until it can be asked.
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_START_SECONDS):
                await self._refresh_or_log()
        if not listen:
            yield
            return
        task = asyncio.create_task(self._follow())
        try:
            yield
        finally:
            await end(task)

    async def _follow(self) -> None:
        while True:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(MAX_AGE_SECONDS):
                    await self._stale.wait()
            self._stale.clear()
            await self._refresh_or_log()

    async def _refresh_or_log(self) -> None:
        try:
            await self.refresh()
        except (Unavailable, DBAPIError, OSError) as error:
            log.warning("settings.not_read", error=repr(error))


def text_of(settings: Settings, name: str) -> str:
    """The value of a setting as it would be written in ``.env``."""
    return str(getattr(settings, REGISTRY[name].field))
