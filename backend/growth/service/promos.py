"""Promo codes: admins make and stop them, and a typed one is looked up. See decisions/0071."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC
from decimal import Decimal
from typing import Final
from uuid import UUID, uuid5

import msgspec

from backend.approvals import domain as approvals
from backend.approvals.errors import SecondAdminNeeded
from backend.approvals.types import Approval, FirstApproval, NewValue, ValueId, ValueKind
from backend.catalog import domain as catalog
from backend.catalog.types import StockKind
from backend.growth import rules as codes
from backend.growth.errors import PromoCodeRefused
from backend.growth.repository import promos as repository
from backend.growth.rules import promos as rules
from backend.growth.types.promos import (
    NewPromo,
    Promo,
    PromoCodeId,
    PromoDetail,
    PromoFigures,
    PromoId,
    PromoRefusal,
    PromoScope,
)
from backend.identity.types import Actor, Permission
from backend.infra import audit
from backend.infra.live_settings import Live
from backend.infra.rate_limit import Limit, RateLimiter
from backend.infra.unit_of_work import Tx, UnitOfWork, retry_conflicts
from backend.kernel.errors import Invalid, NotFound
from backend.kernel.ids import UserId
from backend.kernel.money import Money

TRIES: Final = Limit("promo", 10, 300)
"""How many codes that do not exist a person can try, and within how many seconds."""
_PROMOS: Final = UUID("3c5d6f0a-7a55-4b0e-8f5c-1d0b9f6a2e44")
"""The namespace of a promotion's subject: one form of one admin has one subject."""


class PromosService:
    """Promotions and their codes; ``limit`` is the single-admin limit, in the shop's currency."""

    def __init__(self, *, uow: UnitOfWork, limiter: RateLimiter, limit: Live[Money]) -> None:
        self._uow = uow
        self._limiter = limiter
        self._limit = limit
        self._currency = limit().currency

    async def admit(self, actor: Actor, typed: Sequence[str]) -> list[PromoCodeId]:
        """The codes that were typed, in the order given. Only codes that do not exist count as tries.

        Raises PromoCodeRefused for one that does not exist, RateLimited after too many of these, even for one that
        exists.
        """
        admitted = []
        for text in typed:
            key = rules.code_key(text)
            if key is None:  # it tells people who guess codes nothing, so it is no try
                raise PromoCodeRefused("no code", reason=PromoRefusal.UNKNOWN)
            await self._limiter.hit(TRIES, str(actor.id))
            async with self._uow.read() as tx:
                code_id = await repository.find_code(tx, key)
            if code_id is None:
                raise PromoCodeRefused("unknown code", reason=PromoRefusal.UNKNOWN)
            await self._limiter.take_back(TRIES, str(actor.id))
            admitted.append(code_id)
        return admitted

    @retry_conflicts
    async def make(self, actor: Actor, new: NewPromo, *, idempotency_key: str) -> Promo | None:
        """Make a promotion with its codes; None while it awaits the approval of a second admin.

        A percentage and a code without a limit always exceed the single-admin limit: nobody knows what they will take
        off in all. Needs the permission for money. Raises Invalid with a code for each wrong field.
        """
        actor.require(Permission.MONEY)
        async with self._uow() as tx:
            before = await repository.find_by_maker(tx, actor.user_id, idempotency_key)
            if before is not None:
                return before
            new = rules.check_new(new, self._currency, tx.now)
            if new.code and await repository.find_code(tx, _key(new.code)) is not None:
                raise Invalid("taken", fields={"code": "taken"})
            await _check_target(tx, new)
            value = _value(new, self._currency, str(uuid5(_PROMOS, f"{actor.user_id}:{idempotency_key}")))
            return await self._add(tx, actor, new, value, actor.user_id, idempotency_key)

    @retry_conflicts
    async def approve(self, actor: Actor, value_id: ValueId) -> Promo | None:
        """Make a promotion that another admin asked for; None if their approval no longer counts: this is the first.

        Raises NotFound when it no longer awaits approval, SecondAdminNeeded for the actor's own, Invalid for one whose
        code was taken since.
        """
        actor.require(Permission.MONEY)
        async with self._uow() as tx:
            first = await approvals.lock_first(tx, actor, value_id)
            if first.kind is not ValueKind.PROMO:
                raise NotFound(f"{value_id} is no promo code")
            if first.by == actor.id:
                raise SecondAdminNeeded(f"promo code {value_id}")
            new = _asked(first)
            # It belongs to the admin who asked for it: they cannot use it.
            return await self._add(tx, actor, new, _value(new, self._currency, first.subject), first.by, first.subject)

    async def _add(
        self, tx: Tx, actor: Actor, new: NewPromo, value: NewValue, maker: UserId | None, key: str
    ) -> Promo | None:
        if await approvals.make(tx, actor, value, self._limit()) is not Approval.GIVEN:
            return None
        promo_id = await repository.add_promo(tx, new, self._currency, maker, key)
        if promo_id is None:  # another request with this key was faster
            return await repository.find_by_maker(tx, maker, key)
        texts = [new.code] if new.code else [codes.new_code(rules.RANDOM_LENGTH) for _ in range(new.codes)]
        if await repository.add_codes(tx, promo_id, new.uses, [(text, _key(text)) for text in texts]) < len(texts):
            raise Invalid("taken", fields={"code": "taken"})
        details = {"code": new.code, "codes": new.codes, "basis_points": new.basis_points, "uses": new.uses}
        details["amount"] = new.amount.amount if new.amount else None
        await audit.record(tx, actor.user_id, "promos.make", f"promo:{promo_id}", details)
        return await repository.get_promo(tx, promo_id)

    async def list_all(self, actor: Actor) -> list[tuple[Promo, PromoFigures]]:
        """The latest 100 promotions with their figures, the latest first. Needs the permission for money."""
        actor.require(Permission.MONEY)
        async with self._uow.read() as tx:
            promos = await repository.list_promos(tx)
            figures = await repository.list_figures(tx, promos, self._currency)
        return [(promo, figures[promo.id]) for promo in promos]

    async def awaiting_approval(self, actor: Actor) -> list[tuple[FirstApproval, NewPromo]]:
        """The promotions that await a second admin, the oldest first. Needs the permission for money."""
        actor.require(Permission.MONEY)
        async with self._uow.read() as tx:
            return [(first, _asked(first)) for first in await approvals.list_first(tx, ValueKind.PROMO)]

    async def detail(self, actor: Actor, promo_id: PromoId) -> PromoDetail:
        """One promotion with its codes and its latest uses. Needs the permission for money. Raises NotFound."""
        actor.require(Permission.MONEY)
        async with self._uow.read() as tx:
            promo = await repository.get_promo(tx, promo_id)
            figures = await repository.list_figures(tx, [promo], self._currency)
            return PromoDetail(
                promo,
                figures[promo.id],
                await repository.list_codes(tx, promo_id),
                await repository.list_uses(tx, promo_id, self._currency),
                await _target_name(tx, promo),
            )

    @retry_conflicts
    async def stop(self, actor: Actor, promo_id: PromoId) -> None:
        """Stop a promotion; orders that use it keep their price. Needs the permission for money. Raises NotFound."""
        actor.require(Permission.MONEY)
        async with self._uow() as tx:
            if await repository.stop_promo(tx, promo_id):
                await audit.record(tx, actor.user_id, "promos.stop", f"promo:{promo_id}")
                return
            await repository.get_promo(tx, promo_id)


def _key(code: str) -> str:
    key = rules.code_key(code)
    assert key is not None, "check_new has read it"
    return key


async def _target_name(tx: Tx, new: NewPromo) -> dict[str, str] | None:
    """The name of the category or product that the scope names; None where there is no such thing."""
    match new.scope:
        case PromoScope.CATEGORY:
            return await catalog.find_name(tx, category=new.target)
        case PromoScope.PRODUCT:
            return await catalog.find_name(tx, product=new.target)
        case _:
            return None


async def _check_target(tx: Tx, new: NewPromo) -> None:
    """Raises Invalid where the scope names nothing that exists."""
    named = new.scope in {PromoScope.CATEGORY, PromoScope.PRODUCT}
    kinds = {kind.value for kind in StockKind}
    if (named and await _target_name(tx, new) is None) or (new.scope is PromoScope.KIND and new.target not in kinds):
        raise Invalid("names nothing", fields={"target": "unknown"})


def _value(new: NewPromo, currency: str, subject: str) -> NewValue:
    encoded = msgspec.json.encode(
        msgspec.structs.replace(
            new,
            starts_at=new.starts_at.astimezone(UTC) if new.starts_at else None,
            ends_at=new.ends_at.astimezone(UTC) if new.ends_at else None,
        )
    ).decode()
    most, percent = rules.face_value(new), f"{Decimal(new.basis_points) / 100:f}%" if new.basis_points else ""
    return NewValue(
        kind=ValueKind.PROMO,
        subject=subject,
        amount=most or new.amount or Money.zero(currency),
        permission=Permission.MONEY,
        user_id=None,
        reason=", ".join(filter(None, (percent, new.code, new.note))),
        facts={"promo": encoded},
        open_ended=most is None,
    )


def _asked(first: FirstApproval) -> NewPromo:
    return msgspec.json.decode(first.facts["promo"], type=NewPromo)
