"""Child processes that end with their parent, whatever ends it."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

from backend.infra.roots import die_with_parent

_STOP_SECONDS = 15.0
_QUICK_DEATH_SECONDS = 2.0


class Child:
    """One process of the demo, with ``environ`` and nothing else; its output goes to a file."""

    def __init__(self, name: str, module: str, environ: dict[str, str], logs: Path) -> None:
        self.name = name
        self._module = module
        self._environ = environ
        self.output = logs / f"{name}.out"
        self._process: subprocess.Popen[bytes] | None = None
        self._started = 0.0

    def start(self) -> None:
        """Start it."""
        self._started = time.monotonic()
        with self.output.open("ab") as output:
            self._process = subprocess.Popen(
                [sys.executable, "-m", self._module],
                env=self._environ,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                # Ctrl-C reaches the supervisor alone, which then stops its children in order.
                start_new_session=True,
                preexec_fn=die_with_parent,  # noqa: PLW1509 - the supervisor has one thread
            )

    @property
    def pid(self) -> int:
        """The process id, 0 before the start."""
        return self._process.pid if self._process else 0

    @property
    def dead(self) -> bool:
        """Whether it was started and is gone."""
        return self._process is not None and self._process.poll() is not None

    @property
    def died_quickly(self) -> bool:
        """Whether it is gone within moments of its start: a wrong setting rather than an accident."""
        return self.dead and time.monotonic() - self._started < _QUICK_DEATH_SECONDS

    def ask_to_stop(self) -> None:
        """Send SIGTERM."""
        if self._process and self._process.poll() is None:
            self._process.terminate()

    def wait(self) -> None:
        """Wait until it is gone; after 15 s it is killed."""
        if not self._process:
            return
        try:
            self._process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
