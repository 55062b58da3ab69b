"""What takes seconds of every process that tests pages, made once: routes, and templates as code."""

from __future__ import annotations

from types import CodeType
from typing import Any

import msgspec
from jinja2 import Environment
from litestar import Litestar

from backend.infra.settings import Settings
from webapp.asgi import make_app
from webapp.core.jinja import PageEnvironment
from webapp.core.rendering import TEMPLATES_DIR

apps: list[Litestar] = []
"""Apps for the tests of the processes that are forked from this one."""
_NOBODYS = {
    "DATABASE_URL": "postgresql://",
    "REDIS_URL": "redis://",
    "BOT_TOKEN": "7000000001:none",
    "ROOT_ADMIN_ID": 1,
    "PUBLIC_URL": "http://127.0.0.1",
    "MASTER_KEYS": "",
    "SECRET_KEY": "-" * 32,
}
_compile = Environment.compile


def compile_once() -> None:
    """Have all environments of pages in this process share the code of the shop's templates."""
    codes: dict[tuple[str, str], CodeType] = {}

    def compiled(self: PageEnvironment, source: Any, name: Any = None, filename: Any = None, *more: Any) -> Any:
        if more or not (filename or "").startswith(str(TEMPLATES_DIR)):
            return _compile(self, source, name, filename, *more)
        if (name, source) not in codes:
            codes[name, source] = _compile(self, source, name, filename)
        return codes[name, source]

    PageEnvironment.compile = compiled  # type: ignore[method-assign]


def prepare() -> None:
    """Build an app with all its templates; it depends on no settings but the shop's name."""
    app = make_app(msgspec.convert(_NOBODYS, Settings))
    environment = app.state.built.templates.environment
    for name in environment.list_templates(extensions=["html"]):
        environment.get_template(name)
    apps.append(app)
