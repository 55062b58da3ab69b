"""What buyers answer at a purchase: checked, hashed with the request, sealed, and kept as it was asked."""

from __future__ import annotations

import asyncio

import pytest
from sqlalchemy import text

from backend.catalog.service import QuestionsService, StorefrontService
from backend.catalog.types.questions import Question, QuestionKind
from backend.identity.types import Actor
from backend.infra.crypto import KeyRing
from backend.infra.unit_of_work import UnitOfWork
from backend.kernel.errors import NotFound
from backend.kernel.ids import DataKeyId
from backend.orders.errors import AnswersInvalid, IdempotencyKeyReused, SubscriptionNotOffered
from backend.orders.types import OrderStatus, RequestedLine
from tests.backend.orders.settling import Shop as RaceShop
from tests.backend.orders.subscribing import Subscriptions
from tests.backend.orders.two_kinds import Shop, some
from tests.factories.shop import add_goods, buyers
from tests.factories.wallet import actor_of, add_person

KEY = "the-same-key"
ACCOUNT = Question(id="acct", kind=QuestionKind.TEXT, label={"en": "Account"})


@pytest.fixture
async def shop(uow: UnitOfWork, ring: KeyRing) -> Shop:
    """A shop that asks for an account at the first product of keys."""
    shop = Shop(uow, ring)
    await shop.open()
    await ask(shop, ACCOUNT)
    return shop


async def ask(shop: Shop, *questions: Question, version: int = 0) -> None:
    """Ask these questions from now on."""
    service = QuestionsService(uow=shop.uow)
    await service.save(Actor.system(), shop.keys[0].product_id, questions, version=version)


def lines(shop: Shop, *answers: tuple[str, str]) -> list[RequestedLine]:
    """One of the product that asks, with these answers, and one of another."""
    return [RequestedLine(shop.keys[0].variant_id, 1, answers), *some((shop.keys[1], 1))]


async def test_answers_are_kept_with_the_question_as_it_was_asked(shop: Shop, uow: UnitOfWork) -> None:
    order = await shop.orders.checkout.place_all(shop.buyer, lines(shop, ("acct", "nadia-77")), KEY)
    await ask(shop, Question(id="acct", kind=QuestionKind.EMAIL, label={"en": "E-mail"}), version=1)
    given = await shop.orders.answers.of_order(shop.buyer, order)
    asked = next(line.id for line in order.lines if given.get(line.id))
    assert list(given) == [asked]
    assert [(one.label["en"], one.text) for one in given[asked]] == [("Account", "nadia-77")]
    async with uow() as tx:
        stored = (await tx.execute(text("SELECT sealed FROM order_line_answers"))).scalar_one()
    assert b"nadia" not in stored


async def test_without_a_required_answer_nothing_is_bought_or_reserved(shop: Shop) -> None:
    for call in (shop.orders.checkout.place_all, shop.orders.checkout.reserve_all):
        with pytest.raises(AnswersInvalid) as refused:
            await call(shop.buyer, lines(shop), KEY)
        assert refused.value.fields == {f"{shop.keys[0].variant_id}.acct": "required"}
    async with shop.uow() as tx:
        assert (await tx.execute(text("SELECT count(*) FROM orders"))).scalar_one() == 0


async def test_other_answers_are_another_request_and_the_same_ones_the_same(shop: Shop) -> None:
    mine = lines(shop, ("acct", "nadia"))
    order = await shop.orders.checkout.place_all(shop.buyer, mine, KEY)
    await ask(shop, version=1)  # a replay outlives the question
    assert await shop.orders.checkout.place_all(shop.buyer, mine[::-1], KEY) == order
    for other in (lines(shop, ("acct", "omar")), lines(shop)):
        with pytest.raises(IdempotencyKeyReused):
            await shop.orders.checkout.place_all(shop.buyer, other, KEY)


async def test_a_reserved_order_keeps_its_answers_when_it_is_paid(shop: Shop) -> None:
    ref = await shop.orders.checkout.reserve_all(shop.buyer, lines(shop, ("acct", "nadia")), KEY)
    await ask(shop, ACCOUNT, Question(id="mail", kind=QuestionKind.EMAIL, label={"en": "E-mail"}), version=1)
    await shop.orders.settlement.pay(shop.buyer, ref.number)
    order = await shop.orders.history.detail(shop.buyer, ref.number)
    assert order.status in {OrderStatus.DELIVERED, OrderStatus.PAID}
    (given,) = (await shop.orders.answers.of_order(shop.buyer, order)).values()
    assert [one.text for one in given] == ["nadia"]


async def test_an_answer_to_a_question_that_was_removed_is_told(shop: Shop) -> None:
    await ask(shop, version=1)
    with pytest.raises(AnswersInvalid) as refused:
        await shop.orders.checkout.place_all(shop.buyer, lines(shop, ("acct", "nadia")), KEY)
    assert list(refused.value.fields.values()) == ["unknown_question"]


async def test_another_person_reads_no_answers_and_a_destroyed_key_leaves_none(shop: Shop, ring: KeyRing) -> None:
    order = await shop.orders.checkout.place_all(shop.buyer, lines(shop, ("acct", "nadia")), KEY)
    (stranger,) = await buyers(shop.uow, 1, 0)
    with pytest.raises(NotFound):
        await shop.orders.answers.of_order(stranger, order)
    async with shop.uow() as tx:
        key = (await tx.execute(text("SELECT data_key_id FROM answer_keys"))).scalar_one()
        await ring.destroy(tx, DataKeyId(key))
    assert await shop.orders.answers.of_order(shop.buyer, order) == {}
    again = await shop.orders.checkout.place_all(shop.buyer, lines(shop, ("acct", "omar")), "another-key")
    ((one,),) = (await shop.orders.answers.of_order(shop.buyer, again)).values()
    assert one.text == "omar"


async def test_what_asks_questions_is_not_subscribed_to(uow: UnitOfWork, ring: KeyRing) -> None:
    shop = Subscriptions(uow, ring)
    goods = await shop.goods()
    async with uow() as tx:
        person = actor_of(await add_person(tx))
    subscriptions, service = shop.orders.subscriptions, QuestionsService(uow=uow)
    await service.save(Actor.system(), goods.product_id, [ACCOUNT], version=0)
    for refused in (subscriptions.begin, subscriptions.quote):
        with pytest.raises(SubscriptionNotOffered):
            await refused(person, goods.variant_id)
    storefront = StorefrontService(uow=uow, currency="USD")
    (variant,) = (await storefront.product(person, goods.slug)).variants
    assert await subscriptions.offer(person, variant) is None
    await service.save(Actor.system(), goods.product_id, [], version=1)
    assert (await subscriptions.offer(person, variant)) is not None
    assert await subscriptions.begin(person, goods.variant_id)


async def test_four_taps_at_once_keep_the_answers_once(shop_of_races: RaceShop, ring: KeyRing) -> None:
    race = shop_of_races
    (person,) = await buyers(race.uow, 1, 10_000)
    async with race.uow() as tx:
        goods = await add_goods(tx, ring, keys=9, price=300)
    await QuestionsService(uow=race.uow).save(Actor.system(), goods.product_id, [ACCOUNT], version=0)
    requested = [RequestedLine(goods.variant_id, 1, (("acct", "nadia"),))]
    placed = await asyncio.gather(
        *(race.orders.checkout.place_all(person, requested, key) for key in [KEY] * 3 + ["another-key"])
    )
    assert len({order.id for order in placed}) == 2
    async with race.uow.read() as tx:
        assert (await tx.execute(text("SELECT count(*) FROM answer_keys"))).scalar_one() == 1
        assert (await tx.execute(text("SELECT count(*) FROM order_line_answers"))).scalar_one() == 2


@pytest.fixture
def shop_of_races(request: pytest.FixtureRequest) -> RaceShop:
    """The shop of tests.backend.orders.settling, whose transactions commit."""
    from tests.backend.orders.conftest import shop as make

    fixtures = ("engine", "committed_db", "clock", "database_url", "ring")
    return make.__wrapped__(**{name: request.getfixturevalue(name) for name in fixtures})  # type: ignore[attr-defined]
