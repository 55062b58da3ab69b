"""What each permission is called, and what it lets an admin do."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from backend.identity.types import Permission
from backend.infra.i18n import mark as _

NAMES: Final[Mapping[str, str]] = {
    Permission.CATALOGUE: _("Catalogue"),
    Permission.STOCK: _("Stock"),
    Permission.ORDERS: _("Orders"),
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
    Permission.ORDERS: _("See all orders, refund and cancel them, hand over goods."),
    Permission.MONEY: _("See payments, confirm transfers, adjust balances, make vouchers and promo codes."),
    Permission.USERS: _("See people, block them, give reseller prices and premium."),
    Permission.TEACHING: _("Edit courses, answer assignments, give access to students."),
    Permission.READINGS: _("Edit spreads, prompts and packages of credits."),
    Permission.BROADCAST: _("Send messages to many people."),
    Permission.SETTINGS: _("Change payment methods and settings, retry failed messages."),
    Permission.ADMINS: _("Add and remove admins, see the audit log, end sessions."),
}
"""One sentence each, by the permission's stored value."""
