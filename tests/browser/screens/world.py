"""People with a past, in one language, whose screens show every state."""

from __future__ import annotations

from typing import Protocol

import msgspec

from backend.identity.types import Actor, Permission
from backend.kernel.text import Locale
from tests.browser.screens import (
    assignments,
    catalog,
    catalogue_admin,
    certificates,
    community,
    courses,
    courses_admin,
    growth,
    hand_work,
    identity,
    orders,
    payments,
    quizzes,
    readings,
    readings_admin,
    subscriptions,
    support,
    variants,
    wallet,
)
from tests.browser.stack import Stack
from tests.browser.telegram import Person

PEOPLE = ("rich", "poor", "admin", "payer", "saver", "reseller", "graduate", "expelled")


class Accounts(Protocol):
    """Makes people: the simulated Telegram, or in one process identity alone."""

    async def person(self, language: str = "en", *, started: bool = True) -> Person:
        """Somebody new."""
        ...

    async def visit(self, person: Person) -> None:
        """Have somebody open the shop once."""
        ...


class World(msgspec.Struct, frozen=True):
    """The people, and the ids of what they have left behind."""

    people: dict[str, Person]
    rich_id: str
    vpn_id: str
    file_id: str
    orders: orders.Past
    payments: payments.Past
    wallet: wallet.Past
    growth: growth.Past
    subscriptions: subscriptions.Past
    hand_work: hand_work.Past
    courses: courses.Past
    courses_admin: courses_admin.Past
    assignments: assignments.Past
    certificates: certificates.Past
    community: community.Past
    quizzes: quizzes.Past
    readings_admin: readings_admin.Past
    catalogue_admin: catalogue_admin.Past
    readings: readings.Past
    support: support.Past
    identity: identity.Past
    variants: variants.Past

    def who(self, name: str) -> Person:
        """The person called so, one of ``PEOPLE``."""
        return self.people[name]


class Worlds:
    """One world, made when it is first asked for, whose people change their language: a past takes ten seconds."""

    def __init__(self, stack: Stack, accounts: Accounts) -> None:
        self._stack, self._accounts = stack, accounts
        self._world: World | None = None

    async def get(self, language: str) -> World:
        """The people, who read ``language`` from now on."""
        if self._world is None:
            self._world = await make_world(self._stack, self._accounts, language)
        people = {name: Person(person.id, language) for name, person in self._world.people.items()}
        if people != self._world.people:
            for person in people.values():
                actor = await self._stack.actor(person.id)
                await self._stack.services.identity.profile.set_language(actor, Locale(language))
            self._world = msgspec.structs.replace(self._world, people=people)
        return self._world


async def make_world(stack: Stack, accounts: Accounts, language: str) -> World:
    """Make the people, and have each do what their screens are to show."""
    people = {name: await accounts.person(language) for name in PEOPLE}
    for person in people.values():
        await accounts.visit(person)
    colleague = await accounts.person(language)
    await accounts.visit(colleague)
    everything = frozenset(Permission)
    helper = await stack.actor(people["admin"].id)
    await stack.services.identity.admins.set_permissions(Actor.system(), helper.id, everything)
    await stack.services.identity.people.set_reseller(
        Actor.system(), (await stack.actor(people["reseller"].id)).id, True
    )
    admin, payer = await stack.actor(people["admin"].id), await stack.actor(people["payer"].id)
    rich = await stack.fund(people["rich"].id, 10_000)
    vpn_id, file_id = await catalog.live(stack, people["rich"], people["payer"])
    return World(
        people=people,
        rich_id=str(rich.id),
        vpn_id=vpn_id,
        file_id=file_id,
        orders=await orders.live(stack, people["rich"], people["saver"], people["payer"], people["reseller"], admin),
        payments=await payments.live(stack, people["payer"], rich, admin),
        wallet=await wallet.live(stack, payer, admin),
        growth=await growth.live(stack, rich, payer, admin, await stack.actor(people["saver"].id)),
        subscriptions=await subscriptions.live(stack, people["rich"], people["saver"], people["payer"]),
        hand_work=await hand_work.live(stack, payer, admin),
        courses=await courses.live(stack, people, admin),
        courses_admin=await courses_admin.live(stack, admin),
        assignments=await assignments.live(stack, people, admin),
        certificates=await certificates.live(stack, people, admin),
        community=await community.live(stack, people, admin),
        quizzes=await quizzes.live(stack, people, admin),
        catalogue_admin=await catalogue_admin.live(stack, admin),
        readings_admin=await readings_admin.live(stack, rich, admin),
        readings=await readings.live(stack, people, admin),
        support=await support.live(stack, people, admin),
        identity=await identity.live(stack, await stack.actor(colleague.id), admin),
        variants=await variants.live(stack, admin),
    )
