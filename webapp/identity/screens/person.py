"""A person in a list of the back office, to open or to choose."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import msgspec

from backend.identity.types import UserRow
from backend.kernel.ids import UserId
from backend.kernel.money import Money
from backend.orders.types.reports import BuyerFigures
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
    """identity/admin/pick.html: a person is chosen, for an unmatched payment, as an admin or for a course.

    ``path`` is the search's address; ``pick`` with a person's id is the address of the sheet that opens. For a search
    or a next page (``more``) only the rows are rendered.
    """

    purpose: Literal["money", "admin", "course"]
    path: str
    pick: str
    query: str
    rows: tuple[AssigneeRow, ...]
    next_url: str | None = None
    more: bool = False


def full_name(first: str, last: str | None) -> str:
    """A person's name in one line."""
    return f"{first} {last}".strip() if last else first


def assignee(person: UserRow) -> AssigneeRow:
    """A person who may be chosen."""
    name = full_name(person.first_name, person.last_name) or str(person.telegram_id)
    return assignee_named(person.id, name, person.username)


def assignee_named(user_id: UserId, name: str, username: str | None = None) -> AssigneeRow:
    """A person who may be chosen, by id and name alone."""
    return AssigneeRow(str(user_id), name, initial_of(name), hue_of(str(user_id)), username)


def person_row(
    person: UserRow, balances: Mapping[UserId, Money], figures: Mapping[UserId, BuyerFigures], currency: str
) -> ManagePersonRow:
    """A person in a list."""
    name = full_name(person.first_name, person.last_name) or str(person.telegram_id)
    bought = figures.get(person.id)
    return ManagePersonRow(
        id=str(person.id),
        name=name,
        initial=initial_of(name),
        hue=hue_of(str(person.id)),
        orders=bought.orders if bought else 0,
        balance=balances.get(person.id, Money.zero(currency)),
        username=person.username,
        blocked=person.blocked,
    )
