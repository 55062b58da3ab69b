"""Refusals of the reading room."""

from __future__ import annotations

from backend.catalog.errors import PurchaseRefused
from backend.kernel.errors import AppError, Kind


class NotEnoughCredits(AppError):
    """The person has fewer credits than the spread costs; ``params`` are ``needed`` and ``balance``."""

    code = "not_enough_credits"
    kind = Kind.PAYMENT_REQUIRED


class ReadingLapsed(AppError):
    """The cards were shuffled too long ago, or their seal cannot be opened; they must be shuffled again."""

    code = "reading_lapsed"
    kind = Kind.CONFLICT


class ReadingLive(AppError):
    """A reading of the same spread is being written for the person, or the same one was asked twice."""

    code = "reading_live"
    kind = Kind.CONFLICT


class ReadingChanged(AppError):
    """What was asked for does not fit the reading any more, for example because another tab was faster."""

    code = "reading_changed"
    kind = Kind.CONFLICT


class NoFollowUpsLeft(AppError):
    """As many follow-up questions as a reading may have were asked."""

    code = "no_follow_ups_left"
    kind = Kind.CONFLICT


class FreeCardTaken(AppError):
    """The free card of the day was turned over, or the last one less than 20 hours ago."""

    code = "free_card_taken"
    kind = Kind.CONFLICT


class SpreadSlugTaken(AppError):
    """Another spread has this address."""

    code = "spread_slug_taken"
    kind = Kind.CONFLICT


class SpreadEdited(AppError):
    """Another admin has changed the spread since it was opened."""

    code = "spread_edited"
    kind = Kind.CONFLICT


class PackageNotOnSale(PurchaseRefused):
    """The variant is no package of credits."""

    code = "package_not_on_sale"


class PromptFaulty(AppError):
    """A text of a prompt is empty, too long, or its placeholders do not fit; ``params`` say which, by text."""

    code = "prompt_faulty"
    kind = Kind.INVALID


class PromptChanged(AppError):
    """Another admin has changed the prompt meanwhile."""

    code = "prompt_changed"
    kind = Kind.CONFLICT
