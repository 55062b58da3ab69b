"""Who somebody is and what he may do."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Final

import msgspec

from backend.kernel.errors import Forbidden
from backend.kernel.events import Event
from backend.kernel.ids import UserId
from backend.kernel.text import Locale


class Permission(StrEnum):
    """One room of the back office."""

    CATALOGUE = "catalogue"
    STOCK = "stock"
    ORDERS = "orders"
    MONEY = "money"
    USERS = "users"
    TEACHING = "teaching"
    READINGS = "readings"
    BROADCAST = "broadcast"
    SETTINGS = "settings"
    ADMINS = "admins"


ALL_PERMISSIONS: Final = frozenset(Permission)


class Contact(msgspec.Struct, frozen=True, kw_only=True):
    """A person as Telegram describes him in one update or one initData.

    None in ``photo_url``, ``language_code``, ``start_param`` and ``timezone`` means that nothing was said about it;
    None in ``username`` and ``last_name`` means that he has none. ``is_premium`` is Telegram Premium.
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


class Actor(msgspec.Struct, frozen=True, kw_only=True):
    """The one on whose behalf a use case runs. ``is_premium`` and ``is_reseller`` are the shop's own standing."""

    user_id: UserId | None
    telegram_id: int
    first_name: str
    language: Locale
    timezone: str
    permissions: frozenset[Permission] = frozenset()
    is_root: bool = False
    is_reseller: bool = False
    is_premium: bool = False
    role_version: int = 0
    username: str | None = None
    photo_url: str | None = None

    @property
    def is_admin(self) -> bool:
        """Whether any room of the back office is open to him."""
        return bool(self.permissions)

    def may(self, permission: Permission) -> bool:
        """Whether he holds ``permission``."""
        return permission in self.permissions

    def require(self, permission: Permission) -> None:
        """Raises Forbidden unless he holds ``permission``."""
        if permission not in self.permissions:
            raise Forbidden(f"needs {permission}")

    @property
    def id(self) -> UserId:
        """His user id. Raises Forbidden for the system, which owns nothing."""
        if self.user_id is None:
            raise Forbidden("the system is not a person")
        return self.user_id

    @classmethod
    def system(cls) -> Actor:
        """The worker and the command line: may do all, owns nothing."""
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
    """An admin has blocked somebody: what is reserved for them goes back."""

    user_id: UserId


class Recipient(msgspec.Struct, frozen=True):
    """Somebody to be written to. ``blocked_bot``: Telegram refuses our messages to him."""

    user_id: UserId
    telegram_id: int
    language: Locale
    timezone: str
    blocked_bot: bool
    blacklisted: bool


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
    blacklisted: bool
    blocked_bot: bool
    created_at: datetime


class UserDetail(UserRow, frozen=True, kw_only=True):
    """A person on his own page in the back office."""

    permissions: frozenset[Permission]
    timezone: str
    start_param: str | None
    telegram_premium: bool
    blacklisted_at: datetime | None
    blacklist_reason: str | None
    seen_at: datetime | None
