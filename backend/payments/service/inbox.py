"""Payments and provider events for admins; what they do with unmatched payments."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Final
from uuid import UUID

import msgspec

from backend.approvals import domain as approvals
from backend.approvals.types import Approval, NewValue, ValueKind
from backend.identity import domain as identity
from backend.identity.types import Actor, Permission
from backend.infra import audit
from backend.infra.live_settings import Live
from backend.infra.unit_of_work import Tx, UnitOfWork, retry_conflicts
from backend.kernel.errors import Invalid
from backend.kernel.ids import OrderId, UserId
from backend.kernel.money import Money
from backend.kernel.paging import Page, decode_cursor, encode_cursor
from backend.kernel.text import searched
from backend.payments import domain, rules
from backend.payments.errors import PaymentClosed, PaymentNotCredited, RefundCurrencyDiffers
from backend.payments.repository import events, intents, refunds, search
from backend.payments.service.common import NO_PROVIDERS, Providers
from backend.payments.types import (
    ANY_PAYMENT,
    Intent,
    IntentId,
    IntentStatus,
    Outcome,
    PaymentDetails,
    PaymentEventId,
    PaymentsNarrowed,
    PaymentTakenBack,
    ProviderEvent,
    ProviderReport,
    ProviderState,
    Worth,
)
from backend.wallet import domain as wallet
from backend.wallet.types import AccountRef, Memo, TransferKind

LOSSES: Final = "losses"
"""The shop's ledger account of refunds made at a provider that the buyer's balance could not cover."""
_PAGE: Final = 30
_ALL_OF_ONE: Final = 200


class InboxService:
    """Payments and provider events, for admins with the permission for money.

    ``single_admin_limit`` is in the shop's currency; ``providers`` give the prices of their assets.
    """

    def __init__(
        self, *, uow: UnitOfWork, single_admin_limit: Live[Money], providers: Providers = NO_PROVIDERS
    ) -> None:
        self._uow = uow
        self._single_admin_limit = single_admin_limit
        self._currency = single_admin_limit().currency
        self._providers = providers

    async def list_payments(
        self,
        actor: Actor,
        *,
        method: str | None = None,
        status: IntentStatus | None = None,
        user_id: UserId | None = None,
        order_id: OrderId | None = None,
        narrowed: PaymentsNarrowed = ANY_PAYMENT,
        cursor: str | None = None,
    ) -> Page[Intent]:
        """Payments, the latest first. Raises Invalid for a bad cursor."""
        actor.require(Permission.MONEY)
        before = decode_cursor(cursor, UUID) if cursor else None
        async with self._uow.read() as tx:
            rows = await intents.list_by(
                tx,
                user_id=user_id,
                method=method,
                order_id=order_id,
                status=status,
                **msgspec.structs.asdict(narrowed),
                before=before,
                limit=_PAGE + 1,
            )
        more = len(rows) > _PAGE
        return Page(rows[:_PAGE], encode_cursor(rows[_PAGE - 1].id) if more else None)

    async def find(self, actor: Actor, query: str, orders: Sequence[OrderId] = ()) -> list[Intent]:
        """Search payments, the newest first, at most thirty; includes those for ``orders``.

        ``query`` is a reference or a part of it, a provider's id or this shop's, the payer's name, @username or
        Telegram id, or an amount, credited or payable. A full reference finds that payment only.
        """
        actor.require(Permission.MONEY)
        plain = searched(query)
        async with self._uow.read() as tx:
            exact = await domain.find_by_reference(tx, plain)
            if exact is not None:
                return [exact]
            part = rules.parse_reference_part(plain)
            ids = [] if part is None else await search.list_numbered_like(tx, part, _PAGE)
            if plain and not (part is not None and part.first):
                ids += await search.list_by_provider_id(tx, plain, _PAGE)
                ids += await self._of_people_and_amounts(tx, plain)
                ids += [one for one in [rules.as_id(plain)] if one is not None]
            if orders:
                ids += await search.list_of_orders(tx, orders, _PAGE)
            return await intents.list_ids(tx, ids, _PAGE)

    async def find_named(self, actor: Actor, query: str) -> list[Intent]:
        """Find payments by their reference, its first characters after ``D-``, or a provider's id."""
        actor.require(Permission.MONEY)
        plain = searched(query)
        part = rules.parse_reference_part(plain)
        async with self._uow.read() as tx:
            exact = await domain.find_by_reference(tx, plain)
            if exact is not None:
                return [exact]
            if part is not None and part.first:
                ids = await search.list_numbered_like(tx, part, _PAGE)
            else:
                ids = await search.list_by_provider_id(tx, plain, _PAGE) if plain else []
            return await intents.list_ids(tx, ids, _PAGE)

    async def _of_people_and_amounts(self, tx: Tx, plain: str) -> list[UUID]:
        ids: list[UUID] = []
        people = await identity.find_users(tx, plain, _PAGE)
        if people:
            ids += await search.list_of_people(tx, people, _PAGE)
        assets = {one.capabilities.asset or self._currency for one in self._providers.values()} | {self._currency}
        for asset in sorted(assets):
            amount = Money.searched(plain, asset)
            if amount is not None and amount.amount > 0:
                ids += await search.list_by_amount(tx, amount, _PAGE)
        return ids

    async def payment(self, actor: Actor, intent_id: IntentId) -> PaymentDetails:
        """A payment with its provider events and refunds. Raises NotFound."""
        actor.require(Permission.MONEY)
        async with self._uow.read() as tx:
            return PaymentDetails(
                intent=await intents.get_intent(tx, intent_id),
                events=await events.list_events(tx, outcome=None, intent_id=intent_id, limit=_ALL_OF_ONE),
                refunds=await refunds.list_refunds(tx, intent_id=intent_id, limit=_ALL_OF_ONE),
            )

    async def unmatched(self, actor: Actor, cursor: str | None = None) -> Page[ProviderEvent]:
        """Unmatched provider events, the latest first. Raises Invalid for a bad cursor."""
        actor.require(Permission.MONEY)
        before = decode_cursor(cursor, UUID) if cursor else None
        async with self._uow.read() as tx:
            rows = await events.list_events(tx, outcome=Outcome.UNMATCHED, before=before, limit=_PAGE + 1)
        more = len(rows) > _PAGE
        return Page(rows[:_PAGE], encode_cursor(rows[_PAGE - 1].id) if more else None)

    async def count_unmatched(self, actor: Actor) -> int:
        """How many provider events are unmatched."""
        actor.require(Permission.MONEY)
        async with self._uow.read() as tx:
            return await events.count_unmatched(tx)

    async def event(self, actor: Actor, event_id: PaymentEventId) -> ProviderEvent:
        """One provider event, with any outcome. Raises NotFound."""
        actor.require(Permission.MONEY)
        async with self._uow.read() as tx:
            return await events.get_event(tx, event_id)

    def worth(self, event: ProviderEvent) -> Worth | None:
        """What the money of ``event`` is worth, and the most that may be credited for it.

        None if there is no price: it is in another currency, and its method is disabled or has another asset.
        """
        provider = self._providers.get(event.method)
        return rules.worth(event.amount, self._currency, provider.capabilities if provider else None)

    @retry_conflicts
    async def assign(
        self, actor: Actor, event_id: PaymentEventId, user_id: UserId, amount: Money, order_id: OrderId | None = None
    ) -> Intent | None:
        """Credit an unmatched payment to a person, as ``amount`` of the shop's currency; the new payment.

        With ``order_id`` it also pays that order. None above the single-admin limit until a second admin chooses the
        same person, amount and order. Raises NotFound (also for an unknown person), SecondAdminNeeded for oneself,
        PaymentClosed for an event that is handled or reports no received money, Invalid (field ``amount``) for no
        amount, or more than ``worth`` allows: that would be a balance adjustment.
        """
        actor.require(Permission.MONEY)
        async with self._uow() as tx:
            await identity.get_recipient(tx, user_id)
            event = await events.lock_event(tx, event_id)
            if event.outcome is not Outcome.UNMATCHED or event.state is not ProviderState.PAID or not event.amount:
                raise PaymentClosed(event.outcome)
            rules.check_assigned(amount, self._currency, self.worth(event))
            given = NewValue(
                kind=ValueKind.UNMATCHED,
                subject=str(event_id),
                amount=amount,
                permission=Permission.MONEY,
                user_id=user_id,
                facts={"order": str(order_id)} if order_id else {},
            )
            if await approvals.make(tx, actor, given, self._single_admin_limit()) is not Approval.GIVEN:
                return None
            intent, _ = await intents.add_intent(
                tx,
                user_id=user_id,
                method=event.method,
                amount=amount,
                payable=event.amount,
                order_id=order_id,
                idempotency_key=f"unmatched:{event_id}",
                lifetime=timedelta(0),
                lease=timedelta(0),
                next_poll=None,
            )
            report = ProviderReport(
                event_id=event.event_id,
                state=ProviderState.PAID,
                intent_id=intent.id,
                received=event.amount,
                charge_id=event.charge_id,
                details=event.details,
            )
            await domain.apply(tx, event.method, report)
            facts = {"user": str(user_id), "amount": amount.amount, "currency": amount.currency}
            subject = f"payment_event:{event_id}"
            await audit.record(tx, actor.user_id, "payments.assign", subject, facts, person=user_id)
            return await intents.get_intent(tx, intent.id)

    @retry_conflicts
    async def accept_refund(self, actor: Actor, event_id: PaymentEventId) -> None:
        """Accept a refund made at the provider: take it from the person's wallet, and the rest as the shop's loss.

        Raises NotFound, PaymentClosed for any other event, SecondAdminNeeded for one's own payment, PaymentNotCredited
        before the payment is credited (it would later be credited in full), RefundCurrencyDiffers.
        """
        actor.require(Permission.MONEY)
        async with self._uow() as tx:
            event = await events.lock_event(tx, event_id)
            refunded = event.state is ProviderState.REFUNDED and event.outcome is Outcome.UNMATCHED
            if not refunded or event.intent_id is None or event.amount is None:
                raise PaymentClosed(event.outcome)
            intent = await intents.lock_intent(tx, event.intent_id)
            await approvals.check_not_own(tx, actor, intent.user_id, Permission.MONEY, f"payment:{intent.id}")
            if event.amount.currency != intent.payable.currency:
                raise RefundCurrencyDiffers(f"{event.amount.currency} for {intent.payable.currency}")
            if not intent.credited:
                raise PaymentNotCredited(f"payment {intent.id}")
            amount = rules.unbooked_refund(intent, event.amount)
            if amount:
                await self._take_back(tx, intent, amount, str(event_id))
                total = intent.refunded + amount
                await intents.save_refunded(tx, intent.id, rules.refunded_status(intent, total), total)
                tx.emit(
                    PaymentTakenBack(
                        intent_id=intent.id, user_id=intent.user_id, amount=amount.amount, currency=amount.currency
                    )
                )
            await approvals.drop(tx, ValueKind.WAIVED_REFUND, str(event_id))
            await events.save_outcome(tx, event_id, Outcome.APPLIED, "refund_accepted")
            facts = {"back": amount.amount, "currency": amount.currency}
            await audit.record(
                tx, actor.user_id, "payments.accept_refund", f"payment:{intent.id}", facts, person=intent.user_id
            )
            tx.signal(domain.SIGNAL, intent.id)

    @staticmethod
    async def _take_back(tx: Tx, intent: Intent, back: Money, key: str) -> None:
        target, memo = AccountRef.shop(f"provider:{intent.method}"), Memo(method=intent.method)
        taken = await wallet.take_up_to(
            tx, TransferKind.REFUND, f"taken_back:{key}", intent.user_id, target, back, str(intent.id), memo
        )
        if taken < back:
            lost = back - taken
            losses = AccountRef.shop(LOSSES)
            await wallet.transfer(tx, TransferKind.REFUND, f"lost:{key}", losses, target, lost, str(intent.id), memo)

    @retry_conflicts
    async def dismiss(self, actor: Actor, event_id: PaymentEventId, reason: str) -> bool:
        """Dismiss an unmatched event, with a reason; False while a second admin's approval is needed.

        Dismissing a refund made at the provider leaves the money in the person's wallet, so it counts towards the
        single-admin limit. Raises NotFound, PaymentClosed, SecondAdminNeeded for one's own payment, Invalid without a
        reason.
        """
        actor.require(Permission.MONEY)
        if not reason.strip():
            raise Invalid("no reason", fields={"reason": "required"})
        async with self._uow() as tx:
            event = await events.lock_event(tx, event_id)
            if event.outcome is not Outcome.UNMATCHED:
                raise PaymentClosed(event.outcome)
            waived = await self._waived(tx, event, reason.strip())
            if waived and await approvals.make(tx, actor, waived, self._single_admin_limit()) is not Approval.GIVEN:
                return False
            await approvals.drop(tx, ValueKind.UNMATCHED, str(event_id))
            await events.save_outcome(tx, event_id, Outcome.DISMISSED, event.reason)
            facts, person = {"reason": reason.strip()}, waived.user_id if waived else None
            await audit.record(tx, actor.user_id, "payments.dismiss", f"payment_event:{event_id}", facts, person=person)
        return True

    @staticmethod
    async def _waived(tx: Tx, event: ProviderEvent, reason: str) -> NewValue | None:
        """The value that a person gains when a refund made at the provider is dismissed; None for other events."""
        if event.state is not ProviderState.REFUNDED or event.intent_id is None or event.amount is None:
            return None
        intent = await intents.lock_intent(tx, event.intent_id)
        same = event.amount.currency == intent.payable.currency
        return NewValue(
            kind=ValueKind.WAIVED_REFUND,
            subject=str(event.id),
            amount=rules.unbooked_refund(intent, event.amount) if same else intent.credited - intent.refunded,
            permission=Permission.MONEY,
            user_id=intent.user_id,
            reason=reason,
        )
