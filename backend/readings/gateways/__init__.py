"""Who writes readings: a model server, or the built-in interpreter."""

from __future__ import annotations

from decimal import Decimal
from functools import partial
from urllib.parse import urlsplit

from backend.infra.crypto import KeyRing
from backend.infra.live_settings import LiveSettings
from backend.infra.settings import Settings
from backend.infra.signals import Signals
from backend.infra.unit_of_work import UnitOfWork
from backend.readings.gateways.built_in import BuiltInInterpreter, closing
from backend.readings.gateways.openai_compatible import OpenAiCompatible
from backend.readings.gateways.openai_compatible.server import Deadlines, ModelServer
from backend.readings.ports import Model
from backend.readings.rules.retries import Price
from backend.readings.service.authors import Authors
from backend.readings.service.calling import Calling
from backend.readings.service.interpretation import InterpretationServices


def _micros(price: str) -> int:
    return int(Decimal(price or "0") * 1_000_000)


def model_of(settings: Settings) -> Model | None:
    """The model of the settings; None where there is none."""
    if not settings.reading_model:
        return None
    keys = tuple(filter(None, (key.strip() for key in settings.reading_model_keys.split(","))))
    server = ModelServer(
        url=settings.reading_model_url,
        model=settings.reading_model,
        keys=keys or ("none",),
        deadlines=Deadlines(
            first=settings.reading_first_word, thinking=settings.reading_thinking, gap=settings.reading_gap
        ),
        strict=settings.reading_strict_finish,
        max_tokens=settings.reading_max_tokens,
    )
    return OpenAiCompatible(server)


def _help_lines(live: LiveSettings, language: str) -> str:
    now = live.current
    own = {"ar": now.reading_help_lines_ar, "ru": now.reading_help_lines_ru}.get(language, "")
    return own or now.reading_help_lines


def _calling(settings: Settings, uow: UnitOfWork) -> Calling | None:
    if (model := model_of(settings)) is None:
        return None
    return Calling(
        uow=uow,
        model=model,
        name=settings.reading_model,
        server=urlsplit(settings.reading_model_url).hostname or "",
        price=Price(_micros(settings.reading_price_in), _micros(settings.reading_price_out)),
        total=settings.reading_total,
    )


def interpretation_services(
    settings: Settings, uow: UnitOfWork, ring: KeyRing, signals: Signals, live: LiveSettings
) -> InterpretationServices:
    """The services that write readings and let them be read, with the interpreters of the settings."""
    calling = _calling(settings, uow)
    authors = Authors(
        uow=uow,
        calling=calling,
        built_in=BuiltInInterpreter(),
        closing=closing,
        pace=settings.reading_pace / 1000,
        help_lines=partial(_help_lines, live),
    )
    return InterpretationServices.build(
        uow=uow, ring=ring, signals=signals, authors=authors, calling=calling, longest=settings.reading_total
    )
