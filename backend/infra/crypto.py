"""Secrets at rest: AES-256-GCM under data keys, each wrapped by a ring of master keys.

A data key serves one batch or one user. Rotation wraps the data keys again and leaves the secrets as they are;
destroying a data key destroys what it sealed.
"""

from __future__ import annotations

import hashlib
import hmac
import os
from collections import OrderedDict
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from sqlalchemy import LargeBinary, delete, func, insert, select, update
from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.orm import Mapped, mapped_column

from backend.infra.database import Model
from backend.infra.settings import parse_master_keys
from backend.infra.unit_of_work import Tx
from backend.kernel.ids import DataKeyId

_NONCE = 12
_CACHED_KEYS = 1024


class DecryptionError(Exception):
    """The ciphertext, its key or its context does not fit."""


class DataKey(Model):
    """A data key, wrapped by the master key named beside it."""

    __tablename__ = "data_keys"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    purpose: Mapped[str]
    wrapped: Mapped[bytes] = mapped_column(LargeBinary)
    master_key: Mapped[str]
    created_at: Mapped[datetime]


def seal(key: bytes, plaintext: bytes, context: bytes) -> bytes:
    """Nonce and ciphertext of ``plaintext``; ``context`` must be the same when it is opened."""
    nonce = os.urandom(_NONCE)
    return nonce + AESGCM(key).encrypt(nonce, plaintext, context)


def open_sealed(key: bytes, sealed: bytes, context: bytes) -> bytes:
    """The plaintext in ``sealed``. Raises DecryptionError when anything about it was changed."""
    try:
        return AESGCM(key).decrypt(sealed[:_NONCE], sealed[_NONCE:], context)
    except (InvalidTag, ValueError) as error:
        raise DecryptionError("the secret cannot be opened") from error


class RingState(msgspec.Struct, frozen=True):
    """``closed``: master keys whose data keys this ring can't open; ``old``: how many the current one does not wrap."""

    closed: list[str]
    old: int


class KeyRing:
    """Wraps and unwraps data keys; the first master key wraps, all of them unwrap.

    Raises SettingsError for MASTER_KEYS that are wrong.
    """

    def __init__(self, master_keys: str) -> None:
        self._masters = parse_master_keys(master_keys)
        self.current = next(iter(self._masters))
        # Unwrapped keys stay in memory: revealing a hundred keys of one batch costs one unwrapping.
        self._cache: OrderedDict[UUID, bytes] = OrderedDict()

    def fingerprint(self, plaintext: bytes, scope: bytes) -> bytes:
        """A keyed hash by which equal secrets are recognised without being opened.

        Keyed by the oldest master key: it must outlive rotation, so that key stays in the ring.
        """
        oldest = list(self._masters.values())[-1]
        return hmac.digest(hashlib.sha256(b"fingerprint" + oldest).digest(), scope + b"\0" + plaintext, "sha256")

    async def create(self, tx: Tx, purpose: str) -> tuple[DataKeyId, bytes]:
        """A new data key, stored wrapped in the caller's transaction."""
        key_id, key = tx.new_id(), AESGCM.generate_key(256)
        wrapped = seal(self._masters[self.current], key, key_id.bytes)
        row = {"id": key_id, "purpose": purpose, "wrapped": wrapped, "master_key": self.current}
        await tx.execute(insert(DataKey).values(**row, created_at=tx.now))
        return DataKeyId(key_id), key

    async def get(self, tx: Tx, key_id: DataKeyId) -> bytes:
        """The data key. Raises DecryptionError when it was destroyed or its master key is not in the ring."""
        if key_id in self._cache:
            self._cache.move_to_end(key_id)
            return self._cache[key_id]
        statement = select(DataKey.wrapped, DataKey.master_key).where(DataKey.id == key_id)
        row = (await tx.execute(statement)).one_or_none()
        if row is None or row.master_key not in self._masters:
            raise DecryptionError("the data key is gone, or its master key is not in MASTER_KEYS")
        key = open_sealed(self._masters[row.master_key], row.wrapped, key_id.bytes)
        self._cache[key_id] = key
        if len(self._cache) > _CACHED_KEYS:
            self._cache.popitem(last=False)
        return key

    async def survey(self, tx: Tx) -> RingState:
        """Whether everything stored can be opened, by one data key of each master key."""
        samples = select(DataKey.id, DataKey.wrapped, DataKey.master_key).order_by(DataKey.master_key)
        rows = (await tx.execute(samples.ext(distinct_on(DataKey.master_key)))).all()
        waits = select(func.count()).select_from(DataKey).where(DataKey.master_key != self.current)
        old = int((await tx.execute(waits)).scalar_one())
        return RingState([row.master_key for row in rows if not self._opens(row)], old)

    def _opens(self, row: Any) -> bool:
        try:
            open_sealed(self._masters[row.master_key], row.wrapped, row.id.bytes)
        except (KeyError, DecryptionError):
            return False
        return True

    async def destroy(self, tx: Tx, key_id: DataKeyId) -> None:
        """Destroy the data key and with it all that it sealed."""
        self._cache.pop(key_id, None)
        await tx.execute(delete(DataKey).where(DataKey.id == key_id))

    async def rotate(self, tx: Tx, limit: int = 500) -> int:
        """Wrap up to ``limit`` data keys by the current master key; the number done, 0 when all are."""
        old = (
            select(DataKey.id, DataKey.wrapped, DataKey.master_key)
            .where(DataKey.master_key != self.current)
            .limit(limit)
            .with_for_update(skip_locked=True)
        )
        rows = (await tx.execute(old)).all()
        for row in rows:
            if row.master_key not in self._masters:
                raise DecryptionError(f"master key {row.master_key} is not in MASTER_KEYS")
            key = open_sealed(self._masters[row.master_key], row.wrapped, row.id.bytes)
            wrapped = seal(self._masters[self.current], key, row.id.bytes)
            change = update(DataKey).where(DataKey.id == row.id)
            await tx.execute(change.values(wrapped=wrapped, master_key=self.current))
        return len(rows)
