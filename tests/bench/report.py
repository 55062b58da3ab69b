"""The table, and .bench/results.json."""

from __future__ import annotations

from pathlib import Path

import msgspec
from rich.console import Console
from rich.table import Table

RESULTS = Path(".bench/results.json")


class Row(msgspec.Struct, frozen=True):
    """One figure, and what it was held against in the same run; ``ratio`` is value / ceiling."""

    name: str
    value: float
    unit: str
    ceiling: float
    ratio: float
    better: str

    @classmethod
    def of(cls, name: str, value: float, unit: str, ceiling: float, better: str) -> Row:
        """A row with its ratio worked out."""
        return cls(name, round(value, 3), unit, round(ceiling, 3), round(value / ceiling, 3), better)


def write(rows: list[Row]) -> None:
    """Print the table and write the results."""
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_bytes(msgspec.json.format(msgspec.json.encode(rows), indent=2))
    table = Table(title="Souk, measured against what this machine can do in the same run")
    for heading in ("name", "value", "ceiling", "unit", "ratio", "better"):
        table.add_column(heading, justify="right" if heading in {"value", "ceiling", "ratio"} else "left")
    for row in rows:
        table.add_row(row.name, f"{row.value:,.1f}", f"{row.ceiling:,.1f}", row.unit, f"{row.ratio:.2f}", row.better)
    Console().print(table)
