"""SQL of groups and their plans."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import delete, select, update
from sqlalchemy.dialects.postgresql import insert as upsert

from backend.community.models import CommunityGroup, GroupMember, GroupPlan
from backend.community.types import BotRights, BotState, Chat, ChatKind, Group, GroupId, PlanLinked, Problem
from backend.courses.types import TariffId
from backend.infra.unit_of_work import Tx
from backend.kernel.errors import NotFound
from backend.kernel.ids import UserId

GROUPS: Final = select(*(getattr(CommunityGroup, name) for name in Group.__struct_fields__))


def group_of(row: Any) -> Group:
    """A row of ``GROUPS``."""
    values = {name: row._mapping[name] for name in Group.__struct_fields__}
    reported = tuple(Problem(one) for one in row.reported)
    return Group(**{**values, "kind": ChatKind(row.kind), "bot": BotState(row.bot), "reported": reported})


async def find_group(
    tx: Tx, *, group_id: GroupId | None = None, chat_id: int | None = None, locked: bool = False
) -> Group | None:
    """A group by its id or its chat's; ``locked`` until the transaction ends."""
    which = CommunityGroup.id == group_id if group_id is not None else CommunityGroup.chat_id == chat_id
    statement = GROUPS.where(which)
    row = (await tx.execute(statement.with_for_update() if locked else statement)).one_or_none()
    return None if row is None else group_of(row)


async def get_group(tx: Tx, group_id: GroupId, *, locked: bool = False) -> Group:
    """A group. Raises NotFound."""
    group = await find_group(tx, group_id=group_id, locked=locked)
    if group is None:
        raise NotFound("no such group")
    return group


async def list_groups(tx: Tx, groups: Collection[GroupId] | None = None) -> list[Group]:
    """These groups or all, the newest first."""
    statement = GROUPS.order_by(CommunityGroup.id.desc())
    if groups is not None:
        statement = statement.where(CommunityGroup.id.in_(groups))
    return [group_of(row) for row in await tx.execute(statement)]


async def add_group(tx: Tx, chat: Chat, rights: BotRights) -> Group:
    """The group of a chat, which may be known already, locked."""
    row = {"id": tx.new_id(), "chat_id": chat.id, "kind": chat.kind, "title": chat.title, "added_at": tx.now}
    row |= {"bot": rights.state, "can_invite": rights.can_invite, "can_remove": rights.can_remove}
    await tx.execute(upsert(CommunityGroup).values(row).on_conflict_do_nothing())
    group = await find_group(tx, chat_id=chat.id, locked=True)
    assert group is not None
    return group


async def note_rights(
    tx: Tx, group_id: GroupId, chat: Chat, rights: BotRights, *, dated: datetime | None = None
) -> bool:
    """Store what the bot is in a chat; whether it was, as nothing is by an update that is older than the last one."""
    values: dict[str, Any] = {"kind": chat.kind, "title": chat.title, "bot": rights.state}
    values |= {"can_invite": rights.can_invite, "can_remove": rights.can_remove}
    statement = update(CommunityGroup).where(CommunityGroup.id == group_id)
    if dated is not None:
        values["changed_at"] = dated
        newer = CommunityGroup.changed_at.is_(None) | (CommunityGroup.changed_at <= dated)
        statement = statement.where(newer)
    return (await tx.execute(statement.values(values))).rowcount == 1


async def change_group(tx: Tx, group_id: GroupId, **values: Any) -> None:
    """Store these columns."""
    await tx.execute(update(CommunityGroup).where(CommunityGroup.id == group_id).values(values))


async def put_link(tx: Tx, group_id: GroupId, link: str, before: str | None) -> bool:
    """Store a new link in the place of the one ``before``; whether nobody else has stored one meanwhile."""
    same = CommunityGroup.link.is_(None) if before is None else CommunityGroup.link == before
    statement = update(CommunityGroup).where(CommunityGroup.id == group_id, same)
    return (await tx.execute(statement.values(link=link, link_checked_at=tx.now))).rowcount == 1


async def merge_group(tx: Tx, into: GroupId, other: GroupId) -> None:
    """Make one group of two: plans and people of the ``other`` go over, where they are not there already."""
    for table, key in ((GroupPlan, GroupPlan.tariff_id), (GroupMember, GroupMember.telegram_id)):
        group_id = table.group_id
        known = select(key).where(group_id == into)
        await tx.execute(delete(table).where(group_id == other, key.in_(known)))
        await tx.execute(update(table).where(group_id == other).values(group_id=into))
    await tx.execute(delete(CommunityGroup).where(CommunityGroup.id == other))


async def list_due_groups(tx: Tx, every: timedelta, limit: int) -> list[GroupId]:
    """Groups with plans that were not compared with Telegram for so long; they count as compared from now on."""
    due = (
        select(CommunityGroup.id)
        .where(
            CommunityGroup.id.in_(select(GroupPlan.group_id)),
            CommunityGroup.checked_at.is_(None) | (CommunityGroup.checked_at <= tx.now - every),
        )
        .order_by(CommunityGroup.checked_at.nulls_first())
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    statement = update(CommunityGroup).where(CommunityGroup.id.in_(due)).values(checked_at=tx.now)
    return [GroupId(row.id) for row in await tx.execute(statement.returning(CommunityGroup.id))]


async def list_links(tx: Tx, *, group_id: GroupId | None = None) -> list[PlanLinked]:
    """Which plans open which groups, or a group."""
    statement = select(GroupPlan.group_id, GroupPlan.tariff_id).order_by(GroupPlan.linked_at, GroupPlan.tariff_id)
    if group_id is not None:
        statement = statement.where(GroupPlan.group_id == group_id)
    return [PlanLinked(GroupId(row.group_id), TariffId(row.tariff_id)) for row in await tx.execute(statement)]


async def link_plan(tx: Tx, group_id: GroupId, tariff_id: TariffId, by: UserId | None) -> bool:
    """Have a plan open a group; whether it did not."""
    row = {"group_id": group_id, "tariff_id": tariff_id, "linked_at": tx.now, "linked_by": by}
    return (await tx.execute(upsert(GroupPlan).values(row).on_conflict_do_nothing())).rowcount == 1


async def unlink_plan(tx: Tx, group_id: GroupId, tariff_id: TariffId) -> bool:
    """Have a plan open a group no more; whether it did."""
    statement = delete(GroupPlan).where(GroupPlan.group_id == group_id, GroupPlan.tariff_id == tariff_id)
    return (await tx.execute(statement)).rowcount == 1
