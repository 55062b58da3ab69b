"""People and admins as the back office shows them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Literal

import msgspec

from backend.identity.types import Actor, UserRow
from backend.kernel.money import Money
from webapp.core.parts import Chip, Hue
from webapp.core.tiles import hue_of, initial_of
from webapp.growth.screens.premium import PremiumRows
from webapp.identity.screens.permissions import PermissionRow, RoleRow
from webapp.identity.screens.person import ManagePersonRow, full_name
from webapp.identity.screens.timeline import TimelineView
from webapp.orders.screens.subscriptions import SubscriptionRow

Permission = Literal[
    "catalogue",
    "stock",
    "stock_export",
    "orders",
    "tickets",
    "money",
    "users",
    "teaching",
    "readings",
    "broadcast",
    "settings",
    "admins",
]


class ManagePerson(msgspec.Struct, frozen=True):
    """identity/admin/person.html"""

    person: ManagePersonRow
    telegram_id: int
    language: str
    since: datetime
    spent: Money
    subscriptions: tuple[SubscriptionRow, ...] = ()
    block_reason: str = ""
    blocked_until: datetime | None = None
    seen: datetime | None = None
    timeline: TimelineView | None = None
    reseller: bool = False
    premium: bool = False
    months: PremiumRows | None = None
    admin: bool = False
    seller: bool = False
    can: frozenset[Literal["block", "unblock", "standing", "money", "admin", "write"]] = frozenset()


class BlockSheet(msgspec.Struct, frozen=True):
    """identity/admin/_block.html; ``until`` is the last day of the block, if it has one."""

    person_id: str
    name: str
    reason: str = ""
    until: str = ""
    errors: Mapping[str, str] = {}


class NoteSheet(msgspec.Struct, frozen=True):
    """identity/admin/_note.html; ``delete`` is where an existing note is deleted."""

    action: str
    intent: str
    text: str = ""
    delete: str = ""
    error: str = ""


class SellerSheet(msgspec.Struct, frozen=True):
    """identity/admin/_seller.html: what the public page says of a person, by language, while ``on``."""

    person_id: str
    name: str
    on: bool
    en: str = ""
    ar: str = ""
    ru: str = ""
    position: str = "0"
    link: str = ""
    """The page that needs no session."""
    errors: Mapping[str, str] = {}


class AdminRow(msgspec.Struct, frozen=True):
    """An admin and what they may do; the root admin may do everything and cannot be changed."""

    id: str
    name: str
    initial: str
    hue: Hue
    permissions: frozenset[Permission]
    username: str | None = None
    root: bool = False
    me: bool = False


class InvitationRow(msgspec.Struct, frozen=True):
    """An open invitation: what it gives, and until when."""

    id: str
    permissions: str
    until: datetime


class AdminsPage(msgspec.Struct, frozen=True):
    """identity/admin/admins.html"""

    rows: tuple[AdminRow, ...]
    invitations: tuple[InvitationRow, ...] = ()
    roles: tuple[RoleRow, ...] = ()
    opens: str = ""
    """The address of a sheet that opens with the page."""


class InviteSheet(msgspec.Struct, frozen=True):
    """identity/admin/_invite.html"""

    rows: tuple[PermissionRow, ...]
    roles: tuple[Chip, ...]
    error: bool = False


RoleError = Literal["", "name", "taken", "permissions"]
"""What is wrong with a role: its name, that another one has it, or that it holds nothing."""


class RoleSheet(msgspec.Struct, frozen=True, kw_only=True):
    """identity/admin/_role.html; ``delete`` is where an existing one is deleted."""

    rows: tuple[PermissionRow, ...]
    roles: tuple[Chip, ...]
    action: str
    name: str
    back: str = ""
    """Which sheet opens afterwards: a person's id, or ``invite``."""
    delete: str = ""
    holders: int = 0
    error: RoleError = ""


class LinkSheet(msgspec.Struct, frozen=True):
    """identity/admin/_invite_link.html: the link, which is shown once, and what it gives."""

    link: str
    permissions: str


class AdminSheet(msgspec.Struct, frozen=True):
    """identity/admin/_admin.html: the permissions that can be given; ``is_new``: the person is no admin yet."""

    rows: tuple[PermissionRow, ...]
    roles: tuple[Chip, ...]
    admin: AdminRow
    is_new: bool = False
    error: bool = False


def admin_row(person: UserRow, permissions: Iterable[str], actor: Actor) -> AdminRow:
    """An admin in the list."""
    name = full_name(person.first_name, person.last_name) or str(person.telegram_id)
    return AdminRow(
        id=str(person.id),
        name=name,
        initial=initial_of(name),
        hue=hue_of(str(person.id)),
        permissions=frozenset(permissions),  # type: ignore[arg-type]
        username=person.username,
        root=person.is_root,
        me=person.id == actor.user_id,
    )
