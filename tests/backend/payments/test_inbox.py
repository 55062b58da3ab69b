"""Payments in other assets, unmatched payments, and reconciliation."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from decimal import Decimal

import pytest

from backend.identity import domain as identity
from backend.identity.types import Actor
from backend.infra.unit_of_work import Tx, UnitOfWork
from backend.kernel.errors import Forbidden, Invalid, NotFound
from backend.kernel.ids import UserId, new_id
from backend.kernel.money import Money
from backend.payments.errors import PaymentClosed, PaymentNotCredited, RefundCurrencyDiffers
from backend.payments.service import InboxService, IntentsService, ReconciliationService
from backend.payments.types import (
    Capabilities,
    DifferenceKind,
    Intent,
    IntentId,
    IntentStatus,
    Outcome,
    ProviderReport,
    ProviderState,
    Worth,
)
from backend.wallet.service import WalletServices
from tests.factories.wallet import actor_of, rich_person, usd
from tests.fakes.clock import FakeClock
from tests.fakes.provider import FakeProvider

Balance = Callable[[UserId], Awaitable[int]]
STARS = Capabilities(asset="XTR", unit_price=Decimal("0.013"), refundable=True, follow_seconds=3600)


def stars(count: int) -> Money:
    return Money(count, "XTR")


@pytest.fixture
def fake() -> FakeProvider:
    """A provider that takes Stars."""
    return FakeProvider(capabilities=STARS)


@pytest.fixture
async def buyer(real_uow: UnitOfWork) -> Actor:
    return actor_of(await rich_person(real_uow, usd(0)))


@pytest.fixture
async def begun(payments: IntentsService, buyer: Actor) -> Intent:
    """Ten dollars, to be paid in Stars."""
    return await payments.start_top_up(buyer, "fake", usd(1000), idempotency_key="tap")


async def test_what_is_paid_in_stars_is_credited_in_dollars(
    payments: IntentsService, wallet: WalletServices, fake: FakeProvider, buyer: Actor, begun: Intent, balance: Balance
) -> None:
    assert begun.payable == stars(770)  # 10 / 0.013 = 769.23
    await payments.settle("fake", fake.paid(begun.id, stars(300)))
    short = await payments.intent(buyer, begun.id)
    assert (short.status, short.credited, short.missing) == (IntentStatus.UNDERPAID, usd(389), stars(470))
    await payments.settle("fake", fake.paid(begun.id, stars(770)))
    assert await balance(buyer.id) == 1000
    await payments.settle("fake", fake.paid(begun.id, stars(1540)))
    assert await balance(buyer.id) == 2000
    assert (await payments.intent(buyer, begun.id)).status is IntentStatus.OVERPAID
    assert (await wallet.ledger.verify(Actor.system())).balanced


async def test_dollars_for_a_payment_in_stars_belong_to_nobody(
    payments: IntentsService, inbox: InboxService, fake: FakeProvider, cashier: Actor, begun: Intent, balance: Balance
) -> None:
    assert await payments.settle("fake", fake.paid(begun.id, usd(1000))) is Outcome.UNMATCHED
    assert await payments.settle("fake", fake.paid(begun.id, stars(2**63 - 1))) is Outcome.UNMATCHED
    reasons = [row.reason for row in (await inbox.unmatched(cashier)).items]
    assert reasons == ["too_large", "wrong_currency"]
    assert await balance(begun.user_id) == 0


async def test_an_approval_before_the_money(
    payments: IntentsService, fake: FakeProvider, begun: Intent, clock: FakeClock, real_uow: UnitOfWork
) -> None:
    async with real_uow.read() as tx:
        payer = (await identity.get_recipient(tx, begun.user_id)).telegram_id
    assert await payments.approve("fake", begun.id, stars(770), payer) == begun
    for method, intent_id, telegram_id in (
        ("fake", begun.id, payer + 1), ("demo", begun.id, payer), ("fake", IntentId(new_id()), payer),
    ):  # fmt: skip
        with pytest.raises(NotFound):
            await payments.approve(method, intent_id, stars(770), telegram_id)
    for wrong in (stars(769), stars(771), usd(770)):
        with pytest.raises(Invalid):
            await payments.approve("fake", begun.id, wrong, payer)
    clock.move(minutes=31)
    with pytest.raises(PaymentClosed):
        await payments.approve("fake", begun.id, stars(770), payer)


class TestUnmatched:
    """Money whose payment is unknown."""

    @pytest.fixture
    async def lost(self, payments: IntentsService) -> ProviderReport:
        report = ProviderReport(event_id="e-lost", state=ProviderState.PAID, external_id="nobody", received=stars(770))
        assert await payments.settle("fake", report) is Outcome.UNMATCHED
        return report

    async def test_an_admin_assigns_it_to_a_person(
        self, payments: IntentsService, inbox: InboxService, wallet: WalletServices, cashier: Actor, buyer: Actor,
        lost: ProviderReport, balance: Balance,
    ) -> None:  # fmt: skip
        row = (await inbox.unmatched(cashier)).items[0]
        assert (row.event_id, row.amount, row.reason) == ("e-lost", stars(770), "unknown_payment")
        given_to = await inbox.assign(cashier, row.id, buyer.id, usd(1000))
        assert (given_to.status, given_to.credited) == (IntentStatus.SUCCEEDED, usd(1000))
        assert await balance(buyer.id) == 1000
        assert (await inbox.unmatched(cashier)).items == []
        with pytest.raises(PaymentClosed):
            await inbox.assign(cashier, row.id, buyer.id, usd(1000))
        # The provider's own word comes once more.
        assert await payments.settle("fake", lost) is Outcome.DUPLICATE
        assert await balance(buyer.id) == 1000
        assert (await wallet.ledger.verify(cashier)).balanced

    async def test_ten_admins_at_once_give_it_once(
        self, inbox: InboxService, cashier: Actor, buyer: Actor, lost: ProviderReport, balance: Balance
    ) -> None:
        row = (await inbox.unmatched(cashier)).items[0]
        outcomes = await asyncio.gather(
            *(inbox.assign(cashier, row.id, buyer.id, usd(1000)) for _ in range(10)), return_exceptions=True
        )
        assert sum(isinstance(outcome, Intent) for outcome in outcomes) == 1
        assert all(isinstance(outcome, Intent | PaymentClosed) for outcome in outcomes), outcomes
        assert await balance(buyer.id) == 1000

    async def test_it_is_dismissed_with_a_reason(
        self, inbox: InboxService, cashier: Actor, lost: ProviderReport
    ) -> None:
        row = (await inbox.unmatched(cashier)).items[0]
        with pytest.raises(Invalid):
            await inbox.dismiss(cashier, row.id, "  ")
        await inbox.dismiss(cashier, row.id, "a test of the provider's")
        assert (await inbox.unmatched(cashier)).items == []
        with pytest.raises(PaymentClosed):
            await inbox.dismiss(cashier, row.id, "again")

    async def test_only_with_the_permission(self, inbox: InboxService, buyer: Actor, lost: ProviderReport) -> None:
        with pytest.raises(Forbidden):
            await inbox.unmatched(buyer)
        with pytest.raises(Forbidden):
            await inbox.assign(buyer, (await inbox.unmatched(Actor.system())).items[0].id, buyer.id, usd(1000))

    @pytest.mark.parametrize("amount", [usd(0), usd(-5), usd(2**62), Money(5, "EUR"), usd(1052)])
    async def test_amounts_that_are_none(
        self, inbox: InboxService, cashier: Actor, buyer: Actor, lost: ProviderReport, amount: Money
    ) -> None:
        with pytest.raises(Invalid):
            await inbox.assign(cashier, (await inbox.unmatched(cashier)).items[0].id, buyer.id, amount)

    async def test_never_more_is_given_than_came(
        self, payments: IntentsService, inbox: InboxService, cashier: Actor, buyer: Actor, lost: ProviderReport,
        balance: Balance,
    ) -> None:  # fmt: skip
        """770 Stars are worth 10.01; rates may have moved by a twentieth. Of the shop's own currency, what came."""
        dear = (await inbox.unmatched(cashier)).items[0]
        assert inbox.worth(dear) == Worth(amount=usd(1001), most=usd(1051))
        with pytest.raises(Invalid) as refused:
            await inbox.assign(cashier, dear.id, buyer.id, usd(1052))
        assert (refused.value.fields, refused.value.params["maximum"]) == ({"amount": "above_maximum"}, usd(1051))
        await inbox.assign(cashier, dear.id, buyer.id, usd(1051))

        for event_id, came, code in (("cent", usd(1), "above_maximum"), ("euro", Money(500, "EUR"), "no_price")):
            report = ProviderReport(event_id=event_id, state=ProviderState.PAID, external_id="nobody", received=came)
            await payments.settle("fake", report)
            row = (await inbox.unmatched(cashier)).items[0]
            with pytest.raises(Invalid) as refused:
                await inbox.assign(cashier, row.id, buyer.id, usd(2))
            assert refused.value.fields == {"amount": code}
        assert await balance(buyer.id) == 1051

    async def test_what_was_given_can_go_back_at_the_provider(
        self, payments: IntentsService, inbox: InboxService, cashier: Actor, buyer: Actor, balance: Balance
    ) -> None:
        """The charge stays with it: a refund of that charge finds the payment that it became."""
        came = ProviderReport(
            event_id="e-lost", state=ProviderState.PAID, external_id="nobody", received=stars(770), charge_id="ch-7"
        )
        await payments.settle("fake", came)
        row = (await inbox.unmatched(cashier)).items[0]
        assert row.charge_id == "ch-7"
        given_to = await inbox.assign(cashier, row.id, buyer.id, usd(1000))
        assert given_to.charge_id == "ch-7"
        back = ProviderReport(
            event_id="r-lost", state=ProviderState.REFUNDED, external_id="nobody", refunded=stars(770), charge_id="ch-7"
        )
        await payments.settle("fake", back)
        row = (await inbox.unmatched(cashier)).items[0]
        assert (row.intent_id, row.reason) == (given_to.id, "refunded_elsewhere")
        await inbox.accept_refund(cashier, row.id)
        assert await balance(buyer.id) == 0

    async def test_a_second_charge_that_was_given_away_goes_back_alone(
        self, payments: IntentsService, inbox: InboxService, fake: FakeProvider, cashier: Actor, begun: Intent
    ) -> None:
        """An invoice was paid twice: the refund of the second charge is not one of the first."""

        def charge(name: str, state: ProviderState) -> ProviderReport:
            came, back = (stars(770), None) if state is ProviderState.PAID else (None, stars(770))
            return ProviderReport(
                event_id=f"{name}:{state}", state=state, intent_id=begun.id, received=came, refunded=back,
                charge_id=name, sole_charge=True,
            )  # fmt: skip

        for name in ("ch-1", "ch-2"):
            await payments.settle("fake", charge(name, ProviderState.PAID))
        second = (await inbox.unmatched(cashier)).items[0]
        given_to = await inbox.assign(cashier, second.id, begun.user_id, usd(1000))
        await payments.settle("fake", charge("ch-2", ProviderState.REFUNDED))
        (row,) = (await inbox.unmatched(cashier)).items
        assert row.intent_id == given_to.id


async def test_a_refund_made_at_the_provider_is_seen_and_booked(
    payments: IntentsService, inbox: InboxService, wallet: WalletServices, fake: FakeProvider, cashier: Actor,
    begun: Intent, balance: Balance,
) -> None:  # fmt: skip
    await payments.settle("fake", fake.paid(begun.id, stars(770)))
    back = ProviderReport(event_id="r1", state=ProviderState.REFUNDED, intent_id=begun.id, refunded=stars(385))
    assert await payments.settle("fake", back) is Outcome.UNMATCHED
    assert await balance(begun.user_id) == 1000
    row = (await inbox.unmatched(cashier)).items[0]
    assert (row.reason, row.intent_id) == ("refunded_elsewhere", begun.id)
    with pytest.raises(PaymentClosed):
        await inbox.assign(cashier, row.id, begun.user_id, usd(500))
    await inbox.accept_refund(cashier, row.id)
    assert await balance(begun.user_id) == 500
    file = await inbox.payment(cashier, begun.id)
    assert (file.intent.status, file.intent.refunded) == (IntentStatus.PARTIALLY_REFUNDED, usd(500))
    # Refunded in full, and the person has spent a part: the shop bears it.
    from backend.wallet import domain as ledger
    from backend.wallet.types import REVENUE, AccountRef, TransferKind

    async with inbox._uow() as tx:
        spender, revenue = AccountRef.user(begun.user_id), AccountRef.shop(REVENUE)
        await ledger.transfer(tx, TransferKind.PURCHASE, "spent", spender, revenue, usd(100))
    rest = ProviderReport(event_id="r2", state=ProviderState.REFUNDED, intent_id=begun.id, refunded=stars(770))
    assert await payments.settle("fake", rest) is Outcome.UNMATCHED
    await inbox.accept_refund(cashier, (await inbox.unmatched(cashier)).items[0].id)
    houses = {item.name: item.balance.amount for item in await wallet.ledger.shop_accounts(cashier)}
    assert (houses["losses"], houses["provider:fake"]) == (-100, 0)
    assert await balance(begun.user_id) == 0
    assert (await wallet.ledger.verify(cashier)).balanced


async def test_money_spent_while_it_is_taken_back_is_borne_by_the_shop(
    payments: IntentsService, inbox: InboxService, wallet: WalletServices, fake: FakeProvider, cashier: Actor,
    begun: Intent, balance: Balance, monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    """The balance that was read is spent before it is moved: what is there is taken, and not nothing."""
    from backend.wallet import domain as ledger
    from backend.wallet.types import REVENUE, AccountRef, TransferKind

    await payments.settle("fake", fake.paid(begun.id, stars(770)))
    back = ProviderReport(event_id="r", state=ProviderState.REFUNDED, intent_id=begun.id, refunded=stars(770))
    await payments.settle("fake", back)
    read = ledger.balance

    async def read_and_spend(tx: Tx, user_id: UserId, currency: str) -> Money:
        balance = await read(tx, user_id, currency)
        monkeypatch.setattr(ledger, "balance", read)
        async with inbox._uow() as other:
            spender, revenue = AccountRef.user(user_id), AccountRef.shop(REVENUE)
            await ledger.transfer(other, TransferKind.PURCHASE, "spent", spender, revenue, usd(1))
        return balance

    monkeypatch.setattr(ledger, "balance", read_and_spend)
    await inbox.accept_refund(cashier, (await inbox.unmatched(cashier)).items[0].id)
    houses = {item.name: item.balance.amount for item in await wallet.ledger.shop_accounts(cashier)}
    assert (houses["losses"], await balance(begun.user_id)) == (-1, 0)
    assert (await wallet.ledger.verify(cashier)).balanced


async def test_a_refund_that_comes_before_its_payment_waits_for_it(
    payments: IntentsService, inbox: InboxService, fake: FakeProvider, cashier: Actor, begun: Intent, balance: Balance
) -> None:
    back = ProviderReport(event_id="r", state=ProviderState.REFUNDED, intent_id=begun.id, refunded=stars(770))
    assert await payments.settle("fake", back) is Outcome.UNMATCHED
    row = (await inbox.unmatched(cashier)).items[0]
    with pytest.raises(PaymentNotCredited):
        await inbox.accept_refund(cashier, row.id)
    assert [item.id for item in (await inbox.unmatched(cashier)).items] == [row.id]
    await payments.settle("fake", fake.paid(begun.id, stars(770)))
    await inbox.accept_refund(cashier, row.id)
    assert await balance(begun.user_id) == 0
    assert (await inbox.payment(cashier, begun.id)).intent.status is IntentStatus.REFUNDED


async def test_a_refund_in_another_currency_is_never_booked(
    payments: IntentsService, inbox: InboxService, fake: FakeProvider, cashier: Actor, begun: Intent, balance: Balance
) -> None:
    await payments.settle("fake", fake.paid(begun.id, stars(770)))
    back = ProviderReport(event_id="r", state=ProviderState.REFUNDED, intent_id=begun.id, refunded=Money(770, "EUR"))
    assert await payments.settle("fake", back) is Outcome.UNMATCHED
    row = (await inbox.unmatched(cashier)).items[0]
    with pytest.raises(RefundCurrencyDiffers):
        await inbox.accept_refund(cashier, row.id)
    assert await balance(begun.user_id) == 1000
    assert [item.id for item in (await inbox.unmatched(cashier)).items] == [row.id]


class TestReconciliation:
    """The provider's statement against the ledger."""

    async def test_all_is_well(
        self, payments: IntentsService, reconciliation: ReconciliationService, fake: FakeProvider, cashier: Actor,
        begun: Intent, jobs: Callable[[str], Awaitable[list[object]]],
    ) -> None:  # fmt: skip
        report = fake.paid(begun.id, stars(770))
        await payments.settle("fake", report)
        fake.lists = [report]
        by_method = {item.method: item for item in await reconciliation.reconcile_all()}
        assert (by_method["fake"].differences, by_method["fake"].checked, by_method["fake"].error) == ([], 1, "")
        assert await jobs("test.difference_noted") == []

    async def test_money_that_we_missed_is_taken_in(
        self, reconciliation: ReconciliationService, fake: FakeProvider, cashier: Actor, begun: Intent,
        balance: Balance, jobs: Callable[[str], Awaitable[list[object]]], wallet: WalletServices,
    ) -> None:  # fmt: skip
        stranger = ProviderReport(event_id="s", state=ProviderState.PAID, external_id="stranger", received=stars(5))
        fake.lists = [fake.paid(begun.id, stars(770)), stranger]
        result = {item.method: item for item in await reconciliation.reconcile_all()}["fake"].differences
        assert [(item.kind, item.ours, item.theirs) for item in result] == [
            (DifferenceKind.MISSING_HERE, 0, 770), (DifferenceKind.MISSING_HERE, 0, 5)
        ]  # fmt: skip
        assert await balance(begun.user_id) == 1000
        assert len(await jobs("test.difference_noted")) == 1
        # The next day finds what is still open, and only that.
        again = {item.method: item for item in await reconciliation.reconcile_all()}["fake"].differences
        assert [(item.subject, item.theirs) for item in again] == [("stranger", 5)]
        assert (await wallet.ledger.verify(cashier)).balanced

    async def test_money_that_the_provider_does_not_know_or_knows_less_of(
        self, payments: IntentsService, reconciliation: ReconciliationService, fake: FakeProvider, cashier: Actor,
        begun: Intent,
    ) -> None:  # fmt: skip
        await payments.settle("fake", fake.paid(begun.id, stars(770)))
        fake.lists = []
        fake.says(begun.id, ProviderState.PENDING)
        result = {item.method: item for item in await reconciliation.reconcile_all()}["fake"].differences
        assert [(item.kind, item.ours, item.theirs) for item in result] == [(DifferenceKind.MISSING_THERE, 770, 0)]
        fake.lists = [fake.paid(begun.id, stars(700))]
        result = {item.method: item for item in await reconciliation.reconcile_all()}["fake"].differences
        assert [(item.kind, item.ours, item.theirs) for item in result] == [(DifferenceKind.AMOUNT, 770, 700)]

    async def test_a_ledger_that_differs_from_the_payments(
        self, reconciliation: ReconciliationService, real_uow: UnitOfWork, cashier: Actor, buyer: Actor
    ) -> None:
        from tests.factories.wallet import give

        async with real_uow() as tx:
            await give(tx, buyer.id, usd(700))  # booked as the demo provider's, without a payment
        result = {item.method: item for item in await reconciliation.reconcile_all()}["demo"].differences
        assert [(item.kind, item.ours, item.theirs) for item in result] == [(DifferenceKind.LEDGER, 700, 0)]

    async def test_a_provider_that_is_down_is_told_and_the_others_are_compared(
        self, reconciliation: ReconciliationService, fake: FakeProvider, cashier: Actor
    ) -> None:
        fake.down = True
        by_method = {item.method: item for item in await reconciliation.reconcile_all()}
        assert "down" in by_method["fake"].error
        assert by_method["demo"].error == ""
        assert len(await reconciliation.latest(cashier)) == 2
