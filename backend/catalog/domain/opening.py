"""Opens keys of several kinds of goods."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from uuid import UUID

from backend.catalog.repository.stock import Sealed
from backend.infra.crypto import KeyRing, open_sealed
from backend.infra.unit_of_work import Tx
from backend.kernel.errors import NotFound


async def open_all(tx: Tx, ring: KeyRing, ids: Sequence[UUID], sealed: Mapping[UUID, Sealed]) -> list[str]:
    """The keys of ``ids`` in plain text, in their order. Raises NotFound, DecryptionError."""
    texts = []
    for item in ids:
        key = sealed.get(item)
        if key is None:
            raise NotFound("no such sold key")
        data_key = await ring.get(tx, key.data_key_id)
        texts.append(open_sealed(data_key, key.ciphertext, key.id.bytes).decode())
    return texts
