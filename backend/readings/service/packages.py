"""Packages of credits for admins: variants of the shop's products for credits, and how many credits each gives."""

from __future__ import annotations

from typing import Final

from backend.catalog.domain import goods
from backend.catalog.types import ProductId, StockKind, VariantId
from backend.catalog.types.goods import ProductFields, SoldVariant, VariantFields
from backend.identity.types import Actor, Permission
from backend.infra import audit
from backend.infra.unit_of_work import Tx, UnitOfWork, retry_conflicts
from backend.kernel.errors import Invalid, NotFound
from backend.readings.repository import packages as repository
from backend.readings.rules import packages as rules
from backend.readings.types.rooms import Package, PackageFields, Period

SLUG: Final = "reading-credits"
_MONTH_DAYS: Final = 30  # Telegram renews every 30 days, and at no other period
_MOST_AT_ONCE: Final = 10


class PackagesService:
    """For admins with the permission for readings; prices are in ``currency``. Orders keep what they were sold with."""

    def __init__(self, *, uow: UnitOfWork, currency: str) -> None:
        self._uow = uow
        self._currency = currency

    async def list_all(self, actor: Actor) -> list[Package]:
        """Every package in its order, hidden ones too. Raises Forbidden."""
        actor.require(Permission.READINGS)
        async with self._uow.read() as tx:
            return await _packages(tx)

    async def list_incomplete(self, actor: Actor) -> list[SoldVariant]:
        """Variants that were imported for credits and give none yet, so that nobody can buy them. Raises Forbidden."""
        actor.require(Permission.READINGS)
        async with self._uow.read() as tx:
            credits = await repository.list_all(tx)
            variants = await goods.list_variants(tx, await goods.list_of_kind(tx, StockKind.CREDITS))
            return [variant for variant in variants.values() if variant.id not in credits]

    @retry_conflicts
    async def add(self, actor: Actor, code: str, fields: PackageFields, *, category: str = "") -> VariantId:
        """Add a package; the first one makes the product, in ``category``. Raises Forbidden, Invalid, NotFound."""
        actor.require(Permission.READINGS)
        rules.check_code(code)
        rules.check_package(fields, self._currency)
        async with self._uow() as tx:
            await goods.lock(tx)
            products = await goods.list_of_kind(tx, StockKind.CREDITS)
            product = products[0] if products else await self._add_product(tx, category)
            variants = await goods.list_variants(tx, [product])
            if any(variant.code == code for variant in variants.values()):
                raise Invalid("a code of another package", fields={"code": "taken"})
            variant_id = await goods.add_variant(
                tx, product, code, _variant(fields), most=_MOST_AT_ONCE, places_left=None
            )
            await self._store(tx, actor, "readings.add_package", product, variant_id, fields)
        return variant_id

    @retry_conflicts
    async def change(self, actor: Actor, variant_id: VariantId, fields: PackageFields) -> None:
        """Change a package for later buyers. Raises Forbidden, Invalid, NotFound."""
        actor.require(Permission.READINGS)
        rules.check_package(fields, self._currency)
        async with self._uow() as tx:
            await goods.lock(tx)
            variant = await _variant_of(tx, variant_id)
            await goods.change_variant(tx, variant.product_id, variant_id, _variant(fields))
            await self._store(tx, actor, "readings.change_package", variant.product_id, variant_id, fields)

    @retry_conflicts
    async def set_credits(self, actor: Actor, variant_id: VariantId, credits: int) -> None:
        """Say how many credits one of an imported variant gives. Raises Forbidden, Invalid, NotFound."""
        actor.require(Permission.READINGS)
        rules.check_credits(credits)
        async with self._uow() as tx:
            variant = await _variant_of(tx, variant_id)
            await repository.set_credits(tx, variant_id, credits)
            facts = {"code": variant.code, "credits": credits}
            await audit.record(tx, actor.user_id, "readings.change_package", f"variant:{variant_id}", facts)

    @staticmethod
    async def _add_product(tx: Tx, category: str) -> ProductId:
        return await goods.add_product(
            tx,
            StockKind.CREDITS,
            SLUG,
            ProductFields(
                category=category, name=rules.NAME, summary=rules.SUMMARY, description={}, icon="star", hue="violet"
            ),
        )

    @staticmethod
    async def _store(
        tx: Tx, actor: Actor, action: str, product_id: ProductId, variant_id: VariantId, fields: PackageFields
    ) -> None:
        days = _MONTH_DAYS if fields.period is Period.MONTHLY else None
        await goods.set_subscription(tx, product_id, variant_id, days)
        await repository.set_credits(tx, variant_id, fields.credits)
        facts = {
            "credits": fields.credits, "price": fields.price.amount, "currency": fields.price.currency,
            "period": fields.period,
        }  # fmt: skip
        await audit.record(tx, actor.user_id, action, f"variant:{variant_id}", facts)


async def _packages(tx: Tx) -> list[Package]:
    credits = await repository.list_all(tx)
    variants = await goods.list_variants(tx, await goods.list_of_kind(tx, StockKind.CREDITS))
    packages = [
        Package(
            variant_id=variant.id,
            code=variant.code,
            fields=PackageFields(
                name=variant.fields.name,
                credits=credits[variant.id],
                price=variant.fields.price,
                period=Period.MONTHLY if variant.subscription_days else Period.ONCE,
                position=variant.fields.position,
                hidden=variant.fields.hidden,
            ),
        )
        for variant in variants.values()
        if variant.id in credits
    ]
    return sorted(packages, key=lambda package: (package.fields.position, package.fields.credits))


async def _variant_of(tx: Tx, variant_id: VariantId) -> SoldVariant:
    variants = await goods.list_variants(tx, await goods.list_of_kind(tx, StockKind.CREDITS))
    if variant_id not in variants:
        raise NotFound("no such package")
    return variants[variant_id]


def _variant(fields: PackageFields) -> VariantFields:
    return VariantFields(name=fields.name, note={}, price=fields.price, position=fields.position, hidden=fields.hidden)
