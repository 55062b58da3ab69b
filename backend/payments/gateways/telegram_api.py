"""The Bot API's methods for payments.

By HTTP and without aiogram, which is slow to import: the web process opens invoices and does nothing else there.
"""

from __future__ import annotations

from typing import Any, Final, TypeVar

import msgspec

from backend.infra.settings import Settings
from backend.payments.errors import ProviderDown
from backend.payments.ports import Http
from backend.payments.telegram import Invoice

_T = TypeVar("_T")
MOST_TRANSACTIONS: Final = 100
"""What getStarTransactions tells at once."""
# 401 and 404: a wrong token or server, for the operator to mend. The others say that this very call is wrong.
_REFUSALS: Final = frozenset({400, 403})


class Refusal(Exception):
    """The Bot API will not do this; the message is its description, such as CHARGE_ALREADY_REFUNDED."""


class Person(msgspec.Struct, frozen=True):
    """A Telegram account."""

    id: int


class Partner(msgspec.Struct, frozen=True):
    """The other side of a transaction: ``user`` and more only where ``type`` is "user"."""

    type: str
    transaction_type: str = ""
    user: Person | None = None
    invoice_payload: str = ""
    subscription_period: int | None = None


class StarTransaction(msgspec.Struct, frozen=True):
    """Stars that came (``source``) or went (``receiver``); ``date`` in Unix seconds. A refund has its payment's id."""

    id: str
    amount: int
    date: int
    source: Partner | None = None
    receiver: Partner | None = None


class _Answer(msgspec.Struct, frozen=True):
    ok: bool
    result: msgspec.Raw = msgspec.Raw()
    error_code: int = 0
    description: str = ""


class _Transactions(msgspec.Struct, frozen=True):
    transactions: list[StarTransaction]


class TelegramApi:
    """Calls as the bot of the settings."""

    def __init__(self, settings: Settings, http: Http) -> None:
        self._http = http
        self._address = f"{settings.telegram_api_url.rstrip('/')}/bot{settings.bot_token}"

    async def create_link(self, invoice: Invoice) -> str:
        """An address at which the invoice can be paid. Raises ProviderDown."""
        body = {
            "title": invoice.title,
            "description": invoice.description,
            "payload": invoice.payload,
            "currency": invoice.currency,
            "provider_token": invoice.provider_token,
            "prices": [{"label": invoice.title, "amount": invoice.total}],
        }
        try:
            return await self._call("createInvoiceLink", body, str)
        except Refusal as error:
            # A wrong provider token, an amount out of Telegram's bounds: nothing that the person could mend.
            raise ProviderDown(f"createInvoiceLink: {error}") from error

    async def refund_stars(self, user_id: int, charge_id: str) -> None:
        """Give a payment's Stars back, all of them. Raises Refusal, ProviderDown."""
        await self._call("refundStarPayment", {"user_id": user_id, "telegram_payment_charge_id": charge_id}, bool)

    async def star_transactions(self, offset: int, limit: int = MOST_TRANSACTIONS) -> list[StarTransaction]:
        """The bot's transactions from the ``offset``-th on, the oldest first. Raises ProviderDown."""
        try:
            found = await self._call("getStarTransactions", {"offset": offset, "limit": limit}, _Transactions)
        except Refusal as error:
            raise ProviderDown(f"getStarTransactions: {error}") from error
        return found.transactions

    async def _call(self, method: str, body: dict[str, Any], wanted: type[_T]) -> _T:
        answer = await self._http.call("POST", f"{self._address}/{method}", json=body)
        try:
            told = msgspec.json.decode(answer.body, type=_Answer)
            if told.ok:
                return msgspec.json.decode(told.result, type=wanted)
        except msgspec.MsgspecError as error:
            raise ProviderDown(f"{method}: not understood: {error}") from error
        if told.error_code in _REFUSALS:
            raise Refusal(told.description)
        raise ProviderDown(f"{method}: {told.error_code} {told.description}")
