"""People, actors and permissions."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from enum import IntEnum, StrEnum
from typing import Final
from uuid import UUID

import msgspec

from backend.kernel.errors import Forbidden
from backend.kernel.events import Event
from backend.kernel.ids import UserId
from backend.kernel.text import Locale


class Permission(StrEnum):
    """A permission of an admin: it opens one section of the back office."""

    CATALOGUE = "catalogue"
    STOCK = "stock"
    STOCK_EXPORT = "stock_export"
    """Keys in plain text, beside STOCK."""
    ORDERS = "orders"
    TICKETS = "tickets"
    MONEY = "money"
    USERS = "users"
    TEACHING = "teaching"
    READINGS = "readings"
    BROADCAST = "broadcast"
    SETTINGS = "settings"
    ADMINS = "admins"


ALL_PERMISSIONS: Final = frozenset(Permission)
PRESETS: Final[Mapping[str, frozenset[Permission]]] = {
    "support": frozenset({Permission.ORDERS, Permission.TICKETS, Permission.USERS}),
    "stock": frozenset({Permission.CATALOGUE, Permission.STOCK}),
    "sales": frozenset(
        {Permission.CATALOGUE, Permission.STOCK, Permission.ORDERS, Permission.TICKETS, Permission.USERS}
    ),
    "teacher": frozenset({Permission.TEACHING}),
    "accountant": frozenset({Permission.MONEY, Permission.ORDERS}),
    "everything": ALL_PERMISSIONS,
}
"""Ready roles: which permissions a kind of work needs, by name, in the order in which they are offered."""


class Contact(msgspec.Struct, frozen=True, kw_only=True):
    """A person as Telegram describes them in one update or one initData.

    None in ``photo_url``, ``language_code``, ``start_param`` and ``timezone`` means "not reported"; None in
    ``username`` and ``last_name`` means "none". ``is_premium`` is Telegram Premium.
    """

    telegram_id: int
    first_name: str
    last_name: str | None = None
    username: str | None = None
    language_code: str | None = None
    is_premium: bool = False
    photo_url: str | None = None
    start_param: str | None = None
    timezone: str | None = None


class ZoneSource(StrEnum):
    """Where somebody's time zone is from."""

    UNKNOWN = "unknown"
    """Neither their device nor they have said one: the shop's is used."""
    DEVICE = "device"
    CHOSEN = "chosen"


class Actor(msgspec.Struct, frozen=True, kw_only=True):
    """The person (or the system) for whom a use case runs.

    ``is_premium`` and ``is_reseller`` are statuses in this shop, not in Telegram. ``premium_until`` is when premium
    ends or ended (None for no end, and for none); ``is_premium`` is true in the days of grace after it too.
    """

    user_id: UserId | None
    telegram_id: int
    first_name: str
    language: Locale
    timezone: str
    zone_source: ZoneSource = ZoneSource.DEVICE
    permissions: frozenset[Permission] = frozenset()
    is_root: bool = False
    is_reseller: bool = False
    is_premium: bool = False
    premium_until: datetime | None = None
    role_version: int = 0
    username: str | None = None
    photo_url: str | None = None
    session_id: UUID | None = None
    """Of the Mini App; None in the chat, and for tokens of before sessions had ids."""

    @property
    def is_admin(self) -> bool:
        """Whether the actor can open any section of the back office."""
        return bool(self.permissions)

    def may(self, permission: Permission) -> bool:
        """Whether the actor holds ``permission``."""
        return permission in self.permissions

    def require(self, permission: Permission) -> None:
        """Raises Forbidden unless the actor holds ``permission``."""
        if permission not in self.permissions:
            raise Forbidden(f"needs {permission}")

    @property
    def id(self) -> UserId:
        """The actor's user id. Raises Forbidden for the system, which owns nothing."""
        if self.user_id is None:
            raise Forbidden("the system is not a person")
        return self.user_id

    @classmethod
    def system(cls) -> Actor:
        """The actor of the worker and the command line: holds every permission, owns nothing."""
        return _SYSTEM


_SYSTEM: Final = Actor(
    user_id=None,
    telegram_id=0,
    first_name="system",
    language=Locale.EN,
    timezone="UTC",
    permissions=ALL_PERMISSIONS,
)


class PersonBlocked(Event, frozen=True, kw_only=True):
    """An admin has blocked a person, whose reservations must be released."""

    user_id: UserId


class BotUnblocked(Event, frozen=True, kw_only=True):
    """Somebody who had blocked the bot can be written to again."""

    user_id: UserId


class TimezoneChosen(Event, frozen=True, kw_only=True):
    """Somebody has chosen another time zone."""

    user_id: UserId


class LinkFollowed(Event, frozen=True, kw_only=True):
    """Somebody came by a link with a start parameter: to the chat or to the Mini App."""

    user_id: UserId
    start_param: str
    at: datetime


class Standing(StrEnum):
    """What a person is in the shop."""

    BLOCKED = "blocked"
    PREMIUM = "premium"
    RESELLER = "reseller"


class SessionRow(msgspec.Struct, frozen=True, kw_only=True):
    """A session of the Mini App in a list; ``seen_at`` is up to five minutes old."""

    id: UUID
    platform: str
    network: str | None
    created_at: datetime
    seen_at: datetime


class Invitation(msgspec.Struct, frozen=True, kw_only=True):
    """An open invitation of an admin."""

    id: UUID
    permissions: frozenset[Permission]
    created_by: UserId
    created_at: datetime
    expires_at: datetime


class Role(msgspec.Struct, frozen=True, kw_only=True):
    """A set of permissions under a name of the shop's own, from which the permissions of an admin are chosen."""

    id: UUID
    name: str
    permissions: frozenset[Permission]
    holders: int = 0
    """How many admins have exactly these permissions now, without the root admin."""


class PremiumPeriod(msgspec.Struct, frozen=True):
    """Premium for ``months`` calendar months since ``started_at``: until ``until``."""

    started_at: datetime
    months: int
    until: datetime


class PremiumStage(IntEnum):
    """How much of the end of somebody's premium was told; stored."""

    NOTHING = 0
    ENDING = 1
    """That it ends soon."""
    ENDED = 2
    """That it has ended, and the days of grace have begun."""
    CLOSED = 3
    """That the days of grace have ended, which only open pages are told."""


class Recipient(msgspec.Struct, frozen=True):
    """A person to message. ``blocked_bot``: they have blocked the bot; ``blocked``: an admin has blocked them."""

    user_id: UserId
    telegram_id: int
    language: Locale
    timezone: str
    blocked_bot: bool
    blocked: bool


class PersonState(msgspec.Struct, frozen=True, kw_only=True):
    """What an action on people changes of somebody, and what protects them from it."""

    id: UserId
    is_root: bool
    permissions: frozenset[Permission]
    is_reseller: bool
    blocked: bool
    block_reason: str | None
    """None where no block lasts, as is ``blocked_until``."""
    blocked_until: datetime | None


class UserRow(msgspec.Struct, frozen=True, kw_only=True):
    """A person in the back office's list."""

    id: UserId
    telegram_id: int
    first_name: str
    last_name: str | None
    username: str | None
    photo_url: str | None
    language: Locale
    is_root: bool
    is_admin: bool
    is_reseller: bool
    is_premium: bool
    """Premium without an end."""
    blocked: bool
    blocked_bot: bool
    created_at: datetime


class UserDetail(UserRow, frozen=True, kw_only=True):
    """A person on their page in the back office."""

    permissions: frozenset[Permission]
    timezone: str
    start_param: str | None
    telegram_premium: bool
    blocked_at: datetime | None
    block_reason: str | None
    blocked_until: datetime | None
    """When the block ends by itself; None for one without an end. All three are None where no block lasts."""
    seen_at: datetime | None


class PersonContact(msgspec.Struct, frozen=True):
    """How a person is told apart in a file: name, @username without its sign (or nothing), Telegram ID."""

    name: str
    username: str
    telegram_id: int
