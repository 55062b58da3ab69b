"""Groups for admins who teach, who link them to plans, and for students."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Final

from msgspec.structs import replace

from backend.community import domain, rules
from backend.community.repository import groups, members
from backend.community.types import GroupDetail, GroupId, GroupRow, MyGroup, People, Person, Preview
from backend.courses.domain import holders
from backend.courses.types import CourseId, TariffId
from backend.courses.types.subjects import PlanSubject
from backend.identity import domain as identity
from backend.identity.types import Actor, Permission
from backend.infra import audit
from backend.infra.unit_of_work import Tx, UnitOfWork, retry_conflicts
from backend.kernel.errors import NotFound
from backend.kernel.ids import UserId

_PAGE: Final = 30


class GroupsService:
    """What is known of groups, and which plans open them. All but ``mine`` raises Forbidden."""

    page_size = _PAGE

    def __init__(self, *, uow: UnitOfWork) -> None:
        self._uow = uow

    async def list_all(self, actor: Actor) -> list[GroupRow]:
        """All groups that the bot is or was in, the newest first."""
        actor.require(Permission.TEACHING)
        async with self._uow.read() as tx:
            links = [link.group_id for link in await groups.list_links(tx)]
            rows = []
            for group in await groups.list_groups(tx):
                counts = await members.count_people(tx, group.id)
                rows.append(
                    GroupRow(
                        group=group,
                        problems=rules.problems_of(group),
                        plans=links.count(group.id),
                        inside=counts[People.INSIDE],
                        waiting=counts[People.WAITING],
                    )
                )
        return rows

    async def broken_promises(self, actor: Actor) -> list[PlanSubject]:
        """Plans on sale that promise groups, and open none."""
        actor.require(Permission.TEACHING)
        async with self._uow.read() as tx:
            linked = {link.tariff_id for link in await groups.list_links(tx)}
            plans = await holders.list_plans(tx)
        return [one for one in plans if one.promises_groups and not one.retired and one.tariff_id not in linked]

    async def get(self, actor: Actor, group_id: GroupId) -> GroupDetail:
        """A group. Raises NotFound."""
        actor.require(Permission.TEACHING)
        async with self._uow.read() as tx:
            group = await groups.get_group(tx, group_id)
            linked = [link.tariff_id for link in await groups.list_links(tx, group_id=group_id)]
            return GroupDetail(
                group=group,
                problems=rules.problems_of(group),
                plans=tuple(await holders.list_plans(tx, linked)),
                counts=await members.count_people(tx, group_id),
            )

    async def people(self, actor: Actor, group_id: GroupId, people: People, *, page: int = 0) -> list[Person]:
        """A page of a list of a group's people, by the names that the shop knows."""
        actor.require(Permission.TEACHING)
        async with self._uow.read() as tx:
            rows = await members.list_people(tx, group_id, people, page * _PAGE, _PAGE)
            names = await identity.user_names(tx, {one.user_id for one in rows if one.user_id is not None})
        return [
            replace(one, name=names.get(one.user_id, "") or one.name) if one.user_id is not None else one
            for one in rows
        ]

    async def offered_plans(self, actor: Actor, group_id: GroupId) -> list[PlanSubject]:
        """The plans that do not open a group yet, those that promise groups first."""
        actor.require(Permission.TEACHING)
        async with self._uow.read() as tx:
            linked = {link.tariff_id for link in await groups.list_links(tx, group_id=group_id)}
            plans = [one for one in await holders.list_plans(tx) if one.tariff_id not in linked]
        return sorted(plans, key=lambda one: not one.promises_groups)

    async def preview(self, actor: Actor, group_id: GroupId, tariff_id: TariffId) -> Preview:
        """What linking a plan changes, or unlinking one that is linked. Raises NotFound."""
        actor.require(Permission.TEACHING)
        async with self._uow.read() as tx:
            group = await groups.get_group(tx, group_id)
            plan = await _plan(tx, tariff_id)
            linked = tariff_id in {link.tariff_id for link in await groups.list_links(tx, group_id=group_id)}
            of_plan = await members.list_plan_holders(tx, tariff_id)
            others = await members.list_holders(tx, group_id, without=tariff_id)
            without = {who for who, (_, live) in others.items() if live}
            live = {who: user_id for who, (user_id, is_live) in of_plan.items() if is_live and who not in without}
            ended = {who: user_id for who, (user_id, is_live) in of_plan.items() if not is_live and who not in without}
            states = await members.list_states(tx, group_id, [*live, *ended])
            inside = {who for who, state in states.items() if state in domain.INSIDE}
            # Whose plan had ended before it was linked, and who is in the group all the same, is removed, too.
            losing = live if linked else {who: user_id for who, user_id in ended.items() if who in inside}
            return Preview(
                group=group,
                plan=plan,
                linked=linked,
                gain=() if linked else await _names(tx, live.values()),
                lose=await _names(tx, losing.values()),
                removed=len(inside & set(losing)),
            )

    @retry_conflicts
    async def link(self, actor: Actor, group_id: GroupId, tariff_id: TariffId) -> None:
        """Have a plan open a group to all who have it: they are let in or invited. Raises NotFound."""
        actor.require(Permission.TEACHING)
        async with self._uow() as tx:
            await groups.get_group(tx, group_id, locked=True)
            await _plan(tx, tariff_id)
            if await groups.link_plan(tx, group_id, tariff_id, actor.user_id):
                await holders.promise_groups(tx, tariff_id)
                await self._changed(tx, actor, group_id, tariff_id, "community.link")

    @retry_conflicts
    async def unlink(self, actor: Actor, group_id: GroupId, tariff_id: TariffId) -> None:
        """Have a plan open a group no more: who has no other plan with it is removed. Raises NotFound."""
        actor.require(Permission.TEACHING)
        async with self._uow() as tx:
            await groups.get_group(tx, group_id, locked=True)
            await members.add_students(tx, group_id)
            if await groups.unlink_plan(tx, group_id, tariff_id):
                await self._changed(tx, actor, group_id, tariff_id, "community.unlink")

    @retry_conflicts
    async def refresh(self, actor: Actor, group_id: GroupId, *, new_link: bool = False) -> None:
        """Compare a group with Telegram soon; ``new_link``: and ask by another link from then on. Raises NotFound."""
        actor.require(Permission.TEACHING)
        async with self._uow() as tx:
            await groups.get_group(tx, group_id)
            domain.refresh_soon(tx, group_id, new_link=new_link)
            if new_link:
                await audit.record(tx, actor.user_id, "community.new_link", f"group:{group_id}", {})

    async def mine(self, actor: Actor, course_id: CourseId) -> list[MyGroup]:
        """The groups of a course that the actor's plans open now."""
        async with self._uow.read() as tx:
            return await domain.list_mine(tx, actor.id, course_id)

    @staticmethod
    async def _changed(tx: Tx, actor: Actor, group_id: GroupId, tariff_id: TariffId, verb: str) -> None:
        await members.add_students(tx, group_id)
        await members.forget_waits(tx, group_id)
        await domain.report(tx, group_id)
        domain.refresh_soon(tx, group_id)
        await audit.record(tx, actor.user_id, verb, f"group:{group_id}", {"tariff": str(tariff_id)})


async def _plan(tx: Tx, tariff_id: TariffId) -> PlanSubject:
    plans = await holders.list_plans(tx, [tariff_id])
    if not plans:
        raise NotFound("no such plan")
    return plans[0]


async def _names(tx: Tx, people: Iterable[UserId]) -> tuple[str, ...]:
    ids: Collection[UserId] = list(people)
    names = await identity.user_names(tx, ids)
    return tuple(sorted(names.get(one, "") or "—" for one in ids))
