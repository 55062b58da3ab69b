"""Files as goods: an admin uploads versions, and says how many are sold and how often each is downloaded."""

from __future__ import annotations

import asyncio
from typing import Any, Final

import msgspec

from backend.catalog.domain import goods_files as domain
from backend.catalog.domain import places
from backend.catalog.repository import goods_files as repository
from backend.catalog.repository import places as place_rows
from backend.catalog.repository import writes
from backend.catalog.rules import goods_files as rules
from backend.catalog.types import ProductId, VariantId
from backend.catalog.types.files import MOST_DOWNLOADS, FileGoods, FileVariant, FileVersionId, UsedUp
from backend.identity.types import Actor, Permission
from backend.infra import audit
from backend.infra.crypto import KeyRing, seal
from backend.infra.pictures import without_metadata
from backend.infra.stamp import Stamper, StampRefused
from backend.infra.storage import PrivateFiles
from backend.infra.unit_of_work import Tx, UnitOfWork, retry_conflicts
from backend.kernel.errors import Invalid, NotFound
from backend.kernel.ids import OrderLineId

_MOST_COPIES: Final = 1_000_000
_PICTURES: Final = {"png": "image/png", "jpg": "image/jpeg", "webp": "image/webp"}


class CheckedFile(msgspec.Struct, frozen=True):
    """A file that can be sold; ``pages`` of a PDF whose copies can bear a name, None for everything else."""

    name: str
    data: bytes
    kind: str
    pages: int | None


class GoodsFilesService:
    """Changes what variants give that are sold as files. Each version is encrypted with a data key of its own."""

    def __init__(self, *, uow: UnitOfWork, ring: KeyRing, files: PrivateFiles, stamper: Stamper) -> None:
        self._uow = uow
        self._ring = ring
        self._files = files
        self._stamper = stamper

    async def get(self, actor: Actor, variant_id: VariantId) -> FileGoods:
        """A variant with the versions of its file, the newest first. Raises Forbidden, NotFound."""
        actor.require(Permission.STOCK)
        async with self._uow.read() as tx:
            return await repository.get_goods(tx, variant_id)

    async def list_variants(self, actor: Actor) -> list[FileVariant]:
        """What is sold as files, or will be once a file is uploaded; the newest products first. Raises Forbidden."""
        actor.require(Permission.STOCK)
        async with self._uow.read() as tx:
            return await repository.list_variants(tx)

    async def list_used_up(self, actor: Actor, variant_id: VariantId) -> list[UsedUp]:
        """The lines whose buyers have no downloads left. Raises Forbidden."""
        actor.require(Permission.STOCK)
        async with self._uow.read() as tx:
            return await repository.list_used_up(tx, variant_id)

    async def upload(
        self, actor: Actor, variant_id: VariantId, name: str, data: bytes, *, unstamped: bool = False
    ) -> None:
        """Offer a file from now on. The newest version once more changes nothing.

        ``unstamped`` sells a PDF without its buyers' names where these can't be written on it. Raises Forbidden,
        NotFound, and Invalid (field ``file``: ``required``, ``too_large``, ``wrong_type``, ``two_kinds``; of a PDF that
        can't be stamped ``encrypted``, ``damaged``, ``too_many_pages``, ``too_complex``).
        """
        await self.get(actor, variant_id)
        checked = await self._check(name, data, unstamped=unstamped)
        await self._add(actor, variant_id, checked)

    async def _check(self, name: str, data: bytes, *, unstamped: bool) -> CheckedFile:
        kind = await asyncio.to_thread(rules.kind_of, data)
        pages = None
        if kind == rules.PDF:
            try:
                pages = await self._stamper.count_pages(data)
            except StampRefused as refusal:
                if not unstamped:
                    raise Invalid("this PDF can't be stamped", fields={"file": refusal.reason}) from refusal
        clean = without_metadata(data, _PICTURES[kind]) if kind in _PICTURES else data
        return CheckedFile(rules.name_for(name, kind), clean, kind, pages)

    @retry_conflicts
    async def _add(self, actor: Actor, variant_id: VariantId, file: CheckedFile) -> None:
        async with self._uow() as tx:
            product_id = await self._lock(tx, variant_id)
            newest = await repository.find_newest(tx, variant_id)
            fingerprint = self._ring.fingerprint(file.data, variant_id.bytes)
            stamps = file.pages is not None
            if newest is not None and newest.fingerprint == fingerprint and newest.stamps == stamps:
                return
            file_id, number = FileVersionId(tx.new_id()), newest.version + 1 if newest else 1
            key_id, key = await self._ring.create(tx, domain.KEY_PURPOSE)
            # Inside the transaction, so that no row ever names a file that is not there.
            stored = await self._files.put(seal(key, file.data, file_id.bytes))
            row: dict[str, Any] = {
                "id": file_id, "variant_id": variant_id, "version": number, "name": file.name, "size": len(file.data),
                "kind": file.kind, "pages": file.pages, "stamps": stamps, "fingerprint": fingerprint, "stored": stored,
                "data_key_id": key_id, "uploaded_by": actor.user_id, "uploaded_at": tx.now,
            }  # fmt: skip
            try:
                await repository.add_version(tx, row)
                await repository.set_offer(tx, variant_id, {"file_id": file_id})
                if newest is None:
                    await places.set_remaining(tx, product_id, variant_id, None)
                    await _follow(tx, product_id)
                facts = {"version": number, "bytes": len(file.data), "stamped": stamps}
                await audit.record(tx, actor.user_id, "stock.upload_file", f"variant:{variant_id}", facts)
            except BaseException:
                await self._files.delete(stored)
                raise

    @retry_conflicts
    async def change(
        self,
        actor: Actor,
        variant_id: VariantId,
        *,
        copies: int | None,
        seen: int | None,
        download_limit: int,
        latest_for_all: bool,
    ) -> None:
        """Change how a file is sold. ``copies`` are those that can still be sold, None for any number.

        They stay as they are where they equal ``seen``: somebody may have bought one meanwhile. Buyers have the
        download limit of their purchase. Raises Forbidden, NotFound, Invalid (fields ``copies``, ``download_limit``).
        """
        actor.require(Permission.STOCK)
        wrong = {}
        if copies is not None and not 0 <= copies <= _MOST_COPIES:
            wrong["copies"] = "out_of_range"
        if not 1 <= download_limit <= MOST_DOWNLOADS:
            wrong["download_limit"] = "out_of_range"
        if wrong:
            raise Invalid("not a way to sell a file", fields=wrong)
        async with self._uow() as tx:
            product_id = await self._lock(tx, variant_id)
            goods = await repository.get_goods(tx, variant_id)
            if goods.current is None:
                raise NotFound("no file to be sold")
            values = {"download_limit": download_limit, "latest_for_all": latest_for_all}
            await repository.change_offer(tx, variant_id, values)
            if copies != seen:
                held = await place_rows.count_held(tx, variant_id)
                await places.set_remaining(tx, product_id, variant_id, None if copies is None else copies + held)
                await _follow(tx, product_id)
            facts = {**values, "copies": copies if copies != seen else goods.left}
            await audit.record(tx, actor.user_id, "stock.change_file", f"variant:{variant_id}", facts)

    @retry_conflicts
    async def reset_downloads(self, actor: Actor, variant_id: VariantId, line_id: OrderLineId) -> None:
        """Let a buyer download as often as at first. Raises Forbidden, NotFound."""
        actor.require(Permission.STOCK)
        async with self._uow() as tx:
            if not await repository.reset_downloads(tx, variant_id, line_id):
                raise NotFound("no such line of the variant")
            await audit.record(tx, actor.user_id, "stock.reset_downloads", f"order_line:{line_id}", {})

    async def _lock(self, tx: Tx, variant_id: VariantId) -> ProductId:
        """Be the only one who changes what the variant offers; its product. Raises NotFound."""
        product_id = await repository.find_product(tx, variant_id)
        await place_rows.add_missing(tx, variant_id)
        await places.lock(tx, variant_id)
        return product_id


async def _follow(tx: Tx, product_id: ProductId) -> None:
    await writes.refresh_stock_marks(tx, [product_id])
    await writes.bump_version(tx)
