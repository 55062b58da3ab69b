"""TODO-DOC"""

from __future__ import annotations

from typing import Literal

import msgspec

from backend.kernel.money import Money
from webapp.core.parts import Hue


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
