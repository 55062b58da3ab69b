"""Top-ups: the ways, the form, and a payment on its way."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, Literal

from backend.infra.i18n import mark as _
from backend.kernel.money import Money
from backend.payments.types import ActionKind, Intent, IntentStatus, TopUpLimits, Way
from webapp.presenters.common import hue
from webapp.rendering import Viewer
from webapp.views import PaymentPage, Preset, StepView, TopUpPage, WayRow

AmountError = Literal["", "too_small", "too_large", "not_a_number"]

_AMOUNT_ERRORS: Final[dict[str, AmountError]] = {
    "below_minimum": "too_small",
    "not_positive": "too_small",
    "above_maximum": "too_large",
}
_STATES: Final[dict[IntentStatus, Literal["waiting", "arrived", "failed", "cancelled", "expired"]]] = {
    IntentStatus.CREATED: "waiting",
    IntentStatus.PENDING: "waiting",
    IntentStatus.CONFIRMING: "waiting",
    IntentStatus.UNDERPAID: "waiting",
    IntentStatus.SUCCEEDED: "arrived",
    IntentStatus.OVERPAID: "arrived",
    IntentStatus.PARTIALLY_REFUNDED: "arrived",
    IntentStatus.REFUNDED: "cancelled",
    IntentStatus.EXPIRED: "expired",
    IntentStatus.FAILED: "failed",
}
_ICONS: Final = {"demo": ("bolt", "green")}


_TITLES: Final = {"demo": _("Demo payment")}
_SECONDS: Final = _("Arrives in seconds")
_MINUTES: Final = _("Arrives in a few minutes")
_A_MINUTE: Final = 60


def amount_error(code: str) -> AmountError:
    """The top-up form's own name for what is wrong with an amount."""
    return _AMOUNT_ERRORS.get(code, "not_a_number")


def way_title(name: str, viewer: Viewer) -> str:
    """What a way to pay is called."""
    return viewer.words.gettext(_TITLES[name]) if name in _TITLES else name.replace("_", " ").title()


def way_rows(ways: Sequence[Way], viewer: Viewer, selected: str = "") -> tuple[WayRow, ...]:
    """The ways to choose from, with the time that each usually takes; the first is chosen unless another is."""
    names = [way.name for way in ways]
    chosen = selected if selected in names else next(iter(names), "")
    rows = []
    for way in ways:
        icon, colour = _ICONS.get(way.name, ("card", ""))
        rows.append(
            WayRow(
                key=way.name,
                title=way_title(way.name, viewer),
                note=viewer.words.gettext(_SECONDS if way.wait_seconds <= _A_MINUTE else _MINUTES),
                icon=icon,
                hue=hue(colour, way.name),
                selected=way.name == chosen,
            )
        )
    return tuple(rows)


def top_up(
    limits: TopUpLimits,
    ways: Sequence[Way],
    viewer: Viewer,
    *,
    intent: str,
    amount: Money | None = None,
    typed: str = "",
    way: str = "",
    error: AmountError = "",
    order: str = "",
) -> TopUpPage:
    """The form; ``amount`` is chosen among the ready ones where it is one of them, else it stands as typed."""
    offered = limits.presets
    chosen = amount or (offered[len(offered) // 2] if offered else limits.minimum)
    if amount is not None and amount not in offered and not typed:
        typed = str(amount.decimal())
    return TopUpPage(
        amount=chosen,
        presets=tuple(Preset(preset, preset == chosen and not typed) for preset in offered),
        minimum=limits.minimum,
        maximum=limits.maximum,
        ways=way_rows(ways, viewer, way),
        intent=intent,
        typed=typed,
        error=error,
        order=order,
    )


def _steps(intent: Intent, state: str) -> tuple[StepView, ...]:
    asked = StepView("asked", "done", intent.created_at)
    if state == "arrived":
        return (
            asked,
            StepView("seen", "done", intent.updated_at),
            StepView("balance", "done", intent.updated_at, amount=intent.credited),
        )
    if state == "waiting":
        seen = intent.status in {IntentStatus.CONFIRMING, IntentStatus.UNDERPAID}
        found = StepView("seen", "done" if seen else "now", intent.updated_at if seen else None)
        return (asked, found, StepView("balance", "now" if seen else "todo"))
    key: Literal["failed", "expired", "cancelled"]
    key = "failed" if state == "failed" else "expired" if state == "expired" else "cancelled"
    return (asked, StepView(key, "bad", intent.updated_at))


def payment(intent: Intent, viewer: Viewer, *, live_url: str | None, next_href: str) -> PaymentPage:
    """A payment as it stands; it looks again by itself while money may be on its way."""
    state = _STATES[intent.status]
    if intent.is_open and intent.expires_at <= viewer.now:
        state = "expired"
    action = intent.action
    pay_with: Literal["link", "invoice", "none"] = "none"
    if action is not None and action.url:
        pay_with = "invoice" if action.kind is ActionKind.INVOICE else "link"
    return PaymentPage(
        id=str(intent.id),
        state=state,
        amount=intent.credited if state == "arrived" else intent.amount,
        way=way_title(intent.way, viewer),
        steps=_steps(intent, state),
        until=intent.expires_at if state == "waiting" else None,
        live_url=live_url if state == "waiting" else None,
        pay_url=action.url if action is not None and action.url and state == "waiting" else None,
        pay_with=pay_with,
        next_href=next_href,
    )
