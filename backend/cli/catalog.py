"""``souk import``: catalogue and stock from files."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, Final

import click
from rich.markup import escape
from rich.progress import Progress, TaskID, TextColumn, TimeRemainingColumn
from rich.table import Table

from backend.bootstrap import Services
from backend.catalog.rules.fields import FieldError
from backend.catalog.rules.files import Format, read_rows
from backend.catalog.rules.rows import UNLIMITED, CatalogueReader, SharedCount, shared_count
from backend.catalog.rules.stock_files import stock_rows
from backend.catalog.types.imports import Action, CatalogueReport, Problem, ProblemCode, SharedChange, StockReport
from backend.cli.frame import FAILED, console, progress, with_services
from backend.identity.types import Actor
from backend.kernel.money import Money

_SHOWN_CHANGES: Final = 200
_WORDS: Final[dict[ProblemCode, str]] = {
    ProblemCode.EMPTY_FILE: "the file has no rows",
    ProblemCode.NOT_UTF8: "the line is not UTF-8; save the file as CSV UTF-8",
    ProblemCode.LINE_TOO_LONG: "the line is longer than 1 MiB",
    ProblemCode.BROKEN_CSV: "the quotes do not match, or a cell is too long",
    ProblemCode.TOO_MANY_CELLS: "the row has more cells than the header",
    ProblemCode.NAMELESS_COLUMN: "a cell is in a column without a name",
    ProblemCode.MISSING_COLUMN: "the first line must name the columns, and this one is missing",
    ProblemCode.DUPLICATE_COLUMN: "the header names the column twice",
    ProblemCode.BROKEN_JSON: "the line is not JSON",
    ProblemCode.NOT_AN_OBJECT: "the line is not a JSON object",
    ProblemCode.FIELD_TWICE: "the row names this field twice",
    ProblemCode.UNKNOWN_COLUMN: "no such column",
    ProblemCode.COLUMN_NOT_FOR_TYPE: "a row of this type has no such column",
    ProblemCode.UNKNOWN_TYPE: "the type must be category, product or variant",
    ProblemCode.REQUIRED: "must not be empty",
    ProblemCode.BAD_SLUG: "only small Latin letters, digits and single hyphens",
    ProblemCode.BAD_TEXT: "holds a line break or a sign that cannot be shown",
    ProblemCode.NOT_TEXT: 'must be text, such as "A1-B2", or plain digits',
    ProblemCode.SPREADSHEET_ERROR: "looks broken by a spreadsheet or a wrong encoding",
    ProblemCode.TOO_LONG: "too long",
    ProblemCode.NOT_A_NUMBER: "not a whole number",
    ProblemCode.OUT_OF_RANGE: "too small or too large",
    ProblemCode.NOT_YES_OR_NO: "must be yes or no",
    ProblemCode.UNKNOWN_VALUE: "not one of the known values",
    ProblemCode.BAD_PRICE: "not a price such as 14.40",
    ProblemCode.NEGATIVE_PRICE: "a price is never negative",
    ProblemCode.FRACTION_TOO_FINE: "finer than the currency's smallest coin",
    ProblemCode.UNKNOWN_CURRENCY: "the shop sells in another currency (SHOP_CURRENCY)",
    ProblemCode.BAD_COUNTRY: "not a country of ISO 3166-1, such as TR",
    ProblemCode.DUPLICATE: "appears twice in the file",
    ProblemCode.UNKNOWN_PARENT: "no such category, here or in the shop",
    ProblemCode.PARENT_CYCLE: "the category is nested in itself, or more than 5 deep",
    ProblemCode.UNKNOWN_CATEGORY: "no such category, here or in the shop",
    ProblemCode.UNKNOWN_PRODUCT: "no such product, here or in the shop",
    ProblemCode.UNKNOWN_VARIANT: "no such product/variant in the shop",
    ProblemCode.UNKNOWN_PICTURE: "no such picture in the folder given by --pictures",
    ProblemCode.LIMITS_CONTRADICT: "the minimum is above the maximum or the limit per person",
    ProblemCode.RESELLER_ABOVE_PRICE: "above the price for everybody",
    ProblemCode.BAD_QUANTITY_PRICES: "not steps such as 10:4.50; 50:4.00",
    ProblemCode.QUANTITY_TWICE: "one quantity has two prices",
    ProblemCode.NOT_FALLING: "the price must fall from step to step, and below the price of one",
    ProblemCode.NOT_SHARED: "the product's kind is not shared_key, so its keys have no count",
    ProblemCode.BELOW_RESERVED: "fewer than unpaid orders have reserved",
    ProblemCode.KEY_TAKEN: "the key was sold or reserved as a unique key",
    ProblemCode.TOO_SHORT: "shorter than the other keys; --as-is takes it",
    ProblemCode.DIGITS_LOST: "Excel keeps 15 digits of a number; format the column as text and paste the keys again",
    ProblemCode.FORMULA: "a formula; paste its values",
    ProblemCode.MACROS: "the workbook has macros; save it as .xlsx or CSV",
    ProblemCode.NOT_A_WORKBOOK: "not a workbook of Excel, or damaged",
    ProblemCode.WORKBOOK_TOO_LARGE: "the workbook is too large; save it as CSV",
    ProblemCode.TOO_MANY_ROWS: "too many rows; split the file, or save a workbook as CSV",
    ProblemCode.OTHER_KIND: "the product is not of the kind unique_keys",
}


@click.group("import")
def import_group() -> None:
    """Import the catalogue or keys from a file. Shows what would change; --apply writes it."""


class _Counted:
    """A file that moves a progress bar as it is read."""

    def __init__(self, file: BinaryIO, progress: Progress, task: TaskID) -> None:
        self._file = file
        self._progress = progress
        self._task = task

    def read(self, size: int, /) -> bytes:
        piece = self._file.read(size)
        self._progress.advance(self._task, len(piece))
        return piece


@contextmanager
def _reading(path: Path) -> Iterator[_Counted]:
    columns = (TextColumn("{task.percentage:>3.0f} %"), TimeRemainingColumn())
    with path.open("rb") as file, progress(*columns) as bar:
        yield _Counted(file, bar, bar.add_task(path.name, total=max(path.stat().st_size, 1)))


def _format(path: Path, chosen: str | None, *, plain: bool = False) -> Format:
    file_format = Format(chosen) if chosen else Format.of(path.name) or (Format.PLAIN if plain else None)
    if file_format is None or (file_format in {Format.PLAIN, Format.WORKBOOK} and not plain):
        raise click.UsageError(f"{path.name}: unknown file type; add --format csv or jsonl")
    return file_format


@import_group.command("catalogue")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--apply", is_flag=True, help="Write the changes; without it nothing is written.")
@click.option("--format", "written", type=click.Choice(["csv", "jsonl"]), help="By default from the file's name.")
@click.option(
    "--pictures",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Folder of the pictures (PNG, JPEG, WebP) that the column 'picture' names.",
)
def import_catalogue(file: Path, apply: bool, written: str | None, pictures: Path | None) -> None:
    """Create and update categories, products and variants from FILE (CSV or JSON lines).

    The column 'type' is category, product or variant. Names are name_en, name_ar, name_ru, and so on. What a row
    leaves out stays as it is; an empty cell resets to the default. If any row is bad, nothing is written.

    The column 'kind' of a product is unique_keys (each key is sold once; the default), shared_key (every buyer gets
    the same key) or by_hand (admins prepare each order). Of goods by hand, a variant's promised_hours (24) says how
    long that takes at most, and open_places how many may be in preparation at a time (empty: any number).
    """

    async def work(services: Services) -> CatalogueReport:
        how = _format(file, written)
        names = await services.storage.put_folder(pictures, keep=apply) if pictures else {}
        with _reading(file) as source:
            rows = CatalogueReader(services.settings.shop_currency).read(read_rows(source, how))
            return await services.catalog.imports.import_catalogue(
                Actor.system(), rows, apply=apply, source=file.name, pictures=names
            )

    report = with_services(work)
    _show_problems(report.problems)
    _show_catalogue(report)
    _end(report.applied, bool(report.problems), apply)


@import_group.command("stock")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--apply", is_flag=True, help="Write the keys; without it nothing is written.")
@click.option(
    "--format", "written", type=click.Choice(["csv", "jsonl", "plain", "xlsx"]), help="By default from the file's name."
)
@click.option("--variant", help="product-slug/variant-code of every key; a file of plain keys needs it.")
@click.option("--count", help="How often a shared key can be sold, or 'unlimited', for rows that don't say it.")
@click.option("--source", help="The source of the keys, for your records; the file's name by default.")
@click.option(
    "--as-is", is_flag=True, help="Take keys exactly as written, also those that look broken by a spreadsheet."
)
@click.option("--unit-cost", help="What one key cost you, such as 2.10, in the shop's currency.")
def import_stock(
    file: Path,
    apply: bool,
    written: str | None,
    variant: str | None,
    count: str | None,
    source: str | None,
    as_is: bool,
    unit_cost: str | None,
) -> None:
    """Add keys from FILE: CSV, XLSX or JSON lines with the columns 'variant' and 'key', or plain keys, one a line.

    Invisible marks (direction marks, zero-width signs, soft hyphens) are removed from keys, and what looks broken by
    a spreadsheet (#NAME?, 1.23E+15, a long number that ends in zeros) is a bad row: --as-is takes keys as they are.
    A key that the variant has, or ever had, is skipped. If any row is bad, nothing is written. Keys are never
    printed in full.

    A product of the kind shared_key has one key for each variant, and the column 'count' says how often it can be sold
    from now on (what unpaid orders have reserved included), or 'unlimited'. A new key replaces the old one for later
    buyers; who bought the old one keeps it.
    """
    how = _format(file, written, plain=True)
    if how is Format.PLAIN and not variant:
        raise click.UsageError("a file of plain keys needs --variant product-slug/variant-code")

    async def work(services: Services) -> StockReport:
        currency = services.settings.shop_currency
        cost = _cost(unit_cost, currency)
        # A workbook is read here and there, which no bar can show.
        with file.open("rb") if how is Format.WORKBOOK else _reading(file) as opened:
            rows = stock_rows(opened, how, variant, as_is=as_is, default_count=_count(count))
            return await services.catalog.imports.import_stock(
                Actor.system(), rows, apply=apply, source=source or file.name, unit_cost=cost
            )

    report = with_services(work)
    _show_problems(report.problems)
    _show_stock(report)
    _end(report.applied, bool(report.problems), apply)


def _count(text: str | None) -> SharedCount | None:
    if text is None:
        return None
    try:
        return shared_count(text)
    except FieldError as error:
        raise click.UsageError(f"--count: {_WORDS[error.code]}") from None


def _cost(text: str | None, currency: str) -> Money | None:
    if text is None:
        return None
    try:
        cost = Money.parse(text, currency)
    except ValueError:
        raise click.UsageError(f"--unit-cost: not an amount in {currency}") from None
    if cost < Money.zero(currency):
        raise click.UsageError("--unit-cost: a cost is never negative")
    return cost


def _show_problems(problems: list[Problem]) -> None:
    for problem in problems:
        where = f"line {problem.line}" + (f", {problem.column}" if problem.column else "")
        value = f" ({problem.value})" if problem.value else ""
        console.print(f"[red]{escape(where)}[/]: {_WORDS[problem.code]}{escape(value)}", highlight=False)


def _show_catalogue(report: CatalogueReport) -> None:
    changes = [item for item in report.changes if item.action is Action.UPDATE]
    if changes:
        table = Table("what", "field", "before", "after", title="Changes")
        for change in changes[:_SHOWN_CHANGES]:
            for number, field in enumerate(change.fields):
                what = f"{change.kind} {change.ref}" if number == 0 else ""
                table.add_row(what, field.field, escape(field.before), escape(field.after))
        console.print(table)
        if len(changes) > _SHOWN_CHANGES:
            console.print(f"… and {len(changes) - _SHOWN_CHANGES} more changed")
    sums = Table("", "create", "update", "unchanged")
    for kind, counts in report.counts.items():
        sums.add_row(kind, *(str(counts[action]) for action in (Action.CREATE, Action.UPDATE, Action.UNCHANGED)))
    console.print(sums)


def _show_stock(report: StockReport) -> None:
    table = Table("variant", "new keys", "passed over")
    for item in report.variants[:_SHOWN_CHANGES]:
        table.add_row(item.variant, str(item.added), str(item.duplicates))
    if len(report.variants) > _SHOWN_CHANGES:
        table.add_row(f"… and {len(report.variants) - _SHOWN_CHANGES} more", "", "")
    table.add_row("together", str(report.added), str(report.duplicates), style="bold")
    if report.variants or not report.shared:
        console.print(table)
    if report.shared:
        console.print(_shared_table(report.shared))


def _shared_table(changes: list[SharedChange]) -> Table:
    table = Table("variant", "shared key", "can be sold", "before")
    for item in changes[:_SHOWN_CHANGES]:
        new = item.action is Action.CREATE
        what = "new" if new else "replaced" if item.replaced else "the same"
        table.add_row(item.variant, what, _times(item.after), "" if new else _times(item.before))
    if len(changes) > _SHOWN_CHANGES:
        table.add_row(f"… and {len(changes) - _SHOWN_CHANGES} more", "", "", "")
    return table


def _times(number: int | None) -> str:
    return UNLIMITED if number is None else str(number)


def _end(applied: bool, bad: bool, confirmed: bool) -> None:
    if bad:
        click.echo("Nothing was written: put the lines above right and try again.", err=True)
        raise SystemExit(FAILED)
    if applied:
        console.print("Written.")
    elif not confirmed:
        console.print("Nothing was written yet: --apply does it.")
