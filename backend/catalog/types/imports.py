"""What an import of the catalogue or of keys changes, and what is wrong with it."""

from __future__ import annotations

from enum import StrEnum

import msgspec


class ProblemCode(StrEnum):
    """What is wrong with a row of a file."""

    EMPTY_FILE = "empty_file"
    NOT_UTF8 = "not_utf8"
    LINE_TOO_LONG = "line_too_long"
    BROKEN_CSV = "broken_csv"
    TOO_MANY_CELLS = "too_many_cells"
    NAMELESS_COLUMN = "nameless_column"
    DUPLICATE_COLUMN = "duplicate_column"
    BROKEN_JSON = "broken_json"
    NOT_AN_OBJECT = "not_an_object"
    FIELD_TWICE = "field_twice"
    MISSING_COLUMN = "missing_column"
    UNKNOWN_COLUMN = "unknown_column"
    COLUMN_NOT_FOR_TYPE = "column_not_for_type"
    UNKNOWN_TYPE = "unknown_type"
    REQUIRED = "required"
    BAD_SLUG = "bad_slug"
    BAD_TEXT = "bad_text"
    NOT_TEXT = "not_text"
    SPREADSHEET_ERROR = "spreadsheet_error"
    TOO_LONG = "too_long"
    NOT_A_NUMBER = "not_a_number"
    OUT_OF_RANGE = "out_of_range"
    NOT_YES_OR_NO = "not_yes_or_no"
    UNKNOWN_VALUE = "unknown_value"
    BAD_PRICE = "bad_price"
    NEGATIVE_PRICE = "negative_price"
    FRACTION_TOO_FINE = "fraction_too_fine"
    UNKNOWN_CURRENCY = "unknown_currency"
    BAD_COUNTRY = "bad_country"
    DUPLICATE = "duplicate"
    UNKNOWN_PARENT = "unknown_parent"
    PARENT_CYCLE = "parent_cycle"
    UNKNOWN_CATEGORY = "unknown_category"
    UNKNOWN_PRODUCT = "unknown_product"
    UNKNOWN_VARIANT = "unknown_variant"
    UNKNOWN_PICTURE = "unknown_picture"
    LIMITS_CONTRADICT = "limits_contradict"
    RESELLER_ABOVE_PRICE = "reseller_above_price"
    BAD_QUANTITY_PRICES = "bad_quantity_prices"
    QUANTITY_TWICE = "quantity_twice"
    NOT_FALLING = "not_falling"
    NOT_SHARED = "not_shared"
    BELOW_RESERVED = "below_reserved"
    KEY_TAKEN = "key_taken"
    TOO_SHORT = "too_short"
    DIGITS_LOST = "digits_lost"
    FORMULA = "formula"
    MACROS = "macros"
    NOT_A_WORKBOOK = "not_a_workbook"
    WORKBOOK_TOO_LARGE = "workbook_too_large"
    TOO_MANY_ROWS = "too_many_rows"
    OTHER_KIND = "other_kind"


class Problem(msgspec.Struct, frozen=True):
    """A bad row: its line, what is wrong, in which column, and the value (short; masked where it is a key).

    ``ref`` is the kind and reference of the row, where they are known.
    """

    line: int
    code: ProblemCode
    column: str = ""
    value: str = ""
    ref: str = ""


class Action(StrEnum):
    """What an import does with a thing."""

    CREATE = "create"
    UPDATE = "update"
    UNCHANGED = "unchanged"


class FieldChange(msgspec.Struct, frozen=True):
    """A field before and after, as short texts."""

    field: str
    before: str
    after: str


class Change(msgspec.Struct, frozen=True):
    """What an import does with one category, product or variant."""

    kind: str
    ref: str
    action: Action
    fields: tuple[FieldChange, ...] = ()


class CatalogueReport(msgspec.Struct, frozen=True):
    """What a catalogue file changes (or changed, when ``applied``). ``counts``: by kind, then by action.

    ``version`` is that of the catalogue with which the file was compared.
    """

    applied: bool
    version: int
    counts: dict[str, dict[Action, int]]
    changes: list[Change]
    problems: list[Problem]


class StockChange(msgspec.Struct, frozen=True):
    """What a stock file adds to one variant; ``duplicates`` are keys that it has or had already."""

    variant: str
    added: int
    duplicates: int


class SharedChange(msgspec.Struct, frozen=True):
    """What a stock file does with the shared key of one variant.

    ``before`` and ``after`` are how often it can be sold, those reserved included; None for any number.
    """

    variant: str
    action: Action
    replaced: bool
    """Whether later buyers get another key than those before."""
    before: int | None
    after: int | None


class StockReport(msgspec.Struct, frozen=True):
    """What a stock file adds (or added, when ``applied``)."""

    applied: bool
    rows: int
    added: int
    duplicates: int
    variants: list[StockChange]
    shared: list[SharedChange]
    problems: list[Problem]
