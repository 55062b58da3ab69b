"""Search of orders, for admins."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Final
from uuid import UUID

from backend.catalog import domain as catalog
from backend.identity import domain as identity
from backend.identity.types import Actor, Permission
from backend.infra.crypto import KeyRing
from backend.infra.unit_of_work import Tx, UnitOfWork
from backend.kernel.ids import OrderId, OrderLineId, UserId
from backend.kernel.money import Money
from backend.kernel.text import searched
from backend.orders import rules
from backend.orders.repository import lists, managing, search
from backend.orders.repository.managing import Within
from backend.orders.service.managing import ANY_ORDER, variants_of
from backend.orders.types import OrderRow
from backend.orders.types.criteria import OrderCriteria
from backend.payments import domain as payments

_MOST: Final = 30
_MOST_PARTS: Final = 1000
"""Orders whose number has the typed signs, of which criteria may keep few."""
_MOST_VARIANTS: Final = 100
_SHORTEST_NAME: Final = 2
_SHORTEST_KEY: Final = 4
_LONGEST_KEY: Final = 4096


class OrderSearchService:
    """Finds orders by anything an admin may know of them; every query is bounded, however many orders there are.

    ``ring`` fingerprints a key that is searched for; amounts are in ``currency``.
    """

    def __init__(self, *, uow: UnitOfWork, ring: KeyRing, currency: str) -> None:
        self._uow = uow
        self._ring = ring
        self._currency = currency

    async def find(self, actor: Actor, query: str, chosen: OrderCriteria = ANY_ORDER) -> list[OrderRow]:
        """The newest orders that ``query`` may mean and that meet the criteria, at most thirty.

        It may be a number or a part of it, a payment's reference or its id at the provider, the buyer's name, @username
        or Telegram id, the product, the amount, or a key. What names one order exactly finds no other. Needs the
        permission for orders.
        """
        actor.require(Permission.ORDERS)
        async with self._uow.read() as tx:
            if chosen == ANY_ORDER:
                return await lists.list_rows(tx, await self._find(tx, query), _MOST)
            within = await managing.within(tx, chosen, await variants_of(tx, chosen))
            if within is None:
                return []
            ids = await search.keep(tx, await self._find(tx, query, within), within)
            return await lists.list_rows(tx, ids, _MOST)

    async def find_ids(self, actor: Actor, query: str) -> list[OrderId]:
        """The ids of the same orders, for those who look for their payments. Needs the permission for money."""
        actor.require(Permission.MONEY)
        async with self._uow.read() as tx:
            return [OrderId(order_id) for order_id in await self._find(tx, query)]

    async def find_buyers(self, actor: Actor, query: str) -> list[UserId]:
        """Whose the order or the payment is that ``query`` names exactly. Needs the permission for orders or money."""
        if not actor.may(Permission.MONEY):
            actor.require(Permission.ORDERS)
        plain = searched(query)
        async with self._uow.read() as tx:
            payment = await payments.find_by_reference(tx, plain)
            if payment is not None:
                return [payment.user_id]
            return await search.list_buyers(tx, await self._exactly(tx, plain) or [])

    async def numbers_of(self, actor: Actor, lines: Collection[OrderLineId]) -> dict[OrderLineId, str]:
        """The numbers of the orders that have some lines. Needs the permission for orders."""
        actor.require(Permission.ORDERS)
        async with self._uow.read() as tx:
            sequences = await search.list_sequences(tx, lines)
        return {line: rules.order_number(sequence) for line, sequence in sequences.items()}

    async def _exactly(self, tx: Tx, plain: str) -> list[OrderId] | None:
        """The order that this number, or this payment's reference, means; None where it is neither.

        A payment's reference comes first: in its first numbering it may read like the number of another one's order.
        """
        payment = await payments.find_by_reference(tx, plain)
        if payment is not None:
            return [payment.order_id] if payment.order_id else []
        sequence = rules.parse_order_number(plain)
        order_id = None if sequence is None else await search.find_id(tx, sequence)
        return None if order_id is None else [order_id]

    async def _find(self, tx: Tx, query: str, within: Within = managing.ANYWHERE) -> Sequence[UUID]:
        """What the query may mean; of what may mean many orders, the newest ones within the criteria."""
        plain = searched(query)
        if not plain:
            return []
        exactly = await self._exactly(tx, plain)
        if exactly is not None:
            return exactly
        order_ids: list[UUID] = []
        part = rules.parse_order_part(plain)
        if part is not None:
            order_ids += await search.list_numbered_like(
                tx, part, _MOST if within is managing.ANYWHERE else _MOST_PARTS
            )
            if part.first:
                return order_ids
        paid = await payments.list_by_provider_id(tx, plain, _MOST)
        order_ids += [intent.order_id for intent in paid if intent.order_id]
        amount = Money.searched(plain, self._currency)
        if amount is not None:
            order_ids += await search.list_of_amount(tx, amount, _MOST, within)
        buyers = await identity.find_users(tx, plain, _MOST)
        if buyers:
            order_ids += await search.list_of_buyers(tx, buyers, _MOST, within)
        if len(plain) >= _SHORTEST_NAME:
            variants = await catalog.list_variants_named(tx, plain, _MOST_VARIANTS)
            order_ids += await search.list_of_variants(tx, variants, _MOST, within)
        return order_ids + await self._with_key(tx, query)

    async def _with_key(self, tx: Tx, query: str) -> list[UUID]:
        """The orders that have this key."""
        key = query.strip().encode(errors="replace")
        if not _SHORTEST_KEY <= len(key) <= _LONGEST_KEY:
            return []
        lines = await catalog.list_lines_with_key(tx, self._ring, key)
        return await search.list_of_lines(tx, lines) if lines else []
