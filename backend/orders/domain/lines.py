"""The registry of fulfillers: the one place in orders that knows how a kind of goods is delivered."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby

from backend.catalog.types.fulfilment import (
    CountsMoney,
    CountsUnused,
    DeliversFiles,
    Delivery,
    Fulfiller,
    FulfilmentLine,
    Item,
    ItemId,
    SealedFile,
    Unused,
)
from backend.infra.unit_of_work import Tx
from backend.kernel.errors import AppError, NotFound
from backend.kernel.ids import OrderLineId, UserId
from backend.kernel.money import Money


class Fulfillers:
    """Hands the lines of an order to the fulfillers of their kinds.

    Goods are locked in the order (kind, product, variant), whatever the order of the lines: two purchases of the same
    goods never wait for each other in a circle. A kind that nobody fulfils raises KeyError.
    """

    def __init__(self, fulfillers: Iterable[Fulfiller]) -> None:
        listed = list(fulfillers)
        self._by_kind = {one.kind: one for one in listed}
        if len(self._by_kind) < len(listed):
            raise ValueError("two fulfillers of one kind")

    def sells(self, kind: str) -> bool:
        """Whether goods of this kind can be sold."""
        return kind in self._by_kind

    def are_instant(self, kinds: Iterable[str]) -> bool:
        """Whether goods of all these kinds are delivered as soon as they are paid."""
        return all(self._by_kind[kind].instant for kind in kinds)

    async def reserve(self, tx: Tx, lines: Iterable[FulfilmentLine]) -> None:
        """Reserve the goods of all lines. Raises SoldOut; then some may be reserved, and the caller rolls back."""
        for fulfiller, group in self._groups(lines):
            await fulfiller.reserve(tx, group)

    async def release(self, tx: Tx, lines: Iterable[FulfilmentLine]) -> None:
        """Return what is reserved for the lines; does nothing for those that have nothing reserved."""
        for fulfiller, group in self._groups(lines):
            await fulfiller.release(tx, group)

    async def deliver(self, tx: Tx, lines: Iterable[FulfilmentLine], *, reserved: bool) -> dict[OrderLineId, Delivery]:
        """Deliver what is ``reserved`` for the lines, or what is free now; says how far each line is.

        Raises ReservationGone, or SoldOut; then some may be delivered, and the caller rolls back.
        """
        deliveries: dict[OrderLineId, Delivery] = {}
        for fulfiller, group in self._groups(lines):
            deliveries.update(await fulfiller.deliver(tx, group, reserved=reserved))
        return deliveries

    async def quote(
        self, tx: Tx, buyer: UserId, recipient: UserId, lines: Iterable[FulfilmentLine]
    ) -> dict[OrderLineId, Money | AppError]:
        """What was paid for a line before, or why it can't be bought, of the lines that have either."""
        quoted: dict[OrderLineId, Money | AppError] = {}
        for fulfiller, group in self._groups(lines):
            quoted.update(await fulfiller.quote(tx, buyer, recipient, group))
        return quoted

    async def revoke(self, tx: Tx, revoked: Iterable[tuple[FulfilmentLine, int]]) -> None:
        """Take back so many of each line that is refunded, as far as that is possible; of some only money went back."""
        quantities = {line.id: (line, quantity) for line, quantity in revoked}
        for fulfiller, group in self._groups(line for line, _ in quantities.values()):
            for line in group:
                if quantity := quantities[line.id][1]:
                    await fulfiller.revoke(tx, line, quantity)
                elif isinstance(fulfiller, CountsMoney):
                    await fulfiller.repay(tx, line)

    async def count_unused(self, tx: Tx, lines: Iterable[tuple[FulfilmentLine, int]]) -> dict[OrderLineId, Unused]:
        """What a refund of so many of each line would take back, of the lines whose goods are used up bit by bit."""
        counted: dict[OrderLineId, Unused] = {}
        for line, quantity in lines:
            fulfiller = self._by_kind[line.kind]
            if isinstance(fulfiller, CountsUnused) and (one := await fulfiller.count_unused(tx, line, quantity)):
                counted[line.id] = one
        return counted

    async def replace(self, tx: Tx, line: FulfilmentLine, item: ItemId) -> Item | None:
        """Give another thing in place of one that doesn't work; None where there is no other."""
        another = await self._by_kind[line.kind].replace(tx, line, item)
        if another is not None:
            await self.discard(tx, line, item)
        return another

    async def discard(self, tx: Tx, line: FulfilmentLine, item: ItemId) -> None:
        """Note that a thing doesn't work."""
        await self._by_kind[line.kind].discard(tx, line, item)

    async def items(self, tx: Tx, lines: Sequence[FulfilmentLine]) -> list[Item]:
        """The things delivered for the lines, in the order of the lines."""
        place = {line.id: number for number, line in enumerate(lines)}
        items: list[Item] = []
        for fulfiller, group in self._groups(lines):
            items += await fulfiller.items(tx, group)
        return sorted(items, key=lambda item: place[item.line_id])

    async def open(self, tx: Tx, items: Sequence[tuple[str, ItemId]]) -> list[str]:
        """Delivered things, each with its kind, in plain text. Raises NotFound, DecryptionError."""
        texts: dict[tuple[str, ItemId], str] = {}
        for kind in sorted({kind for kind, _ in items}):
            ids = [item_id for of_kind, item_id in items if of_kind == kind]
            opened = await self._by_kind[kind].open(tx, ids)
            texts |= {(kind, item_id): text for item_id, text in zip(ids, opened, strict=True)}
        return [texts[item] for item in items]

    async def find_file(self, tx: Tx, kind: str, item: ItemId) -> SealedFile:
        """Where a delivered file of this kind is, and what decrypts it. Raises NotFound, DecryptionError."""
        fulfiller = self._by_kind[kind]
        if not isinstance(fulfiller, DeliversFiles):
            raise NotFound("goods of this kind are no files")
        return await fulfiller.find_file(tx, item)

    def _groups(self, lines: Iterable[FulfilmentLine]) -> Iterator[tuple[Fulfiller, list[FulfilmentLine]]]:
        ordered = sorted(lines, key=lambda line: (line.kind, line.product_id, line.variant_id))
        for kind, group in groupby(ordered, key=lambda line: line.kind):
            yield self._by_kind[kind], list(group)
