"""``python -m tests.run``: all that ``make test`` checks, with one PostgreSQL for all of it and both cores at work.

Every stage is a target of the Makefile and can be run alone. All stages run even where one fails: at the end stands
which did, with its seconds. The servers are gone afterwards, also after Ctrl-C.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from typing import IO

import click

from tests import servers

_STATIC = ("lint", "types", "contracts")
"""They need a core for most of a minute, which the tests of processes leave free while they wait."""
_TESTS = ("processes", "unit", "browser")


class Stages:
    """What ran, what came of it, and the seconds it took."""

    def __init__(self) -> None:
        self._done: list[tuple[str, int, float]] = []

    def run(self, target: str, output: IO[bytes] | None = None) -> int:
        """Run one target of the Makefile; its exit code."""
        started = time.monotonic()
        code = subprocess.call(
            [os.environ.get("MAKE", "make"), "--no-print-directory", target], stdout=output, stderr=output
        )
        self._done.append((target, code, time.monotonic() - started))
        return code

    def run_quietly(self, targets: tuple[str, ...], output: IO[bytes]) -> None:
        """Run several, one after the other; a failure is told at once, its output stands in ``output``."""
        for target in targets:
            output.write(f"\n── {target} ──\n".encode())
            output.flush()
            if self.run(target, output):
                click.echo(f"\n{target} FAILED; its output follows after the tests of processes")

    def report(self) -> int:
        """Print the table; 1 when anything failed."""
        click.echo("\n── all stages ──")
        for target, code, seconds in self._done:
            click.echo(f"{target:<12}{seconds:>7.0f} s   {'FAILED' if code else 'ok'}")
        return int(any(code for _, code, _ in self._done))


def main() -> int:
    """Run it all."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that the servers are stopped
    stages, started = Stages(), time.monotonic()
    with servers.postgres(), tempfile.TemporaryFile() as output:
        static = threading.Thread(target=stages.run_quietly, args=(_STATIC, output), daemon=True)
        static.start()
        stages.run(_TESTS[0])
        static.join()
        output.seek(0)
        sys.stdout.flush()
        sys.stdout.buffer.write(output.read())
        for target in _TESTS[1:]:
            stages.run(target)
    code = stages.report()
    click.echo(f"{'together':<12}{time.monotonic() - started:>7.0f} s")
    return code


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
