"""Messages about subscriptions."""

from __future__ import annotations

from typing import Final
from uuid import UUID

import msgspec

from backend.identity import domain as identity
from backend.identity.types import Permission
from backend.infra.formatting import format_date, timezone
from backend.kernel.money import Money
from backend.notifications.messages import Words
from backend.notifications.notice import Draft, Notice, Params, admins, person
from backend.notifications.types import Button, Message
from backend.orders.domain import subscriptions
from backend.orders.types.subscriptions import (
    ChargeRefusal,
    SubscriptionChanged,
    SubscriptionChargeKept,
    SubscriptionRenewsSoon,
    SubscriptionStatus,
    SubscriptionView,
)
from backend.payments.types import RenewalNotChanged, SubscriptionId

_S = SubscriptionStatus
_REPORTED: Final = frozenset({_S.CANCELLED, _S.PAST_DUE, _S.ENDED})
"""The orders of a subscription say that it runs."""


async def _view(draft: Draft, params: Params) -> SubscriptionView:
    return await subscriptions.load(draft.tx, SubscriptionId(UUID(params["subscription_id"])))


def _button(words: Words, view: SubscriptionView) -> Button:
    return words.button(words.translator.gettext("Open subscription"), f"/me/subscriptions/{view.subscription.id}")


def _date(draft: Draft, view: SubscriptionView) -> str:
    until = view.subscription.paid_until
    if until is None:
        return "—"
    return format_date(until.astimezone(timezone(draft.reader.timezone)), draft.words.locale)


async def _changed(draft: Draft, params: Params) -> Message | None:
    """How a subscription stands now; nothing where it has changed again since."""
    event, view, words = msgspec.convert(params, SubscriptionChanged), await _view(draft, params), draft.words
    if view.subscription.status is not event.status:
        return None
    _ = words.translator.gettext
    if event.status is _S.CANCELLED:
        head = _("<b>Subscription cancelled</b>")
        text = _("It ends on {date}. You won't be charged again.").format(date=_date(draft, view))
    elif event.status is _S.PAST_DUE:
        head = _("<b>Your subscription wasn't renewed</b>")
        text = _("{price} couldn't be charged. Top up your Stars in Telegram within a few days to keep it.").format(
            price=words.money(view.subscription.charged)
        )
    else:
        head = _("<b>Subscription ended</b>")
        text = _("We ended it. You won't be charged again.") if event.by_shop else _("You won't be charged again.")
    return Message(f"{head}\n{words.thing(view.offer)}\n\n{text}", (_button(words, view),))


async def _renews_soon(draft: Draft, params: Params) -> Message | None:
    view, words = await _view(draft, params), draft.words
    if view.subscription.status is not _S.ACTIVE:
        return None
    _ = words.translator.gettext
    head = _("<b>Your subscription renews soon</b>")
    text = _("{price} will be charged on {date}. You can cancel before that.").format(
        price=words.money(view.subscription.charged), date=_date(draft, view)
    )
    return Message(f"{head}\n{words.thing(view.offer)}\n\n{text}", (_button(words, view),))


async def _charge_not_applied(draft: Draft, params: Params) -> Message:
    event, view, words = msgspec.convert(params, SubscriptionChargeKept), await _view(draft, params), draft.words
    _ = words.translator.gettext
    amount = words.money(Money(event.amount, event.currency))
    if event.refunded:
        head = _("<b>{amount} will be refunded</b>").format(amount=amount)
    else:
        head = _("<b>{amount} added to your balance</b>").format(amount=amount)
    reason = {
        ChargeRefusal.SOLD_OUT: _("Your subscription was renewed, but the product is sold out."),
        ChargeRefusal.NOT_ENOUGH: _("Your subscription was renewed, but the amount was too low."),
        ChargeRefusal.NOT_SOLD: _("Your subscription was renewed, but this product can't be bought now."),
        ChargeRefusal.BLOCKED: _("Your account is blocked."),
        ChargeRefusal.SECOND: _("You have this subscription already."),
    }[event.why]
    return Message(f"{head}\n{words.thing(view.offer)}\n\n{reason}", (words.wallet_button(), _button(words, view)))


async def _charge_for_admins(draft: Draft, params: Params) -> Message:
    event, view, words = msgspec.convert(params, SubscriptionChargeKept), await _view(draft, params), draft.words
    names = await identity.user_names(draft.tx, [event.user_id])
    _ = words.translator.gettext
    reason = {
        ChargeRefusal.SOLD_OUT: _("The product is sold out."),
        ChargeRefusal.NOT_ENOUGH: _("The amount was lower than the price, or spent before the order was placed."),
        ChargeRefusal.NOT_SOLD: _("The product can't be bought now."),
        ChargeRefusal.BLOCKED: _("The customer is blocked."),
        ChargeRefusal.SECOND: _("The customer has this subscription already."),
    }[event.why]
    where = _("The charge is being refunded.") if event.refunded else _("The money is in the customer's balance.")
    rows = [
        _("<b>A subscription's charge wasn't applied</b>"),
        _("Customer: {person}").format(person=words.isolated(names.get(event.user_id, ""))),
        words.thing(view.offer),
        _("Amount: {amount}").format(amount=words.money(Money(event.amount, event.currency))),
        reason,
        where,
    ]
    return Message("\n".join(rows), (words.admin_button(f"/subscriptions/{event.subscription_id}"),))


async def _not_changed(draft: Draft, params: Params) -> Message:
    event, view, words = msgspec.convert(params, RenewalNotChanged), await _view(draft, params), draft.words
    names = await identity.user_names(draft.tx, [event.user_id])
    _ = words.translator.gettext
    if event.on:
        head = _("<b>Telegram refused to allow renewals again</b>")
    else:
        head = _("<b>Telegram refused to stop a subscription</b>")
    customer = _("Customer: {person}").format(person=words.isolated(names.get(event.user_id, "")))
    button = words.admin_button(f"/subscriptions/{event.subscription_id}")
    return Message("\n".join([head, customer, words.thing(view.offer)]), (button,))


NOTICES: Final = (
    Notice(
        event=SubscriptionChanged,
        kind="subscription_changed",
        audience=person(lambda event: event.user_id),
        key="subscription_changed:{subscription_id}:{job}",
        compose=_changed,
        when=lambda event: event.status in _REPORTED,
        urgent=False,
    ),
    Notice(
        event=SubscriptionRenewsSoon,
        kind="subscription_renews_soon",
        audience=person(lambda event: event.user_id),
        key="subscription_renews_soon:{subscription_id}:{paid_until}",
        compose=_renews_soon,
        urgent=False,
    ),
    Notice(
        event=SubscriptionChargeKept,
        kind="subscription_charge_kept",
        audience=person(lambda event: event.user_id),
        key="subscription_charge_kept:{intent_id}",
        compose=_charge_not_applied,
    ),
    Notice(
        event=SubscriptionChargeKept,
        kind="subscription_charge_for_admins",
        audience=admins(Permission.ORDERS),
        key="subscription_charge_for_admins:{intent_id}",
        compose=_charge_for_admins,
    ),
    Notice(
        event=RenewalNotChanged,
        kind="renewal_not_changed",
        audience=admins(Permission.ORDERS),
        key="renewal_not_changed:{subscription_id}:{job}",
        compose=_not_changed,
    ),
)
