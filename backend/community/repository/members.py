"""SQL of the people of groups: what they are there, and what their plans say they may be."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Boolean, ColumnElement, Select, and_, cast, func, literal, or_, select, update
from sqlalchemy.dialects.postgresql import insert as upsert

from backend.community.models import CommunityGroup, GroupMember, GroupPlan
from backend.community.repository.groups import GROUPS, group_of
from backend.community.types import Group, GroupId, Member, MemberState, People, Person
from backend.courses.domain import holders
from backend.courses.types import CourseId, TariffId
from backend.identity import domain as identity
from backend.infra.unit_of_work import Tx
from backend.kernel.ids import UserId

_INSIDE: Final = (MemberState.IN, MemberState.ADMIN)
_MEMBERS: Final = select(*(getattr(GroupMember, name) for name in Member.__struct_fields__))


def _standings(
    now: datetime,
    *,
    group_id: GroupId | None = None,
    user_id: UserId | None = None,
    course_id: CourseId | None = None,
    without: TariffId | None = None,
) -> Select[Any]:
    """Who has or had a plan with which group, and whether ``live``: access is the set of live grants.

    Blocked people have none. Of one group, one person, the plans of one course, all plans ``without`` one.
    """
    held, accounts = holders.grants().subquery("held"), identity.accounts(now).subquery("accounts")
    statement = (
        select(
            GroupPlan.group_id, accounts.c.telegram_id, accounts.c.id.label("user_id"),
            func.bool_or(held.c.live & ~accounts.c.blocked).label("live"),
        )
        .select_from(GroupPlan)
        .join(held, held.c.tariff_id == GroupPlan.tariff_id)
        .join(accounts, accounts.c.id == held.c.user_id)
        .group_by(GroupPlan.group_id, accounts.c.telegram_id, accounts.c.id)
    )  # fmt: skip
    if group_id is not None:
        statement = statement.where(GroupPlan.group_id == group_id)
    if user_id is not None:
        statement = statement.where(held.c.user_id == user_id)
    if course_id is not None:
        statement = statement.where(held.c.course_id == course_id)
    return statement if without is None else statement.where(GroupPlan.tariff_id != without)


async def is_live(tx: Tx, group_id: GroupId, telegram_id: int) -> bool:
    """Whether a person may be in a group now."""
    of = _standings(tx.now, group_id=group_id).subquery("of")
    row = (await tx.execute(select(of.c.live).where(of.c.telegram_id == telegram_id))).one_or_none()
    return row is not None and bool(row.live)


async def list_standings(tx: Tx, user_id: UserId) -> list[tuple[GroupId, int, bool]]:
    """The groups of a person's plans, past ones too, with their Telegram ID and whether they may be in now."""
    rows = await tx.execute(_standings(tx.now, user_id=user_id))
    return [(GroupId(row.group_id), row.telegram_id, bool(row.live)) for row in rows]


async def list_mine(
    tx: Tx, user_id: UserId, *, course_id: CourseId | None = None, group_id: GroupId | None = None
) -> list[tuple[Group, MemberState]]:
    """The groups that a person's plans open now, of all courses or one, and what they are there; the newest first."""
    of = _standings(tx.now, user_id=user_id, course_id=course_id, group_id=group_id).subquery("of")
    member = (GroupMember.group_id == of.c.group_id) & (GroupMember.telegram_id == of.c.telegram_id)
    statement = (
        GROUPS.add_columns(GroupMember.state)
        .join(of, of.c.group_id == CommunityGroup.id)
        .outerjoin(GroupMember, member)
        .where(of.c.live)
        .order_by(CommunityGroup.id.desc())
    )
    rows = await tx.execute(statement)
    return [(group_of(row), MemberState(row.state or MemberState.UNKNOWN)) for row in rows]


async def list_holders(tx: Tx, group_id: GroupId, *, without: TariffId | None = None) -> dict[int, tuple[UserId, bool]]:
    """Who has or had a plan with the group, and whether live; by all its plans ``without`` one."""
    rows = await tx.execute(_standings(tx.now, group_id=group_id, without=without))
    return {row.telegram_id: (UserId(row.user_id), bool(row.live)) for row in rows}


async def list_plan_holders(tx: Tx, tariff_id: TariffId) -> dict[int, tuple[UserId, bool]]:
    """Who has or had a plan that may open no group yet, and whether live."""
    held, accounts = holders.grants().subquery("held"), identity.accounts(tx.now).subquery("accounts")
    statement = (
        select(accounts.c.telegram_id, accounts.c.id, func.bool_or(held.c.live & ~accounts.c.blocked).label("live"))
        .join(accounts, accounts.c.id == held.c.user_id)
        .where(held.c.tariff_id == tariff_id)
        .group_by(accounts.c.telegram_id, accounts.c.id)
    )
    return {row.telegram_id: (UserId(row.id), bool(row.live)) for row in await tx.execute(statement)}


async def list_states(tx: Tx, group_id: GroupId, people: Collection[int]) -> dict[int, MemberState]:
    """What these people are in a group, as far as it has heard of them."""
    statement = select(GroupMember.telegram_id, GroupMember.state).where(
        GroupMember.group_id == group_id, GroupMember.telegram_id.in_(people)
    )
    return {row.telegram_id: MemberState(row.state) for row in await tx.execute(statement)}


async def add_students(tx: Tx, group_id: GroupId | None = None, limit: int | None = None) -> int:
    """Add who has or had a plan with a group, or with any, and is not known as its student; how many."""
    of = _standings(tx.now).subquery("of")
    new = (
        select(of.c.group_id, of.c.telegram_id, literal(value=True))
        .outerjoin(GroupMember, (GroupMember.group_id == of.c.group_id) & (GroupMember.telegram_id == of.c.telegram_id))
        .where(GroupMember.student.is_(None) | ~GroupMember.student)
        .order_by(of.c.group_id, of.c.telegram_id)
        .limit(limit)
    )
    if group_id is not None:
        new = new.where(of.c.group_id == group_id)
    statement = upsert(GroupMember).from_select(["group_id", "telegram_id", "student"], new)
    keys = [GroupMember.group_id, GroupMember.telegram_id]
    return (await tx.execute(statement.on_conflict_do_update(index_elements=keys, set_={"student": True}))).rowcount


def _member(row: Any) -> Member:
    return Member(**{**row._mapping, "state": MemberState(row.state)})


async def lock_member(tx: Tx, group_id: GroupId, telegram_id: int, name: str = "") -> Member:
    """A person of a group, who is added if need be, locked until the transaction ends."""
    row = {"group_id": group_id, "telegram_id": telegram_id, "name": name}
    await tx.execute(upsert(GroupMember).values(row).on_conflict_do_nothing())
    return _member((await tx.execute(_MEMBERS.where(*_key(group_id, telegram_id)).with_for_update())).one())


def _key(group_id: GroupId, telegram_id: int) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    return GroupMember.group_id == group_id, GroupMember.telegram_id == telegram_id


async def find_member(tx: Tx, group_id: GroupId, telegram_id: int) -> Member | None:
    """A person of a group."""
    row = (await tx.execute(_MEMBERS.where(*_key(group_id, telegram_id)))).one_or_none()
    return None if row is None else _member(row)


async def change_member(tx: Tx, group_id: GroupId, telegram_id: int, **values: Any) -> None:
    """Store these columns."""
    await tx.execute(update(GroupMember).where(*_key(group_id, telegram_id)).values(values))


async def is_newer(tx: Tx, group_id: GroupId, telegram_id: int, dated: datetime) -> bool:
    """Whether an update of this date about a locked person is not older than the last one, and is the last now."""
    statement = (
        update(GroupMember)
        .where(*_key(group_id, telegram_id), GroupMember.changed_at.is_(None) | (GroupMember.changed_at <= dated))
        .values(changed_at=dated)
    )
    return (await tx.execute(statement)).rowcount == 1


async def lease(tx: Tx, group_id: GroupId, telegram_id: int, seconds: timedelta) -> bool:
    """Let one worker at a time call Telegram about a person; whether it is this one."""
    free = GroupMember.lease_until.is_(None) | (GroupMember.lease_until <= tx.now)
    statement = update(GroupMember).where(*_key(group_id, telegram_id), free).values(lease_until=tx.now + seconds)
    return (await tx.execute(statement)).rowcount == 1


async def list_mismatches(tx: Tx, retry: timedelta, limit: int) -> list[tuple[GroupId, int]]:
    """People who are not what their plans say, where the bot can do something; left to their jobs for ``retry``."""
    of = _standings(tx.now).subquery("of")
    live = func.coalesce(cast(of.c.live, Boolean), literal(value=False))
    state = GroupMember.state
    admit = CommunityGroup.can_invite & live
    uninvited = and_(state == MemberState.OUT, GroupMember.invited_at.is_(None), CommunityGroup.link.is_not(None))
    wrong = or_(
        and_(admit, or_(state.in_([MemberState.UNKNOWN, MemberState.REQUESTED]), uninvited)),
        and_(
            ~live, GroupMember.student, ~GroupMember.by_hand, CommunityGroup.can_remove, CommunityGroup.kind != "group",
            state.in_([MemberState.UNKNOWN, MemberState.IN]),
        ),
    )  # fmt: skip
    due = (
        select(GroupMember.group_id, GroupMember.telegram_id)
        .join(CommunityGroup, CommunityGroup.id == GroupMember.group_id)
        .outerjoin(of, (of.c.group_id == GroupMember.group_id) & (of.c.telegram_id == GroupMember.telegram_id))
        .where(CommunityGroup.bot == "admin", wrong, GroupMember.retry_at.is_(None) | (GroupMember.retry_at <= tx.now))
        .order_by(GroupMember.retry_at.nulls_first(), GroupMember.group_id, GroupMember.telegram_id)
        .limit(limit)
    )
    return await _take(tx, due, retry_at=tx.now + retry)


async def list_unchecked(tx: Tx, every: timedelta, limit: int) -> list[tuple[GroupId, int]]:
    """Students about whom Telegram was not asked for so long, where it can be; they count as asked about now."""
    due = (
        select(GroupMember.group_id, GroupMember.telegram_id)
        .join(CommunityGroup, CommunityGroup.id == GroupMember.group_id)
        .where(
            CommunityGroup.bot == "admin",
            GroupMember.student,
            GroupMember.checked_at.is_(None) | (GroupMember.checked_at <= tx.now - every),
        )
        .order_by(GroupMember.checked_at.nulls_first())
        .limit(limit)
    )
    return await _take(tx, due, checked_at=tx.now)


async def _take(tx: Tx, due: Select[UUID, int], **values: Any) -> list[tuple[GroupId, int]]:
    chosen = due.subquery("due")
    keys = (GroupMember.group_id == chosen.c.group_id) & (GroupMember.telegram_id == chosen.c.telegram_id)
    statement = update(GroupMember).where(keys).values(values)
    rows = await tx.execute(statement.returning(GroupMember.group_id, GroupMember.telegram_id))
    return [(GroupId(row.group_id), row.telegram_id) for row in rows]


async def forget_waits(tx: Tx, group_id: GroupId) -> None:
    """Have the sweep look at all people of a group again: the bot can do and hear now what it could not."""
    statement = update(GroupMember).where(GroupMember.group_id == group_id)
    await tx.execute(statement.values(retry_at=None, checked_at=None))


def _listed(people: People, of: Any) -> ColumnElement[bool]:
    live = func.coalesce(of.c.live, literal(value=False))
    if people is People.INSIDE:
        return GroupMember.state.in_(_INSIDE)
    if people is People.WAITING:
        return and_(GroupMember.state == MemberState.REQUESTED, ~live)
    return and_(live, GroupMember.state.not_in(_INSIDE))


def _of_group(tx: Tx, group_id: GroupId) -> tuple[Any, Any]:
    of = _standings(tx.now, group_id=group_id).subquery("of")
    return of, of.c.telegram_id == GroupMember.telegram_id


async def count_people(tx: Tx, group_id: GroupId) -> dict[People, int]:
    """How many people each list of a group has."""
    of, same = _of_group(tx, group_id)
    counts = [func.count().filter(_listed(people, of)).label(people.value) for people in People]
    statement = select(*counts).select_from(GroupMember).outerjoin(of, same).where(GroupMember.group_id == group_id)
    row = (await tx.execute(statement)).one()
    return {people: int(row._mapping[people.value]) for people in People}


async def list_people(tx: Tx, group_id: GroupId, people: People, offset: int, limit: int) -> list[Person]:
    """A list of a group's people, the latest first; names as Telegram said them."""
    of, same = _of_group(tx, group_id)
    at = GroupMember.requested_at if people is People.WAITING else GroupMember.joined_at
    at = GroupMember.invited_at if people is People.MISSING else at
    accounts = identity.accounts(tx.now).subquery("accounts")
    statement = (
        select(
            GroupMember.telegram_id, accounts.c.id.label("user_id"), GroupMember.name, GroupMember.state,
            GroupMember.by_hand, func.coalesce(of.c.live, literal(value=False)).label("live"), at.label("at"),
        )
        .select_from(GroupMember)
        .outerjoin(of, same)
        .outerjoin(accounts, accounts.c.telegram_id == GroupMember.telegram_id)
        .where(GroupMember.group_id == group_id, _listed(people, of))
        .order_by(at.desc().nulls_last(), GroupMember.telegram_id)
        .offset(offset)
        .limit(limit)
    )  # fmt: skip
    return [Person(**{**row._mapping, "state": MemberState(row.state)}) for row in await tx.execute(statement)]
