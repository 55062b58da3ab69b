"""What a provider tells: once, again, late, in disorder, too much of it, and at the worst moment."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import asyncpg
import httpx
import pytest
from litestar import Litestar

from backend.bootstrap import Services
from backend.infra.metrics import WEBHOOKS
from backend.infra.rate_limit import Limit
from backend.infra.settings import Settings
from backend.kernel.ids import new_id
from backend.payments.errors import ProviderDown
from backend.payments.gateways.demo import DemoProvider
from backend.payments.types import IntentId, IntentStatus, Outcome, ProviderReport, ProviderState
from tests.factories.wallet import usd
from tests.resilience.processes import until
from tests.webapp.client import browser
from tests.webapp.conftest import MakeWeb
from tests.webapp.payments.hooks.conftest import PATH, Provider, Send, Till
from webapp.core.limits import Limits
from webapp.payments.hooks import RETRY_AFTER_SECONDS


def counted(outcome: str, method: str = "demo") -> float:
    return float(WEBHOOKS.labels(method, outcome)._value.get())


async def test_paid_once_and_answered_200_again_and_again(till: Till, provider: Provider, send: Send) -> None:
    intent = await till.begin()
    before = counted("applied"), counted("duplicate")
    for _ in range(10):
        answer = await send(provider.call(intent.id, 5000))
        assert (answer.status_code, answer.text) == (200, "ok")
    assert ((await till.intent(intent)).status, await till.balance()) == (IntentStatus.SUCCEEDED, 5000)
    assert (counted("applied"), counted("duplicate")) == (before[0] + 1, before[1] + 9)
    assert await till.count("SELECT count(*) FROM payment_events") == 1
    await till.proves_itself()


async def test_ten_duplicates_at_once_credit_once(till: Till, provider: Provider, send: Send) -> None:
    for _ in range(5):
        intent, had = await till.begin(), await till.balance()
        call = provider.call(intent.id, 5000)
        answers = await asyncio.gather(*(send(call) for _ in range(10)))
        assert {answer.status_code for answer in answers} == {200}
        assert await till.balance() == had + 5000
    await till.proves_itself()


async def test_parts_in_any_order_come_to_the_whole(till: Till, provider: Provider, send: Send) -> None:
    """Each message says what came in all, so that the last one wins wherever it stands."""
    chance, had = random.Random(20261121), 0
    for _ in range(8):
        intent = await till.begin()
        calls = [provider.call(intent.id, cents) for cents in (1000, 2500, 5000)]
        calls += [provider.call(intent.id, 0, state=ProviderState.EXPIRED, event=f"{intent.id}:over")]
        calls += [provider.call(intent.id, 0, state=ProviderState.PENDING)]
        calls *= 2
        chance.shuffle(calls)
        assert {(await send(call)).status_code for call in calls} == {200}
        had += 5000
        assert ((await till.intent(intent)).status, await till.balance()) == (IntentStatus.SUCCEEDED, had)
    await till.proves_itself()


@pytest.mark.parametrize("state", [ProviderState.EXPIRED, ProviderState.FAILED])
async def test_late_money_is_still_money(till: Till, provider: Provider, send: Send, state: ProviderState) -> None:
    intent = await till.begin()
    await send(provider.call(intent.id, 0, state=state))
    assert (await till.intent(intent)).status.value == state.value
    assert (await send(provider.call(intent.id, 5000))).status_code == 200
    assert (await send(provider.call(intent.id, 0, state=state, event="again"))).status_code == 200
    assert ((await till.intent(intent)).status, await till.balance()) == (IntentStatus.SUCCEEDED, 5000)


@pytest.mark.parametrize(
    ("received", "currency"), [(5000, "EUR"), (5000, "XTR"), (2**63 - 1, "USD"), (10**16, "USD"), (1, "JPY")]
)
async def test_money_that_fits_nothing_is_kept_for_an_admin(
    till: Till, provider: Provider, send: Send, received: int, currency: str
) -> None:
    intent = await till.begin()
    for _ in range(3):
        assert (await send(provider.call(intent.id, received, currency=currency))).status_code == 200
    assert ((await till.intent(intent)).received.amount, await till.balance()) == (0, 0)
    assert await till.count("SELECT count(*) FROM payment_events WHERE outcome = 'unmatched'") == 1
    assert await till.count("SELECT count(*) FROM outbox_jobs WHERE task = 'notifications.payment_unmatched'") == 1


async def test_money_for_nobody_is_kept_for_an_admin(till: Till, provider: Provider, send: Send) -> None:
    assert (await send(provider.call(IntentId(new_id()), 5000))).status_code == 200
    assert await till.count("SELECT count(*) FROM payment_events WHERE reason = 'unknown_payment'") == 1


@asynccontextmanager
async def _ledger_refuses(till: Till) -> AsyncIterator[None]:
    """Any transfer fails inside PostgreSQL, after the message was stored and before the commit."""
    async with till.services.engine.begin() as connection:
        await connection.exec_driver_sql(
            "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN RAISE 'no'; END$$;"
        )
        await connection.exec_driver_sql(
            "CREATE TRIGGER refuse BEFORE INSERT ON ledger_legs FOR EACH ROW EXECUTE FUNCTION refuse()"
        )
    try:
        yield
    finally:
        async with till.services.engine.begin() as connection:
            await connection.exec_driver_sql("DROP FUNCTION refuse() CASCADE")


async def test_an_effect_that_fails_is_asked_for_again(till: Till, provider: Provider, send: Send) -> None:
    """Nothing of it stays, not even that the message came; the next try does it all."""
    intent = await till.begin()
    before = await till.rows()
    async with _ledger_refuses(till):
        for _ in range(3):
            answer = await send(provider.call(intent.id, 5000))
            assert (answer.status_code, answer.headers["retry-after"]) == (500, str(RETRY_AFTER_SECONDS))
            assert "no" not in answer.text
    assert await till.rows() == before
    assert (await send(provider.call(intent.id, 5000))).status_code == 200
    assert (await till.balance(), await till.count("SELECT count(*) FROM payment_events")) == (5000, 1)
    await till.proves_itself()


async def test_a_connection_that_is_cut_in_the_middle(
    till: Till, provider: Provider, send: Send, database_url: str
) -> None:
    intent = await till.begin()
    other = await asyncpg.connect(database_url)
    try:
        held = other.transaction()
        await held.start()
        await other.execute("SELECT 1 FROM payment_intents FOR UPDATE")
        sent = asyncio.ensure_future(send(provider.call(intent.id, 5000)))
        waiting = (
            "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity"
            " WHERE wait_event_type = 'Lock' AND datname = current_database()"
        )

        async def cut() -> bool:
            return bool(await other.fetchval(waiting))

        await until(cut)
        answer = await sent
        assert (answer.status_code, answer.headers["retry-after"]) == (503, str(RETRY_AFTER_SECONDS))
        await held.rollback()
    finally:
        await other.close()
    assert await till.balance() == 0
    answers = [await send(provider.call(intent.id, 5000)) for _ in range(3)]
    assert answers[-1].status_code == 200
    assert await till.balance() == 5000
    await till.proves_itself()


async def test_a_provider_that_is_away_is_asked_for_it_again(
    till: Till, provider: Provider, send: Send, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Some providers must be asked whether a call is theirs: while they are silent, nobody is refused for good."""

    async def silent(*_: object) -> None:
        raise ProviderDown("no answer")

    intent = await till.begin()
    with monkeypatch.context() as patched:
        patched.setattr(DemoProvider, "webhook", silent)
        assert (await send(provider.call(intent.id, 5000))).status_code == 503
    assert (await send(provider.call(intent.id, 5000))).status_code == 200


async def test_a_burst_of_a_provider_is_not_held_back(
    services: Services, make_web: MakeWeb, till: Till, provider: Provider
) -> None:
    """One address, more calls than a stranger may make, and credentials of its own in the header."""
    few = Limits(stranger=Limit("stranger", 3, 60), login_failed=Limit("login_failed", 3, 60))
    app = make_web(services, limits=few)
    intent = await till.begin()
    headers, body = provider.call(intent.id, 5000)
    async with browser(app) as client:
        for _ in range(10):
            answer = await client.post(PATH, headers={**headers, "authorization": "Basic cGF5OnBheQ=="}, content=body)
            assert answer.status_code == 200
        for _ in range(3):
            assert (await client.get("/readyz")).status_code == 200
        assert (await client.get("/readyz")).status_code == 429, "the limit does stand for all others"


async def test_money_comes_in_while_the_shop_is_closed(
    app: Litestar, settings: Settings, till: Till, provider: Provider, send: Send
) -> None:
    intent = await till.begin()
    file = Path(settings.data_dir) / "maintenance"
    file.touch()
    try:
        assert (await send(provider.call(intent.id, 5000))).status_code == 200
    finally:
        file.unlink()
    assert await till.balance() == 5000


async def test_a_page_is_no_door(client: httpx.AsyncClient, till: Till, provider: Provider) -> None:
    """Only POST; and never the shell, a login or a redirect."""
    for method in ("GET", "HEAD", "PUT", "DELETE", "PATCH"):
        answer = await client.request(method, PATH, headers={"accept": "text/html"})
        assert answer.status_code == 405, method
        assert "html" not in answer.headers.get("content-type", "")


async def test_a_strangers_words_in_a_report_hinder_nobody(till: Till) -> None:
    """A transfer's comment is anybody's text; what the database cannot keep of it is left out."""
    intent = await till.begin()
    details = {"comment": "pay\0ment \u202e 🚀 \\u0000"}
    for state, received in ((ProviderState.CONFIRMING, None), (ProviderState.PAID, usd(5000))):
        report = ProviderReport(
            event_id=f"odd:{state}", state=state, intent_id=intent.id, received=received, details=details
        )
        assert await till.services.payments.intents.settle("demo", report) is Outcome.APPLIED
    assert (await till.intent(intent)).progress == {"comment": "payment \u202e 🚀 \\u0000"}
