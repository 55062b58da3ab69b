"""Deposits by hand: proofs from people, and what admins find."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
from sqlalchemy import text

from backend.approvals.errors import SecondAdminNeeded
from backend.approvals.types import ValueKind
from backend.bootstrap import Services, build
from backend.identity.types import Actor, Permission
from backend.infra.settings import Settings
from backend.infra.storage import MAX_UPLOAD_BYTES
from backend.kernel.errors import Forbidden, Invalid, NotFound
from backend.kernel.ids import UserId
from backend.kernel.money import Money
from backend.payments.errors import PaymentClosed
from backend.payments.types import ActionKind, Intent, IntentStatus, PollIntent, SetupState, TransferReceiptId
from backend.wallet import domain as ledger
from tests.factories.identity import admin, person
from tests.factories.wallet import USD, usd
from tests.fakes.clock import FakeClock

PNG = b"\x89PNG\r\n\x1a\n" + b"picture" * 9
PDF = b"%PDF-1.7 receipt"
TEXT = "Send it to DE00 1234\\nand name {reference}."


@pytest.fixture
async def shop(
    services: Services, other_settings: Callable[..., Settings], clock: FakeClock, tmp_path: Path
) -> AsyncIterator[Services]:
    """The backend with deposits on, and a folder of its own."""
    built = build(other_settings(deposit_instructions=TEXT, data_dir=str(tmp_path)), clock=clock)
    async with built.running(listen=False):
        yield built


@pytest.fixture
async def buyer(shop: Services) -> Actor:
    """Who pays."""
    return await person(shop.identity, first_name="Omar")


@pytest.fixture
async def teller(shop: Services, settings: Settings) -> Actor:
    """Who may touch money."""
    return await admin(shop.identity, settings.root_admin_id, Permission.MONEY)


async def begun(shop: Services, buyer: Actor, cents: int = 5000, key: str = "tap-1") -> Intent:
    return await shop.payments.intents.start_top_up(buyer, "deposit", usd(cents), idempotency_key=key)


async def balance(shop: Services, buyer: Actor) -> int:
    async with shop.uow.read() as tx:
        return (await ledger.balance(tx, buyer.id, USD)).amount


async def first(shop: Services, actor: Actor, intent: Intent) -> tuple[Money, UserId] | None:
    approval = await shop.approvals.first(actor, ValueKind.DEPOSIT, str(intent.id))
    return None if approval is None else (approval.amount, approval.by)


async def proved_events(shop: Services) -> int:
    async with shop.uow.read() as tx:
        rows = await tx.execute(text("SELECT count(*) FROM outbox_jobs WHERE task = 'notifications.deposit_proved'"))
        return int(rows.scalar_one())


async def proves_itself(shop: Services) -> None:
    assert (await shop.wallet.ledger.verify(Actor.system())).balanced


async def test_the_method_says_what_to_do_and_is_off_without_instructions(
    shop: Services, services: Services, buyer: Actor
) -> None:
    intent = await begun(shop, buyer)
    assert intent.status is IntentStatus.PENDING
    assert intent.action is not None and intent.action.kind is ActionKind.DEPOSIT
    reference = intent.action.fields["reference"]
    assert reference == intent.reference and len(reference) == len("D-4K7Q2M")
    assert intent.action.fields["instructions"] == f"Send it to DE00 1234\nand name {reference}."
    assert "deposit" not in {method.name for method in await services.payments.methods.enabled(buyer)}
    off = {setup.name: setup for setup in await services.payments.methods.setups(Actor.system())}["deposit"]
    assert (off.state, off.missing) == (SetupState.OFF, ("DEPOSIT_INSTRUCTIONS",))


async def test_from_proof_to_money(shop: Services, buyer: Actor, teller: Actor) -> None:
    intent = await begun(shop, buyer)
    assert await shop.payments.deposits.awaiting_review(teller) == []
    first = await shop.payments.deposits.add_receipt(buyer, intent.id, PNG, " from my bank ")
    second = await shop.payments.deposits.add_receipt(buyer, intent.id, PDF)
    assert (first.content_type, first.size, first.note) == ("image/png", len(PNG), "from my bank")
    assert (await shop.payments.intents.intent(buyer, intent.id)).status is IntentStatus.CONFIRMING
    assert await proved_events(shop) == 1, "one message for all that waits together"

    (waiting,) = await shop.payments.deposits.awaiting_review(teller)
    assert (waiting.intent.id, waiting.payer, waiting.receipts) == (intent.id, "Omar", [first, second])
    opened = await shop.payments.deposits.open_receipt(teller, second.id)
    assert (opened.data, opened.content_type) == (PDF, "application/pdf")
    assert (await shop.payments.deposits.open_receipt(buyer, first.id)).data == PNG

    paid = await shop.payments.deposits.confirm(teller, intent.id, usd(5000))
    assert (paid.status, paid.credited, await balance(shop, buyer)) == (IntentStatus.SUCCEEDED, usd(5000), 5000)
    assert await shop.payments.deposits.awaiting_review(teller) == []
    with pytest.raises(PaymentClosed):
        await shop.payments.deposits.add_receipt(buyer, intent.id, PNG)
    with pytest.raises(PaymentClosed):
        await shop.payments.deposits.reject(teller, intent.id, "too late")
    await proves_itself(shop)


async def test_nothing_readable_lies_on_the_disk(shop: Services, buyer: Actor, tmp_path: Path) -> None:
    intent = await begun(shop, buyer)
    await shop.payments.deposits.add_receipt(buyer, intent.id, PNG)
    (file,) = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert file.is_relative_to(tmp_path / "private")
    assert len(file.name) == 40
    assert PNG not in file.read_bytes() and b"picture" not in file.read_bytes()
    with pytest.raises(NotFound):
        await shop.storage.get(file.name)


async def test_part_then_all_then_more(shop: Services, buyer: Actor, teller: Actor) -> None:
    """What an admin says is what came in all: the same again credits nothing, more credits the rest."""
    intent = await begun(shop, buyer)
    short = await shop.payments.deposits.confirm(teller, intent.id, usd(2000))
    assert (short.status, short.missing, await balance(shop, buyer)) == (IntentStatus.UNDERPAID, usd(3000), 2000)
    assert (await shop.payments.deposits.confirm(teller, intent.id, usd(2000))).credited == usd(2000)

    await shop.payments.deposits.add_receipt(buyer, intent.id, PNG)
    assert [item.intent.id for item in await shop.payments.deposits.awaiting_review(teller)] == [intent.id]
    intent_now = await shop.payments.deposits.reject(teller, intent.id, "Only the first part is here")
    assert (intent_now.status, intent_now.progress) == (
        IntentStatus.UNDERPAID,
        {"reason": "Only the first part is here"},
    )
    assert await shop.payments.deposits.awaiting_review(teller) == []

    assert (await shop.payments.deposits.confirm(teller, intent.id, usd(5000))).status is IntentStatus.SUCCEEDED
    long = await shop.payments.deposits.confirm(teller, intent.id, usd(6000))
    assert (long.status, await balance(shop, buyer)) == (IntentStatus.OVERPAID, 6000)
    for wrong, code in ((usd(5000), "below_received"), (usd(0), "not_positive"), (usd(2**62), "above_maximum"),
                        (usd(-1), "not_positive"), (Money(7000, "EUR"), "wrong_currency")):  # fmt: skip
        with pytest.raises(Invalid) as refused:
            await shop.payments.deposits.confirm(teller, intent.id, wrong)
        assert refused.value.fields == {"amount": code}
    assert await balance(shop, buyer) == 6000
    await proves_itself(shop)


async def test_ten_admins_at_once_credit_once(shop: Services, buyer: Actor, teller: Actor) -> None:
    intent = await begun(shop, buyer)
    await shop.payments.deposits.add_receipt(buyer, intent.id, PNG)
    done = await asyncio.gather(*(shop.payments.deposits.confirm(teller, intent.id, usd(5000)) for _ in range(10)))
    assert {intent_now.status for intent_now in done} == {IntentStatus.SUCCEEDED}
    assert await balance(shop, buyer) == 5000
    await proves_itself(shop)


async def test_one_confirms_while_another_refuses(shop: Services, buyer: Actor, teller: Actor) -> None:
    """In either order, the confirmed money is credited once."""
    for turn in range(4):
        intent = await begun(shop, buyer, 2000, key=f"tap-{turn}")
        await shop.payments.deposits.add_receipt(buyer, intent.id, PNG)
        verbs = [
            shop.payments.deposits.confirm(teller, intent.id, usd(2000)),
            shop.payments.deposits.reject(teller, intent.id, "not here"),
        ]
        ended = await asyncio.gather(*(verbs if turn % 2 else reversed(verbs)), return_exceptions=True)
        assert all(isinstance(end, (Intent, PaymentClosed)) for end in ended), ended
        assert (await shop.payments.intents.intent(buyer, intent.id)).status is IntentStatus.SUCCEEDED
        assert await balance(shop, buyer) == 2000 * (turn + 1)
    await proves_itself(shop)


async def test_refused_sent_again_and_paid(shop: Services, buyer: Actor, teller: Actor) -> None:
    intent = await begun(shop, buyer)
    await shop.payments.deposits.add_receipt(buyer, intent.id, PNG)
    refused = await shop.payments.deposits.reject(teller, intent.id, " This is a cat ")
    assert (refused.status, refused.progress["reason"]) == (IntentStatus.FAILED, "This is a cat")
    for reason in ("", "  ", "x" * 501):
        with pytest.raises(Invalid):
            await shop.payments.deposits.reject(teller, intent.id, reason)

    await shop.payments.deposits.add_receipt(buyer, intent.id, PDF)
    again = await shop.payments.intents.intent(buyer, intent.id)
    assert (again.status, again.progress) == (IntentStatus.CONFIRMING, {})
    assert await proved_events(shop) == 2
    assert (await shop.payments.deposits.reject(teller, intent.id, "And this a dog")).status is IntentStatus.FAILED
    assert (await shop.payments.deposits.confirm(teller, intent.id, usd(5000))).status is IntentStatus.SUCCEEDED
    assert await balance(shop, buyer) == 5000


async def test_it_expires_unproved_and_not_under_an_admins_eyes(
    shop: Services, buyer: Actor, teller: Actor, clock: FakeClock
) -> None:
    silent, proved = await begun(shop, buyer, key="a"), await begun(shop, buyer, key="b")
    await shop.payments.deposits.add_receipt(buyer, proved.id, PNG)
    clock.move(days=8)
    for intent in (silent, proved):
        await shop.payments.intents.poll(PollIntent(intent.id, 0))
    assert (await shop.payments.intents.intent(buyer, silent.id)).status is IntentStatus.EXPIRED
    assert (await shop.payments.intents.intent(buyer, proved.id)).status is IntentStatus.CONFIRMING
    await shop.payments.deposits.add_receipt(buyer, silent.id, PNG)  # late money is still money
    assert (await shop.payments.deposits.confirm(teller, silent.id, usd(5000))).status is IntentStatus.SUCCEEDED


@pytest.mark.parametrize(
    ("data", "note", "field", "code"),
    [
        (b"", "", "proof", "not_a_document"),
        (b"MZ\x90\x00", "", "proof", "not_a_document"),
        (b"<svg onload='x()'></svg>", "", "proof", "not_a_document"),
        (b"<html>%PDF-", "", "proof", "not_a_document"),
        (PNG + b"\0" * MAX_UPLOAD_BYTES, "", "proof", "too_large"),
        (PNG, "x" * 501, "note", "too_long"),
    ],
)
async def test_what_is_no_proof(
    shop: Services, buyer: Actor, tmp_path: Path, data: bytes, note: str, field: str, code: str
) -> None:
    intent = await begun(shop, buyer)
    with pytest.raises(Invalid) as refused:
        await shop.payments.deposits.add_receipt(buyer, intent.id, data, note)
    assert refused.value.fields == {field: code}
    assert (await shop.payments.deposits.receipts(buyer, intent.id), [*tmp_path.rglob("*.*")]) == ([], [])


async def test_five_proofs_even_at_once(shop: Services, buyer: Actor, tmp_path: Path) -> None:
    intent = await begun(shop, buyer)
    sent = (shop.payments.deposits.add_receipt(buyer, intent.id, PNG + bytes([number])) for number in range(9))
    ended = await asyncio.gather(*sent, return_exceptions=True)
    assert sum(isinstance(end, Invalid) and end.fields == {"proof": "too_many"} for end in ended) == 4
    assert len(await shop.payments.deposits.receipts(buyer, intent.id)) == 5
    assert sum(path.is_file() for path in tmp_path.rglob("*")) == 5


async def test_a_refused_write_leaves_no_file(
    shop: Services, buyer: Actor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def refuse(*_: object) -> None:
        raise RuntimeError("the database is away")

    intent = await begun(shop, buyer)
    monkeypatch.setattr("backend.payments.repository.receipts.add_receipt", refuse)
    with pytest.raises(RuntimeError):
        await shop.payments.deposits.add_receipt(buyer, intent.id, PNG)
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]


async def test_other_people_see_nothing(shop: Services, settings: Settings, buyer: Actor, teller: Actor) -> None:
    intent = await begun(shop, buyer)
    proof = await shop.payments.deposits.add_receipt(buyer, intent.id, PNG)
    stranger = await person(shop.identity)
    helper = await admin(shop.identity, settings.root_admin_id, Permission.ORDERS)
    for other in (stranger, helper):
        with pytest.raises(NotFound):
            await shop.payments.deposits.open_receipt(other, proof.id)
        with pytest.raises(NotFound):
            await shop.payments.deposits.receipts(other, intent.id)
        with pytest.raises(NotFound):
            await shop.payments.deposits.add_receipt(other, intent.id, PNG)
        with pytest.raises(Forbidden):
            await shop.payments.deposits.awaiting_review(other)
        with pytest.raises(Forbidden):
            await shop.payments.deposits.confirm(other, intent.id, usd(5000))
        with pytest.raises(Forbidden):
            await shop.payments.deposits.reject(other, intent.id, "no")
    with pytest.raises(NotFound):
        await shop.payments.deposits.open_receipt(teller, TransferReceiptId(intent.id))
    demo = await shop.payments.intents.start_top_up(buyer, "demo", usd(5000), idempotency_key="demo")
    with pytest.raises(NotFound):
        await shop.payments.deposits.confirm(teller, demo.id, usd(5000))
    with pytest.raises(PaymentClosed):
        await shop.payments.deposits.add_receipt(buyer, demo.id, PNG)
    assert await balance(shop, buyer) == 0


class TestSecondAdmin:
    """ADJUSTMENT_LIMIT is 100.00: above it a second admin has to say the same."""

    @pytest.fixture
    async def second(self, shop: Services, settings: Settings) -> Actor:
        return await admin(shop.identity, settings.root_admin_id, Permission.MONEY)

    async def test_above_the_limit_two_say_the_same(
        self, shop: Services, buyer: Actor, teller: Actor, second: Actor
    ) -> None:
        intent = await begun(shop, buyer, 20_000)
        for _ in range(2):
            asked = await shop.payments.deposits.confirm(teller, intent.id, usd(20_000))
            assert (asked.received, await balance(shop, buyer)) == (usd(0), 0)
        assert await first(shop, second, intent) == (usd(20_000), teller.id)
        assert [item.intent.id for item in await shop.payments.deposits.awaiting_review(second)] == [intent.id]
        # Another sum is another word, and the first admin has to agree to that one.
        await shop.payments.deposits.confirm(second, intent.id, usd(15_000))
        assert await first(shop, teller, intent) == (usd(15_000), second.id)
        agreed = await shop.payments.deposits.confirm(teller, intent.id, usd(15_000))
        assert (agreed.status, await balance(shop, buyer)) == (IntentStatus.UNDERPAID, 15_000)
        assert (await shop.payments.deposits.awaiting_review(second), await first(shop, teller, intent)) == ([], None)
        await proves_itself(shop)

    async def test_many_small_ones_do_not_avoid_the_limit(
        self, shop: Services, buyer: Actor, teller: Actor, second: Actor, clock: FakeClock
    ) -> None:
        intents = [await begun(shop, buyer, 4000, key=f"tap-{turn}") for turn in range(3)]
        for intent in intents:
            await shop.payments.deposits.confirm(teller, intent.id, usd(4000))
        assert await balance(shop, buyer) == 8000
        other = await begun(shop, await person(shop.identity), 4000)
        assert not (await shop.payments.deposits.confirm(teller, other.id, usd(4000))).credited, "nor are many people"
        clock.move(hours=25)
        assert (await shop.payments.deposits.confirm(teller, intents[2].id, usd(4000))).credited == usd(4000)

    async def test_at_once_they_do_not_slip_through(
        self, shop: Services, buyer: Actor, teller: Actor, second: Actor
    ) -> None:
        intents = [await begun(shop, buyer, 4000, key=f"tap-{turn}") for turn in range(6)]
        await asyncio.gather(*(shop.payments.deposits.confirm(teller, intent.id, usd(4000)) for intent in intents))
        assert await balance(shop, buyer) == 8000
        await proves_itself(shop)

    async def test_nobody_confirms_his_own(self, shop: Services, teller: Actor, second: Actor) -> None:
        intent = await begun(shop, teller, 500)
        with pytest.raises(SecondAdminNeeded):
            await shop.payments.deposits.confirm(teller, intent.id, usd(500))
        assert (await shop.payments.deposits.confirm(second, intent.id, usd(500))).credited == usd(500)

    async def test_a_refusal_takes_the_first_word_back(
        self, shop: Services, buyer: Actor, teller: Actor, second: Actor
    ) -> None:
        intent = await begun(shop, buyer, 20_000)
        await shop.payments.deposits.confirm(teller, intent.id, usd(20_000))
        await shop.payments.deposits.reject(second, intent.id, "It is not there")
        assert await first(shop, teller, intent) is None
        await shop.payments.deposits.confirm(second, intent.id, usd(20_000))
        assert await balance(shop, buyer) == 0

    async def test_a_seller_who_is_alone_decides_alone(self, shop: Services, settings: Settings, buyer: Actor) -> None:
        owner = await person(shop.identity, settings.root_admin_id)
        intent = await begun(shop, buyer, 50_000)
        assert (await shop.payments.deposits.confirm(owner, intent.id, usd(50_000))).credited == usd(50_000)
        own = await begun(shop, owner, 50_000)
        assert (await shop.payments.deposits.confirm(owner, own.id, usd(50_000))).credited == usd(50_000)


async def test_what_admins_did_is_written_down(shop: Services, buyer: Actor, teller: Actor) -> None:
    intent = await begun(shop, buyer)
    await shop.payments.deposits.add_receipt(buyer, intent.id, PNG)
    await shop.payments.deposits.reject(teller, intent.id, "a cat")
    await shop.payments.deposits.confirm(teller, intent.id, usd(5000))
    async with shop.uow.read() as tx:
        rows = await tx.execute(text("SELECT actor_id, action, subject FROM audit_entries ORDER BY id"))
        entries = [tuple(row) for row in rows if row.action.startswith("payments.")]
    subject = f"payment:{intent.id}"
    assert entries == [
        (teller.id, "payments.reject_deposit", subject),
        (teller.id, "payments.confirm_deposit", subject),
    ]
