"""Processes of the product, started as an operator starts them."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import msgspec

from backend.infra.settings import Settings

ROOT = Path(__file__).parents[1]


def environment(settings: Settings) -> dict[str, str]:
    """The variables that make these settings."""
    values = msgspec.structs.asdict(settings)
    names = {field.name: field.encode_name for field in msgspec.structs.fields(Settings)}
    told = {
        names[name]: ("1" if value else "0") if isinstance(value, bool) else str(value)
        for name, value in values.items()
    }
    return {name: value for name, value in os.environ.items() if name not in told} | told


def start(module: str, settings: Settings, log: Path, *arguments: str) -> subprocess.Popen[bytes]:
    """Start ``python -m module``; its output goes to ``log``."""
    with log.open("ab") as output:
        command = [sys.executable, "-m", module, *arguments]
        return subprocess.Popen(command, env=environment(settings), cwd=ROOT, stdout=output, stderr=output)
