"""The frame of a back office page."""

from __future__ import annotations

from typing import Final, Literal

import msgspec

from backend.identity.types import Actor, Permission
from webapp.core.parts import SideItem
from webapp.core.responses import Html, page
from webapp.core.site import SoukRequest, site_of

Room = Literal[
    "home",
    "orders",
    "tickets",
    "catalogue",
    "stock",
    "people",
    "payments",
    "books",
    "methods",
    "deliveries",
    "admins",
    "audit",
    "wishes",
    "courses",
    "assignments",
    "groups",
    "readings",
]

ROOMS: Final[dict[Room, tuple[str, Permission | None]]] = {
    "home": ("/admin", None),
    "orders": ("/admin/orders", Permission.ORDERS),
    "tickets": ("/admin/tickets", Permission.TICKETS),
    "catalogue": ("/admin/catalogue", Permission.CATALOGUE),
    "stock": ("/admin/stock", Permission.STOCK),
    "people": ("/admin/people", Permission.USERS),
    "courses": ("/admin/courses", Permission.TEACHING),
    "assignments": ("/admin/assignments", Permission.TEACHING),
    "groups": ("/admin/groups", Permission.TEACHING),
    "readings": ("/admin/readings", Permission.READINGS),
    "payments": ("/admin/payments", Permission.MONEY),
    "books": ("/admin/books", Permission.MONEY),
    "methods": ("/admin/settings/payments", Permission.SETTINGS),
    "deliveries": ("/admin/deliveries", Permission.SETTINGS),
    "wishes": ("/admin/wishes", Permission.CATALOGUE),
    "admins": ("/admin/admins", Permission.ADMINS),
    "audit": ("/admin/audit", Permission.ADMINS),
}
"""The rooms, their addresses, and what each asks for."""


def open_rooms(actor: Actor) -> tuple[Room, ...]:
    """The rooms that this admin may enter."""
    return tuple(room for room, (_, needs) in ROOMS.items() if needs is None or actor.may(needs))


def manage_page(
    request: SoukRequest, template: str, view: msgspec.Struct, room: Room, *, back: str | None = None, status: int = 200
) -> Html:
    """A page of the back office, with the list of its rooms beside it on a wide screen."""
    actor = request.user
    up = back or (None if room == "home" else "/admin")
    chrome = msgspec.structs.replace(
        site_of(request).chrome(actor, "manage", up),
        side=tuple(SideItem(key=key, href=ROOMS[key][0]) for key in open_rooms(actor)),
        side_active=room,
        admin_name=actor.first_name,
    )
    return page(request, template, view, tab="manage", chrome=chrome, status=status)
