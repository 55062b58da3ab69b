"""A student's groups on the page of their course."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

import msgspec

from backend.community.types import ChatKind, MemberState, MyGroup

State = Literal["joined", "requested", "open", "closed"]


class GroupView(msgspec.Struct, frozen=True):
    """A group that a plan opens; ``closed``: it can't be joined now."""

    title: str
    kind: ChatKind
    state: State
    link: str


def group_views(mine: Iterable[MyGroup]) -> tuple[GroupView, ...]:
    """The groups of a course, as its student sees them."""
    return tuple(GroupView(one.title, one.kind, _state(one), one.link or "") for one in mine)


def _state(one: MyGroup) -> State:
    if one.state.is_inside:
        return "joined"
    if one.state is MemberState.BANNED or one.link is None:
        return "closed"
    return "requested" if one.state is MemberState.REQUESTED else "open"
