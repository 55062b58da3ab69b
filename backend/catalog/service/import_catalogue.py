"""Creates and updates categories, products and variants from a file: all rows or none."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any, Final
from uuid import UUID

import msgspec

from backend.catalog.domain import search_index
from backend.catalog.repository import storefront, writes
from backend.catalog.repository.writes import Stored, StoredCategory, StoredProduct, StoredVariant
from backend.catalog.rules.fields import default_hue
from backend.catalog.rules.rows import DEFAULTS, CatalogueRow, RowKind, shown
from backend.catalog.rules.writing import TEXTS, price_text, steps_text
from backend.catalog.types import CategoryId, StockKind
from backend.catalog.types.imports import Action, CatalogueReport, Change, FieldChange, Problem, ProblemCode
from backend.infra import audit
from backend.infra.unit_of_work import Tx, UnitOfWork
from backend.kernel.ids import UserId
from backend.kernel.text import Locale

# Columns of a file whose table column has another name; links between rows are resolved separately.
_STORED_AS: Final = {"price": "price_amount", "reseller_price": "reseller_amount"}
_LINKS: Final = ("parent", "category")
_MAX_DEPTH: Final = 6
_BEFORE_DIFFERENCE: Final = 12


class NotApplied(Exception):
    """Rolls the transaction back: a dry run, or a bad row."""


class _Planned(msgspec.Struct):
    """A row of the file beside what is stored of it."""

    row: CatalogueRow
    id: UUID
    known: bool
    before: dict[str, Any]
    after: dict[str, Any]

    @property
    def changed(self) -> list[str]:
        """The fields that the file changes."""
        return [name for name, value in self.after.items() if self.before.get(name) != value]

    @property
    def action(self) -> Action:
        """What the import does with it."""
        if not self.known:
            return Action.CREATE
        return Action.UPDATE if self.changed else Action.UNCHANGED


class _Known(msgspec.Struct):
    """The stored rows, by reference."""

    categories: dict[str, StoredCategory]
    products: dict[str, StoredProduct]
    variants: dict[str, StoredVariant]

    def find(self, kind: RowKind, ref: str) -> Stored | None:
        """The row of this kind and reference."""
        by_ref: dict[RowKind, Mapping[str, Stored]] = {
            RowKind.CATEGORY: self.categories,
            RowKind.PRODUCT: self.products,
            RowKind.VARIANT: self.variants,
        }
        return by_ref[kind].get(ref)


class CatalogueImport:
    """One run over one file."""

    def __init__(
        self, uow: UnitOfWork, currency: str, by: UserId | None, source: str, pictures: Mapping[str, str]
    ) -> None:
        self._uow = uow
        self._currency = currency
        self._by = by
        self._source = source
        self._pictures = pictures
        self._problems: list[Problem] = []
        self._rows: dict[RowKind, dict[str, CatalogueRow]] = {kind: {} for kind in RowKind}
        self._plan: dict[RowKind, dict[str, _Planned]] = {kind: {} for kind in RowKind}

    async def run(
        self, rows: Iterable[CatalogueRow | Problem], *, apply: bool, version: int | None = None
    ) -> CatalogueReport:
        """Compare every row with what is stored; with ``apply`` and no bad row, write the changes.

        With a ``version`` nothing is written where the catalogue is another one by now.
        """
        self._collect(rows)
        try:
            async with self._uow() as tx:
                await writes.lock_imports(tx, "catalogue")
                current = await storefront.get_version(tx)
                await self._compare(tx)
                if not apply or self._problems or (version is not None and version != current):
                    raise NotApplied
                await self._write(tx)
            applied = True
        except NotApplied:
            applied = False
        planned = [item for kind in RowKind for item in self._plan[kind].values()]
        counts = Counter((item.row.kind.value, item.action) for item in planned)
        return CatalogueReport(
            applied=applied,
            version=current,
            counts={kind.value: {action: counts[kind.value, action] for action in Action} for kind in RowKind},
            changes=[_change(item, self._currency) for item in planned if item.action is not Action.UNCHANGED],
            problems=sorted(self._problems, key=lambda item: item.line),
        )

    def _collect(self, rows: Iterable[CatalogueRow | Problem]) -> None:
        for row in rows:
            if isinstance(row, Problem):
                self._problems.append(row)
                continue
            first = self._rows[row.kind].setdefault(row.ref, row)
            if first is not row:
                self._bad(row, ProblemCode.DUPLICATE, "", f"{row.ref} (line {first.line})")

    def _bad(self, row: CatalogueRow, code: ProblemCode, column: str = "", value: str = "") -> None:
        self._problems.append(Problem(row.line, code, column, shown(value), f"{row.kind}:{row.ref}"))

    async def _compare(self, tx: Tx) -> None:
        known = await self._load(tx)
        slug_of = {row.id: slug for slug, row in known.categories.items()}
        for kind in RowKind:
            for number, (ref, row) in enumerate(self._rows[kind].items()):
                stored = known.find(kind, ref)
                before = fields_of(kind, stored, slug_of) if stored else {}
                after = before | _merged(row, before)
                if stored is None:
                    self._check_complete(row)
                    after = {**DEFAULTS[kind], "position": number, "hue": default_hue(ref), **after}
                    if kind is RowKind.PRODUCT:
                        del after["position"]
                    if kind is RowKind.VARIANT:
                        del after["hue"]
                    after |= {name: after.get(name, {}) for name in TEXTS[kind]}
                planned = _Planned(row, stored.id if stored else tx.new_id(), stored is not None, before, after)
                self._check(planned)
                self._plan[kind][ref] = planned
        self._check_links(known)

    async def _load(self, tx: Tx) -> _Known:
        variants = self._rows[RowKind.VARIANT]
        slugs = set(self._rows[RowKind.PRODUCT]) | {ref.partition("/")[0] for ref in variants}
        products = {row.slug: row for row in await writes.list_products_by_slug(tx, sorted(slugs))}
        slug_of = {row.id: slug for slug, row in products.items()}
        held = {ref.partition("/")[0] for ref in variants} & set(products)
        rows = await writes.list_variants_of(tx, [products[slug].id for slug in sorted(held)])
        return _Known(
            categories={row.slug: row for row in await writes.list_all_categories(tx)},
            products=products,
            variants={f"{slug_of[row.product_id]}/{row.code}": row for row in rows},
        )

    def _check_complete(self, row: CatalogueRow) -> None:
        needed = {RowKind.CATEGORY: (), RowKind.PRODUCT: ("category",), RowKind.VARIANT: ("price",)}[row.kind]
        for column in needed:
            if column not in row.values:
                self._bad(row, ProblemCode.REQUIRED, column)
        if not row.values.get("name", {}).get("en"):
            self._bad(row, ProblemCode.REQUIRED, "name_en")

    def _check(self, planned: _Planned) -> None:
        row, after = planned.row, planned.after
        if row.kind is RowKind.VARIANT:
            least, most, each = after["min_quantity"], after["max_quantity"], after["per_person_limit"]
            if (most is not None and most < least) or (each is not None and each < least):
                self._bad(row, ProblemCode.LIMITS_CONTRADICT, "min_quantity", str(least))
            self._check_prices(planned)
        picture = row.values.get("picture")
        if picture is not None:
            if picture in self._pictures:
                after["picture"] = self._pictures[picture]
            elif picture != planned.before.get("picture"):
                self._bad(row, ProblemCode.UNKNOWN_PICTURE, "picture", picture)

    def _check_prices(self, planned: _Planned) -> None:
        single = planned.after.get("price")
        if single is None:
            return  # reported as missing
        reseller, steps = planned.after["reseller_price"], planned.after["quantity_prices"]
        if reseller is not None and reseller > single:
            shown_price = price_text(reseller, self._currency)
            self._bad(planned.row, ProblemCode.RESELLER_ABOVE_PRICE, "reseller_price", shown_price)
        if steps and steps[0][1] >= single:
            self._bad(planned.row, ProblemCode.NOT_FALLING, "quantity_prices", steps_text(steps[:1], self._currency))

    def _check_links(self, known: _Known) -> None:
        # What a bad row describes is not reported as missing too: one mistake, one problem.
        named = {problem.ref for problem in self._problems}
        categories = set(known.categories) | set(self._rows[RowKind.CATEGORY])
        products = set(known.products) | set(self._rows[RowKind.PRODUCT])
        slug_of = {row.id: slug for slug, row in known.categories.items()}
        parents = {slug: slug_of[row.parent_id] if row.parent_id else None for slug, row in known.categories.items()}
        parents |= {ref: item.after["parent"] for ref, item in self._plan[RowKind.CATEGORY].items()}
        for ref, item in self._plan[RowKind.CATEGORY].items():
            parent = item.after["parent"]
            if parent is not None and parent not in categories and f"category:{parent}" not in named:
                self._bad(item.row, ProblemCode.UNKNOWN_PARENT, "parent", parent)
            elif _is_too_deep(ref, parents):
                self._bad(item.row, ProblemCode.PARENT_CYCLE, "parent", str(parent))
        for item in self._plan[RowKind.PRODUCT].values():
            category = item.after.get("category")
            if category is not None and category not in categories and f"category:{category}" not in named:
                self._bad(item.row, ProblemCode.UNKNOWN_CATEGORY, "category", category)
        for ref, item in self._plan[RowKind.VARIANT].items():
            slug = ref.partition("/")[0]
            if slug not in products and f"product:{slug}" not in named:
                self._bad(item.row, ProblemCode.UNKNOWN_PRODUCT, "product", slug)
            elif item.after["premium_months"] is None and self._kind_of(known, slug) == StockKind.PREMIUM:
                self._bad(item.row, ProblemCode.REQUIRED, "premium_months")

    def _kind_of(self, known: _Known, product: str) -> str | None:
        """The kind of a product as it will be, or as it is."""
        planned, stored = self._plan[RowKind.PRODUCT].get(product), known.products.get(product)
        return planned.after["kind"] if planned else stored.kind if stored else None

    async def _write(self, tx: Tx) -> None:
        categories: dict[str, UUID] = {row.slug: row.id for row in await writes.list_all_categories(tx)}
        categories |= {ref: item.id for ref, item in self._plan[RowKind.CATEGORY].items()}
        slugs = sorted({ref.partition("/")[0] for ref in self._plan[RowKind.VARIANT]})
        rows = await writes.list_products_by_slug(tx, slugs)
        products: dict[str, UUID] = {row.slug: row.id for row in rows}
        products |= {ref: item.id for ref, item in self._plan[RowKind.PRODUCT].items()}
        for kind in RowKind:
            new = [item for item in self._plan[kind].values() if not item.known]
            if kind is RowKind.CATEGORY:
                # Parents first, so that a child finds its own.
                parents = {ref: item.after["parent"] for ref, item in self._plan[kind].items()}
                new.sort(key=lambda item: len(_ancestors(item.row.ref, parents)))
            await writes.add_rows(tx, kind, [self._stored(tx, item, categories, products) for item in new])
            for item in self._plan[kind].values():
                if item.action is Action.UPDATE:
                    values = _columns({name: item.after[name] for name in item.changed}, categories)
                    await writes.change_row(tx, kind, item.id, values)
        await self._finish(tx, products)

    def _stored(
        self, tx: Tx, item: _Planned, categories: Mapping[str, UUID], products: Mapping[str, UUID]
    ) -> dict[str, Any]:
        values = {"id": item.id, **_columns(item.after, categories)}
        slug, _, code = item.row.ref.partition("/")
        if item.row.kind is RowKind.VARIANT:
            return values | {"product_id": products[slug], "code": code, "currency": self._currency}
        if item.row.kind is RowKind.PRODUCT:
            values["created_at"] = tx.now
        return values | {"slug": slug}

    async def _finish(self, tx: Tx, products: Mapping[str, UUID]) -> None:
        touched = {
            ref.partition("/")[0]: item
            for kind in (RowKind.PRODUCT, RowKind.VARIANT)
            for ref, item in self._plan[kind].items()
            if item.action is not Action.UNCHANGED
        }
        categories = [item for item in self._plan[RowKind.CATEGORY].values() if item.action is not Action.UNCHANGED]
        if not touched and not categories:
            return
        moved = any({"hidden", "parent"} & set(item.changed) for item in categories if item.known)
        renamed = [item.id for item in categories if item.known and {"name", "parent"} & set(item.changed)]
        marked = {item.id for item in self._plan[RowKind.PRODUCT].values() if "kind" in item.changed}
        variants = self._plan[RowKind.VARIANT].items()
        placed = [ref for ref, item in variants if not item.known or "open_places" in item.changed]
        marked |= {products[ref.partition("/")[0]] for ref in placed}
        await writes.refresh_stock_marks(tx, sorted(marked))
        await writes.refresh_facts(tx, None if moved else [products[slug] for slug in touched])
        await search_index.refresh(tx, [products[slug] for slug in touched], categories=renamed)
        version = await writes.bump_version(tx)
        details = {"version": version, "categories": len(categories), "products": len(touched)}
        await audit.record(tx, self._by, "catalogue.import", f"file:{self._source}", details)


def _merged(row: CatalogueRow, before: Mapping[str, Any]) -> dict[str, Any]:
    """The values of the file; stored texts stay in the languages that the file leaves out."""
    values = dict(row.values)
    for name in TEXTS[row.kind]:
        if name in values:
            texts = {**before.get(name, {}), **values[name]}
            values[name] = {locale: text for locale, text in texts.items() if text}
    return values


def fields_of(kind: RowKind, row: Stored, slug_of: Mapping[CategoryId, str]) -> dict[str, Any]:
    """A stored row by the column names of the file."""
    names = [name for name in DEFAULTS[kind] if name not in _LINKS and name not in _STORED_AS]
    values = {name: getattr(row, name) for name in (*names, *TEXTS[kind])}
    if isinstance(row, StoredCategory):
        return values | {"hue": row.hue, "parent": slug_of[row.parent_id] if row.parent_id else None}
    if isinstance(row, StoredProduct):
        return values | {"hue": row.hue, "category": slug_of[row.category_id]}
    return values | {name: getattr(row, column) for name, column in _STORED_AS.items()}


def _columns(values: Mapping[str, Any], categories: Mapping[str, UUID]) -> dict[str, Any]:
    """Values by the column names of the file as columns of the table."""
    stored = {_STORED_AS.get(name, name): value for name, value in values.items() if name not in _LINKS}
    for name in _LINKS:
        if name in values:
            stored[f"{name}_id"] = categories[values[name]] if values[name] else None
    return stored


def _ancestors(slug: str, parents: Mapping[str, str | None]) -> list[str]:
    ancestors: list[str] = []
    above = parents.get(slug)
    while above is not None and len(ancestors) <= _MAX_DEPTH:
        ancestors.append(above)
        above = parents.get(above)
    return ancestors


def _is_too_deep(slug: str, parents: Mapping[str, str | None]) -> bool:
    """Whether a category is nested in itself or too deep."""
    return len(_ancestors(slug, parents)) >= _MAX_DEPTH


def _change(item: _Planned, currency: str) -> Change:
    fields: list[FieldChange] = []
    for name in item.changed if item.known else ():
        before: Any = item.before.get(name)
        after: Any = item.after[name]
        if name in TEXTS[item.row.kind]:
            for locale in Locale:
                if before.get(locale) != after.get(locale):
                    pair = _difference(before.get(locale, ""), after.get(locale, ""))
                    fields.append(FieldChange(f"{name}_{locale}", *pair))
        elif name in _STORED_AS:
            fields.append(FieldChange(name, price_text(before, currency), price_text(after, currency)))
        elif name == "quantity_prices":
            fields.append(FieldChange(name, steps_text(before, currency), steps_text(after, currency)))
        else:
            fields.append(FieldChange(name, *_difference(_short(before), _short(after))))
    return Change(item.row.kind.value, item.row.ref, item.action, tuple(fields))


def _short(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "; ".join(value) if isinstance(value, list) else str(value)


def _difference(before: str, after: str) -> tuple[str, str]:
    """Both texts, shortened around the first place where they differ."""
    same = next((place for place, (one, other) in enumerate(zip(before, after, strict=False)) if one != other), 0)
    start = max(0, same - _BEFORE_DIFFERENCE)
    lead = "…" if start else ""
    return lead + shown(before[start:]), lead + shown(after[start:])
