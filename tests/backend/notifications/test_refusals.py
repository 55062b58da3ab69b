"""Whatever Telegram answers has one known end."""

from __future__ import annotations

from datetime import timedelta

import pytest

from backend.identity.types import Actor, Permission
from backend.kernel.errors import Forbidden
from tests.backend.notifications.conftest import Shop
from tests.bot.telegram import EMMA, NADIA, Telegram
from tests.factories.identity import contact


async def sold(shop: Shop) -> Actor:
    """A sale whose messages are still to be sent."""
    buyer = await shop.buyer()
    await shop.sale(buyer, await shop.goods())
    return buyer


async def state(shop: Shop) -> tuple[str, str | None]:
    (row,) = await shop.notifications("order_paid")
    return row.status, row.error


async def blocked(shop: Shop, buyer: Actor) -> bool:
    detail = await shop.services.identity.people.user_detail(Actor.system(), buyer.id)
    return detail.blocked_bot


async def test_a_blocked_bot_marks_the_person(shop: Shop, telegram: Telegram) -> None:
    buyer = await sold(shop)
    await telegram.person(EMMA).block()
    await shop.work()
    assert (await state(shop))[0] == "blocked"
    assert await blocked(shop, buyer)
    assert [job.dead_at for job in await shop.jobs("notifications.send")] == [None, None]


async def test_a_message_that_gets_through_clears_the_mark(shop: Shop, telegram: Telegram) -> None:
    buyer = await sold(shop)
    await shop.services.identity.access.mark_bot_blocked(EMMA, blocked=True)
    await shop.work()
    assert (await state(shop))[0] == "sent"
    assert not await blocked(shop, buyer)


async def test_a_person_whom_the_bot_never_met(shop: Shop, telegram: Telegram) -> None:
    buyer = await shop.buyer(number=123_456_789)
    await shop.sale(buyer, await shop.goods())
    await shop.work()
    assert (await state(shop))[0] == "blocked"


async def test_too_many_requests_wait_as_long_as_told(shop: Shop, telegram: Telegram) -> None:
    await sold(shop)
    await telegram.fault("sendMessage", kind="429", retry_after=17, times=2)
    await shop.work()
    assert (await state(shop))[0] == "pending"
    jobs = await shop.jobs("notifications.send")
    assert {(job.attempts, job.run_at) for job in jobs} == {(0, shop.clock.now() + timedelta(seconds=17))}


@pytest.mark.parametrize(
    "fault", [{"kind": "error", "status": 502, "description": "Bad Gateway"}, {"kind": "drop"}, {"kind": "error"}]
)
async def test_a_broken_telegram_is_tried_again(shop: Shop, telegram: Telegram, fault: dict[str, object]) -> None:
    await sold(shop)
    await telegram.fault("sendMessage", times=2, **fault)
    await shop.work()
    assert (await state(shop))[0] == "pending"
    assert {job.attempts for job in await shop.jobs("notifications.send")} == {1}
    await shop.later(seconds=10)
    assert (await state(shop))[0] == "sent"


async def test_a_refused_message_is_a_dead_letter_that_an_admin_can_retry(shop: Shop, telegram: Telegram) -> None:
    await sold(shop)
    refusal = {"kind": "error", "status": 400, "description": "Bad Request: BUTTON_URL_INVALID"}
    await telegram.fault("sendMessage", times=2, **refusal)
    await shop.work()
    status, error = await state(shop)
    assert status == "failed"
    assert error
    assert "BUTTON_URL_INVALID" in error
    root = await shop.services.identity.access.authenticate(contact(NADIA))
    page = await shop.services.admin.dead_letters(root)
    assert len(page.items) == 2
    assert (await shop.services.admin.overview(root)).dead_letters == 2
    for dead in page.items:
        await shop.services.admin.retry_dead_letter(root, dead.id)
    await shop.work()
    assert (await state(shop))[0] == "sent"
    assert (await shop.services.admin.overview(root)).dead_letters == 0


async def test_dead_letters_are_for_those_who_may_change_settings(shop: Shop) -> None:
    buyer = await shop.buyer()
    with pytest.raises(Forbidden):
        await shop.services.admin.dead_letters(buyer)
    with pytest.raises(Forbidden):
        await shop.services.admin.overview(buyer)
    root = await shop.services.identity.access.authenticate(contact(NADIA))
    await shop.services.identity.admins.set_permissions(root, buyer.id, [Permission.ORDERS])
    admin = await shop.services.identity.access.authenticate(contact(EMMA))
    with pytest.raises(Forbidden):
        await shop.services.admin.failing_jobs(admin)


async def test_the_last_attempt_fails_the_notification(shop: Shop, telegram: Telegram) -> None:
    await sold(shop)
    await telegram.fault("sendMessage", kind="error", status=500, times=99)
    for _ in range(3):
        await shop.work(attempts=3)
        shop.clock.move(hours=2)
    assert (await state(shop))[0] == "failed"
    assert all(job.dead_at for job in await shop.jobs("notifications.send"))


async def test_a_blacklisted_person_hears_nothing(shop: Shop, telegram: Telegram) -> None:
    buyer = await sold(shop)
    root = await shop.services.identity.access.authenticate(contact(NADIA))
    await shop.services.identity.people.block(root, buyer.id, "fraud")
    await shop.work()
    assert (await state(shop))[0] == "withheld"
    assert await telegram.person(EMMA).heard(wait=0) == []


async def test_a_process_that_died_while_sending_is_waited_for(shop: Shop, telegram: Telegram) -> None:
    """The claim of a run that never reported lapses; only then is the message sent (again)."""
    await sold(shop)
    (job,) = await shop.jobs("notifications.order_paid_buyer")
    await shop.work(passes=1)
    (row,) = await shop.notifications("order_paid")
    from sqlalchemy import text

    async with shop.services.uow() as tx:
        await tx.execute(
            text("UPDATE notifications SET claimed_at = :now WHERE id = :id"), {"now": tx.now, "id": row.id}
        )
    await shop.work()
    assert (await state(shop))[0] == "pending"
    assert await telegram.person(EMMA).heard(wait=0) == []
    await shop.later(seconds=31)
    assert (await state(shop))[0] == "sent"
    assert job
