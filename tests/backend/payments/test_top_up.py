"""A top-up from the first tap to the money, and everything that may come between."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from uuid import uuid4

import msgspec
import pytest
from sqlalchemy import text

from backend.identity.types import Actor
from backend.infra.settings import SettingsError
from backend.infra.unit_of_work import UnitOfWork
from backend.kernel.errors import Invalid, NotFound
from backend.kernel.ids import OrderId, UserId
from backend.kernel.money import Money
from backend.payments.errors import BadWebhook, PaymentConflict, ProviderDown
from backend.payments.gateways.demo import SIGNATURE, DemoNotice, DemoProvider
from backend.payments.service import POLL, IntentsService, MethodsService
from backend.payments.types import (
    ActionKind,
    Capabilities,
    IntentId,
    IntentStatus,
    Outcome,
    PollIntent,
    ProviderReport,
    ProviderState,
    TopUpSucceeded,
)
from backend.wallet.service import WalletServices
from tests.backend.payments.conftest import LIMITS
from tests.factories.wallet import actor_of, rich_person, usd
from tests.fakes.clock import FakeClock
from tests.fakes.provider import FakeProvider

Balance = Callable[[UserId], Awaitable[int]]
Jobs = Callable[[str], Awaitable[list[dict[str, object]]]]
NOTED = "test.top_up_noted"


@pytest.fixture
async def buyer(real_uow: UnitOfWork) -> Actor:
    return actor_of(await rich_person(real_uow, usd(0)))


async def test_the_demo_provider_completes_after_five_seconds(
    payments: IntentsService, wallet: WalletServices, buyer: Actor, clock: FakeClock, balance: Balance, jobs: Jobs
) -> None:
    intent = await payments.start_top_up(buyer, "demo", usd(2500), idempotency_key="tap")
    assert (intent.status, intent.missing) == (IntentStatus.PENDING, usd(2500))
    assert intent.action is not None
    assert intent.action.kind is ActionKind.WAIT
    clock.move(seconds=4.9)
    assert (await payments.refresh(buyer, intent.id)).status is IntentStatus.PENDING
    assert await balance(buyer.id) == 0
    clock.move(seconds=0.1)
    intent = await payments.refresh(buyer, intent.id)
    assert (intent.status, intent.credited, intent.missing) == (IntentStatus.SUCCEEDED, usd(2500), usd(0))
    assert await balance(buyer.id) == 2500

    (payload,) = await jobs(NOTED)
    noted = msgspec.convert(payload, TopUpSucceeded)
    assert (noted.intent_id, noted.user_id, noted.amount, noted.balance) == (intent.id, buyer.id, 2500, 2500)
    (row,) = (await wallet.statement.history(buyer)).items
    assert (row.kind, row.amount, row.reference, row.memo.method) == ("top_up", usd(2500), str(intent.id), "demo")
    assert (await wallet.ledger.verify(Actor.system())).balanced


async def test_the_worker_completes_it_without_the_page(
    payments: IntentsService, buyer: Actor, clock: FakeClock, balance: Balance, jobs: Jobs
) -> None:
    await payments.start_top_up(buyer, "demo", usd(2500), idempotency_key="tap")
    (payload,) = await jobs(POLL)
    clock.move(seconds=5)
    await payments.poll(msgspec.convert(payload, PollIntent))
    assert await balance(buyer.id) == 2500
    # It is final: nothing asks again.
    assert len(await jobs(POLL)) == 1


async def test_polls_follow_each_other_until_the_payment_expires(
    payments: IntentsService, fake: FakeProvider, buyer: Actor, clock: FakeClock, jobs: Jobs
) -> None:
    intent = await payments.start_top_up(buyer, "fake", usd(500), idempotency_key="tap")
    for number in range(40):
        payload = (await jobs(POLL))[-1]
        assert payload["attempt"] == number
        clock.move(minutes=1)
        # At least once: the same job may come again.
        for _ in range(2):
            await payments.poll(msgspec.convert(payload, PollIntent))
        if len(await jobs(POLL)) == number + 1:
            break
    intent = await payments.intent(buyer, intent.id)
    assert intent.status is IntentStatus.EXPIRED
    assert number + 1 == 30


async def test_money_after_the_expiry_is_still_credited(
    payments: IntentsService, fake: FakeProvider, buyer: Actor, clock: FakeClock, balance: Balance
) -> None:
    intent = await payments.start_top_up(buyer, "fake", usd(500), idempotency_key="tap")
    clock.move(hours=1)
    assert (await payments.refresh(buyer, intent.id)).status is IntentStatus.EXPIRED
    late = fake.paid(intent.id, usd(500))
    assert await deliver(payments, late) == [Outcome.APPLIED]
    assert (await payments.intent(buyer, intent.id)).status is IntentStatus.SUCCEEDED
    assert await balance(buyer.id) == 500


async def deliver(payments: IntentsService, *reports: ProviderReport) -> list[Outcome]:
    return await payments.receive("fake", {"signature": "genuine"}, msgspec.json.encode(reports))


async def test_short_then_the_rest_then_too_much(
    payments: IntentsService, wallet: WalletServices, fake: FakeProvider, buyer: Actor, balance: Balance, jobs: Jobs
) -> None:
    intent = await payments.start_top_up(buyer, "fake", usd(500), idempotency_key="tap")
    for received, status, missing in (
        (200, IntentStatus.UNDERPAID, 300),
        (350, IntentStatus.UNDERPAID, 150),
        (500, IntentStatus.SUCCEEDED, 0),
        (560, IntentStatus.OVERPAID, 0),
    ):
        assert await deliver(payments, fake.paid(intent.id, usd(received))) == [Outcome.APPLIED]
        intent = await payments.intent(buyer, intent.id)
        assert (intent.status, intent.missing) == (status, usd(missing))
        assert await balance(buyer.id) == received
    assert [payload["amount"] for payload in await jobs(NOTED)] == [200, 150, 150, 60]
    # Reordered and repeated calls change nothing.
    again = [fake.paid(intent.id, usd(received)) for received in (500, 200, 350, 100)]
    outcomes = await deliver(payments, *again)
    assert outcomes == [Outcome.DUPLICATE, Outcome.DUPLICATE, Outcome.DUPLICATE, Outcome.IGNORED]
    assert await balance(buyer.id) == 560
    assert (await wallet.ledger.verify(Actor.system())).balanced


async def test_the_same_key_gives_the_same_payment(
    payments: IntentsService, fake: FakeProvider, buyer: Actor, real_uow: UnitOfWork
) -> None:
    first = await payments.start_top_up(buyer, "fake", usd(500), idempotency_key="tap")
    again = await payments.start_top_up(buyer, "fake", usd(500), idempotency_key="tap")
    assert first == again
    assert fake.created == [first.id]
    order_id = OrderId(uuid4())
    for method, amount, order in (("fake", usd(501), None), ("demo", usd(500), None), ("fake", usd(500), order_id)):
        with pytest.raises(PaymentConflict):
            await payments.start_top_up(buyer, method, amount, order, idempotency_key="tap")
    # Idempotency keys are per person.
    other = actor_of(await rich_person(real_uow, usd(0)))
    assert (await payments.start_top_up(other, "fake", usd(500), idempotency_key="tap")).id != first.id


@pytest.mark.parametrize(
    ("method", "amount", "key", "fields"),
    [
        ("demo", usd(0), "k", {"amount": "not_positive"}),
        ("demo", usd(-500), "k", {"amount": "not_positive"}),
        ("demo", usd(2**63 - 1), "k", {"amount": "above_maximum"}),
        ("demo", Money(500, "EUR"), "k", {"amount": "wrong_currency"}),
        ("stars", usd(500), "k", {"method": "unknown_method"}),
        ("demo", usd(500), "", {"idempotency_key": "bad_key"}),
        ("demo", usd(500), "k" * 201, {"idempotency_key": "bad_key"}),
    ],
)
async def test_bad_input_is_refused_by_field(
    payments: IntentsService, buyer: Actor, method: str, amount: Money, key: str, fields: dict[str, str]
) -> None:
    with pytest.raises(Invalid) as refused:
        await payments.start_top_up(buyer, method, amount, idempotency_key=key)
    assert refused.value.fields == fields


async def test_somebody_elses_payment_is_not_found(
    payments: IntentsService, buyer: Actor, real_uow: UnitOfWork
) -> None:
    intent = await payments.start_top_up(buyer, "demo", usd(500), idempotency_key="tap")
    stranger = actor_of(await rich_person(real_uow, usd(0)))
    for call in (payments.intent, payments.refresh):
        with pytest.raises(NotFound):
            await call(stranger, intent.id)
        with pytest.raises(NotFound):
            await call(buyer, IntentId(uuid4()))


async def test_a_provider_that_is_down_leaves_the_payment_to_be_opened_later(
    payments: IntentsService, fake: FakeProvider, buyer: Actor, clock: FakeClock, jobs: Jobs, balance: Balance
) -> None:
    fake.down = True
    with pytest.raises(ProviderDown):
        await payments.start_top_up(buyer, "fake", usd(500), idempotency_key="tap")
    clock.move(seconds=31)
    (payload,) = await jobs(POLL)
    await payments.poll(msgspec.convert(payload, PollIntent))  # still down: asks again later
    fake.down = False
    clock.move(seconds=31)
    await payments.poll(msgspec.convert((await jobs(POLL))[-1], PollIntent))
    intent = await payments.start_top_up(buyer, "fake", usd(500), idempotency_key="tap")
    assert (intent.status, fake.created) == (IntentStatus.PENDING, [intent.id])
    fake.paid(intent.id, usd(500))
    fake.down = True
    assert (await payments.refresh(buyer, intent.id)).status is IntentStatus.PENDING
    fake.down = False
    assert (await payments.refresh(buyer, intent.id)).status is IntentStatus.SUCCEEDED
    assert await balance(buyer.id) == 500


async def test_a_payment_that_fails_says_so_and_asks_no_more(
    payments: IntentsService, fake: FakeProvider, buyer: Actor, jobs: Jobs
) -> None:
    intent = await payments.start_top_up(buyer, "fake", usd(500), idempotency_key="tap")
    fake.says(intent.id, ProviderState.CONFIRMING)
    assert (await payments.refresh(buyer, intent.id)).status is IntentStatus.CONFIRMING
    fake.says(intent.id, ProviderState.FAILED)
    assert (await payments.refresh(buyer, intent.id)).status is IntentStatus.FAILED
    asked = fake.asked
    await payments.refresh(buyer, intent.id)
    assert fake.asked == asked


async def unmatched(uow: UnitOfWork) -> list[tuple[str, str]]:
    async with uow.read() as tx:
        statement = text("SELECT external_id, reason FROM payment_events WHERE outcome = 'unmatched' ORDER BY id")
        return [(row.external_id, row.reason) for row in await tx.execute(statement)]


async def test_unknown_and_foreign_money_lands_among_the_unmatched(
    payments: IntentsService, fake: FakeProvider, buyer: Actor, real_uow: UnitOfWork, balance: Balance
) -> None:
    intent = await payments.start_top_up(buyer, "fake", usd(500), idempotency_key="tap")
    unknown = ProviderReport(event_id="u1", state=ProviderState.PAID, external_id="nobody's", received=usd(700))
    wrong = ProviderReport(event_id="u2", state=ProviderState.PAID, intent_id=intent.id, received=Money(500, "EUR"))
    elsewhere = await payments.start_top_up(buyer, "demo", usd(500), idempotency_key="other method")
    foreign = ProviderReport(event_id="u3", state=ProviderState.PAID, intent_id=elsewhere.id, received=usd(500))
    for _ in range(2):
        await deliver(payments, unknown, wrong, foreign)
    assert await unmatched(real_uow) == [
        ("u1", "unknown_payment"), ("u2", "wrong_currency"), ("u3", "unknown_payment"),
    ]  # fmt: skip
    assert await balance(buyer.id) == 0


async def test_a_call_that_comes_before_its_payment_is_stored_counts_once_it_matches(
    payments: IntentsService, fake: FakeProvider, buyer: Actor, real_uow: UnitOfWork, balance: Balance,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    create = fake.create

    async def create_and_call(payment: object) -> object:
        created = await create(payment)  # type: ignore[arg-type]
        assert await deliver(payments, fake.paid(payment.intent_id, usd(500))) == [Outcome.UNMATCHED]  # type: ignore[attr-defined]
        return created

    monkeypatch.setattr(fake, "create", create_and_call)
    intent = await payments.start_top_up(buyer, "fake", usd(500), idempotency_key="tap")
    assert len(await unmatched(real_uow)) == 1
    assert (await payments.refresh(buyer, intent.id)).status is IntentStatus.SUCCEEDED
    assert await unmatched(real_uow) == []
    assert await balance(buyer.id) == 500


async def test_other_business_that_names_a_payment_is_not_of_it(
    payments: IntentsService, fake: FakeProvider, buyer: Actor, real_uow: UnitOfWork, balance: Balance
) -> None:
    """Strangers may write a payment's id wherever the account takes money: the provider's own id has to agree."""
    intent = await payments.start_top_up(buyer, "fake", usd(500), idempotency_key="tap")
    report = ProviderReport(event_id="e", state=ProviderState.PAID, intent_id=intent.id, received=usd(500))
    for state in (ProviderState.PAID, ProviderState.REFUNDED):
        elsewhere = msgspec.structs.replace(
            report, event_id=f"e-book:{state}", external_id="e-book", state=state, refunded=usd(500)
        )
        assert await deliver(payments, elsewhere) == [Outcome.UNMATCHED]
    assert await balance(buyer.id) == 0
    assert [reason for _, reason in await unmatched(real_uow)] == ["unknown_payment"] * 2
    assert intent.external_id is not None
    own = msgspec.structs.replace(report, external_id=intent.external_id)
    assert await deliver(payments, own) == [Outcome.APPLIED]
    assert await balance(buyer.id) == 500


async def test_what_waits_for_an_admin_goes_on_waiting_though_it_is_reported_late(
    payments: IntentsService, fake: FakeProvider, buyer: Actor, real_uow: UnitOfWork, balance: Balance
) -> None:
    """A renewal: the bot names no payment with it, a statement the first one, which is paid."""
    intent = await payments.start_top_up(buyer, "fake", usd(500), idempotency_key="tap")
    await deliver(payments, fake.paid(intent.id, usd(500)))
    renewal = ProviderReport(event_id="charge:7", state=ProviderState.PAID, external_id="charge:7", received=usd(500))
    assert await deliver(payments, renewal) == [Outcome.UNMATCHED]
    listed = msgspec.structs.replace(renewal, external_id=None, intent_id=intent.id)
    assert await deliver(payments, listed) == [Outcome.DUPLICATE]
    assert await unmatched(real_uow) == [("charge:7", "unknown_payment")]
    assert await balance(buyer.id) == 500


async def test_forged_calls_change_nothing(payments: IntentsService, fake: FakeProvider, buyer: Actor) -> None:
    intent = await payments.start_top_up(buyer, "fake", usd(500), idempotency_key="tap")
    body = msgspec.json.encode([fake.paid(intent.id, usd(500))])
    with pytest.raises(BadWebhook):
        await payments.receive("fake", {"signature": "forged"}, body)
    with pytest.raises(NotFound):
        await payments.receive("nobody", {}, body)
    assert (await payments.intent(buyer, intent.id)).status is IntentStatus.PENDING


async def test_the_demo_webhook_is_signed(
    payments: IntentsService, demo: DemoProvider, buyer: Actor, balance: Balance
) -> None:
    intent = await payments.start_top_up(buyer, "demo", usd(500), idempotency_key="tap")

    def body(**changes: object) -> bytes:
        notice = DemoNotice(f"{intent.id}:paid", intent.id, ProviderState.PAID, 500, "USD")
        return msgspec.json.encode(msgspec.to_builtins(notice) | changes)

    genuine = body()
    for headers, call in (
        ({}, genuine),
        ({SIGNATURE: "é"}, genuine),
        ({SIGNATURE: demo.sign(genuine)}, genuine[:-1]),
        ({SIGNATURE: demo.sign(genuine[:-1])}, genuine[:-1]),
        *(({SIGNATURE: demo.sign(bad)}, bad) for bad in (body(received=-5), body(received=2**63), body(extra=1), b"")),
    ):
        with pytest.raises(BadWebhook):
            await payments.receive("demo", headers, call)
    headers = {"X-Demo-Signature": demo.sign(genuine)}
    assert await payments.receive("demo", headers, genuine) == [Outcome.APPLIED]
    assert await payments.receive("demo", headers, genuine) == [Outcome.DUPLICATE]
    assert await balance(buyer.id) == 500


def test_the_demo_provider_refuses_production(clock: FakeClock) -> None:
    with pytest.raises(SettingsError, match="DEMO_PAYMENTS"):
        DemoProvider(clock=clock, production=True, secret="s" * 32)


async def test_methods_show_what_is_enabled_and_fits_the_currency(real_uow: UnitOfWork, buyer: Actor) -> None:
    euro = FakeProvider("euro", Capabilities(currencies=frozenset({"EUR"})))
    dear = FakeProvider("dear", Capabilities(currencies=frozenset({"USD"}), minimum=900))
    payments = IntentsService(uow=real_uow, providers=[euro, dear], limits=lambda: LIMITS)
    methods = MethodsService(providers=[euro, dear], limits=lambda: LIMITS)
    (method,) = await methods.enabled(buyer)
    assert (method.name, method.minimum, method.maximum) == ("dear", usd(900), usd(100_000))
    with pytest.raises(Invalid):
        await payments.start_top_up(buyer, "euro", usd(900), idempotency_key="k")
    with pytest.raises(Invalid):
        await payments.start_top_up(buyer, "dear", usd(899), idempotency_key="k")
    assert methods.read_amount("9.00") == usd(900)


async def test_a_provider_switched_off_lets_its_payments_expire(
    payments: IntentsService, real_uow: UnitOfWork, buyer: Actor, clock: FakeClock
) -> None:
    intent = await payments.start_top_up(buyer, "fake", usd(500), idempotency_key="tap")
    without = IntentsService(uow=real_uow, providers=[], limits=lambda: LIMITS)
    assert (await without.refresh(buyer, intent.id)).status is IntentStatus.PENDING
    clock.move(hours=1)
    await without.poll(PollIntent(intent.id, 0))
    assert (await without.intent(buyer, intent.id)).status is IntentStatus.EXPIRED


async def test_the_timer_looks_at_what_no_job_polls(
    payments: IntentsService, fake: FakeProvider, buyer: Actor, clock: FakeClock, balance: Balance
) -> None:
    """Without Redis no job runs; the timer does, and sees the money."""
    other = await payments.start_top_up(buyer, "fake", usd(700), idempotency_key="other tap")
    intent = await payments.start_top_up(buyer, "fake", usd(500), idempotency_key="tap")
    assert await payments.sweep() == 0
    clock.move(minutes=6)
    fake.paid(intent.id, usd(500))
    assert await payments.sweep() == 2
    assert await balance(buyer.id) == 500
    assert await payments.sweep() == 0
    clock.move(minutes=60)
    assert await payments.sweep() == 1
    assert (await payments.intent(buyer, other.id)).status is IntentStatus.EXPIRED
    assert await payments.sweep() == 0


async def test_the_timer_leaves_a_short_payment_alone_once_its_time_is_over(
    payments: IntentsService, fake: FakeProvider, buyer: Actor, clock: FakeClock
) -> None:
    intent = await payments.start_top_up(buyer, "fake", usd(500), idempotency_key="tap")
    await deliver(payments, fake.paid(intent.id, usd(200)))
    clock.move(minutes=10)
    assert await payments.sweep() == 1
    clock.move(minutes=60)
    assert await payments.sweep() == 1
    assert await payments.sweep() == 0
    assert (await payments.refresh(buyer, intent.id)).status is IntentStatus.UNDERPAID
