"""Updates that cannot be read: passed over, noted without their contents, and never in the way of the others."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from typing import Any

import msgspec
import pytest
from aiogram.exceptions import TelegramAPIError, TelegramBadRequest, TelegramRetryAfter, TelegramServerError
from aiogram.methods import SetMyCommands, TelegramMethod
from aiogram.types import Update
from aiohttp import web

from backend.identity.types import Actor
from backend.infra.settings import Settings
from backend.infra.traces import trace
from backend.payments.types import IntentStatus
from bot.app import make_bot
from bot.polling import Poller, asked_rest
from bot.session import GetRawUpdates
from bot.updates import read
from tests.bot.conftest import Parts
from tests.bot.paying import Payer
from tests.bot.telegram import EMMA, Telegram
from tests.fakes.http_server import Request, Response, serving

SECRET_WORDS = "g_4K7Q2MXYZ1234567 Zebra"
PERSON = {"id": EMMA, "is_bot": False, "first_name": "Emma", "language_code": "en"}
CHAT = {"id": EMMA, "type": "private", "first_name": "Emma"}
MESSAGE = {"message_id": 2, "date": 1_795_897_246, "chat": CHAT, "from": PERSON, "text": SECRET_WORDS}
HIDDEN_2015 = {**MESSAGE, "forward_origin": {"type": "hidden_user", "date": 1_422_450_181}}

UNREADABLE: dict[str, bytes] = {
    "a hidden user of 2015": msgspec.json.encode({"update_id": 11, "message": HIDDEN_2015}),
    "a kind of next year": msgspec.json.encode({"update_id": 11, "quantum_teleport": {"a": SECRET_WORDS}}),
    "no kind": b'{"update_id": 11}',
    "a null": b'{"update_id": 11, "message": null}',
    "a list for a message": b'{"update_id": 11, "message": ["Zebra"]}',
    "a text for a message": b'{"update_id": 11, "message": "Zebra"}',
    "wrong types": b'{"update_id": 11, "message": {"message_id": "Zebra", "date": [], "chat": 5}}',
    "a huge date": b'{"update_id": 11, "message": {"message_id": 1, "date": 1e400, "chat": {}}}',
    "a huge number": b'{"update_id": 11, "message": {"message_id": ' + b"9" * 5000 + b', "date": 1, "chat": {}}}',
    "half a surrogate": rb'{"update_id": 11, "message": {"message_id": 1, "text": "\ud800"}}',
    "a number of text": b'{"update_id": "11", "message": {}}',
    "a number beyond all": b'{"update_id": 9223372036854775807, "message": {}}',
    "a negative number": b'{"update_id": -5, "message": {}}',
    "no object": b'["Zebra"]',
    "nothing": b"null",
    "a bare number": b"1e400",
    "deep": b'{"update_id": 11, "message": ' + b"[" * 400 + b"]" * 400 + b"}",
}


def command(number: int, text: str = "/terms") -> bytes:
    entities = [{"type": "bot_command", "offset": 0, "length": len(text)}]
    return msgspec.json.encode({"update_id": number, "message": {**MESSAGE, "text": text, "entities": entities}})


def charge_of(payload: str, stars: Any, **more: Any) -> dict[str, Any]:
    return {
        "currency": "XTR",
        "total_amount": stars,
        "invoice_payload": payload,
        "telegram_payment_charge_id": "charge-1",
        "provider_payment_charge_id": "",
        **more,
    }


class FakeTelegram:
    """A Bot API that gives the batches it is told to, until they are confirmed, and notes what else is called."""

    def __init__(self) -> None:
        self.updates: list[tuple[int, bytes]] = []
        self.answers: list[tuple[int, bytes]] = []
        self.offsets: list[int] = []
        self.said: list[str] = []
        self.url = ""
        self.pending = asyncio.Event()

    async def handle(self, request: web.Request) -> web.Response:
        method = request.path.rsplit("/", 1)[-1]
        form = await request.post()
        if self.answers:
            status, body = self.answers.pop(0)
            return web.Response(status=status, body=body, content_type="text/html")
        if method != "getUpdates":
            if method == "sendMessage":
                self.said.append(str(form["text"]).split("\n")[0])
            return web.json_response({"ok": True, "result": MESSAGE if method == "sendMessage" else True})
        offset = int(str(form.get("offset", 0) or 0))
        self.offsets.append(offset)
        # As Telegram does: what lies below the offset is confirmed.
        self.updates = [item for item in self.updates if item[0] >= offset]
        if not self.updates:
            await asyncio.sleep(0.02)
        body = b'{"ok":true,"result":[' + b",".join(raw for _, raw in self.updates) + b"]}"
        return web.Response(body=body, content_type="application/json")

    async def until(self, condition: Any) -> None:
        async with asyncio.timeout(10):
            while not condition():
                await asyncio.sleep(0.01)


@pytest.fixture
async def raw() -> AsyncIterator[FakeTelegram]:
    fake = FakeTelegram()
    application = web.Application()
    application.router.add_route("*", "/{tail:.*}", fake.handle)
    runner = web.AppRunner(application, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    fake.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    yield fake
    await runner.cleanup()


@pytest.fixture
async def poller(parts: Parts, raw: FakeTelegram) -> AsyncIterator[Poller]:
    """The bot polls the fake; what it says goes to the simulator."""
    asking = make_bot(msgspec.structs.replace(parts.services.settings, telegram_api_url=raw.url))
    poller = Poller(asking, parts.intake, parts.kinds)
    yield poller
    await asking.session.close()


@pytest.mark.parametrize("body", UNREADABLE.values(), ids=UNREADABLE)
def test_what_cannot_be_read_is_passed_over(body: bytes, settings: Settings) -> None:
    reading = read(body, make_bot(settings))
    assert reading.update is None
    assert reading.lost is None
    assert reading.number in {None, 11}


async def test_the_rest_of_a_batch_is_handled_and_confirmed(
    raw: FakeTelegram, poller: Poller, capsys: pytest.CaptureFixture[str]
) -> None:
    bodies = [body.replace(b": 11", b": %d" % (1000 + at)) for at, body in enumerate(UNREADABLE.values())]
    raw.updates = [(1000 + at, body) for at, body in enumerate(bodies)]
    raw.updates += [(2000, command(2000)), (2000, command(2000)), (2001, command(2001, "/privacy"))]
    task = asyncio.create_task(poller.run())
    await raw.until(lambda: raw.offsets[-1:] == [2002])
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert raw.said == ["<b>Terms of sale</b>", "<b>Privacy</b>"]
    printed = capsys.readouterr()
    noted = printed.out + printed.err
    assert noted.count("update.passed_over") == len(UNREADABLE)
    assert "hidden_user" in noted
    assert not any(word in noted for word in ("Zebra", "4K7Q2M", "Emma", str(EMMA)))


async def test_updates_without_any_number_do_not_spin(raw: FakeTelegram, poller: Poller) -> None:
    raw.updates = [(5, b'["x"]')]
    task = asyncio.create_task(poller.run())
    await raw.until(lambda: raw.offsets)
    await asyncio.sleep(0.3)  # a busy loop would have asked dozens of times
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert len(raw.offsets) <= 2


async def test_money_in_an_unreadable_update_is_credited(
    parts: Parts, raw: FakeTelegram, poller: Poller, emma: Payer
) -> None:
    begun = await emma.begin()
    paid = {**HIDDEN_2015, "successful_payment": charge_of(str(begun.id), begun.payable.amount)}
    odd = msgspec.json.encode({"update_id": 21, "message": paid})
    raw.updates = [(20, UNREADABLE["a hidden user of 2015"].replace(b"11", b"20")), (21, odd)]
    task = asyncio.create_task(poller.run())
    await raw.until(lambda: raw.offsets[-1:] == [22])
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert (await emma.intent(begun.id)).status is IntentStatus.SUCCEEDED
    assert await emma.balance() == 1000


async def test_two_payments_with_one_number_are_both_credited(
    parts: Parts, raw: FakeTelegram, poller: Poller, emma: Payer
) -> None:
    bodies = []
    for name in ("one", "two"):
        begun = await emma.begin(key=name)
        charge = charge_of(str(begun.id), begun.payable.amount, telegram_payment_charge_id=name)
        message = {key: value for key, value in MESSAGE.items() if key != "text"}
        bodies.append(msgspec.json.encode({"update_id": 31, "message": {**message, "successful_payment": charge}}))
    raw.updates = [(31, body) for body in bodies]
    task = asyncio.create_task(poller.run())
    await raw.until(lambda: raw.offsets[-1:] == [32])
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert await emma.balance() == 2000


@pytest.mark.parametrize("stars", [None, "770", [770], -1, 0, 1.5], ids=str)
async def test_money_without_a_readable_sum_is_kept_for_an_admin(
    stars: Any, parts: Parts, emma: Payer, capsys: pytest.CaptureFixture[str]
) -> None:
    begun = await emma.begin()
    charge = charge_of(str(begun.id), stars)
    reading = read(
        msgspec.json.encode({"update_id": 41, "message": {**MESSAGE, "successful_payment": charge}}), parts.bot
    )
    assert reading.update is None
    for _ in range(2):  # Telegram tells it again
        await parts.intake.take_read(reading)
    events = await parts.services.payments.inbox.unmatched(Actor.system())
    assert [(row.method, row.amount, row.details["charge"]) for row in events.items] == [("stars", None, "charge-1")]
    assert (await emma.intent(begun.id)).status is not IntentStatus.FAILED


async def test_an_unreadable_question_before_a_payment_is_answered(parts: Parts, emma: Payer) -> None:
    begun = await emma.begin()
    asked = {
        "id": "77",
        "from": {**PERSON, "first_name": None},
        "currency": "XTR",
        "total_amount": begun.payable.amount,
        "invoice_payload": str(begun.id),
    }
    reading = read(msgspec.json.encode({"update_id": 51, "pre_checkout_query": asked}), parts.bot)
    assert reading.update is not None and reading.update.pre_checkout_query is not None
    assert reading.update.pre_checkout_query.invoice_payload == str(begun.id)
    asked["total_amount"] = "much"
    reading = read(msgspec.json.encode({"update_id": 52, "pre_checkout_query": asked}), parts.bot)
    assert reading.update is not None and reading.update.pre_checkout_query is not None
    assert reading.update.pre_checkout_query.invoice_payload == ""  # refused in words


OUTAGES = {
    "502": (502, b"<html><head><title>502 Bad Gateway</title></head></html>"),
    "503": (503, b"<html>Service Unavailable</html>"),
    "504": (504, b""),
    "200 of a proxy": (200, b"<html>Welcome to nginx</html>"),
    "404 of a proxy": (404, b"<html>Not Found</html>"),
    "half an answer": (200, b'{"ok":true,"resu'),
    "another answer": (200, b"[]"),
    "no text": (200, b"\xff\xfe\x00"),
    "no result": (200, b'{"ok":true}'),
}


@pytest.fixture
def short_rests(monkeypatch: pytest.MonkeyPatch) -> None:
    """As many attempts as in the product, soon after one another."""
    monkeypatch.setattr("bot.polling._SHORTEST_REST", 0.01)
    monkeypatch.setattr("bot.session._RESTS", (0.01, 0.02, 0.03))


@pytest.mark.usefixtures("short_rests")
@pytest.mark.parametrize("answer", OUTAGES.values(), ids=OUTAGES)
async def test_polling_outlives_every_outage(answer: tuple[int, bytes], raw: FakeTelegram, poller: Poller) -> None:
    raw.answers = [answer, answer]
    raw.updates = [(61, command(61))]
    task = asyncio.create_task(poller.run())
    await raw.until(lambda: raw.offsets[-1:] == [62])
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert raw.said == ["<b>Terms of sale</b>"]


@pytest.mark.usefixtures("short_rests")
async def test_nobody_hears_of_telegrams_outage(parts: Parts, telegram: Telegram) -> None:
    await telegram.person(EMMA).meet()
    await telegram.fault("sendMessage", kind="html", status=502, times=2)
    await parts.intake.take(Update.model_validate_json(command(71, "/start"), context={"bot": parts.bot}))
    said = [message["text"] for message in await telegram.person(EMMA).heard()]
    assert len(said) == 1 and said[0].startswith("Welcome")


async def test_an_update_whose_answer_met_an_outage_comes_again(
    parts: Parts, telegram: Telegram, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.session._RESTS", ())
    await telegram.person(EMMA).meet()
    await telegram.fault("sendMessage", kind="html", status=502)
    incoming = Update.model_validate_json(command(72, "/start"), context={"bot": parts.bot})
    with pytest.raises(Exception, match="update 72"):
        await parts.intake.take(incoming)
    await parts.intake.take(incoming)
    said = [message["text"] for message in await telegram.person(EMMA).heard()]
    assert len(said) == 1 and said[0].startswith("Welcome")


async def test_a_sent_message_that_aiogram_cannot_read_was_sent(parts: Parts, raw: FakeTelegram) -> None:
    asking = make_bot(msgspec.structs.replace(parts.services.settings, telegram_api_url=raw.url))
    body = {"ok": True, "result": {**MESSAGE, "message_id": 99, "reply_to_message": HIDDEN_2015}}
    raw.answers = [(200, msgspec.json.encode(body))]
    assert (await asking.send_message(EMMA, "x")).message_id == 99
    await asking.session.close()


def test_a_trace_tells_no_contents() -> None:
    try:
        Update.model_validate_json(UNREADABLE["a hidden user of 2015"])
    except ValueError as error:
        text = trace(error)
    assert text.startswith("ValidationError") and "test_unread.py" in text
    assert "Zebra" not in text and "Emma" not in text


async def test_the_bots_log_has_no_message_of_any_exception(capsys: pytest.CaptureFixture[str]) -> None:
    from backend.infra.traces import trace_exceptions

    for info in (True, ValueError(SECRET_WORDS), (ValueError, ValueError(SECRET_WORDS), None)):
        assert "Zebra" not in str(trace_exceptions(logging.root, "error", {"exc_info": info}))


@pytest.mark.parametrize("odd", [b"\xff", rb"\ud83d", b"\xff" + rb"\ud83d\ude00"])
def test_half_a_character_costs_nobody_their_message(settings: Settings, odd: bytes) -> None:
    body = msgspec.json.encode({"update_id": 12, "message": {**MESSAGE, "text": "Help ODD"}}).replace(b"ODD", odd)
    update = read(body, make_bot(settings)).update
    assert update is not None
    assert update.message is not None
    assert (update.message.text or "").startswith("Help \ufffd")


@pytest.mark.parametrize(("asked", "waited"), [(17, 17.0), (10**12, 3600.0)])
def test_no_wait_leaves_everybody_unheard(asked: int, waited: float) -> None:
    assert asked_rest(TelegramRetryAfter(GetRawUpdates(), "Too Many Requests", asked)) == waited
    assert asked_rest(TimeoutError()) == 0


@pytest.mark.parametrize("method", [GetRawUpdates(), SetMyCommands(commands=[])])
@pytest.mark.parametrize(("status", "body", "kind"), [
    (502, b'{"ok":false,"error_code":502,"description":null}', TelegramServerError),
    (500, b'{"ok":false}', TelegramServerError),
    (429, b'{"ok":false}', TelegramRetryAfter),
    (429, b'{"ok":false,"error_code":429,"parameters":{"retry_after":null}}', TelegramRetryAfter),
    (200, b'{"ok":false}', TelegramServerError),
    (302, b'{"ok":true,"result":true}', TelegramServerError),
    (400, b'{"ok":false,"error_code":400,"description":null}', TelegramBadRequest),
])  # fmt: skip
async def test_a_refusal_without_words_is_a_refusal(
    settings: Settings, method: TelegramMethod[Any], status: int, body: bytes, kind: type[TelegramAPIError]
) -> None:
    async def answer(_: Request) -> Response:
        return Response(status, body=body, headers={"location": "http://127.0.0.1:9/"})

    async with serving(answer) as url:
        bot = make_bot(msgspec.structs.replace(settings, telegram_api_url=url))
        try:
            with pytest.raises(kind) as failed:
                await bot.session.make_request(bot, method)
        finally:
            await bot.session.close()
    assert type(failed.value) is kind
    assert failed.value.message
