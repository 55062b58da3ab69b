"""Processes that read one file of somebody's: they may be stopped, and have nothing of ours but that file."""

from __future__ import annotations

import asyncio
import contextlib
import sys
from pathlib import Path


async def answer_of(script: Path, given: bytes, *, seconds: float) -> bytes | None:
    """What a script writes when it is given these bytes; None where it fails or takes longer than ``seconds``.

    It runs isolated and without the environment, which holds our secrets. Its first act is to limit itself. Where the
    container's memory ends, it is the one that the kernel ends, not the web process or the worker.
    """
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-I", str(script), env={},
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL,
    )  # fmt: skip
    _ends_first(process.pid)
    try:
        async with asyncio.timeout(seconds):
            out, _ = await process.communicate(given)
    except TimeoutError:
        return None
    finally:
        if process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()
    return out if out and process.returncode == 0 else None


def _ends_first(pid: int) -> None:
    with contextlib.suppress(OSError):  # it may have ended, and only Linux has this file
        Path(f"/proc/{pid}/oom_score_adj").write_text("1000", encoding="ascii")
