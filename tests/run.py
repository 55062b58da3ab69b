"""``python -m tests.run``: all that ``make test`` checks, with one PostgreSQL for all of it and both cores at work.

The tests of processes mostly wait: beside them run the static checks and then the unit tests.

Every stage is a target of the Makefile and can be run alone. All stages run even where one fails: at the end stands
which did, with its seconds. The servers are gone afterwards, also after Ctrl-C.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from typing import IO

import click

from tests import servers
from tests.processes import ROOT
from tests.warm.process import parents
from tests.warm.testers import testers

STATIC = ("lint", "types", "contracts")


class Stages:
    """What ran, what came of it, and the seconds it took."""

    def __init__(self) -> None:
        self._started = time.monotonic()
        self._done: list[tuple[str, int, float]] = []
        self._running: set[subprocess.Popen[bytes]] = set()
        self._stopped = False

    def note(self, name: str, code: int, started: float) -> None:
        """Count something that has run as a stage, with its exit code."""
        self._done.append((name, code, time.monotonic() - started))

    def run(self, target: str, output: IO[bytes] | None = None) -> int:
        """Run one target of the Makefile; its exit code."""
        started = time.monotonic()
        command = [os.environ.get("MAKE", "make"), "--no-print-directory", target]
        # A group of its own, which ``stop`` reaches whole: make alone would leave its tests behind.
        process = subprocess.Popen(command, cwd=ROOT, stdout=output, stderr=output, start_new_session=True)
        self._running.add(process)
        try:
            code = process.wait()
        except BaseException:
            self.stop()
            raise
        self._running.discard(process)
        self.note(target, code, started)
        return code

    def stop(self) -> None:
        """End what runs, as Ctrl-C does, and wait for its end."""
        self._stopped = True
        for process in self._running:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGINT)
        for process in self._running:
            process.wait()

    @contextlib.contextmanager
    def beside(self, targets: Sequence[str], ready: Callable[[], object] | None = None) -> Iterator[None]:
        """Run targets one after the other beside what the block does; print their output behind the block's.

        They start when ``ready`` returns.
        """
        with tempfile.TemporaryFile() as output:

            def work() -> None:
                if ready is not None:
                    ready()
                for target in targets:
                    if self._stopped:
                        return
                    output.write(f"\n── {target} ──\n".encode())
                    output.flush()
                    if self.run(target, output):
                        click.echo(f"\n{target} FAILED; its output follows below")

            thread = threading.Thread(target=work, daemon=True)
            thread.start()
            try:
                yield
            except BaseException:
                self.stop()
                raise
            finally:
                thread.join()
            output.seek(0)
            click.echo(output.read())

    def report(self) -> int:
        """Print the table; 1 when anything failed."""
        click.echo("\n── all stages ──")
        for target, code, seconds in self._done:
            click.echo(f"{target:<12}{seconds:>7.0f} s   {'FAILED' if code else 'ok'}")
        click.echo(f"{'together':<12}{time.monotonic() - self._started:>7.0f} s")
        return int(any(code for _, code, _ in self._done))


def main() -> int:
    """Run it all; 1 when anything failed."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that the servers are stopped
    stages = Stages()
    with servers.postgres(), parents(), testers() as ready:
        with stages.beside(("processes",), ready):
            for target in STATIC:
                stages.run(target)
            ready()
            stages.run("unit")
        stages.run("browser")
    return stages.report()


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
