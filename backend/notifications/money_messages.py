"""The words of messages about money. Pure: all facts come in as arguments."""

from __future__ import annotations

import html

from backend.approvals.types import FirstApproval
from backend.approvals.words import kind_title
from backend.infra.formatting import format_number
from backend.kernel.money import Money
from backend.notifications.messages import Words
from backend.notifications.types import Button, Message
from backend.orders.types import WhyKept
from backend.payments.types import RefundStatus
from backend.payments.words import reason as payment_reason
from backend.payments.words import way_title


def _wallet(words: Words) -> Button:
    return words.button(words.translator.gettext("Open wallet"), "/wallet")


def _order(words: Words, number: str) -> Button:
    return words.button(words.translator.gettext("Open order"), f"/orders/{number}")


def _admin(words: Words, path: str) -> Button:
    return words.button(words.translator.gettext("Have a look"), f"/admin{path}")


def _name(text: str) -> str:
    return f"\u2068{html.escape(text, quote=False) or '—'}\u2069"


def _way(words: Words, way: str) -> str:
    return _name(way_title(way, words.translator))


def person_link(name: str, telegram_id: int) -> str:
    """A name that opens the person's chat."""
    shown = html.escape(name, quote=False) or str(telegram_id)
    return f'<a href="tg://user?id={telegram_id}">\u2068{shown}\u2069</a>'


def top_up(
    words: Words,
    amount: Money,
    balance: Money,
    missing: Money | None = None,
    more: bool = False,
    bonus: Money | None = None,
) -> Message:
    """To the one whose money arrived. ``missing`` is still to be paid; ``more``: it was more than asked for.

    ``bonus`` is what the top-up brought on top, in all.
    """
    _ = words.translator.gettext
    rows = [_("<b>{amount} is in your wallet</b>").format(amount=words.money(amount))]
    if bonus:
        rows.append(_("Bonus: {amount}").format(amount=words.money(bonus)))
    rows.append(_("Balance: {amount}").format(amount=words.money(balance)))
    if missing:
        rows.append(_short(words, missing))
    elif more:
        rows.append(_("That was more than was asked for. All of it is in your balance."))
    return Message("\n".join(rows), (_wallet(words),))


def top_up_for_order(
    words: Words, amount: Money, order: str, missing: Money | None = None, more: bool = False
) -> Message:
    """To the one who pays an order by it; the order's own message follows."""
    _ = words.translator.gettext
    number = words.number(order)
    rows = [_("<b>{amount} has arrived for order {number}</b>").format(amount=words.money(amount), number=number)]
    if missing:
        rows.append(_short(words, missing))
    else:
        rows.append(_("The order's own message follows in a moment."))
        if more:
            rows.append(_("That was more than was asked for. The rest is in your balance."))
    return Message("\n".join(rows), (_order(words, order),))


def _short(words: Words, missing: Money) -> str:
    _ = words.translator.gettext
    return _("Still missing: {amount}. Send it by the same payment, and it is complete.").format(
        amount=words.money(missing)
    )


def rest_of_order(words: Words, order: str) -> Message:
    """To the one who sent more than his order cost, which has been paid in the meantime."""
    _ = words.translator.gettext
    text = _("You sent more than order {number} needed. The rest is in your balance.")
    return Message(text.format(number=words.number(order)), (_wallet(words),))


def order_payment_kept(words: Words, amount: Money, order: str, why: WhyKept) -> Message:
    """To the buyer whose money does not buy what he ordered any more, and ``why``."""
    _ = words.translator.gettext
    told = {
        WhyKept.CANCELLED: _("It came for order {number}, which was cancelled."),
        WhyKept.NOT_ENOUGH: _("It came for order {number} after its time, and was not enough for it."),
        WhyKept.SOLD_OUT: _("It came for order {number} after its time, when the goods were gone."),
        WhyKept.BLOCKED: _("It came for order {number}, which ended when your account was blocked."),
        WhyKept.LIMIT_REACHED: _("It came for order {number} after its time. You have as many as one person may have."),
    }[why]
    rows = [
        _("<b>{amount} is in your wallet</b>").format(amount=words.money(amount)),
        told.format(number=words.number(order)),
        _("Use it for whatever you like."),
    ]
    return Message("\n".join(rows), (_wallet(words),))


def order_refunded(words: Words, amount: Money, order: str, *, to_wallet: bool) -> Message:
    """To the buyer: money of an order goes back to him."""
    _ = words.translator.gettext
    head = _("<b>{amount} of order {number} is paid back</b>").format(
        amount=words.money(amount), number=words.number(order)
    )
    where = _("It is in your wallet.") if to_wallet else _("It goes back the way that you paid.")
    return Message(f"{head}\n{where}", (_wallet(words) if to_wallet else _order(words, order),))


def refund(words: Words, amount: Money, status: RefundStatus, order: str | None) -> Message:
    """To the one whose money goes back by the payment method: where it is now. It is one message, and edited."""
    _ = words.translator.gettext
    value = words.money(amount)
    if status is RefundStatus.FAILED:
        rows = [_("<b>{amount} is in your wallet</b>").format(amount=value)]
        rows.append(_("It couldn't be refunded to your payment method, so it's in your balance."))
    elif status is RefundStatus.SUCCEEDED:
        rows = [_("<b>{amount} refunded</b>").format(amount=value)]
        rows.append(_("Sent to your payment method. When it arrives depends on the provider."))
    else:
        rows = [_("<b>Refund of {amount} started</b>").format(amount=value)]
        rows.append(_("We're sending it to your payment method."))
    if order is not None:
        rows.insert(1, _("Order {number}").format(number=words.number(order)))
        return Message("\n".join(rows), (_order(words, order),))
    return Message("\n".join(rows), (_wallet(words),))


def refund_failed(words: Words, amount: Money, way: str, intent_id: str) -> Message:
    """To an admin: a provider refused a refund."""
    _ = words.translator.gettext
    rows = [
        _("<b>A refund was refused</b>"),
        _("{way}: {amount}. The money is in the person's wallet instead.").format(
            way=_way(words, way), amount=words.money(amount)
        ),
    ]
    return Message("\n".join(rows), (_admin(words, f"/payments/{intent_id}"),))


def payment_unmatched(words: Words, amount: Money | None, way: str, reason: str) -> Message:
    """To an admin: money or news that belongs to no payment of ours."""
    _ = words.translator.gettext
    if amount is None:
        head = _("<b>News of an unknown payment</b>")
    else:
        head = _("<b>{amount} came for an unknown payment</b>").format(amount=words.money(amount))
    why = html.escape(payment_reason(reason, words.translator), quote=False)
    return Message(f"{head}\n{_way(words, way)}\n{why}", (_admin(words, "/payments/unmatched"),))


def deposit_proved(
    words: Words,
    amount: Money,
    person: str,
    telegram_id: int,
    intent_id: str,
    *,
    reference: str = "",
    judged: str = "",
    by: str = "",
) -> Message:
    """To an admin: somebody has sent the receipt of a deposit; once it is ``judged``, how and by whom."""
    _ = words.translator.gettext
    rows = [
        _("<b>Deposit of {amount} to review</b>").format(amount=words.money(amount)),
        _("From: {person}").format(person=person_link(person, telegram_id)),
    ]
    if judged:
        rows[0] = _("<b>Deposit of {amount}</b>").format(amount=words.money(amount))
    if reference:
        shown = f"<code>{html.escape(reference, quote=False)}</code>"
        rows.append(_("Reference: {reference}").format(reference=shown))
    if judged == "confirmed":
        rows.append(_("✅ Confirmed by {admin}").format(admin=_name(by)))
    elif judged:
        rows.append(_("❌ Rejected by {admin}").format(admin=_name(by)))
    else:
        rows.append(_("Compare the transfer receipt with your account, then confirm or reject."))
    return Message("\n".join(rows), (_admin(words, f"/payments/{intent_id}"),))


def reconciliation_differed(words: Words, way: str, differences: int) -> Message:
    """To an admin: a provider and the books disagree."""
    _, ngettext = words.translator.gettext, words.translator.ngettext
    head = _("<b>{way} and the books differ</b>").format(way=_way(words, way))
    count = ngettext("In {count} place.", "In {count} places.", differences)
    shown = count.format(count=format_number(differences, words.locale))
    return Message(f"{head}\n{shown}", (_admin(words, "/payments/reconciliation"),))


def reconciliation_failed(words: Words, way: str) -> Message:
    """To an admin: a provider could not be compared with the books."""
    _ = words.translator.gettext
    head = _("<b>{way} could not be compared with the books</b>").format(way=_way(words, way))
    why = _("The provider did not answer. It is asked again at the next comparison.")
    return Message(f"{head}\n{why}", (_admin(words, "/payments/reconciliation"),))


def order_of_blocked(words: Words, amount: Money, order: str, person: str) -> Message:
    """To an admin: a payment arrived for a blocked buyer's order."""
    _ = words.translator.gettext
    rows = [
        _("<b>Order {number} was not delivered</b>").format(number=words.number(order)),
        _("{amount} arrived, but {person} is blocked. The money is in their balance.").format(
            amount=words.money(amount), person=_name(person)
        ),
    ]
    return Message("\n".join(rows), (_admin(words, f"/orders/{order}"),))


def approval_asked(words: Words, first: FirstApproval, person: str, admin: str, path: str) -> Message:
    """To an admin: another one gave a first approval, and a second is needed."""
    _ = words.translator.gettext
    amount = -first.amount if first.facts.get("way") == "debit" else first.amount
    rows = [
        _("<b>Second approval needed: {amount}</b>").format(amount=words.signed(amount)),
        kind_title(first.kind, words.translator),
    ]
    if person:
        rows.append(_("For: {person}").format(person=_name(person)))
    rows.append(_("First approval: {person}").format(person=_name(admin)))
    if first.reason:
        rows.append(_("Reason: {reason}").format(reason=_name(first.reason)))
    return Message("\n".join(rows), (_admin(words, path),))


def wallet_adjusted(words: Words, amount: Money, balance: Money, reason: str) -> Message:
    """To a person: the shop has changed his wallet, and why."""
    _ = words.translator.gettext
    if amount.amount > 0:
        head = _("<b>{amount} was added to your wallet</b>").format(amount=words.money(amount))
    else:
        head = _("<b>{amount} was taken from your wallet</b>").format(amount=words.money(-amount))
    rows = [
        head,
        _("Why: {reason}").format(reason=_name(reason)),
        _("Balance: {amount}").format(amount=words.money(balance)),
    ]
    return Message("\n".join(rows), (_wallet(words),))


def gift_redeemed(words: Words, amount: Money) -> Message:
    """To the buyer of a gift card that has been redeemed."""
    _ = words.translator.gettext
    head = _("<b>Your gift card of {amount} has been redeemed</b>").format(amount=words.money(amount))
    text = _("Whoever you gave it to has the money in the wallet now.")
    return Message(f"{head}\n{text}", (words.button(_("My gift cards"), "/wallet/gifts"),))
