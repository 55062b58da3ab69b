"""What handlers work with: services, texts in the person's language, the Mini App's addresses."""

from __future__ import annotations

import html
from dataclasses import dataclass

from backend.assignments.service import AssignmentsServices
from backend.bootstrap import Services
from backend.catalog.service import CatalogServices
from backend.community.service import CommunityServices
from backend.courses.service import LearningService, RemindersService
from backend.growth.service import CodesService
from backend.identity.service import IdentityServices
from backend.identity.types import Actor
from backend.infra.formatting import format_money, format_number
from backend.infra.i18n import translator
from backend.infra.live_settings import LiveSettings
from backend.infra.rate_limit import RateLimiter
from backend.infra.settings import Settings
from backend.kernel.clock import Clock
from backend.kernel.money import Money
from backend.kernel.text import Locale
from backend.orders.service import OrdersServices
from backend.payments.service import PaymentServices
from backend.readings.service import RoomsService
from backend.support.service import SupportServices


@dataclass(frozen=True)
class Deps:
    """The parts of the backend that the bot calls."""

    live: LiveSettings
    identity: IdentityServices
    catalog: CatalogServices
    orders: OrdersServices
    payments: PaymentServices
    support: SupportServices
    codes: CodesService
    learning: LearningService
    reminders: RemindersService
    assignments: AssignmentsServices
    community: CommunityServices
    rooms: RoomsService
    limiter: RateLimiter
    clock: Clock

    @classmethod
    def of(cls, services: Services) -> Deps:
        """Those parts of the whole backend."""
        return cls(
            live=services.live,
            identity=services.identity,
            catalog=services.catalog,
            orders=services.orders,
            payments=services.payments,
            support=services.support,
            codes=services.growth.codes,
            learning=services.courses.learning,
            reminders=services.courses.reminders,
            assignments=services.assignments,
            community=services.community,
            rooms=services.readings.rooms,
            limiter=services.limiter,
            clock=services.clock,
        )

    @property
    def settings(self) -> Settings:
        """The settings in force now."""
        return self.live.current

    def page(self, path: str = "/shop") -> str:
        """The address of a page of the Mini App."""
        return self.settings.public_url.rstrip("/") + path


class Words:
    """Texts, amounts and numbers in one language; ``safe`` escapes what people wrote for Telegram's HTML."""

    def __init__(self, locale: Locale) -> None:
        words = translator(locale)
        self.locale = locale
        self.gettext = words.gettext
        self.ngettext = words.ngettext

    @staticmethod
    def safe(text: str) -> str:
        """A text for HTML, isolated from the direction of the sentence around it."""
        return f"\u2068{html.escape(text, quote=False)}\u2069"

    def money(self, value: Money) -> str:
        """An amount."""
        return format_money(value, self.locale)

    def number(self, value: int) -> str:
        """A whole number."""
        return format_number(value, self.locale)


def words_of(actor: Actor) -> Words:
    """The words for a person."""
    return Words(actor.language)
