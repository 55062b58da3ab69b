"""Processes of the product, started as an operator starts them."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import msgspec

from backend.infra.settings import Settings
from tests.warm.process import WarmProcess, can_start

ROOT = Path(__file__).parents[1]
Running = subprocess.Popen[bytes] | WarmProcess


def environment(settings: Settings) -> dict[str, str]:
    """The variables that make these settings."""
    values = msgspec.structs.asdict(settings)
    names = {field.name: field.encode_name for field in msgspec.structs.fields(Settings)}
    variables = {
        names[name]: ("1" if value else "0") if isinstance(value, bool) else str(value)
        for name, value in values.items()
    }
    return {name: value for name, value in os.environ.items() if name not in variables} | variables


def start(
    module: str,
    settings: Settings,
    log: Path,
    *arguments: str,
    more: Mapping[str, str] | None = None,
    cold: bool = False,
) -> Running:
    """Start ``python -m module`` with ``more`` variables than the settings; its output goes to ``log``.

    In a run of tests a process that has imported the program already is forked for it, unless it shall be ``cold``.
    """
    environ = environment(settings) | dict(more or {})
    with log.open("ab") as output:
        if not cold and can_start(module, environ):
            return WarmProcess(module, arguments, environ, ROOT, output)
        command = [sys.executable, "-m", module, *arguments]
        return subprocess.Popen(command, env=environ, cwd=ROOT, stdout=output, stderr=output)
