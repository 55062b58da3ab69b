"""First contact, what later contacts change, and people's own choices."""

from __future__ import annotations

import asyncio

import pytest
from sqlalchemy import text

from backend.bootstrap import Services
from backend.identity import domain
from backend.identity.types import Actor, Permission, ZoneSource
from backend.infra.settings import Settings
from backend.kernel.errors import Forbidden, Invalid, NotFound
from backend.kernel.ids import UserId, new_id
from backend.kernel.text import Locale
from tests.factories.identity import admin, contact, person
from tests.fakes.clock import FakeClock


async def test_first_contact_registers_with_language_start_and_timezone(services: Services, settings: Settings) -> None:
    actor = await person(
        services.identity, 51, language_code="ar-EG", start_param="ref_7", timezone="Africa/Cairo", username="layla"
    )
    assert (actor.language, actor.timezone, actor.username) == (Locale.AR, "Africa/Cairo", "layla")
    assert not actor.is_admin
    root = await person(services.identity, settings.root_admin_id)
    detail = await services.identity.people.user_detail(root, actor.id)
    assert detail.start_param == "ref_7"


async def test_names_are_updated_and_the_start_parameter_stays(services: Services, settings: Settings) -> None:
    first = await person(services.identity, 52, first_name="Old", username="old", last_name="Name", start_param="one")
    again = await person(services.identity, 52, first_name="New", username=None, start_param="two")
    assert (again.user_id, again.first_name, again.username) == (first.user_id, "New", None)
    root = await person(services.identity, settings.root_admin_id)
    detail = await services.identity.people.user_detail(root, again.id)
    assert (detail.start_param, detail.last_name) == ("one", None)


async def test_what_a_contact_does_not_report_stays(services: Services) -> None:
    await person(services.identity, 53, photo_url="https://t.me/i/userpic/320/x.jpg", timezone="Europe/Moscow")
    again = await person(services.identity, 53, photo_url=None, timezone=None, first_name="Changed")
    assert (again.photo_url, again.timezone) == ("https://t.me/i/userpic/320/x.jpg", "Europe/Moscow")


async def test_own_language_wins_over_telegram(services: Services) -> None:
    actor = await person(services.identity, 54, language_code="ru")
    assert actor.language is Locale.RU
    changed = await services.identity.profile.set_language(actor, Locale.AR)
    assert changed.language is Locale.AR
    assert (await person(services.identity, 54, language_code="en", first_name="X")).language is Locale.AR


async def test_first_language_stays_when_telegrams_changes(services: Services) -> None:
    await person(services.identity, 55, language_code="ru")
    assert (await person(services.identity, 55, language_code="ar")).language is Locale.RU


async def test_a_language_reported_later_counts_as_the_first(services: Services) -> None:
    assert (await person(services.identity, 56, language_code=None)).language is Locale.EN
    assert (await person(services.identity, 56, language_code="ar")).language is Locale.AR


async def test_device_timezone_is_updated_until_one_is_chosen(services: Services) -> None:
    actor = await person(services.identity, 57, timezone="Europe/Paris")
    assert (await person(services.identity, 57, timezone="Asia/Dubai")).timezone == "Asia/Dubai"
    await services.identity.profile.set_timezone(actor, "Asia/Tokyo")
    assert (await person(services.identity, 57, timezone="Asia/Dubai")).timezone == "Asia/Tokyo"
    with pytest.raises(Invalid):
        await services.identity.profile.set_timezone(actor, "Mars/Olympus")


async def test_where_a_timezone_is_from(services: Services) -> None:
    profile = services.identity.profile
    actor = await person(services.identity, 58)
    assert (actor.timezone, actor.zone_source) == ("UTC", ZoneSource.UNKNOWN)
    assert (await profile.follow_device(actor)).zone_source is ZoneSource.UNKNOWN
    assert (await person(services.identity, 58, timezone="Asia/Dubai")).zone_source is ZoneSource.DEVICE
    chosen = await profile.set_timezone(actor, "Asia/Tokyo")
    assert chosen == await person(services.identity, 58, timezone="Asia/Dubai")
    assert chosen.zone_source is ZoneSource.CHOSEN
    assert (await profile.follow_device(chosen)).zone_source is ZoneSource.DEVICE
    again = await person(services.identity, 58, timezone="Asia/Dubai")
    assert (again.timezone, again.zone_source) == ("Asia/Dubai", ZoneSource.DEVICE)


@pytest.mark.parametrize(
    "fields",
    [
        {"first_name": "A\0B", "username": "\0", "start_param": "no spaces allowed", "timezone": "../etc/passwd"},
        {"first_name": "x" * 5000, "last_name": "\ud83d", "photo_url": "javascript:alert(1)"},
        {"first_name": "", "photo_url": "https://" + "x" * 5000, "language_code": "x" * 300},
        {"first_name": "\u202eevil", "start_param": "a" * 65},
    ],
)
async def test_odd_contacts_register_without_harm(services: Services, fields: dict[str, str]) -> None:
    actor = await person(services.identity, **fields)
    assert len(actor.first_name) <= 128
    assert actor.photo_url is None
    assert actor.timezone == "UTC"


async def test_ten_first_contacts_at_once_make_one_person(services: Services) -> None:
    actors = await asyncio.gather(*(person(services.identity, 60, first_name=f"N{n}") for n in range(10)))
    assert len({actor.user_id for actor in actors}) == 1
    async with services.uow.read() as tx:
        count = (await tx.execute(text("SELECT count(*) FROM users WHERE telegram_id = 60"))).scalar_one()
    assert count == 1


async def test_an_unchanged_contact_writes_nothing(services: Services, clock: FakeClock) -> None:
    new_contact = contact(61)
    await services.identity.access.authenticate(new_contact)
    before = await _xmin(services, 61)
    await services.identity.access.authenticate(new_contact)
    assert await _xmin(services, 61) == before
    clock.move(hours=2)
    await services.identity.access.authenticate(new_contact)
    assert await _xmin(services, 61) != before


async def _xmin(services: Services, telegram_id: int) -> str:
    async with services.uow.read() as tx:
        statement = text("SELECT xmin::text FROM users WHERE telegram_id = :id")
        return str((await tx.execute(statement, {"id": telegram_id})).scalar_one())


async def test_recipients_and_names(services: Services, settings: Settings) -> None:
    buyer = await person(services.identity, 62, first_name="Omar", last_name="K", language_code="ar")
    money = await admin(services.identity, settings.root_admin_id, Permission.MONEY)
    async with services.uow() as tx:
        recipient = await domain.get_recipient(tx, buyer.id)
        assert (recipient.telegram_id, recipient.language, recipient.blocked_bot) == (62, Locale.AR, False)
        await domain.mark_bot_blocked(tx, buyer.id, tx.now)
        assert (await domain.get_recipient(tx, buyer.id)).blocked_bot
        recipients = {item.telegram_id for item in await domain.list_admins(tx, Permission.MONEY)}
        assert recipients == {settings.root_admin_id, money.telegram_id}
        recipients = {item.telegram_id for item in await domain.list_admins(tx, Permission.STOCK)}
        assert recipients == {settings.root_admin_id}
        assert await domain.user_names(tx, [buyer.id, UserId(new_id())]) == {buyer.id: "Omar K"}
        with pytest.raises(NotFound):
            await domain.get_recipient(tx, UserId(new_id()))
    await services.identity.access.mark_bot_blocked(62, False)
    async with services.uow.read() as tx:
        assert not (await domain.get_recipient(tx, buyer.id)).blocked_bot


async def test_finding_people(services: Services, settings: Settings) -> None:
    root = await person(services.identity, settings.root_admin_id)
    people = [await person(services.identity, first_name=f"Seek{n:02}", username=f"seek{n:02}") for n in range(35)]
    first = await services.identity.people.find_users(root, "seek")
    assert len(first.items) == 30
    assert first.next_cursor
    rest = await services.identity.people.find_users(root, "seek", first.next_cursor)
    assert rest.next_cursor is None
    assert [item.id for item in first.items + rest.items] == [actor.user_id for actor in reversed(people)]
    assert [item.username for item in (await services.identity.people.find_users(root, "@SEEK07")).items] == ["seek07"]
    page = await services.identity.people.find_users(root, str(people[3].telegram_id))
    assert people[3].user_id in {item.id for item in page.items}
    assert (await services.identity.people.find_users(root, "100%_\0")).items == []
    with pytest.raises(Invalid):
        await services.identity.people.find_users(root, "", "nonsense")
    with pytest.raises(Forbidden):
        await services.identity.people.find_users(people[0], "seek")


def test_the_system_may_do_everything_and_owns_nothing() -> None:
    system = Actor.system()
    for permission in Permission:
        system.require(permission)
    with pytest.raises(Forbidden):
        _ = system.id
