"""Pictures of products: an admin gives one, removes it, and takes the change back."""

from __future__ import annotations

from backend.catalog.errors import PictureChanged
from backend.catalog.repository import pictures, writes
from backend.catalog.rules.rows import RowKind
from backend.catalog.types import ProductId
from backend.catalog.types.pictures import PictureChange, ProductLook
from backend.identity.types import Actor, Permission
from backend.infra import audit
from backend.infra.picture_maker import Crop, PictureMaker
from backend.infra.storage import Storage
from backend.infra.unit_of_work import UnitOfWork, retry_conflicts


class PicturesService:
    """Changes the picture of one product at a time; stored pictures stay, as orders show them. See decisions/0118."""

    def __init__(self, *, uow: UnitOfWork, storage: Storage, maker: PictureMaker) -> None:
        self._uow = uow
        self._storage = storage
        self._maker = maker

    async def look_of(self, actor: Actor, product_id: ProductId) -> ProductLook:
        """A product as it looks now. Raises Forbidden, NotFound."""
        actor.require(Permission.CATALOGUE)
        async with self._uow.read() as tx:
            return await pictures.get_look(tx, product_id)

    async def set_picture(
        self, actor: Actor, product_id: ProductId, data: bytes, crop: Crop | None = None
    ) -> PictureChange:
        """Show a picture, cut as ``crop`` says. Raises Forbidden, NotFound, and Invalid as PictureMaker.make does."""
        await self.look_of(actor, product_id)
        encoded = await self._maker.make(data, crop)
        # Before the row that names it: a name never lacks its files, and the same picture again is the same files.
        await self._storage.put_files(encoded.files)
        return await self._change(actor, product_id, encoded.name)

    async def remove(self, actor: Actor, product_id: ProductId) -> PictureChange:
        """Show the tile. Raises Forbidden, NotFound."""
        actor.require(Permission.CATALOGUE)
        return await self._change(actor, product_id, None)

    async def undo(self, actor: Actor, product_id: ProductId, change: PictureChange) -> None:
        """Show again what was there before the change. Undoing it twice changes nothing.

        Raises PictureChanged where another picture is shown by now, Forbidden, NotFound.
        """
        actor.require(Permission.CATALOGUE)
        if change.before is not None:
            await self._storage.get(change.before)
        await self._change(actor, product_id, change.before, expected=change)

    @retry_conflicts
    async def _change(
        self, actor: Actor, product_id: ProductId, picture: str | None, *, expected: PictureChange | None = None
    ) -> PictureChange:
        async with self._uow() as tx:
            look = await pictures.get_look(tx, product_id, lock=True)
            change = PictureChange(look.picture, picture)
            if change.before == change.after:
                return change
            if expected is not None and look.picture != expected.after:
                raise PictureChanged()
            await writes.change_row(tx, RowKind.PRODUCT, product_id, {"picture": picture})
            await writes.bump_version(tx)
            facts = {"before": change.before, "after": change.after}
            await audit.record(tx, actor.user_id, "catalogue.set_picture", f"product:{product_id}", facts)
            return change
