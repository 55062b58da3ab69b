"""A product with keys, and people who can buy it, for tests of a whole sale."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
from sqlalchemy import insert, select

from backend.catalog.models import Category, Product, StockBatch, StockKey, Variant
from backend.catalog.repository import shared_keys
from backend.catalog.types import WARRANTY_DAYS, ProductId, StockKeyId, StockKind, VariantId
from backend.identity.types import Actor
from backend.infra.crypto import KeyRing, seal
from backend.infra.unit_of_work import Tx, UnitOfWork
from backend.kernel.money import Money
from tests.factories.wallet import USD, actor_of, rich_person, usd


class Goods(msgspec.Struct, frozen=True):
    """One variant on the shelf."""

    product_id: ProductId
    variant_id: VariantId
    slug: str
    price: Money
    keys: list[str]


async def stock_up(tx: Tx, ring: KeyRing, variant_id: VariantId, keys: list[str]) -> None:
    """Put sealed keys on the shelf."""
    data_key_id, data_key = await ring.create(tx, "stock")
    batch_id = tx.new_id()
    batch = {"id": batch_id, "variant_id": variant_id, "data_key_id": data_key_id, "source": "test"}
    await tx.execute(insert(StockBatch), {**batch, "currency": USD, "imported_at": tx.now})
    rows = []
    for key in keys:
        key_id = tx.new_id()
        sealed = seal(data_key, key.encode(), key_id.bytes)
        mark = ring.fingerprint(key.encode(), variant_id.bytes)
        rows.append(
            {"id": key_id, "variant_id": variant_id, "batch_id": batch_id, "ciphertext": sealed, "fingerprint": mark}
        )
    if rows:
        await tx.execute(insert(StockKey), rows)


async def share(tx: Tx, ring: KeyRing, variant_id: VariantId, count: int) -> None:
    """Have a variant of shared keys sell one key so many times."""
    await stock_up(tx, ring, variant_id, ["THE-SHARED-KEY"])
    key_id = (await tx.execute(select(StockKey.id).where(StockKey.variant_id == variant_id))).scalar_one()
    await shared_keys.share_key(tx, StockKeyId(key_id))
    await shared_keys.set_current(tx, variant_id, StockKeyId(key_id), count)


async def add_goods(
    tx: Tx,
    ring: KeyRing,
    *,
    keys: int = 5,
    price: int = 720,
    reseller_price: int | None = None,
    premium_only: bool = False,
    per_person_limit: int | None = None,
    max_quantity: int | None = None,
    low_stock_at: int = 0,
    warranty_days: int = WARRANTY_DAYS,
    kind: str = StockKind.UNIQUE_KEYS.value,
    premium_months: int | None = None,
    quantity_prices: Sequence[tuple[int, int]] = (),
    subscription_days: int | None = None,
) -> Goods:
    """A product of one variant at ``price`` cents with so many keys."""
    category, product, variant = tx.new_id(), ProductId(tx.new_id()), VariantId(tx.new_id())
    slug = f"vpn-{product}"
    name = {"en": "Private VPN key", "ar": "مفتاح شبكة خاصة", "ru": "Ключ VPN"}
    shelf = {"id": category, "slug": f"shelf-{category}", "name": {"en": "VPN"}, "icon": "shield", "hue": "indigo"}
    await tx.execute(insert(Category), shelf)
    await tx.execute(
        insert(Product),
        {
            "id": product, "category_id": category, "slug": slug, "country": None, "kind": kind,
            "choice": "duration", "name": name, "summary": {}, "description": {}, "icon": "shield", "hue": "indigo",
            "premium_only": premium_only, "listed": True, "price_amount": price,
            "in_stock": keys > 0 or premium_months is not None, "created_at": tx.now,
        },
    )  # fmt: skip
    await tx.execute(
        insert(Variant),
        {
            "id": variant, "product_id": product, "code": "3m", "name": {"en": "3 months"}, "note": {},
            "price_amount": price, "reseller_amount": reseller_price, "currency": USD, "max_quantity": max_quantity,
            "per_person_limit": per_person_limit, "low_stock_at": low_stock_at, "quantity_prices": quantity_prices,
            "premium_months": premium_months,
            "subscription_days": subscription_days,
            "warranty_days": warranty_days,
        },
    )  # fmt: skip
    texts = [f"KEY-{product.hex[-6:]}-{number:05}" for number in range(keys)]
    await stock_up(tx, ring, variant, texts)
    return Goods(product, variant, slug, usd(price), texts)


async def buyers(uow: UnitOfWork, count: int, cents: int) -> list[Actor]:
    """People with ``cents`` each."""
    return [actor_of(await rich_person(uow, usd(cents))) for _ in range(count)]
