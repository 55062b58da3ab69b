"""Every refusal has words."""

from __future__ import annotations

from collections.abc import Iterator

from backend import bootstrap
from backend.kernel.errors import AppError
from webapp import asgi
from webapp.core.errors import MESSAGES


def _all(kind: type[AppError]) -> Iterator[type[AppError]]:
    for subclass in kind.__subclasses__():
        yield subclass
        yield from _all(subclass)


def test_every_refusal_has_words() -> None:
    assert bootstrap.build and asgi.create_app  # what the whole app imports
    errors = (error for error in _all(AppError) if error.__module__.startswith(("backend.", "webapp.")))
    ours = {error.code for error in errors if hasattr(error, "code")}  # a base of several has none
    assert ours <= MESSAGES.keys()
