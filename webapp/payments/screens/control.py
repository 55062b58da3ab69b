"""Reconciliation of providers with the ledger, and how payment methods are configured."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Final, Literal

import msgspec

from backend.infra.i18n import mark as _
from backend.kernel.money import Money
from backend.payments.types import Difference, DifferenceKind, ProviderSetup, Reconciliation, SetupState
from webapp.core.parts import Badge, Hue
from webapp.core.rendering import Viewer
from webapp.payments.screens.admin_parts import as_id, badge
from webapp.payments.screens.methods import method_look, method_title

_DIFFERENCES: Final[dict[DifferenceKind, str]] = {
    DifferenceKind.MISSING_HERE: _("The provider had a payment missing from the ledger. It is now recorded."),
    DifferenceKind.MISSING_THERE: _("The ledger has a payment missing at the provider."),
    DifferenceKind.AMOUNT: _("The ledger shows more than the provider received."),
    DifferenceKind.REFUND: _("The provider refunded more than the ledger shows."),
    DifferenceKind.LEDGER: _("The provider's ledger account doesn't equal the sum of its payments."),
}


def latest_of_each(reconciliations: Sequence[Reconciliation]) -> dict[str, Reconciliation]:
    """The latest reconciliation of each provider; ``reconciliations`` has the latest of all first."""
    latest: dict[str, Reconciliation] = {}
    for one in reconciliations:
        latest.setdefault(one.method, one)
    return latest


def is_off(one: Reconciliation, *, reconcilable: bool = True) -> bool:
    """Whether an admin must act: something differs, or could be reconciled and was not."""
    return not one.agrees if reconcilable else bool(one.differences or one.error)


class DifferenceView(msgspec.Struct, frozen=True):
    """One difference: ``ours`` in the ledger, ``theirs`` at the provider."""

    text: str
    ours: Money
    theirs: Money
    href: str | None = None
    subject: str = ""


class ComparisonView(msgspec.Struct, frozen=True):
    """A provider's latest reconciliation; ``at`` is None before the first, ``waiting`` while a new one runs.

    ``by_hand``: no provider can be asked, so an admin compares the account statement.
    """

    method: str
    icon: str
    hue: Hue
    badge: Badge
    at: datetime | None = None
    since: datetime | None = None
    checked: int = 0
    error: str = ""
    differences: tuple[DifferenceView, ...] = ()
    waiting: bool = False
    by_hand: bool = False
    unknown: int = 0


def comparison(
    method: str, one: Reconciliation | None, viewer: Viewer, *, waiting: bool, reconcilable: bool = True
) -> ComparisonView:
    """A provider's latest reconciliation, or that there is none yet, or that there can be none."""
    icon, hue = method_look(method)
    title = method_title(method, viewer)
    verdict = _verdict(one, viewer, reconcilable=reconcilable)
    if one is None:
        return ComparisonView(title, icon, hue, verdict, waiting=waiting, by_hand=not reconcilable)
    return ComparisonView(
        method=title,
        icon=icon,
        hue=hue,
        badge=verdict,
        at=one.at,
        since=one.since,
        checked=one.checked,
        error=one.error,
        differences=tuple(_difference(item, viewer) for item in one.differences),
        waiting=waiting,
        by_hand=not reconcilable,
        unknown=one.unknown if reconcilable else 0,
    )


def _verdict(one: Reconciliation | None, viewer: Viewer, *, reconcilable: bool) -> Badge:
    if one is not None and one.differences:
        return badge((_("Doesn't match"), "bad"), viewer)
    if one is not None and one.error:
        return badge((_("No answer"), "warn"), viewer)
    if not reconcilable:
        return badge((_("Can't reconcile"), ""), viewer)
    if one is not None and one.unknown:
        return badge((_("Unknown"), "warn"), viewer)
    return badge((_("Not yet"), "") if one is None else (_("Matches"), "good"), viewer)


def _difference(difference: Difference, viewer: Viewer) -> DifferenceView:
    href = "/admin/books"
    if difference.kind is not DifferenceKind.LEDGER:
        known = as_id(difference.subject) is not None
        href = f"/admin/payments/{difference.subject}" if known else "/admin/payments/unmatched"
    return DifferenceView(
        text=viewer.words.gettext(_DIFFERENCES[difference.kind]),
        ours=Money(difference.ours, difference.asset),
        theirs=Money(difference.theirs, difference.asset),
        href=href,
        subject=difference.subject,
    )


class SetupRow(msgspec.Struct, frozen=True):
    """How a payment method is configured; ``missing`` are names of variables."""

    key: str
    title: str
    icon: str
    hue: Hue
    state: Literal["on", "off", "incomplete", "wrong"]
    needs: tuple[str, ...]
    missing: tuple[str, ...]
    problem: str = ""
    webhook_url: str = ""
    risky: bool = True


def setup_rows(setups: Collection[ProviderSetup], viewer: Viewer) -> tuple[SetupRow, ...]:
    """Every payment method: the misconfigured first, then incomplete, enabled and disabled ones."""
    order = (SetupState.WRONG, SetupState.INCOMPLETE, SetupState.ON, SetupState.OFF)
    return tuple(setup_row(item, viewer) for item in sorted(setups, key=lambda item: order.index(item.state)))


def setup_row(setup: ProviderSetup, viewer: Viewer) -> SetupRow:
    """A payment method as the operator configured it."""
    icon, hue = method_look(setup.name)
    return SetupRow(
        key=setup.name,
        title=method_title(setup.name, viewer),
        icon=icon,
        hue=hue,
        state=setup.state.value,
        needs=setup.needs,
        missing=setup.missing if setup.state is not SetupState.OFF else (),
        problem=setup.problem,
        webhook_url=setup.webhook_url,
        risky=setup.policy_risk,
    )


class ReconciliationPage(msgspec.Struct, frozen=True):
    """payments/admin/reconciliation.html; the part ``#comparisons`` alone when something has changed."""

    rows: tuple[ComparisonView, ...]
    done: int
    total: int
    live_url: str | None = None


class SetupsPage(msgspec.Struct, frozen=True):
    """payments/admin/methods.html: every payment method."""

    rows: tuple[SetupRow, ...]


class SetupSheet(msgspec.Struct, frozen=True):
    """payments/admin/_method.html: one payment method; ``notes`` are warnings of its provider, in English."""

    row: SetupRow
    notes: tuple[str, ...] = ()
