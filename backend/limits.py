"""The limits in force, as services ask for them: made of the settings that admins change while the shop runs."""

from __future__ import annotations

import functools
from datetime import datetime, timedelta

from backend.growth.types import Limits
from backend.infra.live_settings import LiveSettings
from backend.infra.settings import Settings
from backend.kernel.currencies import round_amounts
from backend.kernel.money import Money, exponent
from backend.notifications.rules import QuietHours
from backend.orders.types import ReservationLimits
from backend.payments.types import TopUpLimits
from backend.readings.types.limits import ReadingLimits


def _major(settings: Settings, units: int) -> Money:
    return Money(units * 10 ** exponent(settings.shop_currency), settings.shop_currency)


@functools.lru_cache(maxsize=4)
def _top_up_limits(currency: str, least: int, most: int) -> TopUpLimits:
    unit = 10 ** exponent(currency)
    presets = tuple(Money(units * unit, currency) for units in round_amounts(currency, least, most))
    return TopUpLimits(minimum=Money(least * unit, currency), maximum=Money(most * unit, currency), presets=presets)


class LimitsInForce:
    """The limits in force, made of the settings in force."""

    def __init__(self, live: LiveSettings) -> None:
        self._live = live

    def single_admin(self) -> Money:
        """What one admin may give away in 24 hours."""
        settings = self._live.current
        return _major(settings, settings.single_admin_limit)

    def top_up(self) -> TopUpLimits:
        """What one top-up may be."""
        settings = self._live.current
        return _top_up_limits(settings.shop_currency, *settings.top_up_range)

    def reservation(self) -> timedelta:
        """How long an unpaid order's goods are reserved."""
        return timedelta(seconds=self._live.current.order_reservation)

    def longest_reservation(self) -> timedelta:
        """How long at most while a payment is under way."""
        return timedelta(seconds=self._live.current.order_reservation_max)

    def reserving(self) -> ReservationLimits:
        """What one person may reserve before paying."""
        settings = self._live.current
        return ReservationLimits(settings.reservation_orders, settings.reservation_keys, settings.reservation_share)

    def cart_reminder(self) -> timedelta:
        """How long after its last change a person is reminded of a cart; zero for never."""
        return timedelta(hours=self._live.current.cart_reminder_hours)

    def grace(self) -> timedelta:
        """How long a failed renewal of a subscription may still arrive."""
        return timedelta(days=self._live.current.subscription_grace_days)

    def claims_alone(self) -> int:
        """How many claims a person may make that no admin reviews."""
        return self._live.current.warranty_claims

    def waiting(self) -> timedelta:
        """How long something is held for the first in line."""
        return timedelta(seconds=self._live.current.waiting_hold)

    def quiet_hours(self) -> QuietHours:
        """When only urgent messages are sent."""
        return QuietHours(self._live.current.quiet_from, self._live.current.quiet_until)

    def premium_grace(self) -> timedelta:
        """How long goods for premium members stay open after its end."""
        return timedelta(days=self._live.current.premium_grace)

    def archive_after(self) -> timedelta:
        """After how long without a change submissions are archived."""
        return timedelta(days=self._live.current.assignment_archive_days)

    def end_of_quiet_hours(self, now: datetime, zone: str) -> datetime | None:
        """When the quiet hours that ``now`` falls into end in a time zone; None outside of them."""
        return self.quiet_hours().end_after(now, zone)

    def code(self) -> Limits:
        """What a gift card, and one code of a voucher, may be worth: as much as a top-up."""
        limits = self.top_up()
        return Limits(limits.minimum, limits.maximum, limits.presets)

    def readings(self) -> ReadingLimits:
        """What readings may be."""
        settings = self._live.current
        return ReadingLimits(
            free_card=bool(settings.reading_free_card),
            question_length=settings.reading_question_length,
            follow_ups=settings.reading_follow_ups,
            follow_up_credits=settings.reading_follow_up_credits,
        )
