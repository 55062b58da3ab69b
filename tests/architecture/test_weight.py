"""What a process imports it pays for as long as it runs, in memory, and at each start in time."""

from __future__ import annotations

import ast
import subprocess
import sys

import pytest

from backend.infra.settings import Settings
from tests.processes import ROOT, environment

_NOT_IDLE = {
    # Only commands migrate and draw; the bot alone has aiogram.
    "alembic", "mako", "rich", "pygments", "aiogram", "aiohttp", "pydantic", "attr",
    # For enabled payment methods, and here none is.
    "stripe", "bip_utils", "openai",
}  # fmt: skip
_WEB = {"litestar", "jinja2"}
# The worker first: the web process has all that it has.
_PROGRAM = """
import sys
import backend.worker
from backend.bootstrap import build
from backend.infra.environment import load_settings
settings = load_settings()
services = build(settings)
def tell(): print(*{name.partition(".")[0] for name, module in sys.modules.items() if module is not None})
tell()
import webapp.asgi
webapp.asgi.create_app(services, settings)
tell()
"""


@pytest.mark.long("starts processes")
def test_worker_and_web_import_nothing_that_they_do_not_use(settings: Settings) -> None:
    command = [sys.executable, "-c", _PROGRAM]
    output = subprocess.run(command, cwd=ROOT, env=environment(settings), capture_output=True, text=True, check=True)
    worker, web = (set(line.split()) for line in output.stdout.splitlines())
    assert worker & (_NOT_IDLE | _WEB) == set()
    assert web & (_NOT_IDLE | _WEB) == _WEB


@pytest.mark.parametrize(("root", "lean"), [
    ("backend/worker.py", "backend.infra.lean"), ("bot/__main__.py", "backend.infra.lean"),
    ("webapp/__main__.py", "webapp.lean"), ("webapp/asgi.py", "webapp.lean"),
])  # fmt: skip
def test_a_process_forbids_what_it_goes_without_before_anything_can_import_it(root: str, lean: str) -> None:
    imports = [
        node for node in ast.parse((ROOT / root).read_text()).body if isinstance(node, ast.Import | ast.ImportFrom)
    ]
    first = [alias.name for node in imports[:2] for alias in node.names]
    assert first == ["annotations", lean]
