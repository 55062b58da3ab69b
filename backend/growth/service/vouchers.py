"""Vouchers, as admins create and stop them."""

from __future__ import annotations

from datetime import datetime

from backend.approvals import domain as approvals
from backend.approvals.types import Approval, NewValue, ValueKind
from backend.growth import domain, rules
from backend.growth.repository import vouchers as repository
from backend.growth.types import Limits, NewVouchers, VoucherBatch, VoucherBatchId
from backend.identity.types import Actor, Permission
from backend.infra import audit
from backend.infra.crypto import KeyRing
from backend.infra.live_settings import Live
from backend.infra.unit_of_work import UnitOfWork, retry_conflicts
from backend.kernel.errors import Invalid
from backend.kernel.money import Money


class VouchersService:
    """Batches of voucher codes; for admins with the permission for money.

    ``limits`` are the bounds of one code's amount, ``limit`` is the single-admin limit.
    """

    def __init__(self, *, uow: UnitOfWork, ring: KeyRing, limits: Live[Limits], limit: Live[Money]) -> None:
        self._uow = uow
        self._ring = ring
        self._limits = limits
        self._limit = limit

    @property
    def limits(self) -> Limits:
        """What one code may be worth."""
        return self._limits()

    @property
    def limit(self) -> Money:
        """The single-admin limit, in the shop's currency."""
        return self._limit()

    @retry_conflicts
    async def make(
        self,
        actor: Actor,
        amount: Money,
        *,
        people: int = 1,
        codes: int = 1,
        expires_at: datetime | None = None,
        note: str = "",
        idempotency_key: str,
    ) -> NewVouchers:
        """Create one code for up to ``people`` persons, or ``codes`` codes for one person each.

        Only this result holds the codes: a repeated idempotency key gets none. Raises Invalid, with ``above_limit`` in
        the field ``amount`` above the single-admin limit: a second admin cannot approve vouchers, because codes are
        shown once, to the admin who creates them.
        """
        actor.require(Permission.MONEY)
        async with self._uow() as tx:
            tidy = rules.check_vouchers(amount, people, codes, expires_at, note, self.limits, tx.now)
            batch_id = await repository.add_batch(
                tx,
                amount,
                people,
                codes,
                note=tidy,
                expires_at=expires_at,
                created_by=actor.id,
                idempotency_key=idempotency_key,
            )
            if batch_id is None:
                return NewVouchers(await repository.get_by_key(tx, actor.id, idempotency_key), ())
            value = NewValue(
                kind=ValueKind.VOUCHERS,
                subject=str(batch_id),
                amount=rules.face_value(amount, people, codes),
                permission=Permission.MONEY,
                user_id=None,
                reason=tidy,
                waits=False,
            )
            if await approvals.make(tx, actor, value, self.limit) is Approval.REFUSED:
                raise Invalid("above the single-admin limit", fields={"amount": "above_limit"}, maximum=self.limit)
            fresh = [rules.new_code() for _ in range(codes)]
            await repository.add_codes(tx, batch_id, people, [domain.fingerprint(self._ring, code) for code in fresh])
            details = {"amount": amount.amount, "currency": amount.currency, "people": people, "codes": codes}
            await audit.record(tx, actor.user_id, "vouchers.make", f"vouchers:{batch_id}", details)
            return NewVouchers(await repository.get_batch(tx, batch_id), tuple(map(rules.show_code, fresh)))

    async def list_all(self, actor: Actor) -> list[VoucherBatch]:
        """The latest 100 batches, the latest first."""
        actor.require(Permission.MONEY)
        async with self._uow.read() as tx:
            return await repository.list_batches(tx)

    async def get(self, actor: Actor, batch_id: VoucherBatchId) -> VoucherBatch:
        """One batch. Raises NotFound."""
        actor.require(Permission.MONEY)
        async with self._uow.read() as tx:
            return await repository.get_batch(tx, batch_id)

    @retry_conflicts
    async def stop(self, actor: Actor, batch_id: VoucherBatchId) -> None:
        """Stop a batch, so that its codes can no longer be redeemed. Raises NotFound."""
        actor.require(Permission.MONEY)
        async with self._uow() as tx:
            if await repository.stop_batch(tx, batch_id):
                await audit.record(tx, actor.user_id, "vouchers.stop", f"vouchers:{batch_id}")
                return
            await repository.get_batch(tx, batch_id)
