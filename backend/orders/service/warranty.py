"""A delivered thing doesn't work: replaced or refunded at once, or reviewed by an admin. See decisions/0062."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from backend.approvals.types import Approval
from backend.catalog.types.fulfilment import FulfilmentLine, ItemId
from backend.identity.types import Actor, Permission
from backend.infra import audit
from backend.infra.live_settings import Live
from backend.infra.unit_of_work import Tx, UnitOfWork, retry_conflicts
from backend.kernel.errors import Invalid, NotFound
from backend.kernel.ids import UserId
from backend.kernel.money import Money
from backend.orders import domain, rules
from backend.orders.domain import TOPIC, approving, refunding
from backend.orders.domain.lines import Fulfillers
from backend.orders.errors import ClaimDecided, NothingToReplaceWith, WarrantyEnded
from backend.orders.repository import lines as line_rows
from backend.orders.repository import orders as repository
from backend.orders.repository import warranty as claims
from backend.orders.rules.refunds import shares_of_lines
from backend.orders.rules.warranty import CLAIMS_COUNT_FOR, can_claim, is_reviewed, warranty_end
from backend.orders.service.common import check_owner, sequence_of
from backend.orders.types import OrderLine, OrderRecord, OrderStep, OrderView, RefundTarget, TimelineEntry
from backend.orders.types.keys import DeliveredKey
from backend.orders.types.lines import LineQuantity
from backend.orders.types.refunds import NewRefund
from backend.orders.types.warranty import (
    Claim,
    Claimable,
    ClaimDecision,
    ClaimId,
    ClaimRow,
    ClaimStatus,
    NewClaim,
    Warranty,
    WarrantyClaimed,
    WarrantyDecided,
)

_MOST_LISTED: Final = 100


class _Order:
    """An order as a claim needs it, read in one transaction."""

    def __init__(self, order: OrderRecord, lines: Sequence[OrderLine], goods: Sequence[FulfilmentLine]) -> None:
        self.record = order
        self.lines = {line.id: line for line in lines}
        self.goods = {line.id: line for line in goods}
        self.keys: list[DeliveredKey] = []
        self.timeline: list[TimelineEntry] = []
        self.claims: list[Claim] = []

    def of_line(self, line: OrderLine) -> list[Claim]:
        """The line's claims."""
        return [claim for claim in self.claims if claim.line_id == line.id]


class WarrantyService:
    """Claims of buyers, and admins' decisions about those that are reviewed.

    A person has ``claims_alone`` claims in 30 days that no admin sees; above ``single_admin_limit`` a second admin
    must approve what a decision gives.
    """

    def __init__(
        self, *, uow: UnitOfWork, fulfillers: Fulfillers, claims_alone: Live[int], single_admin_limit: Live[Money]
    ) -> None:
        self._uow = uow
        self._fulfillers = fulfillers
        self._claims_alone = claims_alone
        self._single_admin_limit = single_admin_limit

    async def of_order(self, actor: Actor, number: str) -> Warranty:
        """What of their own order the actor can claim now, and the claims they made. Raises NotFound."""
        async with self._uow.read() as tx:
            order = await self._read(tx, await repository.get_order(tx, sequence=sequence_of(number)))
            check_owner(actor, order.record.user_id)
            return Warranty(await self._claimable(tx, order), order.claims)

    def ends_at(self, order: OrderView, claims: Sequence[Claim], now: datetime) -> datetime | None:
        """Until when the last of an order's things can be claimed beside ``claims``; None where none can."""
        lines = {line.id: line for line in order.lines}
        ends = [
            warranty_end(lines[key.line_id], order.timeline, instant=self._fulfillers.are_instant([key.kind]))
            for key in order.keys
            if can_claim(lines[key.line_id], key.id, [one for one in claims if one.line_id == key.line_id])
        ]
        return max((end for end in ends if end is not None and end > now), default=None)

    async def list_claims(self, actor: Actor, order: OrderView) -> list[Claim]:
        """The claims of the actor's own order, oldest first. Raises NotFound."""
        check_owner(actor, order.user_id)
        async with self._uow.read() as tx:
            return await claims.list_of_order(tx, order.id)

    @retry_conflicts
    async def claim(self, actor: Actor, number: str, item_id: ItemId, *, idempotency_key: str) -> Claim:
        """Say that a delivered thing doesn't work: it is replaced, else refunded to the balance, or reviewed.

        The same key again changes nothing and returns the first claim. Raises NotFound, WarrantyEnded, Invalid.
        """
        rules.check_idempotency_key(idempotency_key)
        async with self._uow() as tx:
            record = await repository.lock_order(tx, sequence_of(number))
            check_owner(actor, record.user_id)
            before = await claims.find_claim(tx, record.id, idempotency_key)
            if before is not None:
                return before
            await repository.lock_buyer(tx, record.user_id)
            order = await self._read(tx, record)
            claimable = next((one for one in await self._claimable(tx, order) if one.key.id == item_id), None)
            if claimable is None:
                if any(key.id == item_id for key in order.keys) or any(one.item_id == item_id for one in order.claims):
                    raise WarrantyEnded()
                raise NotFound("the order has no such thing")
            line = order.lines[claimable.key.line_id]
            quantity = _quantity(line, claimable.key)
            status = ClaimStatus.IN_REVIEW
            if not claimable.reviewed:
                status = await self._replace(tx, order, line, item_id) or status
                if status is ClaimStatus.IN_REVIEW and claimable.refund:  # what cost nothing can't be refunded
                    status = await self._refund(tx, order, line, item_id, quantity, idempotency_key)
            new = NewClaim(
                order_id=record.id, line_id=line.id, user_id=record.user_id, item_id=item_id, quantity=quantity,
                status=status, idempotency_key=idempotency_key,
            )  # fmt: skip
            claim_id = await claims.add_claim(tx, new)
            tx.emit(
                WarrantyClaimed(
                    claim_id=claim_id, order_id=record.id, line_id=line.id, user_id=record.user_id, status=status
                )
            )
            tx.signal(TOPIC, record.id)
            return await claims.get_claim(tx, claim_id)

    async def list_in_review(self, actor: Actor) -> list[ClaimRow]:
        """The claims that wait for an admin, oldest first, at most 100. Raises Forbidden."""
        actor.require(Permission.ORDERS)
        async with self._uow.read() as tx:
            waiting = await claims.list_in_review(tx, _MOST_LISTED)
            earlier = await _count_recent(tx, {claim.user_id for claim in waiting})
            return [await self._row(tx, claim, earlier.get(claim.user_id, 0)) for claim in waiting]

    async def count_in_review(self, actor: Actor) -> int:
        """How many claims wait for an admin. Raises Forbidden."""
        actor.require(Permission.ORDERS)
        async with self._uow.read() as tx:
            return await claims.count_in_review(tx)

    async def claim_in_review(self, actor: Actor, claim_id: ClaimId) -> ClaimRow:
        """One claim that waits. Raises Forbidden, NotFound, ClaimDecided."""
        actor.require(Permission.ORDERS)
        async with self._uow.read() as tx:
            claim = await claims.get_claim(tx, claim_id)
            if claim.status is not ClaimStatus.IN_REVIEW:
                raise ClaimDecided()
            return await self._row(tx, claim, (await _count_recent(tx, {claim.user_id})).get(claim.user_id, 0))

    @retry_conflicts
    async def decide(self, actor: Actor, claim_id: ClaimId, decision: ClaimDecision, reason: str = "") -> Approval:
        """Replace, refund or reject what was claimed; a rejection needs a reason, which the buyer reads.

        Above the single-admin limit nothing happens until a second admin decides the same. Raises Forbidden,
        NotFound, ClaimDecided, NothingToReplaceWith, SecondAdminNeeded, Invalid.
        """
        actor.require(Permission.ORDERS)
        reason = reason.strip()
        if decision is ClaimDecision.REJECT and not reason:
            raise Invalid("no reason", fields={"reason": "required"})
        async with self._uow() as tx:
            record = await repository.lock_order(tx, order_id=(await claims.get_claim(tx, claim_id)).order_id)
            claim = await claims.get_claim(tx, claim_id)
            order = await self._read(tx, record)
            line = order.lines[claim.line_id]
            if claim.status is not ClaimStatus.IN_REVIEW or not line.unrefunded:
                raise ClaimDecided()
            status = ClaimStatus.REJECTED
            if decision is not ClaimDecision.REJECT:
                if await self._approve(tx, actor, order, line, claim, decision) is not Approval.GIVEN:
                    return Approval.WAITING
                status = await self._give(tx, order, line, claim, decision, actor.user_id)
            await claims.decide(tx, claim.id, status, actor.user_id, reason or None)
            facts = {"order": rules.order_number(record.sequence), "reason": reason}
            action, subject = f"orders.claim_{status}", f"claim:{claim.id}"
            await audit.record(tx, actor.user_id, action, subject, facts, person=record.user_id)
            tx.emit(
                WarrantyDecided(
                    claim_id=claim.id,
                    order_id=record.id,
                    line_id=line.id,
                    user_id=record.user_id,
                    status=status,
                    reason=reason,
                )
            )
            tx.signal(TOPIC, record.id)
        return Approval.GIVEN

    async def _give(
        self, tx: Tx, order: _Order, line: OrderLine, claim: Claim, decision: ClaimDecision, by: UserId | None
    ) -> ClaimStatus:
        if decision is ClaimDecision.REFUND:
            quantity = min(claim.quantity, line.unrefunded)
            return await self._refund(tx, order, line, claim.item_id, quantity, f"claim:{claim.id}", by)
        replaced = await self._replace(tx, order, line, claim.item_id)
        if replaced is None:
            raise NothingToReplaceWith()
        return replaced

    async def _approve(
        self, tx: Tx, actor: Actor, order: _Order, line: OrderLine, claim: Claim, decision: ClaimDecision
    ) -> Approval:
        """Count what a decision gives: a replacement is worth what a refund would be."""
        new = _new_refund(
            order, line, min(claim.quantity, line.unrefunded), f"claim:{claim.id}:{decision}", actor.user_id
        )
        lines = list(order.lines.values())
        return await approving.approve(tx, actor, order.record, lines, new, self._single_admin_limit())

    async def _replace(self, tx: Tx, order: _Order, line: OrderLine, item_id: ItemId) -> ClaimStatus | None:
        """Give another thing in place of the one that doesn't work; None where there is none."""
        if await self._fulfillers.replace(tx, order.goods[line.id], item_id) is None:
            return None
        entry = TimelineEntry(OrderStep.REPLACED, tx.now, line.id, 1)
        await repository.add_entries(tx, order.record.id, [entry], None)
        return ClaimStatus.REPLACED

    async def _refund(
        self,
        tx: Tx,
        order: _Order,
        line: OrderLine,
        item_id: ItemId,
        quantity: int,
        key: str,
        by: UserId | None = None,
    ) -> ClaimStatus:
        """Refund so many of a line to the balance. Raises RefundTooMuch for what cost nothing."""
        new = _new_refund(order, line, quantity, f"warranty:{key}", by)
        lines, goods = list(order.lines.values()), list(order.goods.values())
        await self._fulfillers.discard(tx, order.goods[line.id], item_id)
        await refunding.refund(tx, self._fulfillers, order.record, lines, goods, new, {})
        return ClaimStatus.REFUNDED

    async def _read(self, tx: Tx, record: OrderRecord) -> _Order:
        lines, goods = await line_rows.list_lines(tx, record)
        order = _Order(record, lines, goods)
        shown = domain.shown_goods(lines, goods)
        order.keys = domain.keys_of(shown, await self._fulfillers.items(tx, shown)) if shown else []
        if order.keys:
            order.timeline = await repository.list_timeline(tx, record)
            order.claims = await claims.list_of_order(tx, record.id)
        return order

    async def _claimable(self, tx: Tx, order: _Order) -> list[Claimable]:
        recent = await _count_recent(tx, {order.record.user_id}) if order.keys else {}
        of_person = recent.get(order.record.user_id, 0)
        claimable = []
        for key in order.keys:
            line = order.lines[key.line_id]
            instant = self._fulfillers.are_instant([key.kind])
            until = warranty_end(line, order.timeline, instant=instant)
            mine = order.of_line(line)
            if until is None or until <= tx.now or not can_claim(line, key.id, mine):
                continue
            reviewed = is_reviewed(len(mine), of_person, self._claims_alone(), instant=instant)
            refund = _new_refund(order, line, _quantity(line, key), "", None).amount
            claimable.append(Claimable(key, until, refund, reviewed))
        return claimable

    async def _row(self, tx: Tx, claim: Claim, earlier: int) -> ClaimRow:
        order = await self._read(tx, await repository.get_order(tx, order_id=claim.order_id))
        line = order.lines[claim.line_id]
        refund = Money.zero(line.left.currency)
        if line.unrefunded:
            refund = _new_refund(order, line, min(claim.quantity, line.unrefunded), "", None).amount
        return ClaimRow(claim, rules.order_number(order.record.sequence), line, refund, earlier)


async def _count_recent(tx: Tx, people: set[UserId]) -> dict[UserId, int]:
    return await claims.count_since(tx, people, tx.now - CLAIMS_COUNT_FOR) if people else {}


def _quantity(line: OrderLine, key: DeliveredKey) -> int:
    """How many of its line a delivered thing is."""
    return min(key.uses, line.unrefunded)


def _new_refund(order: _Order, line: OrderLine, quantity: int, key: str, by: UserId | None) -> NewRefund:
    return NewRefund(
        shares=shares_of_lines(list(order.lines.values()), [LineQuantity(line.id, quantity)]),
        target=RefundTarget.WALLET,
        reason="Warranty claim",
        idempotency_key=key,
        actor_id=by,
        by_line=True,
    )
