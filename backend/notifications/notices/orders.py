"""Messages about orders."""

from __future__ import annotations

import html
from collections.abc import Iterable, Sequence
from datetime import datetime
from itertools import groupby
from typing import Final
from uuid import UUID

import msgspec

from backend.catalog.words import goods_name
from backend.growth.domain import premium
from backend.identity import domain as identity
from backend.identity.types import Permission
from backend.infra.crypto import open_sealed
from backend.infra.formatting import format_number
from backend.infra.jobs import Job
from backend.kernel.ids import OrderId
from backend.kernel.money import Money
from backend.notifications.messages import LONGEST_TEXT, Words, visible_length
from backend.notifications.notice import Draft, Notice, Params, admins, event_params, person
from backend.notifications.notices.payments import refund_ended
from backend.notifications.types import Button, Document, Message
from backend.orders import domain as orders
from backend.orders.types import NotAppliedReason, OrderPaid, OrderPaymentKept, OrderRefunded, OrderView, RefundTarget
from backend.orders.types.keys import KeysRequested, OpenedKey, RevealChannel
from backend.orders.types.lines import LineStatus, OrderFileReady, OrderLineDelivered
from backend.orders.words import for_many, is_key, keys_file
from backend.payments import domain as payments
from backend.payments.types import RefundStatus
from backend.payments.words import method_title
from backend.support.types import Subject, SubjectKind

_MOST_KEYS: Final = 20
"""Telegram marks up at most 100 places of a message; a key takes two."""
_MOST_COPY_BUTTONS: Final = 3
_LONGEST_COPY: Final = 256


# With the keys, to the buyer


async def _order_paid(draft: Draft, params: Params) -> Message:
    order = await _order(draft, params)
    keys = await orders.open_keys(draft.tx, draft.fulfillers, order, by=None, channel=RevealChannel.CHAT)
    words = draft.words
    _ = words.translator.gettext
    pending = [line for line in order.lines if line.status is LineStatus.PENDING]
    head = _("<b>Order {number} paid</b>") if pending else _("<b>Order {number} delivered</b>")
    total = _("Paid: {amount}").format(amount=words.money(order.total))
    rows = [head.format(number=words.number(order.number)), words.things(order.lines, priced=True), total]
    until = await _premium_until(draft, order)
    if until is not None:
        rows.append(_("Premium until {date}").format(date=words.day(until, draft.reader.timezone)))
    if pending:
        rows += [_("In preparation, we'll message you when it's ready:"), words.things(pending)]
        if promised := [line.ready_by for line in pending if line.ready_by]:
            rows.append(_("Ready by {time}").format(time=draft.moment(max(promised))))
    return _with_keys(words, order, keys, "\n".join(rows))


async def _premium_until(draft: Draft, order: OrderView) -> datetime | None:
    """Until when the reader has premium, if the order gave them some; what has a key is no premium."""
    with_keys = {key.line_id for key in order.keys}
    others = [line.id for line in order.lines if line.id not in with_keys]
    return await premium.find_end_of_lines(draft.tx, draft.reader.user_id, others) if others else None


async def _line_delivered(draft: Draft, params: Params) -> Message | None:
    """What was delivered later than the rest of its order; nothing, if it was refunded since."""
    order, event = await _order(draft, params), msgspec.convert(params, OrderLineDelivered)
    line = next((one for one in order.lines if one.id == event.line_id), None)
    if line is None or not line.unrefunded:
        return None
    keys = await orders.open_keys(
        draft.tx, draft.fulfillers, order, by=None, channel=RevealChannel.CHAT, line_id=line.id
    )
    words = draft.words
    _ = words.translator.gettext
    rows = [_("<b>Your order {number} is ready</b>").format(number=words.number(order.number)), words.things([line])]
    files = [words.isolated(key.file.name) for key in order.keys if key.file and key.line_id == line.id]
    rows += [_("Download it on the order's page: {file}").format(file=file) for file in files]
    return _with_keys(words, order, keys, "\n".join(rows))


async def _order_file(draft: Draft, params: Params) -> Message | None:
    """A file that was bought; nothing, if it was refunded since."""
    order, event = await _order(draft, params), msgspec.convert(params, OrderFileReady)
    key = next((one for one in order.keys if one.line_id == event.line_id and one.file), None)
    if key is None or key.file is None:
        return None
    sealed = await draft.fulfillers.find_file(draft.tx, key.kind, key.id)
    content = open_sealed(sealed.key, await draft.files.get(sealed.stored), sealed.context)
    words, line = draft.words, next(one for one in order.lines if one.id == event.line_id)
    _ = words.translator.gettext
    rows = [_("<b>Your file for order {number}</b>").format(number=words.number(order.number)), words.things([line])]
    # Not protected: a file that can't be saved is of no use.
    return Message(
        "\n".join(rows), (words.order_button(order.number),), Document(key.file.name, content), about=_about(order)
    )


async def _order_keys(draft: Draft, params: Params) -> Message:
    order = await _order(draft, params)
    keys = await orders.open_keys(
        draft.tx, draft.fulfillers, order, by=draft.reader.user_id, channel=RevealChannel.CHAT
    )
    words = draft.words
    _ = words.translator.gettext
    head = _("<b>Keys for order {number}</b>").format(number=words.number(order.number))
    return _with_keys(words, order, keys, f"{head}\n{words.things(order.lines)}")


async def _order(draft: Draft, params: Params) -> OrderView:
    return await orders.load(draft.tx, draft.fulfillers, order_id=OrderId(UUID(params["order_id"])))


def _with_keys(words: Words, order: OrderView, keys: list[OpenedKey], head: str) -> Message:
    _, ngettext = words.translator.gettext, words.translator.ngettext
    opening = words.order_button(order.number)
    if not keys:
        return Message(head, (opening,), protect=True, about=_about(order))
    hidden = _hidden(words, keys)
    if any(is_key(key.kind) for key in keys):
        hint = ngettext("Tap the key to see it.", "Tap a key to see it.", len(keys))
    else:
        hint = _("Tap the text to see it.")
    text = f"{head}\n\n{hidden}\n\n{hint}"
    if len(keys) > _MOST_KEYS or visible_length(text) > LONGEST_TEXT:
        count = ngettext("Your {count} key is in the file.", "Your {count} keys are in the file.", len(keys))
        text = f"{head}\n\n{count.format(count=format_number(len(keys), words.locale))}"
        file = Document(f"{order.number}.txt", keys_file(order.number, keys, words.locale))
        return Message(text, (opening,), file, protect=True, about=_about(order))
    copying: tuple[Button, ...] = ()
    if len(keys) <= _MOST_COPY_BUTTONS and all(len(key.text) <= _LONGEST_COPY for key in keys):
        copying = tuple(Button(_copy_label(words, key, len(keys)), copy=key.text) for key in keys)
    return Message(text, (*copying, opening), protect=True, about=_about(order))


def _hidden(words: Words, keys: Sequence[OpenedKey]) -> str:
    """The keys, each hidden until it is tapped; those of several things below the names of these."""
    named = [(goods_name(key.name, key.variant_name, key.country, words.locale), key) for key in keys]
    groups = [(name, [key for _, key in group]) for name, group in groupby(named, lambda item: item[0])]
    rows = []
    for name, same in groups:
        if len(groups) > 1:
            rows.append(f"<b>{words.isolated(name)}</b>")
        for key in same:
            text = html.escape(key.text, quote=False)
            rows.append(f"<tg-spoiler><code>{text}</code></tg-spoiler>{for_many(key.uses, words.locale)}")
    return "\n".join(rows)


def _copy_label(words: Words, key: OpenedKey, count: int) -> str:
    _ = words.translator.gettext
    if count == 1:
        return _("Copy the key") if is_key(key.kind) else _("Copy the text")
    return _("Copy key {ordinal}").format(ordinal=format_number(key.ordinal, words.locale))


def _about(order: OrderView) -> Subject:
    return Subject(SubjectKind.ORDER, order.id, order.user_id)


# To admins


async def _order_for_admins(draft: Draft, params: Params) -> Message:
    order = await _order(draft, params)
    buyer = await identity.get_recipient(draft.tx, order.user_id)
    names = await identity.user_names(draft.tx, [order.user_id])
    paid = await payments.list_paid_for(draft.tx, order.id)
    translator = draft.words.translator
    methods = [method_title(intent.method, translator) for intent in reversed(paid)]
    if sum(intent.credited.amount for intent in paid) < order.total.amount:
        methods.insert(0, translator.gettext("Balance"))
    name = names.get(order.user_id, "")
    return order_for_admins(draft.words, order, name, buyer.telegram_id, list(dict.fromkeys(methods)))


def order_for_admins(
    words: Words, order: OrderView, buyer: str, buyer_telegram_id: int, methods: Sequence[str] = ()
) -> Message:
    """Say who bought what, and how it was paid; without the keys."""
    _ = words.translator.gettext
    rows = [
        _("<b>New order {number}</b>").format(number=words.number(order.number)),
        _("Customer: {person}").format(person=words.person_link(buyer, buyer_telegram_id)),
        words.things(order.lines, priced=True),
        _("Total: {amount}").format(amount=words.money(order.total)),
    ]
    if methods:
        rows.append(_("Paid with: {methods}").format(methods=", ".join(words.isolated(name) for name in methods)))
    button = words.button(_("Open order"), f"/admin/orders/{order.number}")
    return Message("\n".join(rows), (button,), about=_about(order))


async def _order_of_blocked(draft: Draft, params: Params) -> Message:
    event = msgspec.convert(params, OrderPaymentKept)
    order = await _order(draft, params)
    names = await identity.user_names(draft.tx, [event.user_id])
    amount = Money(event.amount, event.currency)
    return order_of_blocked(draft.words, amount, order.number, names.get(event.user_id, ""))


def order_of_blocked(words: Words, amount: Money, order: str, buyer: str) -> Message:
    """Say that a payment arrived for the order of a blocked buyer, which was not delivered."""
    _ = words.translator.gettext
    rows = [
        _("<b>Order {number} was not delivered</b>").format(number=words.number(order)),
        _("{amount} arrived, but {person} is blocked. The money is in their balance.").format(
            amount=words.money(amount), person=words.isolated(buyer)
        ),
    ]
    return Message("\n".join(rows), (words.admin_button(f"/orders/{order}"),))


# About money of an order, to the buyer


async def _compose_not_applied(draft: Draft, params: Params) -> Message:
    event = msgspec.convert(params, OrderPaymentKept)
    order = await _order(draft, params)
    line = next((one for one in order.lines if one.id == event.line_id and len(order.lines) > 1), None)
    thing = draft.words.thing(line, line.quantity) if line else ""
    return payment_not_applied(draft.words, Money(event.amount, event.currency), order.number, event.why, thing)


def payment_not_applied(words: Words, amount: Money, order: str, why: NotAppliedReason, thing: str = "") -> Message:
    """Say that a payment for an order was credited to the balance instead, and why: ``thing`` could not be had."""
    _ = words.translator.gettext
    reason = {
        NotAppliedReason.CANCELLED: _("Received for cancelled order {number}."),
        NotAppliedReason.NOT_ENOUGH: _("Received for expired order {number}. The amount was too low to complete it."),
        NotAppliedReason.SOLD_OUT: _("Received for expired order {number}. The product is sold out."),
        NotAppliedReason.BLOCKED: _("Received for order {number}, which was cancelled when your account was blocked."),
        NotAppliedReason.LIMIT_REACHED: _(
            "Received for expired order {number}. You've reached the limit for one customer."
        ),
        NotAppliedReason.PREMIUM_ONLY: _(
            "Received for expired order {number}. The product is for premium members now."
        ),
        NotAppliedReason.REFUSED: _("Received for order {number}. It is no longer available to you."),
        NotAppliedReason.PROMO_USED_UP: _(
            "Received for expired order {number}. Its promo code can't be used any more."
        ),
    }[why]
    rows = [
        _("<b>{amount} added to your balance</b>").format(amount=words.money(amount)),
        reason.format(number=words.number(order)),
        *([thing] if thing else []),
        _("You can spend it on your next order."),
    ]
    return Message("\n".join(rows), (words.wallet_button(),))


async def _order_refunded(draft: Draft, params: Params) -> Message:
    event, words = msgspec.convert(params, OrderRefunded), draft.words
    order = await orders.load_without_keys(draft.tx, event.order_id)
    number = order.number
    _ = words.translator.gettext
    amount = words.money(Money(event.amount, event.currency))
    rows = [_("<b>Refund of {amount} for order {number}</b>").format(amount=amount, number=words.number(number))]
    rows += [words.thing(line, event.lines[str(line.id)]) for line in order.lines if str(line.id) in event.lines]
    if event.failure:
        rows.append(_("We couldn't deliver it: {reason}").format(reason=words.isolated(event.failure)))
    to_wallet = event.target is RefundTarget.WALLET
    rows.append(_("The money is in your balance.") if to_wallet else _("Sent to your payment method."))
    return Message("\n".join(rows), (words.wallet_button() if to_wallet else words.order_button(number),))


def _each_refund(event: OrderRefunded, job: Job) -> Iterable[Params]:
    (facts,) = event_params(event, job)
    for refund_id, amount in event.refunds.items():
        yield facts | {"refund_id": refund_id, "amount": amount, "status": RefundStatus.PENDING.value}


NOTICES: Final = (
    Notice(
        event=OrderPaid,
        kind="order_paid",
        audience=person(lambda event: event.user_id),
        key="order_paid:{order_id}",
        compose=_order_paid,
    ),
    Notice(
        event=OrderPaid,
        kind="order_for_admins",
        audience=admins(Permission.ORDERS),
        key="order_for_admins:{order_id}",
        compose=_order_for_admins,
    ),
    Notice(
        event=OrderLineDelivered,
        kind="order_line_delivered",
        audience=person(lambda event: event.user_id),
        key="order_line_delivered:{line_id}",
        compose=_line_delivered,
    ),
    Notice(
        event=OrderFileReady,
        kind="order_file",
        audience=person(lambda event: event.user_id),
        key="order_file:{line_id}",
        compose=_order_file,
    ),
    Notice(
        event=KeysRequested,
        kind="order_keys",
        audience=person(lambda event: event.user_id),
        key="order_keys:{job}",
        compose=_order_keys,
    ),
    Notice(
        event=OrderPaymentKept,
        kind="order_payment_kept",
        audience=person(lambda event: event.user_id),
        key="order_payment_kept:{order_id}:{job}",
        compose=_compose_not_applied,
    ),
    Notice(
        event=OrderPaymentKept,
        kind="order_of_blocked",
        audience=admins(Permission.ORDERS),
        key="order_payment_kept:{order_id}:{job}",
        compose=_order_of_blocked,
        when=lambda event: event.why is NotAppliedReason.BLOCKED,
    ),
    Notice(
        event=OrderRefunded,
        kind="order_refunded",
        audience=person(lambda event: event.user_id),
        key="order_refunded:{order_id}:{job}",
        compose=_order_refunded,
        when=lambda event: not event.refunds,
    ),
    # Each refund by a provider is one message, which its end edits.
    Notice(
        event=OrderRefunded,
        kind="refund_ended",
        audience=person(lambda event: event.user_id),
        key="refund_ended:{refund_id}",
        thread="refund:{refund_id}",
        params=_each_refund,
        compose=refund_ended,
    ),
)
