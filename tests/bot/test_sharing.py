"""A certificate is shared: prepared by the product, kept and sent by the simulator, for that person only."""

from __future__ import annotations

import httpx
import pytest

from backend.bootstrap import Services
from backend.certificates.gateways.telegram import TelegramSharing
from backend.certificates.ports import SharedMessage
from tests.bot.telegram import EMMA, NADIA, Telegram

_MESSAGE = SharedMessage(
    title="Certificate", text="Emma <b> & Co", url="https://souk.example/verify/0000-1111-2222-3333", button="Check it"
)


@pytest.fixture
def sharing(shop: Services) -> TelegramSharing:
    return TelegramSharing(shop.telegram)


async def test_a_prepared_message_is_sent_by_its_person_only(telegram: Telegram, sharing: TelegramSharing) -> None:
    prepared = await sharing.prepare(EMMA, _MESSAGE)
    assert prepared is not None
    shown = await telegram.control("GET", f"/personas/{EMMA}/prepared?id={prepared}")
    assert shown["text"] == f"Emma <b> & Co\n{_MESSAGE.url}"
    with pytest.raises(httpx.HTTPStatusError):
        await telegram.control("POST", f"/personas/{NADIA}/prepared", id=prepared)
    sent = await telegram.control("POST", f"/personas/{EMMA}/prepared", id=prepared)
    assert sent["text"] == f"Emma <b> & Co\n{_MESSAGE.url}"
    assert sent["buttons"][0][0]["value"] == _MESSAGE.url


async def test_what_telegram_refuses_is_no_error(sharing: TelegramSharing) -> None:
    assert await sharing.prepare(1, _MESSAGE) is None
