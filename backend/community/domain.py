"""Groups inside the caller's transaction: what is stored of people, what students are reported, what jobs follow."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Final

from backend.community import rules
from backend.community.repository import groups, members
from backend.community.types import (
    Group,
    GroupId,
    GroupTroubled,
    Member,
    MemberState,
    MyGroup,
    Problem,
    RefreshGroup,
    SettleMember,
)
from backend.courses.domain import holders
from backend.courses.types import CourseId
from backend.infra.unit_of_work import Tx
from backend.kernel.ids import UserId

SETTLE: Final = "community.settle"
REFRESH: Final = "community.refresh"
INSIDE: Final = frozenset({MemberState.IN, MemberState.ADMIN})


def settle_soon(
    tx: Tx, group_id: GroupId, telegram_id: int, *, look: bool = False, delay: timedelta = timedelta()
) -> None:
    """Have a worker make a person in a group what their plans say."""
    tx.enqueue(SETTLE, SettleMember(group_id=group_id, telegram_id=telegram_id, look=look), delay=delay)


def refresh_soon(tx: Tx, group_id: GroupId, *, new_link: bool = False) -> None:
    """Have a worker compare a group with Telegram."""
    tx.enqueue(REFRESH, RefreshGroup(group_id=group_id, new_link=new_link))


async def note_state(
    tx: Tx, group_id: GroupId, member: Member, state: MemberState, *, by_hand: bool = False, name: str = ""
) -> None:
    """Store what a locked person is in a group."""
    values: dict[str, Any] = {"state": state, "name": name or member.name}
    if state in INSIDE:
        values |= {"requested_at": None}
        if member.state not in INSIDE:
            values |= {"joined_at": tx.now, "by_hand": by_hand}
    elif state is MemberState.REQUESTED:
        values |= {"requested_at": tx.now, "joined_at": None, "by_hand": False}
    else:
        values |= {"requested_at": None, "joined_at": None, "by_hand": False}
    await members.change_member(tx, group_id, member.telegram_id, **values)


async def report(tx: Tx, group_id: GroupId) -> None:
    """Tell admins, once, what the bot lacks in a locked group that belongs to a plan."""
    group = await groups.get_group(tx, group_id, locked=True)
    problems = rules.problems_of(group)
    if problems == group.reported or not await groups.list_links(tx, group_id=group_id):
        return
    await groups.change_group(tx, group_id, reported=list(problems))
    if set(problems) - set(group.reported):
        tx.emit(GroupTroubled(group_id=group_id, problems=problems))


async def list_mine(tx: Tx, user_id: UserId, course_id: CourseId | None = None) -> list[MyGroup]:
    """The groups that a person's plans open now, those of a course or of all; the newest first."""
    return [_mine(group, state) for group, state in await members.list_mine(tx, user_id, course_id=course_id)]


async def list_open(tx: Tx, user_id: UserId, course: str) -> list[MyGroup]:
    """The groups of a course (its slug) that a person may join now, and has neither joined nor asked to."""
    course_id = await holders.find_course_id(tx, course)
    mine = await list_mine(tx, user_id, course_id) if course_id is not None else []
    return [one for one in mine if one.link and one.state in {MemberState.OUT, MemberState.UNKNOWN}]


async def get_group(tx: Tx, group_id: GroupId) -> Group:
    """A group. Raises NotFound."""
    return await groups.get_group(tx, group_id)


def problems_of(group: Group) -> tuple[Problem, ...]:
    """What the bot lacks in a group."""
    return rules.problems_of(group)


async def find_mine(tx: Tx, user_id: UserId, group_id: GroupId) -> MyGroup | None:
    """A group that a person's plans open now; None for any other."""
    mine = await members.list_mine(tx, user_id, group_id=group_id)
    return _mine(*mine[0]) if mine else None


def _mine(group: Group, state: MemberState) -> MyGroup:
    link = group.link if rules.may_admit(group) else None
    return MyGroup(title=group.title, kind=group.kind, state=state, link=link)
