"""Rows of catalogue and stock files: from what was written to what is meant."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from enum import StrEnum
from typing import Any, Final

import msgspec

from backend.catalog.rules import fields
from backend.catalog.rules.fields import FieldError, Parser
from backend.catalog.rules.files import Number, RawRow
from backend.catalog.types import HUES, ICONS, MAX_QUANTITY, MOST_PREMIUM_MONTHS, WARRANTY_DAYS, ChoiceKind, StockKind
from backend.catalog.types.hand_work import MOST_PROMISED_HOURS
from backend.catalog.types.imports import Problem, ProblemCode
from backend.kernel.text import Locale, visible

_MAX_SHOWN: Final = 40
_BIG: Final = 1_000_000
LONGEST_WARRANTY: Final = 3650
"""The longest warranty, in days."""
UNLIMITED: Final = "unlimited"
"""What a stock file says of a shared key that can be sold any number of times."""


class RowKind(StrEnum):
    """What a row of a catalogue file describes."""

    CATEGORY = "category"
    PRODUCT = "product"
    VARIANT = "variant"


class CatalogueRow(msgspec.Struct, frozen=True):
    """A checked row. ``values`` holds only what the file speaks of; ``ref`` is a slug, or ``product/code``."""

    line: int
    kind: RowKind
    ref: str
    values: dict[str, Any]


class SharedCount(msgspec.Struct, frozen=True):
    """How often a shared key can be sold; None for any number."""

    number: int | None


class StockRow(msgspec.Struct, frozen=True):
    """A key for a variant (``product/code``); a shared key has a ``count``."""

    line: int
    variant: str
    key: str
    count: SharedCount | None = None


_TEXTS: Final[dict[RowKind, dict[str, Parser]]] = {
    RowKind.CATEGORY: {"name": fields.words(60)},
    RowKind.PRODUCT: {
        "name": fields.words(80),
        "summary": fields.words(120),
        "description": fields.markdown(4000),
    },
    RowKind.VARIANT: {"name": fields.words(60), "note": fields.words(80)},
}
_REQUIRED: Final = {
    RowKind.CATEGORY: ("slug", "name_en"),
    RowKind.PRODUCT: ("slug", "category", "name_en"),
    RowKind.VARIANT: ("product", "code", "price", "name_en"),
}


def _columns(currency: str) -> dict[RowKind, dict[str, Parser]]:
    flag, place = fields.yes_or_no, fields.number(-_BIG, _BIG)
    count = fields.optional(fields.number(1, MAX_QUANTITY))
    return {
        RowKind.CATEGORY: {
            "slug": fields.slug,
            "parent": fields.optional(fields.slug),
            "icon": fields.choice(ICONS),
            "hue": fields.choice(HUES),
            "position": place,
            "hidden": flag,
        },
        RowKind.PRODUCT: {
            "slug": fields.slug,
            "category": fields.slug,
            "country": fields.country,
            "kind": fields.choice([item.value for item in StockKind]),
            "choice": fields.choice([item.value for item in ChoiceKind]),
            "icon": fields.choice(ICONS),
            "hue": fields.choice(HUES),
            "picture": fields.optional(fields.words(100)),
            "tags": fields.tags,
            "premium_only": flag,
            "hidden": flag,
            "rank": fields.number(0, _BIG),
        },
        RowKind.VARIANT: {
            "product": fields.slug,
            "code": lambda text: fields.slug(text, 32),
            "price": fields.price(currency),
            "reseller_price": fields.optional(fields.price(currency)),
            "currency": fields.same_currency(currency),
            "min_quantity": fields.number(1, MAX_QUANTITY),
            "max_quantity": count,
            "per_person_limit": fields.optional(fields.number(1, _BIG)),
            "premium_months": fields.optional(fields.number(1, MOST_PREMIUM_MONTHS)),
            "quantity_prices": fields.quantity_prices(currency, MAX_QUANTITY),
            # Telegram renews every 30 days, and at no other period.
            "subscription_days": fields.optional(fields.number(30, 30)),
            "low_stock_at": fields.number(0, 1000),
            "promised_hours": fields.number(1, MOST_PROMISED_HOURS),
            "open_places": count,
            "warranty_days": fields.number(0, LONGEST_WARRANTY),
            "position": place,
            "hidden": flag,
        },
    }


# What an empty cell means, and a column that a new thing's row does not have. Names and prices have no such thing.
DEFAULTS: Final[dict[RowKind, dict[str, Any]]] = {
    RowKind.CATEGORY: {"parent": None, "icon": "box", "position": 0, "hidden": False},
    RowKind.PRODUCT: {
        "country": None,
        "kind": StockKind.UNIQUE_KEYS.value,
        "choice": ChoiceKind.OPTION.value,
        "icon": "box",
        "picture": None,
        "tags": [],
        "premium_only": False,
        "hidden": False,
        "rank": 0,
    },
    RowKind.VARIANT: {
        "reseller_price": None,
        "min_quantity": 1,
        "max_quantity": None,
        "per_person_limit": None,
        "premium_months": None,
        "quantity_prices": [],
        "subscription_days": None,
        "low_stock_at": 5,
        "promised_hours": 24,
        "open_places": None,
        "warranty_days": WARRANTY_DAYS,
        "position": 0,
        "hidden": False,
    },
}


class CatalogueReader:
    """Turns raw rows of a catalogue file into checked ones, in the shop's currency."""

    def __init__(self, currency: str) -> None:
        self._columns = _columns(currency)
        localised = {f"{name}_{locale}" for texts in _TEXTS.values() for name in texts for locale in Locale}
        self._known = {"type", *localised}.union(*self._columns.values())
        self._unknown: set[str] = set()
        self._headless = False

    def read(self, raws: Iterable[RawRow | Problem]) -> Iterator[CatalogueRow | Problem]:
        """Checked rows and problems, in the order of the file."""
        for raw in raws:
            if isinstance(raw, Problem):
                yield raw
                continue
            for row in _nested(raw):
                if isinstance(row, Problem):
                    yield row
                else:
                    yield from self._row(row)

    def _row(self, raw: RawRow) -> Iterator[CatalogueRow | Problem]:
        unknown = [name for name in raw.values if name not in self._known]
        if raw.header and "type" not in raw.values and not self._headless:
            self._headless = True
            yield Problem(raw.header, ProblemCode.MISSING_COLUMN, "type")
        for name in unknown:
            if name not in self._unknown:  # once for the file, at the first row that has it
                self._unknown.add(name)
                yield Problem(raw.header or raw.line, ProblemCode.UNKNOWN_COLUMN, shown(name))
        if self._headless:
            return
        if raw.header:  # a CSV file
            cells = {name: fields.unquoted(cell) for name, cell in raw.values.items()}
            raw = RawRow(raw.line, cells, raw.header)
        try:
            kind = RowKind(fields.as_text(raw.values.get("type")).lower())
        except ValueError:
            given = raw.values.get("type")
            yield Problem(raw.line, ProblemCode.UNKNOWN_TYPE, "type", shown(given) if isinstance(given, str) else "")
            return
        values, problems = self._values(kind, raw)
        ref = _ref(kind, values)
        if problems or unknown:
            named = f"{kind}:{ref}"
            yield from (Problem(raw.line, item.code, item.column, item.value, named) for item in problems)
            return
        for name in ("slug", "product", "code", "currency"):
            values.pop(name, None)
        yield CatalogueRow(raw.line, kind, ref, values)

    def _values(self, kind: RowKind, raw: RawRow) -> tuple[dict[str, Any], list[Problem]]:
        values: dict[str, Any] = {}
        problems: list[Problem] = []
        parsers, texts, defaults = self._columns[kind], _TEXTS[kind], DEFAULTS[kind]
        for column, given in raw.values.items():
            if column == "type" or column not in self._known:
                continue
            name, _, locale = column.rpartition("_")
            localised = name in texts and locale in Locale.__members__.values()
            try:
                text = fields.as_text(given, parsers.get(column))
                if localised:
                    values.setdefault(name, {})[locale] = texts[name](text)
                elif column in parsers:
                    blank = text == "" and column in defaults
                    values[column] = defaults[column] if blank else _parsed(parsers[column], column, text, raw.values)
                elif text:
                    raise FieldError(ProblemCode.COLUMN_NOT_FOR_TYPE)
            except FieldError as error:
                value = shown(given) if isinstance(given, str | int) else ""
                problems.append(Problem(raw.line, error.code, column, value))
        bad = {problem.column for problem in problems}
        for column in _REQUIRED[kind]:
            # A price or a name may be absent where the thing is there already; an empty one is never right.
            given = raw.values.get(column)
            must = column in {"slug", "product", "code"} or column in raw.values
            if must and column not in bad and (given is None or given == "" or str(given).strip() == ""):
                problems.append(Problem(raw.line, ProblemCode.REQUIRED, column))
        return values, problems


def _ref(kind: RowKind, values: Mapping[str, Any]) -> str:
    if kind is RowKind.VARIANT:
        return f"{values.get('product', '')}/{values.get('code', '')}"
    return str(values.get("slug", ""))


def _parsed(parser: Parser, column: str, text: str, row: Mapping[str, Any]) -> Any:
    if text == "" and column == "hue":
        return fields.default_hue(str(row.get("slug", "")))
    if text == "" and column in {"slug", "product", "code", "category", "price"}:
        return ""  # told as a required cell
    return parser(text)


def _nested(raw: RawRow) -> Iterator[RawRow | Problem]:
    """A product row and, in JSON, its variants inside it."""
    if "variants" not in raw.values or raw.values.get("type") != RowKind.PRODUCT:
        yield raw
        return
    variants = raw.values["variants"]
    yield RawRow(raw.line, {name: value for name, value in raw.values.items() if name != "variants"})
    if not isinstance(variants, list) or not all(isinstance(item, dict) for item in variants):
        yield Problem(raw.line, ProblemCode.UNKNOWN_VALUE, "variants")
        return
    for item in variants:
        yield RawRow(raw.line, {"type": RowKind.VARIANT, "product": raw.values.get("slug"), **item})


def shared_count(text: str) -> SharedCount:
    """A number, or the word for any number. Raises FieldError."""
    return SharedCount(None if text.lower() == UNLIMITED else fields.number(0, _BIG)(text))


def read_stock(
    raws: Iterable[RawRow | Problem],
    default_variant: str | None = None,
    *,
    as_is: bool = False,
    default_count: SharedCount | None = None,
) -> Iterator[StockRow | Problem]:
    """Checked stock rows and problems; the defaults are meant where a row has none. No problem tells a key.

    ``as_is`` takes keys exactly as they are written, also those that look as if a spreadsheet had broken them.
    """
    known = {"variant", "key", "count"}
    reported: set[str] = set()
    for raw in raws:
        if isinstance(raw, Problem):
            yield raw
            continue
        unknown = [name for name in raw.values if name not in known]
        for name in unknown:
            if name not in reported:
                reported.add(name)
                yield Problem(raw.header or raw.line, ProblemCode.UNKNOWN_COLUMN, shown(name))
        if raw.header and "key" not in raw.values:
            # Not a thing of each row: the whole file has no such column, or no header at all.
            yield Problem(raw.header, ProblemCode.MISSING_COLUMN, "key")
            return
        row = _stock_row(raw, default_variant, default_count, as_is)
        if not unknown or isinstance(row, Problem):
            yield row


def _stock_row(
    raw: RawRow, default_variant: str | None, default_count: SharedCount | None, as_is: bool
) -> StockRow | Problem:
    given = raw.values.get("key")
    try:
        variant = visible(fields.as_text(raw.values.get("variant"))).strip() or default_variant or ""
    except FieldError as error:
        return Problem(raw.line, error.code, "variant")
    if not variant:
        return Problem(raw.line, ProblemCode.REQUIRED, "variant")
    try:
        typed = fields.as_text(raw.values.get("count"))
        count = shared_count(typed) if typed else default_count
    except FieldError as error:
        return Problem(raw.line, error.code, "count", shown(raw.values["count"]))
    try:
        if isinstance(given, Number) and not given.isdigit():
            raise FieldError(ProblemCode.NOT_TEXT)
        return StockRow(raw.line, variant, fields.key(fields.as_text(given), as_is=as_is), count)
    except FieldError as error:
        return Problem(raw.line, error.code, "key", fields.masked(given) if isinstance(given, str) and given else "")


def shown(value: object) -> str:
    """A cell's value for a report: one short line."""
    text = " ".join(str(value).split())
    return text if len(text) <= _MAX_SHOWN else text[: _MAX_SHOWN - 1] + "…"
