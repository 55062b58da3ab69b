"""The worker killed with -9 while it acts on many orders or people: the next one finishes, each has it once.

Killed twice: after the first one, and before the second one's commit. About 20 s each.
"""

from __future__ import annotations

import signal
from collections.abc import Awaitable, Callable

import pytest

from backend.audience.types import PeopleAction, PeopleBulkId, PeopleBulkStatus, PeopleTerms
from backend.identity.types import Permission
from backend.orders.types import RefundTarget
from backend.orders.types.bulk import BulkAction, BulkStatus, BulkTerms
from backend.orders.types.criteria import OrderCriteria
from tests.factories.identity import admin
from tests.resilience.ground import Ground
from tests.resilience.processes import Fuse, until

_MANY = 4
_BETWEEN = "turns.next"


async def _dies(ground: Ground, fuse: Fuse, place: str) -> set[int]:
    fuse.lay(place)
    ground.worker.start()
    assert await ground.worker.ended() == -signal.SIGKILL
    await fuse.blown(place)
    in_flight = {chat for chat, _ in await ground.in_flight()}
    await ground.long_afterwards()
    return in_flight


async def _dies_twice(ground: Ground, fuse: Fuse, inside: str, done: Callable[[], Awaitable[int]]) -> set[int]:
    """Once with one done, once with the second one under way; then it is started to finish.

    The chats of the messages that were on their way when it died: those may come once more.
    """
    in_flight = await _dies(ground, fuse, _BETWEEN)
    assert await done() == 1
    in_flight |= await _dies(ground, fuse, inside)
    assert await done() == 1
    ground.worker.start()
    return in_flight


@pytest.mark.parametrize("action", [BulkAction.REFUND, BulkAction.RESEND_KEYS])
async def test_each_order_is_refunded_or_sent_once(ground: Ground, fuse: Fuse, action: BulkAction) -> None:
    goods = await ground.goods(keys=_MANY, price=100)
    buyers = await ground.buyers(_MANY, 100)
    numbers = tuple([(await ground.sale(buyer, goods)).number for buyer in buyers])
    await ground.rows("DELETE FROM outbox_jobs")  # what they are told of the purchase is another test's
    clerk = await admin(ground.services.identity, ground.settings.root_admin_id, Permission.ORDERS)
    refunds, bulks = action is BulkAction.REFUND, ground.services.orders.bulk
    terms = BulkTerms(action=action, reason="Broken", target=RefundTarget.WALLET if refunds else "")
    bulk_id = await bulks.plan(clerk, OrderCriteria(only=numbers), terms, idempotency_key="plan-0001")
    await bulks.start(clerk, bulk_id)

    async def done() -> int:
        return (await bulks.get(clerk, bulk_id)).done

    in_flight = await _dies_twice(ground, fuse, "orders.bulk_item", done)

    async def over() -> bool:
        return (await bulks.get(clerk, bulk_id)).status is BulkStatus.DONE

    await until(over)
    await ground.all_done()
    ended = await bulks.get(clerk, bulk_id)
    assert (ended.able, ended.done, ended.failed, ended.stopped) == (_MANY, _MANY, 0, 0)
    refunded = await ground.rows("SELECT order_id, amount FROM order_refunds")
    assert (len(refunded), sum(row["amount"] for row in refunded)) == ((_MANY, _MANY * 100) if refunds else (0, 0))
    for buyer, number in zip(buyers, numbers, strict=True):
        chat = buyer.actor.telegram_id
        assert (await ground.tellings(chat, [number]))[number] in ({1, 2} if chat in in_flight else {1})
    audited = "SELECT count(*), count(DISTINCT subject) FROM audit_entries WHERE action = $1"
    (entries,) = await ground.rows(audited, "orders.refund" if refunds else "orders.resend_keys")
    assert tuple(entries) == (_MANY, _MANY)
    await ground.books_balance()


async def test_each_person_is_blocked_once_and_unblocked_once(ground: Ground, fuse: Fuse) -> None:
    people = [buyer.actor for buyer in await ground.buyers(_MANY, 0)]
    clerk = await admin(ground.services.identity, ground.settings.root_admin_id, Permission.USERS)
    bulks = ground.services.audience.bulk
    terms = PeopleTerms(action=PeopleAction.BLOCK, reason="Stolen cards")
    bulk_id = await bulks.plan(clerk, [one.id for one in people], terms, idempotency_key="plan-0001")

    async def done() -> int:
        return (await bulks.get(clerk, bulk_id)).done

    async def undone() -> int:
        return (await bulks.get(clerk, bulk_id)).undone

    await bulks.start(clerk, bulk_id)
    await _dies_twice(ground, fuse, "audience.bulk_item", done)
    await _ends(ground, bulk_id, PeopleBulkStatus.DONE)
    assert await done() == await _blocked(ground) == await _audited(ground, "users.blacklist") == _MANY

    ground.worker.close()
    await bulks.undo(clerk, bulk_id)
    await _dies_twice(ground, fuse, "audience.bulk_item", undone)
    await _ends(ground, bulk_id, PeopleBulkStatus.UNDONE)
    assert await undone() == await _audited(ground, "users.unblacklist") == _MANY
    assert await _blocked(ground) == 0


async def _ends(ground: Ground, bulk_id: PeopleBulkId, status: PeopleBulkStatus) -> None:
    async def over() -> bool:
        return (
            await ground.count("SELECT count(*) FROM people_bulks WHERE id = $1 AND status = $2", bulk_id, status) > 0
        )

    await until(over)
    await ground.all_done()


async def _blocked(ground: Ground) -> int:
    return await ground.count("SELECT count(*) FROM users WHERE blacklisted_at IS NOT NULL")


async def _audited(ground: Ground, action: str) -> int:
    """How many people it was recorded of."""
    statement = "SELECT count(*), count(DISTINCT subject) FROM audit_entries WHERE action = $1"
    (row,) = await ground.rows(statement, action)
    assert row[0] == row[1]
    return int(row[0])
