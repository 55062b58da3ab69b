"""What buyers answer at the purchase, sealed with a data key of their own."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Final

import msgspec

from backend.catalog.domain import questions
from backend.catalog.types import VariantId
from backend.catalog.types.questions import Answer
from backend.infra.crypto import DecryptionError, KeyRing, open_sealed, seal
from backend.infra.unit_of_work import Tx
from backend.kernel.ids import DataKeyId, OrderLineId, UserId
from backend.orders.errors import AnswersInvalid
from backend.orders.repository import answers as repository
from backend.orders.repository import orders
from backend.orders.repository.answers import SealedAnswers
from backend.orders.types import RequestedLine

_PURPOSE: Final = "order_answers"

Answers = Mapping[VariantId, tuple[Answer, ...]]


async def read(tx: Tx, requested: Sequence[RequestedLine]) -> Answers:
    """What is answered of what is asked now. Raises AnswersInvalid with every answer that is wrong or missing."""
    asked = await questions.list_questions(tx, [item.variant_id for item in requested])
    answered: dict[VariantId, tuple[Answer, ...]] = {}
    wrong: dict[str, str] = {}
    for item in requested:
        given = dict(item.answers)
        answered[item.variant_id], bad = questions.read_answers(asked.get(item.variant_id, ()), given)
        wrong |= {f"{item.variant_id}.{name}": code for name, code in bad.items()}
    if wrong:
        raise AnswersInvalid(f"answers: {wrong}", fields=wrong)
    return answered


async def store(tx: Tx, ring: KeyRing, buyer: UserId, lines: Mapping[OrderLineId, tuple[Answer, ...]]) -> None:
    """Keep what the buyer has answered for the lines of an order that was stored just now."""
    answered = {line_id: given for line_id, given in lines.items() if given}
    if not answered:
        return
    key_id, key = await _key(tx, ring, buyer)
    rows = [
        SealedAnswers(line_id, key_id, seal(key, msgspec.json.encode(given), line_id.bytes))
        for line_id, given in answered.items()
    ]
    await repository.add(tx, rows)


async def open_all(tx: Tx, ring: KeyRing, lines: Collection[OrderLineId]) -> dict[OrderLineId, tuple[Answer, ...]]:
    """What was answered for these lines; those without answers, or whose data key is destroyed, are left out."""
    opened: dict[OrderLineId, tuple[Answer, ...]] = {}
    for row in await repository.list_sealed(tx, lines):
        try:
            text = open_sealed(await ring.get(tx, row.data_key_id), row.sealed, row.line_id.bytes)
        except DecryptionError:
            continue
        opened[row.line_id] = tuple(msgspec.json.decode(text, type=list[Answer]))
    return opened


async def _key(tx: Tx, ring: KeyRing, buyer: UserId) -> tuple[DataKeyId, bytes]:
    """The data key of the buyer's answers, or a new one where they have none that can be opened."""
    key_id = await repository.find_key(tx, buyer)
    if key_id is None:
        await orders.lock_buyer(tx, buyer)
        key_id = await repository.find_key(tx, buyer)
    if key_id is not None:
        try:
            return key_id, await ring.get(tx, key_id)
        except DecryptionError:
            pass  # what it sealed stays closed; what is answered now must not be lost with it
    key_id, key = await ring.create(tx, _PURPOSE)
    await repository.set_key(tx, buyer, key_id)
    return key_id, key
