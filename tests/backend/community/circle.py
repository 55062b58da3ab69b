"""A course whose dearest plan opens a group, the group, and its people."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from msgspec.structs import replace
from sqlalchemy import text

from backend.community import tasks as community_tasks
from backend.community.repository import members
from backend.community.service import CommunityServices
from backend.community.types import (
    Asked,
    Asking,
    BotRights,
    BotState,
    Chat,
    ChatKind,
    GroupId,
    Member,
    MemberState,
    MyGroup,
    SettleMember,
)
from backend.identity.types import Actor
from backend.infra.crypto import KeyRing
from backend.infra.jobs import by_name
from backend.infra.runner import Runner
from backend.infra.unit_of_work import UnitOfWork
from tests.backend.courses.school import School
from tests.factories.shop import buyers
from tests.fakes.clock import FakeClock
from tests.fakes.groups import FakeChats, FakeGroup

CHAT, BOT, OWNER = -1001, 42, 5
ALL = BotRights(BotState.ADMIN, can_invite=True, can_remove=True)


class Circle:
    """The school with its group, and what tests do with them. "premium" opens the group."""

    def __init__(self, uow: UnitOfWork, ring: KeyRing, clock: FakeClock) -> None:
        self.uow, self.clock = uow, clock
        self.school = School(uow, ring)
        self.telegram = FakeChats()
        self.services = CommunityServices.build(
            uow=uow, chats=self.telegram, bot_id=BOT, shop="Souk", default_language="en"
        )
        self._tasks = by_name(community_tasks.tasks(self.services))
        self.queries = 0

    async def open(self, *, link: bool = True, bot: bool = True) -> Circle:
        """The course on sale; the bot in the group, which is linked."""
        await self.school.open()
        self.teacher, self.student = self.school.teacher, await self._real(self.school.buyer)
        if bot:
            await self.add_bot()
        if bot and link:
            await self.link()
        return self

    @property
    def group(self) -> FakeGroup:
        """The group as Telegram has it."""
        return self.telegram.groups[CHAT]

    @property
    def who(self) -> int:
        """The student's Telegram id."""
        return self.student.telegram_id

    async def add_bot(self, rights: BotRights = ALL, kind: ChatKind = ChatKind.SUPERGROUP) -> GroupId:
        self.telegram.add(CHAT, kind=kind)
        return await self.bot(rights)

    async def bot(self, rights: BotRights, *, heard: bool = True) -> GroupId:
        """The bot's rights change, and it hears of that or not."""
        self.group.rights = rights
        if heard:
            await self.services.updates.bot_changed(self.group.chat, rights, self.clock.now())
        (row,) = await self.rows("SELECT id FROM community_groups")
        self.group_id = GroupId(row.id)
        return self.group_id

    async def link(self, code: str = "premium") -> None:
        await self.services.groups.link(self.teacher, self.group_id, self.school.tariffs[code].id)
        await self.work()

    async def buyer(self) -> Actor:
        """Another customer with money."""
        (person,) = await buyers(self.uow, 1, 100_000)
        return await self._real(person)

    async def _real(self, person: Actor) -> Actor:
        """With the Telegram ID that is stored: all actors of the factory have the same."""
        (row,) = await self.rows("SELECT telegram_id FROM users WHERE id = :id", id=person.id)
        return replace(person, telegram_id=row.telegram_id)

    async def ask(self, who: int | None = None, *, query: bool = False, chat: Chat | None = None) -> Asked:
        """Somebody follows the link, and the bot hears of it."""
        who = who or self.who
        self.queries += 1
        query_id = f"query-{self.queries}" if query else None
        self.telegram.ask(CHAT, who)
        asking = Asking(chat=chat or self.group.chat, telegram_id=who, name="Emma", query_id=query_id)
        asked = await self.services.joining.ask(asking)
        if query_id is not None and self.telegram.answers.get(query_id) == "approve":
            self.group.requests.discard(who)
            self.group.people[who] = MemberState.IN
        return asked

    async def moves(self, state: MemberState, who: int | None = None, *, by: int | None = None) -> None:
        """Telegram reports somebody, by their own action unless somebody else's is named."""
        who = who or self.who
        self.group.people[who] = state
        await self.services.updates.member_changed(
            self.group.chat, who, "Emma", state, by=by or who, dated=self.clock.now()
        )

    async def work(self, limit: int = 30) -> None:
        """Run the jobs of groups that are due, and those that they make."""
        runner = Runner(self.uow, self._tasks, attempts=8)
        for _ in range(limit):
            due = await self.rows(
                "SELECT id FROM outbox_jobs WHERE task LIKE 'community.%' AND done_at IS NULL AND dead_at IS NULL"
                " AND run_at <= :now ORDER BY run_at, id",
                now=self.clock.now(),
            )
            if not due:
                return
            for row in due:
                await runner.run(row.id)
        raise AssertionError("the jobs never end")

    async def sweep(self, **later: float) -> None:
        """The timer runs, some time later, and the jobs that it starts."""
        self.clock.move(**(later or {"minutes": 6}))
        await self.services.refreshing.start_due()
        await self.services.settling.sweep()
        await self.work()

    async def settle(self, who: int | None = None) -> None:
        """The job of one person, now."""
        await self.services.settling.settle(SettleMember(group_id=self.group_id, telegram_id=who or self.who))

    async def member(self, who: int | None = None) -> Member:
        async with self.uow.read() as tx:
            member = await members.find_member(tx, self.group_id, who or self.who)
        assert member is not None
        return member

    async def mine(self, student: Actor | None = None) -> list[MyGroup]:
        """What the course's page shows."""
        return await self.services.groups.mine(student or self.student, self.school.course_id)

    async def messages_of(self, event: str) -> list[Any]:
        """The payloads of the messages that an event has asked for."""
        rows = await self.rows(
            "SELECT payload FROM outbox_jobs WHERE task = :task ORDER BY id", task=f"notifications.{event}"
        )
        return [row.payload for row in rows]

    async def rows(self, sql: str, **values: Any) -> Sequence[Any]:
        async with self.uow.read() as tx:
            return (await tx.execute(text(sql), values)).all()
