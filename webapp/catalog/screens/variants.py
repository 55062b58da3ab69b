"""Variants in the back office: their list, and one of them in its editor."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec

from backend.catalog.types import AVAILABILITY_CAP, ProductId, StockKind, VariantId
from backend.catalog.types.quantity_prices import QuantityPrice
from backend.catalog.types.variants import (
    MOST_STEPS,
    HintCode,
    ProductVariants,
    VariantDraft,
    VariantHint,
    VariantRecord,
    VariantsProduct,
    fields_of,
)
from backend.catalog.words import product_name
from backend.identity.types import Actor, Permission
from backend.kernel.money import Money
from backend.kernel.text import Locale, pick
from webapp.core.fields import LANGUAGES, Fields, texts, typed_texts
from webapp.core.forms import Form

BASE: Final = "/admin/catalogue/products"
_NUMBERS: Final = (
    "min_quantity", "max_quantity", "per_person_limit", "warranty_days", "low_stock_at", "promised_hours",
    "open_places", "premium_months", "subscription_days",
)  # fmt: skip


def variants_path(product_id: ProductId) -> str:
    """Where the variants of a product are."""
    return f"{BASE}/{product_id}/variants"


def file_path(product: VariantsProduct, variant_id: VariantId, actor: Actor) -> str:
    """Where the file of a variant is uploaded; empty where none is sold, and for who doesn't fill the stock."""
    sells = product.kind is StockKind.FILE and actor.may(Permission.STOCK)
    return f"/admin/catalogue/variants/{variant_id}/file" if sells else ""


class VariantRow(msgspec.Struct, frozen=True, kw_only=True):
    """A variant in the list; ``left`` None is any number, ``missing`` the languages without its name."""

    id: str
    name: str
    price: Money
    reseller_price: Money | None
    left: int | None
    more: bool
    """There may be more than ``left``."""
    low: bool
    hidden: bool
    steps: int
    missing: tuple[str, ...]


class VariantList(msgspec.Struct, frozen=True, kw_only=True):
    """catalog/admin/_product_variants.html, and the page around it: a product's variants in their order."""

    path: str
    title: str
    kind: StockKind
    editable: bool
    rows: tuple[VariantRow, ...]
    undo: str = ""
    """What the toast's button posts to."""
    undo_text: str = ""


class LadderRow(msgspec.Struct, frozen=True):
    """A row of the ladder as it is typed: from so many, one costs so much."""

    number: int
    quantity: str
    each: str
    quantity_error: str = ""
    each_error: str = ""


class Hint(msgspec.Struct, frozen=True):
    """A remark below the prices; ``this`` is the variant's own name."""

    code: HintCode
    this: str
    other: str
    cost: Money | None


class Step(msgspec.Struct, frozen=True):
    """A step of the ladder as buyers see it."""

    quantity: int
    price: Money


class LivePart(msgspec.Struct, frozen=True):
    """catalog/admin/_variant_live.html: what follows from what is typed."""

    hints: tuple[Hint, ...] = ()
    steps: tuple[Step, ...] = ()


class Difference(msgspec.Struct, frozen=True):
    """A field that another admin has changed meanwhile: as it is stored now, and as it was typed."""

    field: str
    stored: str
    typed: str


class VariantPage(msgspec.Struct, frozen=True, kw_only=True):
    """catalog/admin/variant.html: a variant; a new one has no ``id``."""

    path: str
    form: Fields
    ladder: tuple[LadderRow, ...]
    live: LivePart
    uses: frozenset[str]
    currency: str
    product: str
    title: str = ""
    id: str = ""
    intent: str = ""
    code: str = ""
    version: int = 0
    hidden: bool = False
    archived: bool = False
    copy_intent: str = ""
    differences: tuple[Difference, ...] = ()
    most_steps: int = MOST_STEPS
    focus: int | None = None
    file: str = ""
    """Where the file that is sold is uploaded; empty for other kinds, and for who doesn't fill the stock."""
    languages: tuple[tuple[str, str], ...] = LANGUAGES

    @property
    def action(self) -> str:
        """Where its form is posted."""
        return f"{self.path}/{self.id}" if self.id else self.path


class LadderPart(msgspec.Struct, frozen=True):
    """catalog/admin/_ladder_answer.html: the rows, after one was added or removed; ``focus`` is the one to type in."""

    path: str
    ladder: tuple[LadderRow, ...]
    live: LivePart
    most_steps: int = MOST_STEPS
    focus: int | None = None


def variant_list(listed: ProductVariants, locale: Locale, *, undo: str = "", undo_text: str = "") -> VariantList:
    """The variants of a product; ``undo``: what can be undone."""
    product = listed.product
    return VariantList(
        path=variants_path(product.id),
        title=product_title(product, locale),
        kind=product.kind,
        editable=product.editable,
        rows=tuple(_row(one, locale) for one in listed.variants),
        undo=undo,
        undo_text=undo_text,
    )


def product_title(product: VariantsProduct, locale: Locale) -> str:
    """The product's name with its country."""
    return product_name(pick(product.name, locale), product.country, locale)


def _row(one: VariantRecord, locale: Locale) -> VariantRow:
    left, draft = one.available, one.draft
    return VariantRow(
        id=str(one.id),
        name=pick(draft.name, locale),
        price=draft.price,
        reseller_price=draft.reseller_price,
        left=left,
        more=left is not None and left >= AVAILABILITY_CAP,
        low=left is not None and left <= draft.low_stock_at,
        hidden=one.hidden,
        steps=len(draft.quantity_prices),
        missing=tuple(name for code, name in LANGUAGES if not draft.name.get(code)),
    )


def stored_form(record: VariantRecord, currency: str) -> dict[str, str]:
    """The fields of a stored variant; no amounts where they are in another currency than the shop's."""
    draft = record.draft
    same = draft.price.currency == currency
    numbers = {name: getattr(draft, name) for name in _NUMBERS}
    return {
        **typed_texts(draft.name, "name"),
        **typed_texts(draft.note, "note"),
        "price": str(draft.price.decimal()) if same else "",
        "reseller_price": str(draft.reseller_price.decimal()) if same and draft.reseller_price else "",
        **{name: "" if value is None else str(value) for name, value in numbers.items()},
        "subscription": "on" if draft.subscription_days else "",
    }


def stored_ladder(record: VariantRecord, currency: str) -> tuple[tuple[str, str], ...]:
    """The rows of a stored ladder as texts."""
    if record.draft.price.currency != currency:
        return ()
    return tuple((str(step.quantity), str(step.price.decimal())) for step in record.draft.quantity_prices)


def ladder_rows(rows: Sequence[tuple[str, str]], errors: Mapping[str, str] = {}) -> tuple[LadderRow, ...]:
    """The ladder as it is typed, with what is wrong with it."""
    return tuple(
        LadderRow(place, quantity, each, errors.get(f"from_{place}", ""), errors.get(f"each_{place}", ""))
        for place, (quantity, each) in enumerate(rows)
    )


def typed_ladder(values: Mapping[str, Any]) -> list[tuple[str, str]]:
    """The rows that a form posts as ``step_from`` and ``step_each``, one or several of each; no more than can be."""
    froms, eachs = _list(values.get("step_from")), _list(values.get("step_each"))
    return list(zip(froms, eachs, strict=False))[: MOST_STEPS + 1]


def _list(value: Any) -> list[str]:
    listed = value if isinstance(value, list) else [] if value is None else [value]
    return [one.strip()[:32] if isinstance(one, str) else "" for one in listed]


def draft_of(form: Form[Any], steps: Sequence[QuantityPrice]) -> VariantDraft:
    """The variant that a form describes whose fields could be read."""
    value = form.value
    assert value is not None
    return VariantDraft(
        name=texts(form.typed, "name"),
        note=texts(form.typed, "note"),
        price=value.price,
        reseller_price=value.reseller_price,
        quantity_prices=tuple(steps),
        min_quantity=value.min_quantity,
        max_quantity=value.max_quantity,
        per_person_limit=value.per_person_limit,
        warranty_days=value.warranty_days,
        low_stock_at=value.low_stock_at,
        promised_hours=value.promised_hours,
        open_places=value.open_places,
        premium_months=value.premium_months,
        subscription_days=30 if value.subscription else None,
    )


def live_part(draft: VariantDraft, hints: Sequence[VariantHint], locale: Locale) -> LivePart:
    """What follows from a draft."""
    steps = sorted(draft.quantity_prices, key=lambda step: step.quantity)
    shown = (Step(1, draft.price), *(Step(step.quantity, step.price) for step in steps)) if steps else ()
    this = pick(draft.name, locale)
    return LivePart(tuple(Hint(one.code, this, pick(one.other, locale), one.cost) for one in hints), shown)


def differences(
    record: VariantRecord,
    typed: Mapping[str, str],
    rows: Sequence[tuple[str, str]],
    uses: frozenset[str],
    currency: str,
) -> tuple[Difference, ...]:
    """What is stored now and was typed otherwise, of the fields that the form has."""
    stored = stored_form(record, currency)
    differing = [
        Difference(name, value, typed.get(name, ""))
        for name, value in stored.items()
        if (name not in _NUMBERS or name in uses)
        and value != typed.get(name, "")
        and (name != "subscription" or "subscription_days" in uses)
        and name != "subscription_days"
    ]
    ladder = stored_ladder(record, currency)
    if tuple(rows) != ladder:
        differing.append(Difference("ladder", _ladder_text(ladder), _ladder_text(rows)))
    return tuple(differing)


def _ladder_text(rows: Sequence[tuple[str, str]]) -> str:
    return "; ".join(f"{quantity} → {each}" for quantity, each in rows)


def new_form(product: VariantsProduct) -> dict[str, str]:
    """The fields of a new variant of this product."""
    defaults = {"min_quantity": "1", "warranty_days": "30", "low_stock_at": "5", "promised_hours": "24"}
    return {name: value for name, value in defaults.items() if name in fields_of(product.kind)}
