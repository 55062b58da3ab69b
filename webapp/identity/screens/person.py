"""A person in a list of the back office, to look at or to choose."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import msgspec

from backend.identity.types import UserRow
from backend.kernel.ids import UserId
from backend.kernel.money import Money
from backend.orders import types as orders
from webapp.core.parts import Hue
from webapp.core.tiles import hue_of, initial_of


class ManagePersonRow(msgspec.Struct, frozen=True):
    """A person in a list."""

    id: str
    name: str
    initial: str
    hue: Hue
    orders: int
    balance: Money
    username: str | None = None
    blocked: bool = False


class AssigneeRow(msgspec.Struct, frozen=True):
    """A person who may be chosen."""

    id: str
    name: str
    initial: str
    hue: Hue
    username: str | None = None


class PickPage(msgspec.Struct, frozen=True):
    """identity/admin/pick.html: somebody is chosen, for unmatched money or as an admin.

    ``path`` is where the search asks, ``pick`` and a person's id the address of the sheet that opens. The rows of a
    search or a next page (``more``) take the same.
    """

    purpose: Literal["money", "admin"]
    path: str
    pick: str
    query: str
    rows: tuple[AssigneeRow, ...]
    next_url: str | None = None
    more: bool = False


def full_name(first: str, last: str | None) -> str:
    """A person's name in one line."""
    return f"{first} {last}".strip() if last else first


def person_row(
    person: UserRow, balances: Mapping[UserId, Money], figures: Mapping[UserId, orders.BuyerFigures], currency: str
) -> ManagePersonRow:
    """A person in a list."""
    name = full_name(person.first_name, person.last_name) or str(person.telegram_id)
    found = figures.get(person.id)
    return ManagePersonRow(
        id=str(person.id),
        name=name,
        initial=initial_of(name),
        hue=hue_of(str(person.id)),
        orders=found.orders if found else 0,
        balance=balances.get(person.id, Money.zero(currency)),
        username=person.username,
        blocked=person.blacklisted,
    )
