"""What people are told of groups."""

from __future__ import annotations

from typing import Any, Final

import msgspec

from backend.community import domain
from backend.community.domain import INSIDE
from backend.community.types import (
    ChatKind,
    GroupAdded,
    GroupInvited,
    GroupTroubled,
    MemberState,
    MyGroup,
    Problem,
)
from backend.community.words import problem_words
from backend.identity.types import Permission
from backend.kernel.ids import UserId
from backend.notifications.notice import Audience, Draft, Notice, Params, admins, person
from backend.notifications.types import Button, Message

_MOST: Final = 8


async def welcome(draft: Draft, user_id: UserId, course: str) -> tuple[list[str], list[Button]]:
    """The lines and buttons of the groups that a course opens to its new student, who is in none of them yet."""
    groups = await domain.list_open(draft.tx, user_id, course)
    _ = draft.words.translator.gettext
    if not groups:
        return [], []
    return ["", _("Your plan opens these groups:"), *(_line(draft, one) for one in groups[:_MOST])], [
        _join(draft, one) for one in groups[:_MOST]
    ]


async def _invited(draft: Draft, params: Params) -> Message | None:
    """Nothing where they are in by now, or may not be any more."""
    event, words = msgspec.convert(params, GroupInvited), draft.words
    group = await domain.find_mine(draft.tx, event.user_id, event.group_id)
    if group is None or group.link is None or group.state in {*INSIDE, MemberState.BANNED}:
        return None
    _ = words.translator.gettext
    head = _("<b>You can join {group}</b>").format(group=words.isolated(group.title))
    return Message(f"{head}\n" + _("It comes with your plan."), (_join(draft, group),))


async def _added(draft: Draft, params: Params) -> Message | None:
    event, words = msgspec.convert(params, GroupAdded), draft.words
    group = await domain.get_group(draft.tx, event.group_id)
    _ = words.translator.gettext
    text = _("<b>The bot was added to {group}</b>").format(group=words.isolated(group.title))
    if event.link_plans:
        text += "\n" + _("Link the plans that open it to their students.")
    return Message(text, (words.admin_button(f"/groups/{group.id}"),))


async def _troubled(draft: Draft, params: Params) -> Message | None:
    """What the bot lacks now; nothing where it lacks nothing any more."""
    event, words = msgspec.convert(params, GroupTroubled), draft.words
    group = await domain.get_group(draft.tx, event.group_id)
    problems = domain.problems_of(group)
    if not problems:
        return None
    _ = words.translator.gettext
    if problems == (Problem.GONE,):
        text = _("<b>The bot was removed from {group}</b>").format(group=words.isolated(group.title))
        rest = _("Students can't join it, and nobody is removed. Add the bot again as an admin.")
        return Message(f"{text}\n{rest}", (words.admin_button(f"/groups/{group.id}"),))
    text = _("<b>The bot lacks rights in {group}</b>").format(group=words.isolated(group.title))
    lines = [f"– {problem_words(one, words.translator)}" for one in problems]
    return Message("\n".join([text, *lines]), (words.admin_button(f"/groups/{group.id}"),))


def _line(draft: Draft, group: MyGroup) -> str:
    return f"– {draft.words.isolated(group.title)}"


def _join(draft: Draft, group: MyGroup) -> Button:
    _ = draft.words.translator.gettext
    text = _("Join channel: {name}") if group.kind is ChatKind.CHANNEL else _("Join group: {name}")
    return Button(text.format(name=group.title), link=group.link or "")


_TEACHERS: Final[Audience[Any]] = admins(Permission.TEACHING)
NOTICES: Final = (
    Notice(
        event=GroupInvited,
        kind="group_invited",
        audience=person(lambda event: event.user_id),
        key="group_invited:{group_id}:{user_id}:{job}",
        compose=_invited,
        urgent=False,
    ),
    Notice(
        event=GroupAdded,
        kind="group_added",
        audience=_TEACHERS,
        key="group_added:{group_id}:{job}",
        compose=_added,
    ),
    Notice(
        event=GroupTroubled,
        kind="group_troubled",
        audience=_TEACHERS,
        key="group_troubled:{group_id}:{job}",
        compose=_troubled,
    ),
)
