"""The doors of payment providers: each call is judged by its signature, and by nothing else."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from litestar.types import ControllerRouterHandler

from webapp.payments.hooks import hook

HOOK_HANDLERS: Final[Sequence[ControllerRouterHandler]] = (hook,)
