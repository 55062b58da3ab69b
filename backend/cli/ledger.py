"""``souk ledger``: check that the ledger is balanced."""

from __future__ import annotations

import sys

import click
from rich.console import Console
from rich.progress import MofNCompleteColumn, TimeElapsedColumn
from rich.table import Table

from backend.cli.frame import FAILED, console, progress, with_services
from backend.identity.types import Actor
from backend.kernel.money import Money
from backend.wallet.service import LedgerService
from backend.wallet.types import LedgerReport


@click.group()
def ledger() -> None:
    """Check the ledger of all money."""


@ledger.command()
def verify() -> None:
    """Check every transfer, balance and total of the ledger. Exit code 1 if something is wrong."""
    report = with_services(lambda services: prove(services.wallet.ledger))
    print_report(console, report)
    sys.exit(0 if report.balanced else FAILED)


async def prove(ledger_service: LedgerService) -> LedgerReport:
    """Check the ledger with a progress bar, and return the report."""
    with progress(MofNCompleteColumn(), TimeElapsedColumn()) as bar:
        task = bar.add_task("Checking the ledger", total=None)
        return await ledger_service.verify(
            Actor.system(), lambda done, steps: bar.update(task, completed=done, total=steps)
        )


def print_report(console: Console, report: LedgerReport) -> None:
    """Show the counts and each difference with its id."""
    counted = Table(show_header=False, box=None)
    for name, number in (("transfers", report.transfers), ("legs", report.legs), ("accounts", report.accounts),
                         ("legs waiting for the rollup", report.waiting)):  # fmt: skip
        counted.add_row(name, f"{number:,}")
    for asset, total in report.totals.items():
        counted.add_row(f"held by people, {asset}", f"{Money(total, asset).decimal():,f}")
    console.print(counted)
    if report.balanced:
        console.print("[green]The ledger is balanced.[/green]")
        return
    for item in report.differences:
        line = f"{item.problem}  {item.subject}  {item.asset}  should be {item.expected}, is {item.actual}"
        console.print(line, soft_wrap=True, highlight=False, markup=False)
    for problem, count in report.problems.items():
        console.print(f"{problem}: {count:,}")
    console.print(f"[red]The ledger is not balanced: {sum(report.problems.values()):,} differences.[/red]")
