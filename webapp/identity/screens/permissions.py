"""What each permission is called, and what it lets an admin do."""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping
from datetime import datetime
from typing import Final

import msgspec

from backend.identity.types import PRESETS, Permission, Role
from backend.infra.i18n import mark as _
from webapp.core.parts import Chip, address
from webapp.core.rendering import Viewer

NAMES: Final[Mapping[str, str]] = {
    Permission.CATALOGUE: _("Catalogue"),
    Permission.STOCK: _("Stock"),
    Permission.STOCK_EXPORT: _("Export of keys"),
    Permission.ORDERS: _("Orders"),
    Permission.TICKETS: _("Tickets"),
    Permission.MONEY: _("Money"),
    Permission.USERS: _("People"),
    Permission.TEACHING: _("Teaching"),
    Permission.READINGS: _("Readings"),
    Permission.BROADCAST: _("Broadcasts"),
    Permission.SETTINGS: _("Settings"),
    Permission.ADMINS: _("Admins"),
}
"""Names, by the permission's stored value."""

SENTENCES: Final[Mapping[str, str]] = {
    Permission.CATALOGUE: _("Create, price, hide and publish products and categories."),
    Permission.STOCK: _("Add and move keys, import files, see what is left."),
    Permission.STOCK_EXPORT: _("Save unsold keys in plain text, beside Stock."),
    Permission.ORDERS: _("See all orders, refund and cancel them, hand over goods."),
    Permission.TICKETS: _("Answer what customers write, and write to them."),
    Permission.MONEY: _("See payments, confirm transfers, adjust balances, make vouchers and promo codes."),
    Permission.USERS: _("See people, block them, give reseller prices and premium."),
    Permission.TEACHING: _("Edit courses, answer assignments, give access to students."),
    Permission.READINGS: _("Edit spreads, prompts and packages of credits."),
    Permission.BROADCAST: _("Send messages to many people."),
    Permission.SETTINGS: _("Change payment methods and settings, retry failed messages."),
    Permission.ADMINS: _("Add and remove admins, see the audit log, end sessions."),
}
"""One sentence each, by the permission's stored value."""

_ROLES: Final[Mapping[str, str]] = {
    "support": _("Support"),
    "stock": _("Warehouse"),
    "sales": _("Sales"),
    "teacher": _("Teacher"),
    "accountant": _("Accountant"),
    "everything": _("Everything"),
}


class PermissionRow(msgspec.Struct, frozen=True):
    """A permission with its words; ``on``: it is chosen."""

    key: str
    name: str
    says: str
    on: bool


class RoleRow(msgspec.Struct, frozen=True):
    """A role of the shop's own; ``mine``: the reader holds all of it, and can change it."""

    id: str
    name: str
    permissions: str
    mine: bool


class InvitationPage(msgspec.Struct, frozen=True, kw_only=True):
    """identity/invitation.html; invitation_accepted.html needs nothing of it."""

    code: str
    author: str = ""
    shop: str = ""
    rows: tuple[PermissionRow, ...] = ()
    until: datetime | None = None


def rows(offered: Iterable[Permission], chosen: Container[Permission], viewer: Viewer) -> tuple[PermissionRow, ...]:
    """The permissions that can be given, with their words."""
    say = viewer.words.gettext
    return tuple(PermissionRow(key, say(NAMES[key]), say(SENTENCES[key]), key in chosen) for key in offered)


def named(chosen: Iterable[Permission], viewer: Viewer) -> str:
    """The names of permissions in one line."""
    return viewer.words.gettext(", ").join(viewer.words.gettext(NAMES[key]) for key in sorted(chosen))


def chosen(role: str, own: Iterable[Role]) -> frozenset[Permission]:
    """What a role holds: a ready one by its name, one of the shop's own by its id; nothing for an unknown one."""
    return PRESETS.get(role) or next((one.permissions for one in own if str(one.id) == role), frozenset())


def roles(
    offered: Iterable[Permission], path: str, now: Iterable[Permission], viewer: Viewer, own: Iterable[Role]
) -> tuple[Chip, ...]:
    """The roles, the shop's own first, each with what of it can be given; chosen by asking for the sheet again."""
    may, held_now = frozenset(offered), frozenset(now)
    known = [(str(role.id), role.name, may & role.permissions) for role in own]
    known += [(role, viewer.words.gettext(_ROLES[role]), may & held) for role, held in PRESETS.items()]
    return tuple(
        Chip(address(path, role=role), active=held == held_now, label=name) for role, name, held in known if held
    )


def role_row(role: Role, offered: Iterable[Permission], viewer: Viewer) -> RoleRow:
    """A role in the list; who holds less than it does cannot change it."""
    return RoleRow(str(role.id), role.name, named(role.permissions, viewer), role.permissions <= frozenset(offered))


def saved_role(before: Role, after: Iterable[Permission], viewer: Viewer) -> str:
    """What a change of a role has done: to the role, and to nobody."""
    words = viewer.words
    if before.permissions == frozenset(after) or not before.holders:
        return words.gettext("Saved")
    said = words.ngettext(
        "Saved. {count} admin keeps the permissions as they were.",
        "Saved. {count} admins keep the permissions as they were.",
        before.holders,
    )
    return said.format(count=before.holders)
