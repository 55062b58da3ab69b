"""SQL of transfer receipts."""

from __future__ import annotations

from typing import Any

import msgspec
from sqlalchemy import func, insert, select, update

from backend.infra.unit_of_work import Tx
from backend.kernel.errors import NotFound
from backend.kernel.ids import DataKeyId
from backend.payments.models import PaymentProof
from backend.payments.types import IntentId, TransferReceipt, TransferReceiptId

_RECEIPT = PaymentProof.__table__.c
_COLUMNS = (
    _RECEIPT.id, _RECEIPT.intent_id, _RECEIPT.content_type, _RECEIPT.size, _RECEIPT.note, _RECEIPT.at,
    _RECEIPT.decided_at,
)  # fmt: skip


class Sealed(msgspec.Struct, frozen=True):
    """Where a receipt's file is stored, and the data key that decrypts it."""

    file: str
    data_key_id: DataKeyId


def _receipt(row: Any) -> TransferReceipt:
    return TransferReceipt(
        id=TransferReceiptId(row.id),
        intent_id=IntentId(row.intent_id),
        content_type=row.content_type,
        size=row.size,
        note=row.note,
        at=row.at,
        decided_at=row.decided_at,
    )


async def add_receipt(tx: Tx, receipt: TransferReceipt, sealed: Sealed) -> None:
    """Store an uploaded receipt."""
    await tx.execute(insert(PaymentProof), msgspec.structs.asdict(receipt) | msgspec.structs.asdict(sealed))


async def list_receipts(tx: Tx, *intent_ids: IntentId) -> list[TransferReceipt]:
    """All receipts of these payments, the oldest first."""
    query = select(*_COLUMNS).where(_RECEIPT.intent_id.in_(intent_ids)).order_by(_RECEIPT.id)
    return [_receipt(row) for row in await tx.execute(query)]


async def get_receipt(tx: Tx, receipt_id: TransferReceiptId) -> tuple[TransferReceipt, Sealed]:
    """A receipt and where its file is stored. Raises NotFound."""
    statement = select(*_COLUMNS, _RECEIPT.file, _RECEIPT.data_key_id).where(_RECEIPT.id == receipt_id)
    row = (await tx.execute(statement)).one_or_none()
    if row is None:
        raise NotFound(f"transfer receipt {receipt_id}")
    return _receipt(row), Sealed(row.file, DataKeyId(row.data_key_id))


async def list_waiting(tx: Tx, limit: int) -> list[IntentId]:
    """Payments with a receipt that awaits review, the longest waiting first."""
    first = func.min(_RECEIPT.at)
    statement = select(_RECEIPT.intent_id).where(_RECEIPT.decided_at.is_(None)).group_by(_RECEIPT.intent_id)
    return [
        IntentId(row.intent_id) for row in await tx.execute(statement.order_by(first, _RECEIPT.intent_id).limit(limit))
    ]


async def decide(tx: Tx, intent_id: IntentId) -> None:
    """Mark all receipts of a payment as reviewed."""
    pending = (_RECEIPT.intent_id == intent_id) & _RECEIPT.decided_at.is_(None)
    await tx.execute(update(PaymentProof).where(pending).values(decided_at=tx.now))
