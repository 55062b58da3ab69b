"""The SQL of proofs of payments by hand."""

from __future__ import annotations

from typing import Any

import msgspec
from sqlalchemy import func, insert, select, update

from backend.infra.unit_of_work import Tx
from backend.kernel.errors import NotFound
from backend.kernel.ids import DataKeyId, IntentId, ProofId
from backend.payments.models import PaymentProof
from backend.payments.types import Proof

_PROOF = PaymentProof.__table__.c
_COLUMNS = (
    _PROOF.id, _PROOF.intent_id, _PROOF.content_type, _PROOF.size, _PROOF.note, _PROOF.at, _PROOF.decided_at,
)  # fmt: skip


class Sealed(msgspec.Struct, frozen=True):
    """Where a proof's file lies, and what opens it."""

    file: str
    data_key_id: DataKeyId


def _proof(row: Any) -> Proof:
    return Proof(
        id=ProofId(row.id),
        intent_id=IntentId(row.intent_id),
        content_type=row.content_type,
        size=row.size,
        note=row.note,
        at=row.at,
        decided_at=row.decided_at,
    )


async def add_proof(tx: Tx, proof: Proof, sealed: Sealed) -> None:
    """Keep that ``proof`` was uploaded."""
    await tx.execute(insert(PaymentProof), msgspec.structs.asdict(proof) | msgspec.structs.asdict(sealed))


async def list_proofs(tx: Tx, *intent_ids: IntentId) -> list[Proof]:
    """All proofs of these payments, the oldest first."""
    found = select(*_COLUMNS).where(_PROOF.intent_id.in_(intent_ids)).order_by(_PROOF.id)
    return [_proof(row) for row in await tx.execute(found)]


async def get_proof(tx: Tx, proof_id: ProofId) -> tuple[Proof, Sealed]:
    """A proof and where its file lies. Raises NotFound."""
    found = select(*_COLUMNS, _PROOF.file, _PROOF.data_key_id).where(_PROOF.id == proof_id)
    row = (await tx.execute(found)).one_or_none()
    if row is None:
        raise NotFound(f"proof {proof_id}")
    return _proof(row), Sealed(row.file, DataKeyId(row.data_key_id))


async def list_waiting(tx: Tx, limit: int) -> list[IntentId]:
    """Payments with a proof that nobody has judged, those that wait longest first."""
    first = func.min(_PROOF.at)
    found = select(_PROOF.intent_id).where(_PROOF.decided_at.is_(None)).group_by(_PROOF.intent_id)
    return [IntentId(row.intent_id) for row in await tx.execute(found.order_by(first, _PROOF.intent_id).limit(limit))]


async def decide(tx: Tx, intent_id: IntentId) -> None:
    """Note that an admin has judged what a payment's proofs show."""
    waits = (_PROOF.intent_id == intent_id) & _PROOF.decided_at.is_(None)
    await tx.execute(update(PaymentProof).where(waits).values(decided_at=tx.now))
