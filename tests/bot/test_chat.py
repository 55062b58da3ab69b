"""What the bot answers."""

from __future__ import annotations

import asyncio

import pytest
from sqlalchemy import text

from backend.bootstrap import Services
from backend.identity.types import Permission
from backend.infra.i18n import translator
from backend.kernel.text import Locale
from backend.wallet import domain as ledger
from backend.wallet.types import AccountRef, TransferKind
from tests.bot.conftest import Parts
from tests.bot.paying import payer
from tests.bot.telegram import DMITRI, EMMA, LAYLA, NADIA, Telegram, button
from tests.factories.catalog import add_variant
from tests.factories.courses import add_course, add_teacher, tariffs_of
from tests.factories.identity import contact
from tests.factories.wallet import usd

pytestmark = pytest.mark.usefixtures("running_bot")
PUBLIC = "http://127.0.0.1:8080"


def words(locale: Locale, message: str) -> str:
    return translator(locale).gettext(message)


async def person_row(shop: Services, number: int) -> object:
    async with shop.uow.read() as tx:
        return (await tx.execute(text(f"SELECT * FROM users WHERE telegram_id = {number}"))).one_or_none()


@pytest.mark.parametrize(("number", "locale"), [(EMMA, Locale.EN), (LAYLA, Locale.AR), (DMITRI, Locale.RU)])
async def test_start_registers_and_greets_in_the_persons_language(
    telegram: Telegram, shop: Services, number: int, locale: Locale
) -> None:
    answer = await telegram.person(number).say("/start")
    assert button(answer, words(locale, "Open the shop")) == {
        "text": words(locale, "Open the shop"), "kind": "web_app", "value": f"{PUBLIC}/shop",
    }  # fmt: skip
    row = await person_row(shop, number)
    assert row is not None
    assert row.language == locale  # type: ignore[attr-defined]


async def test_a_deep_link_opens_its_product_and_is_kept(telegram: Telegram, shop: Services) -> None:
    await add_variant(shop.catalog, "nord-vpn", keys=1)
    answer = await telegram.person(EMMA).say("/start p_nord-vpn")
    assert button(answer, "See the product")["value"] == f"{PUBLIC}/shop/nord-vpn"
    row = await person_row(shop, EMMA)
    assert row.start_param == "p_nord-vpn"  # type: ignore[attr-defined]


async def test_a_link_to_a_course_and_by_a_partner(telegram: Telegram, shop: Services) -> None:
    emma = telegram.person(EMMA)
    await add_course(shop.uow, await add_teacher(shop.uow))
    for payload in ("c_calm", "c_calm-p_anna"):
        answer = await emma.say(f"/start {payload}")
        assert button(answer, "Open course")["value"] == f"{PUBLIC}/learn/calm"
        assert "Calm" in answer["text"] and "From $10.00" in answer["text"] and "Welcome" not in answer["text"]
    for payload in ("c_nothing-p_anna", "p_anna", "anna"):
        answer = await emma.say(f"/start {payload}")
        assert [item["value"] for row in answer["buttons"] for item in row] == [f"{PUBLIC}/shop"]


async def test_a_gifts_link_opens_its_page_and_its_code_is_not_kept(telegram: Telegram, shop: Services) -> None:
    answer = await telegram.person(EMMA).say("/start g_0123456789abcdef")
    assert button(answer, "Open the gift")["value"] == f"{PUBLIC}/wallet/redeem?code=0123456789ABCDEF"
    row = await person_row(shop, EMMA)
    assert row.start_param == "gift"  # type: ignore[attr-defined]


async def test_a_link_typed_by_hand_is_read_as_it_is_meant(telegram: Telegram, shop: Services) -> None:
    emma = telegram.person(EMMA)
    answer = await emma.say("/start “o_s-4k7q۲m”")
    assert button(answer, "Open order")["value"] == f"{PUBLIC}/orders/S4K7Q2M"
    answer = await emma.say("/start \u200fg_0123–4567–89ab–cdef")
    assert button(answer, "Open the gift")["value"] == f"{PUBLIC}/wallet/redeem?code=0123456789ABCDEF"
    row = await person_row(shop, EMMA)
    assert row.start_param is None  # type: ignore[attr-defined]


@pytest.mark.parametrize("payload", ["p_../admin", "ref_42", "p_" + "x" * 80, "p_<b>", "p_ТЕСТ"])
async def test_other_payloads_open_the_shop_only(telegram: Telegram, payload: str) -> None:
    answer = await telegram.person(EMMA).say(f"/start {payload}")
    assert [item["value"] for row in answer["buttons"] for item in row] == [f"{PUBLIC}/shop"]


async def test_a_name_is_no_markup(telegram: Telegram) -> None:
    await telegram.control("PATCH", f"/personas/{EMMA}", first_name="<b>Eve & co</b>")
    assert "<b>Eve & co</b>" in (await telegram.person(EMMA).say("/start"))["text"]


@pytest.mark.parametrize("command", ["/help", "/paysupport", "/terms", "/privacy", "/orders", "/language"])
@pytest.mark.parametrize("number", [EMMA, LAYLA])
async def test_every_command_answers(telegram: Telegram, command: str, number: int) -> None:
    answer = await telegram.person(number).say(command)
    assert answer["text"]
    assert answer["buttons"]


async def test_learn_leads_to_ones_courses(telegram: Telegram, shop: Services) -> None:
    emma = telegram.person(EMMA)
    assert "No courses yet" in (await emma.say("/learn"))["text"]
    teacher = await add_teacher(shop.uow)
    course = await add_course(shop.uow, teacher)
    answer = await emma.say("/learn")
    assert "You haven't joined a course yet" in answer["text"]
    assert button(answer, "Open courses")["value"] == f"{PUBLIC}/learn"
    tariffs = await tariffs_of(shop.uow, teacher, course)
    person = await shop.identity.access.actor_by_telegram_id(EMMA)
    assert person is not None
    await shop.courses.students.gift(teacher, person.id, tariffs["basic"].id, "a friend")
    assert ": 0 of 0 lessons done" in (await emma.say("/learn"))["text"]


async def test_paysupport_leads_to_a_person(telegram: Telegram) -> None:
    assert button(await telegram.person(EMMA).say("/paysupport"), "Write to us")["value"] == "https://t.me/nadia_souk"


async def test_language_is_chosen_and_the_message_edited_once(telegram: Telegram, shop: Services) -> None:
    emma = telegram.person(EMMA)
    asked = await emma.say("/language")
    assert (await emma.press(asked, "العربية"))["answered"]
    await telegram.person(LAYLA).say("/help")  # the next batch, so this one has ended
    (edited,) = [item for item in await emma.heard() if item["message_id"] == asked["message_id"]]
    assert edited["edited"]
    assert button(edited, "✓ العربية")
    row = await person_row(shop, EMMA)
    assert row.language == "ar"  # type: ignore[attr-defined]
    # Pressed again: Telegram says "message is not modified", and nobody notices.
    assert (await emma.press(edited, "✓ العربية"))["answered"]
    assert [item["message_id"] for item in await emma.heard(after=asked["message_id"], wait=0)] == []
    commands = (await telegram.calls("setMyCommands"))[-1]
    assert words(Locale.AR, "My orders") in str(commands)


async def test_an_unknown_command_gets_a_short_help(telegram: Telegram) -> None:
    answer = await telegram.person(EMMA).say("/where is my key?")
    assert button(answer, "Open the shop")


async def test_the_back_office_is_for_admins(telegram: Telegram, shop: Services) -> None:
    assert button(await telegram.person(NADIA).say("/admin"), "Manage the shop")["value"] == f"{PUBLIC}/admin"
    for _ in range(2):
        assert (await telegram.person(EMMA).say("/admin"))["text"] == "You don't have access"
    async with shop.uow.read() as tx:
        query = text("SELECT subject, via, network FROM audit_entries WHERE action = 'access.refused'")
        assert [tuple(row) for row in await tx.execute(query)] == [("route:bot /admin", "bot", None)]


async def test_a_blacklisted_person_is_told_once(telegram: Telegram, shop: Services) -> None:
    emma = telegram.person(EMMA)
    await emma.say("/start")
    actor = await shop.identity.access.actor_by_telegram_id(EMMA)
    root = await shop.identity.access.authenticate(contact(NADIA))
    root.require(Permission.USERS)
    assert actor
    await shop.identity.people.block(root, actor.id, "fraud, a secret reason")
    refused = await emma.say("/start")
    assert refused["text"] == "You're blocked. You can still write to us here."
    last = await emma.send("/help")
    await telegram.person(LAYLA).say("/help")  # when one has an answer, the other would have theirs
    assert await emma.heard(after=last, wait=0) == []


async def test_blocking_is_noted_and_forgotten(telegram: Telegram, shop: Services) -> None:
    emma = telegram.person(EMMA)
    await emma.say("/start")

    async def until(blocked: bool) -> None:
        async with asyncio.timeout(10):
            while ((await person_row(shop, EMMA)).bot_blocked_at is not None) is not blocked:  # type: ignore[attr-defined,union-attr]
                await asyncio.sleep(0.02)

    await emma.block()
    await until(blocked=True)
    await emma.unblock()
    await until(blocked=False)


async def test_a_flood_is_slowed_and_told_so_once(telegram: Telegram) -> None:
    emma = telegram.person(EMMA)
    first = await emma.send("/help")
    for _ in range(24):
        await emma.send("/help")
    for _ in range(2):  # whatever waits in a batch of its own is over then
        await telegram.person(LAYLA).say("/help")
    texts = [message["text"] for message in await emma.heard(after=first)]
    assert texts.count("Too many requests. Try again in a moment.") == 1
    assert len(texts) == 21


async def test_an_error_is_told_without_detail(telegram: Telegram, running_bot: Parts) -> None:
    async def broken(*_: object) -> None:
        raise ValueError("the secret detail")

    running_bot.services.orders.history.list_mine = broken  # type: ignore[method-assign,assignment]
    assert (await telegram.person(EMMA).say("/orders"))["text"] == "Something went wrong. You haven't been charged."


async def test_telegrams_short_waits_are_waited_out(telegram: Telegram) -> None:
    await telegram.fault("sendMessage", kind="429", retry_after=1)
    assert button(await telegram.person(EMMA).say("/help"), "Open the shop")


async def test_old_buttons_and_groups(telegram: Telegram, running_bot: Parts) -> None:
    emma = telegram.person(EMMA)
    await emma.send("/start")
    (greeting, *_rest) = await emma.heard()
    sent = await running_bot.bot.send_message(
        EMMA,
        "old",
        reply_markup={"inline_keyboard": [[{"text": "Old", "callback_data": "gone:1"}]]},  # type: ignore[arg-type]
    )
    assert greeting
    pressed = await emma.press({"message_id": sent.message_id}, "Old")
    assert pressed["text"] == "This button is too old"


async def test_a_gift_link_says_who_sent_how_much(telegram: Telegram, shop: Services) -> None:
    giver = await payer(telegram, shop, LAYLA)
    async with shop.uow() as tx:
        source, target = AccountRef.shop("provider:test"), AccountRef.user(giver.actor.id)
        await ledger.transfer(tx, TransferKind.TOP_UP, "start", source, target, usd(5000))
    gift = await shop.growth.gifts.buy(giver.actor, usd(1000), idempotency_key="a-gift")
    message = await telegram.person(EMMA).say(f"/start g_{gift.code.replace('-', '')}")
    assert message["text"].endswith("sent you a $10.00 gift card")
    assert giver.actor.first_name in message["text"]
    assert [item["text"] for row in message["buttons"] for item in row] == ["Open the gift"]
    await shop.growth.codes.redeem((await payer(telegram, shop)).actor, gift.code)
    assert (await telegram.person(EMMA).say(f"/start g_{gift.code.replace('-', '')}"))["text"].startswith("Welcome")
