"""Reads updates one by one: an update that cannot be read does not affect the others.

A skipped update is logged with its number, its kind and what was wrong, never with its contents, which are private.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from typing import Annotated, Any, Final

import msgspec
import structlog
from aiogram import Bot
from aiogram.types import Update
from pydantic import ValidationError

from backend.infra.metrics import UPDATES
from backend.infra.telegram.wire import mend
from bot.money import KINDS, LostMoney

# An update's number is an int32 at Telegram. One beyond would, confirmed, confirm all that are still to come.
_NUMBERS: Final = 2**31
_KNOWN: Final = frozenset(Update.model_fields) - {"update_id"}
_MOST_SHOWN: Final = 5
_PLAIN_NAME: Final = re.compile(r"[a-z_]{1,48}")
log = structlog.get_logger(__name__)

_Number = Annotated[int, msgspec.Meta(ge=1, lt=_NUMBERS)]


class _Charge(msgspec.Struct, frozen=True, omit_defaults=True):
    """What the ledger needs of a payment or a refund that Telegram reports."""

    currency: Annotated[str, msgspec.Meta(pattern="^[A-Z]{3,5}$")]
    total_amount: Annotated[int, msgspec.Meta(ge=1)]
    telegram_payment_charge_id: Annotated[str, msgspec.Meta(min_length=1, max_length=256)]
    invoice_payload: str = ""
    subscription_expiration_date: int | None = None
    is_recurring: bool | None = None
    is_first_recurring: bool | None = None


class _Asked(msgspec.Struct, frozen=True):
    currency: str
    total_amount: Annotated[int, msgspec.Meta(ge=0, le=2**63 - 1)]
    invoice_payload: str


class Reading(msgspec.Struct, frozen=True):
    """One update: ``number`` is None where it has none, ``update`` None where it is skipped.

    ``lost``: a payment event that lacks what the ledger needs.
    """

    number: int | None
    update: Update | None = None
    lost: LostMoney | None = None


def read(body: bytes, bot: Bot) -> Reading:
    """Read one update; what cannot be read, or is of no known kind, is noted and has neither update nor money."""
    parts = _parts(body) or _parts(body := mend(body))
    number = _part(parts, "update_id", _Number)
    kinds = [name for name in parts if name in _KNOWN and parts[name] != b"null"]
    if not kinds:
        _note(number, "unknown", sorted(parts.keys() - {"update_id"}), "UnknownKind")
        return Reading(number)
    kind = kinds[0]
    content = _parts(parts[kind])
    money = next((name for name in KINDS if kind == "message" and content.get(name, b"null") != b"null"), None)
    if money is not None:
        charge = _part(content, money, _Charge)
        if charge is None:
            return Reading(number, lost=_lost(number, money, content))
    try:
        return Reading(number, Update.model_validate_json(body, context={"bot": bot}))
    except Exception as error:  # whatever a library makes of what a stranger wrote
        if (mended := mend(body)) != body:
            return read(mended, bot)
        needed = _needed(number, kind, content, money)
        _note(number, kind, [] if needed else _places(error), type(error).__name__)
        return Reading(number, Update.model_validate(needed, context={"bot": bot}) if needed else None)


def _needed(number: int | None, kind: str, content: Mapping[str, bytes], money: str | None) -> dict[str, Any] | None:
    """The part of an unreadable update that must take effect all the same; None where there is none."""
    person = _parts(content.get("from", b""))
    telegram_id = _part(person, "id", int)
    sender = {"id": telegram_id, "is_bot": False, "first_name": _part(person, "first_name", str) or ""}
    if money is not None:
        charge = msgspec.to_builtins(_part(content, money, _Charge))
        message: dict[str, Any] = {"message_id": 0, "date": 0, "chat": {"id": telegram_id or 0, "type": "private"}}
        paid = message | {money: {"invoice_payload": "", "provider_payment_charge_id": ""} | charge}
        return {"update_id": number or 0, "message": paid | ({"from": sender} if telegram_id is not None else {})}
    query_id = _part(content, "id", str)
    if kind != "pre_checkout_query" or query_id is None or telegram_id is None:
        return None
    asked = _asked(content) or _Asked("XTR", 0, "")  # of nothing, so that it is refused in words
    language = _part(person, "language_code", str)
    query = {"id": query_id, "from": sender | {"language_code": language}, **msgspec.to_builtins(asked)}
    return {"update_id": number or 0, "pre_checkout_query": query}


def _asked(content: Mapping[str, bytes]) -> _Asked | None:
    try:
        return msgspec.convert({name: msgspec.json.decode(content[name]) for name in _Asked.__struct_fields__}, _Asked)
    except (KeyError, msgspec.MsgspecError):
        return None


def _lost(number: int | None, kind: str, content: Mapping[str, bytes]) -> LostMoney:
    parts = _parts(content[kind])
    charge = _part(parts, "telegram_payment_charge_id", str)
    payer = _part(_parts(content.get("from", b"")), "id", int)
    UPDATES.labels("unread").inc()
    log.error("update.money_unread", update_id=number, kind=kind)
    # The same each time that the update comes again.
    key = charge or hashlib.sha256(content[kind]).hexdigest()[:32]
    return LostMoney(number, kind, key, _part(parts, "invoice_payload", str) or "", payer)


def _parts(body: bytes) -> dict[str, bytes]:
    """An object's fields, each as it was written; none where it is no object."""
    try:
        return {name: bytes(value) for name, value in msgspec.json.decode(body, type=dict[str, msgspec.Raw]).items()}
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return {}


def _part(parts: Mapping[str, bytes], name: str, kind: Any) -> Any:
    try:
        return msgspec.json.decode(parts[name], type=kind)
    except (KeyError, msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None


def _places(error: Exception) -> list[str]:
    """Where aiogram stumbled: names of the Bot API's fields, and nothing that anybody wrote."""
    if not isinstance(error, ValidationError):
        return []
    problems = error.errors(include_url=False, include_context=False, include_input=False)
    return [".".join(str(part) for part in one["loc"] if _PLAIN_NAME.fullmatch(str(part))) for one in problems]


def _note(number: int | None, kind: str, names: list[str], error: str) -> None:
    UPDATES.labels("unread").inc()
    shown = [name if re.fullmatch(r"[A-Za-z_.]{1,200}", name) else "?" for name in names[:_MOST_SHOWN]]
    log.warning("update.passed_over", update_id=number, kind=kind, names=shown, error=error)
