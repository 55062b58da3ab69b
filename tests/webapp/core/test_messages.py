"""Every refusal has words."""

from __future__ import annotations

from collections.abc import Iterator

from backend import bootstrap
from backend.kernel.errors import AppError
from webapp import asgi
from webapp.core.errors import MESSAGES


def _all(kind: type[AppError]) -> Iterator[type[AppError]]:
    for found in kind.__subclasses__():
        yield found
        yield from _all(found)


def test_every_refusal_has_words() -> None:
    assert bootstrap.build and asgi.create_app  # what the whole app imports
    ours = {found.code for found in _all(AppError) if found.__module__.startswith(("backend.", "webapp."))}
    assert ours <= MESSAGES.keys()
