"""Whatever people, admins and Telegram do, and whatever the bot hears of it: plans decide who is in."""

from __future__ import annotations

from typing import Any, ClassVar

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule, run_state_machine_as_test

from backend.community.types import BotRights, BotState, MemberState
from backend.identity.types import Actor
from backend.infra.settings import Settings
from backend.orders.types import OrderView
from tests.backend.community.circle import CHAT, Circle
from tests.backend.orders.life import PEOPLE, Life
from tests.machines import lives

WHO = st.integers(0, PEOPLE - 1)
PLANS = ("basic", "premium")
"""Of which the second opens the group."""


class Groups(Life):
    """Three people buy, are refunded, ask, leave; the bot gets and loses its rights; updates are lost."""

    more: ClassVar[tuple[Any, ...]] = ()

    async def open(self) -> None:
        self.circle = await Circle(self.uow, self.ring, self.clock).open()
        self.students: list[Actor] = [await self.circle.buyer() for _ in range(PEOPLE)]
        self.bought: dict[tuple[int, str], OrderView] = {}
        self.asked: set[int] = set()
        # From the first step on there is somebody to remove, and somebody to let in.
        self.bought[0, "premium"] = await self.circle.school.buy("premium", by=self.students[0])
        for who in (0, 1):
            await self.circle.ask(self.id_of(who))
            self.asked.add(who)

    def id_of(self, who: int) -> int:
        return self.students[who].telegram_id

    @rule(who=WHO, plan=st.sampled_from(PLANS))
    def buy(self, who: int, plan: str) -> None:
        higher = plan == "basic" and (who, "premium") in self.bought
        if (who, plan) not in self.bought and not higher:
            self.bought[who, plan] = self.run(self.circle.school.buy(plan, by=self.students[who]))

    @precondition(lambda self: self.bought)
    @rule(data=st.data())
    def refund(self, data: st.DataObject) -> None:
        key = data.draw(st.sampled_from(sorted(self.bought)))
        self.run(self.circle.school.refund(self.bought.pop(key)))

    @rule(who=WHO, heard=st.booleans(), query=st.booleans())
    def ask(self, who: int, heard: bool, query: bool) -> None:
        rights = self.circle.group.rights
        can_hear = rights.state is BotState.ADMIN and rights.can_invite
        self.circle.telegram.ask(CHAT, self.id_of(who))
        self.asked.add(who)
        if heard and can_hear and self.id_of(who) not in self.circle.group.inside:
            self.run(self.circle.ask(self.id_of(who), query=query))

    @rule(who=WHO, heard=st.booleans())
    def leave(self, who: int, heard: bool) -> None:
        if self.id_of(who) in self.circle.group.inside:
            self.asked.discard(who)
            del self.circle.group.people[self.id_of(who)]
            if heard and self.circle.group.rights.state is BotState.ADMIN:
                self.run(self.circle.moves(MemberState.OUT, self.id_of(who)))

    @rule(invite=st.booleans(), remove=st.booleans(), admin=st.booleans(), heard=st.booleans())
    def rights(self, invite: bool, remove: bool, admin: bool, heard: bool) -> None:
        state = BotState.ADMIN if admin else BotState.MEMBER
        rights = BotRights(state, can_invite=admin and invite, can_remove=admin and remove)
        self.run(self.circle.bot(rights, heard=heard))

    @rule()
    def work(self) -> None:
        self.run(self.circle.work())

    @rule(minutes=st.sampled_from([1, 6, 400]))
    def sweep(self, minutes: int) -> None:
        self.run(self.circle.sweep(minutes=minutes))

    @rule(heard=st.booleans())
    def all_is_well(self, heard: bool) -> None:
        """The bot has its rights again; after two sweeps, hours apart, everybody is where their plan says."""
        self.run(self.circle.bot(BotRights(BotState.ADMIN, can_invite=True, can_remove=True), heard=heard))
        for _ in range(3):
            self.run(self.circle.sweep(hours=7))
        entitled = {self.id_of(who) for who, plan in self.bought if plan == "premium"}
        inside = self.circle.group.inside
        assert inside <= entitled, "somebody is in without a plan"
        waiting = {self.id_of(who) for who in self.asked} & entitled
        assert waiting <= inside, "somebody has a plan, has asked, and is not in"
        for who in range(PEOPLE):
            self.run(self._page_is_true(who, entitled, inside))

    async def _page_is_true(self, who: int, entitled: set[int], inside: set[int]) -> None:
        """The course's page of a student says what is."""
        mine = await self.circle.mine(self.students[who])
        assert bool(mine) == (self.id_of(who) in entitled)
        if mine:
            assert (mine[0].state is MemberState.IN) == (self.id_of(who) in inside)
            assert self.circle.group.links[str(mine[0].link)]

    def teardown(self) -> None:
        self.all_is_well(heard=True)
        super().teardown()


@pytest.mark.long("some thousand transactions")
def test_plans_decide_who_is_in(settings: Settings) -> None:
    Groups.config = settings
    run_state_machine_as_test(Groups, settings=lives(4, steps=20))
