"""Secrets at rest: opened by the right key in the right place only, rotated untouched, destroyed for good."""

from __future__ import annotations

import base64
import secrets

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select

from backend.infra.crypto import DataKey, DecryptionError, KeyRing, open_sealed, seal
from backend.infra.settings import SettingsError
from backend.infra.unit_of_work import UnitOfWork

KEY = bytes(range(32))


def master(name: str) -> str:
    return f"{name}:{base64.b64encode(secrets.token_bytes(32)).decode()}"


@given(plaintext=st.binary(max_size=4096), context=st.binary(max_size=64))
def test_what_is_sealed_can_be_opened(plaintext: bytes, context: bytes) -> None:
    sealed = seal(KEY, plaintext, context)

    assert open_sealed(KEY, sealed, context) == plaintext
    assert len(sealed) == len(plaintext) + 12 + 16


@given(plaintext=st.binary(min_size=8, max_size=256))
def test_the_secret_does_not_show(plaintext: bytes) -> None:
    sealed = seal(KEY, plaintext, b"")

    assert plaintext not in sealed
    assert seal(KEY, plaintext, b"") != sealed


@given(plaintext=st.binary(max_size=64), context=st.binary(max_size=16), other=st.binary(max_size=16))
def test_another_context_opens_nothing(plaintext: bytes, context: bytes, other: bytes) -> None:
    sealed = seal(KEY, plaintext, context)

    if other != context:
        with pytest.raises(DecryptionError):
            open_sealed(KEY, sealed, other)


@given(data=st.data(), plaintext=st.binary(max_size=64))
def test_a_changed_bit_opens_nothing(data: st.DataObject, plaintext: bytes) -> None:
    sealed = bytearray(seal(KEY, plaintext, b"here"))
    bit = data.draw(st.integers(0, len(sealed) * 8 - 1))
    sealed[bit // 8] ^= 1 << bit % 8

    with pytest.raises(DecryptionError):
        open_sealed(KEY, bytes(sealed), b"here")


@given(rest=st.binary(max_size=40))
def test_rubbish_opens_nothing(rest: bytes) -> None:
    with pytest.raises(DecryptionError):
        open_sealed(KEY, rest, b"")


@given(cut=st.integers(0, 43))
def test_a_cut_secret_opens_nothing(cut: int) -> None:
    with pytest.raises(DecryptionError):
        open_sealed(KEY, seal(KEY, b"0123456789abcdef", b"")[:cut], b"")


def test_another_key_opens_nothing() -> None:
    with pytest.raises(DecryptionError):
        open_sealed(bytes(32), seal(KEY, b"secret", b""), b"")


@pytest.mark.parametrize("text", ["", " , ", "k1", "k1:", "k1:AAAA", ":" + "A" * 43 + "=", "k1:" + "!" * 44])
def test_bad_master_keys_are_refused(text: str) -> None:
    with pytest.raises(SettingsError, match="MASTER_KEYS"):
        KeyRing(text)


async def test_a_data_key_comes_back(uow: UnitOfWork) -> None:
    keys = master("a")
    async with uow() as tx:
        key_id, key = await KeyRing(keys).create(tx, "stock")

    async with uow() as tx:
        # Another process, with nothing in memory.
        assert await KeyRing(keys).get(tx, key_id) == key
        stored = (await tx.execute(select(DataKey).where(DataKey.id == key_id))).one()
    assert key not in stored.wrapped
    assert (stored.purpose, stored.master_key) == ("stock", "a")


async def test_an_unwrapped_key_is_remembered(uow: UnitOfWork) -> None:
    ring = KeyRing(master("a"))
    async with uow() as tx:
        key_id, key = await ring.create(tx, "stock")
        await ring.get(tx, key_id)

        assert await ring.get(None, key_id) == key  # type: ignore[arg-type]


async def test_data_keys_cannot_be_swapped(uow: UnitOfWork) -> None:
    keys = master("a")
    async with uow() as tx:
        ring = KeyRing(keys)
        one, _ = await ring.create(tx, "stock")
        two, _ = await ring.create(tx, "stock")
        wrapped = (await tx.execute(select(DataKey.wrapped).where(DataKey.id == one))).scalar_one()
        await tx.execute(DataKey.__table__.update().where(DataKey.id == two).values(wrapped=wrapped))  # type: ignore[attr-defined]

        with pytest.raises(DecryptionError):
            await KeyRing(keys).get(tx, two)


async def test_without_its_master_key_a_data_key_is_lost(uow: UnitOfWork) -> None:
    async with uow() as tx:
        key_id, _ = await KeyRing(master("a")).create(tx, "stock")

        with pytest.raises(DecryptionError):
            await KeyRing(master("b")).get(tx, key_id)
        with pytest.raises(DecryptionError):
            # The same name, another key.
            await KeyRing(master("a")).get(tx, key_id)


async def test_a_destroyed_key_opens_nothing_any_more(uow: UnitOfWork) -> None:
    keys = master("a")
    async with uow() as tx:
        ring = KeyRing(keys)
        key_id, _ = await ring.create(tx, "person")
        await ring.get(tx, key_id)
        await ring.destroy(tx, key_id)

        for reader in (ring, KeyRing(keys)):
            with pytest.raises(DecryptionError):
                await reader.get(tx, key_id)


async def test_rotation_wraps_again_and_leaves_the_secrets(uow: UnitOfWork) -> None:
    old, new = master("old"), master("new")
    sealed = {}
    async with uow() as tx:
        ring = KeyRing(old)
        for number in range(7):
            key_id, key = await ring.create(tx, "stock")
            sealed[key_id] = seal(key, f"key {number}".encode(), b"")

    rotated = KeyRing(f"{new},{old}")
    counts = []
    while not counts or counts[-1]:
        async with uow() as tx:
            counts.append(await rotated.rotate(tx, limit=3))
    assert counts == [3, 3, 1, 0]

    # The old master key may go now.
    async with uow() as tx:
        alone = KeyRing(new)
        for number, (key_id, secret) in enumerate(sealed.items()):
            assert open_sealed(await alone.get(tx, key_id), secret, b"") == f"key {number}".encode()


async def test_rotation_stops_at_a_master_key_that_is_missing(uow: UnitOfWork) -> None:
    async with uow() as tx:
        await KeyRing(master("lost")).create(tx, "stock")

        with pytest.raises(DecryptionError, match="lost"):
            await KeyRing(master("new")).rotate(tx)


def test_fingerprints_outlive_rotation_while_the_oldest_key_stays() -> None:
    old, new = master("old"), master("new")
    before, after = KeyRing(old), KeyRing(f"{new},{old}")

    assert before.fingerprint(b"AAAA-BBBB", b"variant") == after.fingerprint(b"AAAA-BBBB", b"variant")
    assert KeyRing(new).fingerprint(b"AAAA-BBBB", b"variant") != before.fingerprint(b"AAAA-BBBB", b"variant")


def test_fingerprints_depend_on_secret_and_scope() -> None:
    ring = KeyRing(master("a"))
    prints = {ring.fingerprint(secret, scope) for secret in (b"x", b"y", b"") for scope in (b"1", b"2")}

    assert len(prints) == 6
    assert all(len(item) == 32 for item in prints)
