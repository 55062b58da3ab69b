"""Vouchers and gift cards: a code is redeemed as often as allowed, once for each person, and cannot be guessed."""

from __future__ import annotations

import asyncio
import re
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import text

from backend.growth import rules
from backend.growth.errors import CodeNotValid, GiftRedeemed
from backend.growth.service import CodesService, GiftsService, VouchersService
from backend.growth.types import (
    CodeKind,
    GiftCard,
    GiftCardId,
    GiftStatus,
    NewVouchers,
    Redeemed,
    VoucherBatchId,
    VoucherStatus,
)
from backend.identity.types import Actor, Permission
from backend.infra.crypto import KeyRing
from backend.infra.unit_of_work import UnitOfWork
from backend.kernel.errors import Forbidden, Invalid, NotFound, RateLimited
from backend.kernel.ids import new_id
from backend.kernel.money import Money
from backend.kernel.text import CODE_ALPHABET
from backend.wallet.errors import IdempotencyConflict, InsufficientFunds
from tests.backend.growth.conftest import LIMITS, Counter, actor_of
from tests.factories.identity import add_admin
from tests.factories.wallet import usd
from tests.fakes.clock import FakeClock

SHOWN = re.compile(r"([0-9A-HJKMNP-TV-Z]{4}-){3}[0-9A-HJKMNP-TV-Z]{4}")


def test_codes_are_long_and_differ() -> None:
    codes = {rules.new_code() for _ in range(500)}
    assert len(codes) == 500
    assert all(len(code) * 5 >= 80 and SHOWN.fullmatch(rules.show_code(code)) for code in codes)


@given(st.text(alphabet=CODE_ALPHABET, min_size=16, max_size=16))
def test_a_code_is_read_in_every_spelling(code: str) -> None:
    shown = rules.show_code(code)
    for typed in (
        code, shown, shown.lower(), f"  {shown.replace('-', ' ')}\n", shown.replace("-", "–"),
        code.replace("1", "l").replace("0", "o"), f"https://t.me/souk_bot?start=g_{code}",
        f"t.me/souk_bot/app?startapp=g_{code}", f"https://shop.example/wallet/redeem?code={shown}", f"g_{code}",
        f"\u2066{shown}\u2069", f"\u200fg_{code}\u200e", f"“g_{shown}”.", f"«https://t.me/souk_bot?start=g_{code}».",
        code.translate(str.maketrans("0123456789", "۰۱۲۳۴۵۶۷۸۹")), f"g_{code}".replace("1", "١"),
    ):  # fmt: skip
        assert rules.read_code(typed) == code, typed


@given(st.text(max_size=60))
def test_another_text_is_no_code_and_no_error(typed: str) -> None:
    code = rules.read_code(typed)
    assert code is None or re.fullmatch(r"[0-9A-HJKMNP-TV-Z]{16}", code)


async def test_of_fifty_people_at_once_only_the_allowed_number_get_it(
    vouchers: VouchersService, codes: CodesService, admin: Actor, person, balance, accounts
) -> None:
    created = await vouchers.make(admin, usd(500), people=7, idempotency_key="k")
    people = [await person() for _ in range(50)]
    results = await asyncio.gather(*(codes.redeem(one, created.codes[0]) for one in people), return_exceptions=True)
    assert len([item for item in results if isinstance(item, Redeemed)]) == 7
    assert len([item for item in results if isinstance(item, CodeNotValid)]) == 43
    assert sorted([await balance(one) for one in people])[-8:] == [0] + [500] * 7
    assert (await vouchers.get(admin, created.batch.id)).redeemed == 7
    assert (await accounts())["vouchers"] == -7 * 500


async def test_ten_taps_redeem_once(
    vouchers: VouchersService, gifts: GiftsService, codes: CodesService, admin: Actor, person, balance, accounts
) -> None:
    voucher = (await vouchers.make(admin, usd(500), people=100, idempotency_key="k")).codes[0]
    gift = await gifts.buy(await person(usd(700)), usd(700), idempotency_key="g")
    one = await person()
    for code, worth, kind in ((voucher, 500, CodeKind.VOUCHER), (gift.code, 700, CodeKind.GIFT_CARD)):
        results = await asyncio.gather(*(codes.redeem(one, code) for _ in range(10)))
        assert [item.again for item in results].count(False) == 1
        assert {(item.amount, item.kind) for item in results} == {(usd(worth), kind)}
    assert await balance(one) == 1200
    held = await accounts()
    assert (held["vouchers"], held["gift_cards"]) == (-500, 0)


async def test_many_single_codes(
    vouchers: VouchersService, codes: CodesService, admin: Actor, person, balance, accounts, real_uow: UnitOfWork
) -> None:
    created = await vouchers.make(admin, usd(300), codes=20, note=" spring  sale ", idempotency_key="k")
    assert len(set(created.codes)) == 20
    assert all(SHOWN.fullmatch(code) for code in created.codes)
    people = [await person() for _ in range(4)]
    tries = [(one, code) for one in people for code in created.codes]
    results = await asyncio.gather(*(codes.redeem(*one) for one in tries), return_exceptions=True)
    assert len([item for item in results if isinstance(item, Redeemed) and not item.again]) == 20
    assert sum([await balance(one) for one in people]) == 20 * 300
    assert (await accounts())["vouchers"] == -20 * 300
    (batch,) = await vouchers.list_all(admin)
    assert (batch.codes, batch.redeemed, batch.note) == (20, 20, "spring sale")
    assert batch.status(batch.created_at) is not VoucherStatus.ACTIVE
    # The same request again creates nothing more, and shows no codes.
    again = await vouchers.make(admin, usd(300), codes=20, idempotency_key="k")
    assert (again.batch.id, again.codes) == (created.batch.id, ())


async def test_every_refusal_is_the_same(
    vouchers: VouchersService,
    gifts: GiftsService,
    codes: CodesService,
    admin: Actor,
    person,
    clock: FakeClock,
    accounts,
) -> None:
    one, buyer = await person(), await person(usd(1000))
    over = await vouchers.make(admin, usd(1), expires_at=clock.now() + timedelta(hours=1), idempotency_key="a")
    used = await vouchers.make(admin, usd(1), idempotency_key="b")
    stopped = await vouchers.make(admin, usd(1), idempotency_key="c")
    back = await gifts.buy(buyer, usd(1000), idempotency_key="d")
    await codes.redeem(buyer, used.codes[0])
    await vouchers.stop(admin, stopped.batch.id)
    await vouchers.stop(admin, stopped.batch.id)
    await gifts.cancel(buyer, back.id)
    clock.move(hours=1)
    answers = set()
    for typed in (over.codes[0], used.codes[0], stopped.codes[0], back.code, rules.new_code(), "", "x" * 400):
        with pytest.raises(CodeNotValid) as refused:
            await codes.redeem(one, typed)
        answers.add((refused.value.code, refused.value.kind, tuple(refused.value.params)))
    assert len(answers) == 1
    assert (await accounts())["vouchers"] == -1


async def test_attempts_are_limited_with_the_wait(codes: CodesService, counter: Counter, person) -> None:
    one = await person()
    with pytest.raises(CodeNotValid):
        await codes.redeem(one, rules.new_code())
    # A misspelt code does not count as an attempt.
    for slip in ("nothing", rules.new_code()[:-1], rules.new_code()[:-1] + "*"):
        with pytest.raises(CodeNotValid):
            await codes.redeem(one, slip)
    counter.full = True
    with pytest.raises(RateLimited) as refused:
        await codes.redeem(one, rules.new_code())
    assert refused.value.retry_after == 300
    assert counter.calls == 2


async def test_codes_are_stored_nowhere(
    vouchers: VouchersService, gifts: GiftsService, codes: CodesService, admin: Actor, person, real_uow: UnitOfWork
) -> None:
    created = await vouchers.make(admin, usd(300), codes=3, idempotency_key="k")
    buyer = await person(usd(1000))
    gift = await gifts.buy(buyer, usd(1000), idempotency_key="g")
    await codes.redeem(await person(), created.codes[0])
    plain = [code.replace("-", "") for code in (*created.codes, gift.code)]
    async with real_uow.read() as tx:
        for table in ("vouchers", "voucher_batches", "voucher_redemptions", "gift_cards", "audit_entries",
                      "outbox_jobs", "ledger_transfers"):  # fmt: skip
            rows = list((await tx.execute(text(f"SELECT to_jsonb(t)::text FROM {table} t"))).scalars())
            for code in plain:
                hexed = code.encode().hex()
                assert not [row for row in rows if code in row or hexed in row]


async def test_a_gift_card_is_bought_and_redeemed(
    gifts: GiftsService, codes: CodesService, person, balance, accounts, jobs, real_uow: UnitOfWork
) -> None:
    buyer, friend = await person(usd(5000)), await person()
    gift = await gifts.buy(buyer, usd(2000), idempotency_key="g")
    assert (gift.status, await balance(buyer)) == (GiftStatus.ACTIVE, 3000)
    assert (await accounts())["gift_cards"] == 2000
    assert (await gifts.mine(buyer))[0] == gift  # the buyer sees the code again
    assert await gifts.mine(friend) == []
    done = await codes.redeem(friend, gift.code)
    assert (done.amount, done.balance, done.kind, done.again) == (usd(2000), usd(2000), CodeKind.GIFT_CARD, False)
    (seen,) = await gifts.mine(buyer)
    assert (seen.status, seen.code) == (GiftStatus.REDEEMED, "")
    assert seen.closed_at is not None
    (payload,) = await jobs("GiftCardRedeemed")
    assert payload["user_id"] == str(buyer.id)
    with pytest.raises(GiftRedeemed):
        await gifts.cancel(buyer, gift.id)
    with pytest.raises(CodeNotValid):
        await codes.redeem(await person(), gift.code)
    async with real_uow.read() as tx:
        left = (await tx.execute(text("SELECT count(*) FROM data_keys WHERE purpose = 'gift_card'"))).scalar_one()
    assert left == 0
    assert (await accounts())["gift_cards"] == 0


async def test_a_card_is_cancelled_or_redeemed_never_both(
    gifts: GiftsService, codes: CodesService, person, balance, accounts
) -> None:
    for number in range(8):
        buyer, friends = await person(usd(1000)), [await person() for _ in range(4)]
        gift = await gifts.buy(buyer, usd(1000), idempotency_key=f"g{number}")
        tries = [gifts.cancel(buyer, gift.id), gifts.cancel(buyer, gift.id)]
        tries += [codes.redeem(friend, gift.code) for friend in friends]
        if number % 2:
            tries.reverse()
        results = await asyncio.gather(*tries, return_exceptions=True)
        assert all(isinstance(item, (GiftCard, Redeemed, CodeNotValid, GiftRedeemed)) for item in results), results
        assert await balance(buyer) + sum([await balance(friend) for friend in friends]) == 1000
    assert (await accounts())["gift_cards"] == 0


async def test_ten_taps_buy_one_card(gifts: GiftsService, person, balance, accounts) -> None:
    buyer = await person(usd(5000))
    bought = await asyncio.gather(*(gifts.buy(buyer, usd(1000), idempotency_key="k") for _ in range(10)))
    assert len({(gift.id, gift.code) for gift in bought}) == 1
    assert await balance(buyer) == 4000
    with pytest.raises(IdempotencyConflict):
        await gifts.buy(buyer, usd(1001), idempotency_key="k")
    results = await asyncio.gather(
        *(gifts.buy(buyer, usd(3000), idempotency_key=f"k{n}") for n in range(5)), return_exceptions=True
    )
    assert [isinstance(item, InsufficientFunds) for item in results].count(True) == 4
    assert await balance(buyer) == 1000
    assert len(await gifts.mine(buyer)) == 2
    assert (await accounts())["gift_cards"] == 4000


async def test_another_persons_card_is_not_found(gifts: GiftsService, person) -> None:
    gift = await gifts.buy(await person(usd(1000)), usd(1000), idempotency_key="k")
    stranger = await person()
    for call in (gifts.cancel(stranger, gift.id), gifts.get(stranger, gift.id),
                 gifts.get(stranger, GiftCardId(new_id()))):  # fmt: skip
        with pytest.raises(NotFound):
            await call


@pytest.mark.parametrize("amount", [usd(99), usd(100_001), usd(0), usd(-500), usd(2**63 - 1), Money(500, "EUR")])
async def test_amounts_that_no_gift_card_can_have(gifts: GiftsService, person, balance, amount: Money) -> None:
    buyer = await person(usd(1000))
    with pytest.raises(Invalid) as refused:
        await gifts.buy(buyer, amount, idempotency_key="k")
    assert set(refused.value.fields) == {"amount"}
    assert await balance(buyer) == 1000


@pytest.mark.parametrize(
    ("how", "field"),
    [
        ({"amount": usd(0)}, "amount"), ({"amount": usd(-1)}, "amount"), ({"amount": usd(100_001)}, "amount"),
        ({"amount": Money(1, "EUR")}, "amount"), ({"people": 0}, "people"), ({"people": 100_001}, "people"),
        ({"people": 2, "codes": 2}, "people"), ({"codes": 0}, "codes"), ({"codes": 501}, "codes"),
        ({"note": "n" * 121}, "note"), ({"expires_at": "past"}, "expires"),
    ],
)  # fmt: skip
async def test_vouchers_that_cannot_be_created(
    vouchers: VouchersService, admin: Actor, clock: FakeClock, how: dict, field: str
) -> None:
    values = {"amount": usd(500), **how}
    if "expires_at" in values:
        values["expires_at"] = clock.now()
    with pytest.raises(Invalid) as refused:
        await vouchers.make(admin, values.pop("amount"), idempotency_key="k", **values)
    assert set(refused.value.fields) == {field}


async def test_one_of_two_admins_creates_vouchers_up_to_the_limit(
    real_uow: UnitOfWork, ring: KeyRing, admin: Actor, clock: FakeClock
) -> None:
    vouchers = VouchersService(uow=real_uow, ring=ring, limits=lambda: LIMITS, limit=lambda: usd(10_000))
    await vouchers.make(admin, usd(10_000), codes=500, idempotency_key="alone")  # nobody else could approve
    clock.move(hours=25)
    async with real_uow() as tx:
        await add_admin(tx, Permission.MONEY)
    for how in ({"codes": 21}, {"people": 21}):
        with pytest.raises(Invalid) as refused:
            await vouchers.make(admin, usd(500), idempotency_key="much", **how)
        assert refused.value.fields == {"amount": "above_limit"}
    # Many batches do not get around the limit, not even at the same time.
    results = await asyncio.gather(
        *(vouchers.make(admin, usd(500), codes=5, idempotency_key=f"k-{turn}") for turn in range(6)),
        return_exceptions=True,
    )
    assert sum(isinstance(one, NewVouchers) for one in results) == 4


async def test_who_cannot_manage_vouchers(vouchers: VouchersService, admin: Actor, person) -> None:
    created = await vouchers.make(admin, usd(500), idempotency_key="k")
    other = actor_of(admin.id, Permission.ORDERS, Permission.USERS)
    for call in (
        vouchers.make(other, usd(1), idempotency_key="l"), vouchers.list_all(other),
        vouchers.stop(other, created.batch.id), vouchers.get(other, created.batch.id),
    ):  # fmt: skip
        with pytest.raises(Forbidden):
            await call
    with pytest.raises(NotFound):
        await vouchers.stop(admin, VoucherBatchId(new_id()))


async def test_a_crash_between_count_and_transfer_leaves_neither(
    vouchers: VouchersService, codes: CodesService, admin: Actor, person, balance, accounts, monkeypatch
) -> None:
    code = (await vouchers.make(admin, usd(500), idempotency_key="k")).codes[0]
    one, other = await person(), await person()

    def die(_name: str) -> None:
        raise RuntimeError("killed")

    with monkeypatch.context() as patched:
        patched.setattr("backend.growth.service.codes.failpoint", die)
        with pytest.raises(RuntimeError):
            await codes.redeem(one, code)
    assert await balance(one) == 0
    await codes.redeem(other, code)
    assert await balance(other) == 500
    assert (await accounts())["vouchers"] == -500
