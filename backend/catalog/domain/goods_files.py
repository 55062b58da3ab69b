"""Files as goods, for who hands them out: counting downloads, and copies that bear a buyer's name."""

from __future__ import annotations

from backend.catalog.errors import DownloadsUsedUp
from backend.catalog.repository import goods_files as repository
from backend.catalog.types.files import MOST_DEVICES, Fetch, FileVersionId, MasterFile
from backend.catalog.types.fulfilment import SealedFile
from backend.infra.crypto import KeyRing, seal
from backend.infra.storage import PrivateFiles
from backend.infra.unit_of_work import Tx
from backend.kernel.errors import NotFound
from backend.kernel.ids import OrderLineId

KEY_PURPOSE = "file"


async def find_master(tx: Tx, ring: KeyRing, line_id: OrderLineId) -> MasterFile | None:
    """The version that a line's copy has to be made of; None where there is none to make. Raises DecryptionError."""
    version = await repository.find(tx, line_id)
    if version is None or not version.stamps or version.copy_stored is not None:
        return None
    key = await ring.get(tx, version.data_key_id)
    return MasterFile(version.id, SealedFile(version.stored, key, version.id.bytes))


async def add_copy(
    tx: Tx, ring: KeyRing, files: PrivateFiles, line_id: OrderLineId, file_id: FileVersionId, data: bytes
) -> None:
    """Store a line's copy of a version, once: a second one is dropped."""
    key_id, key = await ring.create(tx, KEY_PURPOSE)
    # Inside the transaction, so that no row ever names a file that is not there.
    stored = await files.put(seal(key, data, _context(line_id, file_id)))
    try:
        added = await repository.add_copy(tx, line_id, file_id, stored, len(data), key_id)
    except BaseException:
        await files.delete(stored)
        raise
    if not added:
        await files.delete(stored)


async def find_file(tx: Tx, ring: KeyRing, line_id: OrderLineId) -> SealedFile:
    """Where a line's file is: the copy with its buyer's name where it has to have one.

    Raises NotFound, also while the copy is not made, DecryptionError.
    """
    version = await repository.find(tx, line_id)
    if version is None:
        raise NotFound("no such delivered file")
    if not version.stamps:
        return SealedFile(version.stored, await ring.get(tx, version.data_key_id), version.id.bytes)
    if version.copy_stored is None or version.copy_key_id is None:
        raise NotFound("the copy is not made yet")
    return SealedFile(version.copy_stored, await ring.get(tx, version.copy_key_id), _context(line_id, version.id))


async def count_download(tx: Tx, line_id: OrderLineId, fetch: Fetch | None = None) -> None:
    """Count a download of a line, if it is a file that is sold.

    The same device at the same address has it counted once, however often it asks: a download that broke off goes on.
    Raises DownloadsUsedUp, NotFound for an address that other devices have used too often. See decisions/0147.
    """
    if fetch is not None:
        await repository.lock_line(tx, line_id)
        devices = await repository.list_devices(tx, line_id, fetch.address)
        if fetch.device in devices:
            return
        if len(devices) >= MOST_DEVICES:
            raise NotFound("the address has served its devices")
    if await repository.count_download(tx, line_id):
        if fetch is not None:
            await repository.add_fetch(tx, line_id, fetch)
    elif await repository.is_file_line(tx, line_id):
        raise DownloadsUsedUp()


async def has_begun(tx: Tx, line_id: OrderLineId, fetch: Fetch) -> bool:
    """Whether this device's download at this address was counted before."""
    return fetch.device in await repository.list_devices(tx, line_id, fetch.address)


def _context(line_id: OrderLineId, file_id: FileVersionId) -> bytes:
    return line_id.bytes + file_id.bytes
