"""A payment on its way, and what it ended as."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Final, Literal

import msgspec
from markupsafe import Markup

from backend.kernel.money import Money
from backend.orders.types import OrderRow, OrderStatus
from backend.payments.types import ActionKind, Intent, IntentStatus, PayAction, Proof
from webapp.core.parts import Hue, StepView
from webapp.core.qr import draw
from webapp.core.rendering import Viewer
from webapp.payments.screens.deposit import DepositView, deposit_view
from webapp.payments.screens.methods import way_look, way_title

PaymentState = Literal[
    "opening", "waiting", "confirming", "short", "arrived", "over", "failed", "expired", "refunded", "part_refunded",
    "cancelled",
]  # fmt: skip
"""Where a payment stands, to its payer: ``opening`` until the provider has answered, ``short`` with a part of it here,
``over`` with more than was asked."""


_STATES: Final[dict[IntentStatus, PaymentState]] = {
    IntentStatus.CREATED: "waiting",
    IntentStatus.PENDING: "waiting",
    IntentStatus.CONFIRMING: "confirming",
    IntentStatus.UNDERPAID: "short",
    IntentStatus.SUCCEEDED: "arrived",
    IntentStatus.OVERPAID: "over",
    IntentStatus.EXPIRED: "expired",
    IntentStatus.FAILED: "failed",
    IntentStatus.REFUNDED: "refunded",
    IntentStatus.PARTIALLY_REFUNDED: "part_refunded",
    IntentStatus.CANCELLED: "cancelled",
}


_OPEN: Final[frozenset[PaymentState]] = frozenset({"opening", "waiting", "confirming", "short"})


_ENDS: Final[dict[str, Literal["failed", "expired", "cancelled"]]] = {
    "failed": "failed",
    "expired": "expired",
    "cancelled": "cancelled",
}


_CHANGEABLE: Final[frozenset[PaymentState]] = frozenset(
    {"opening", "waiting", "short", "failed", "expired", "cancelled"}
)


# A refused proof may be answered by a better one, and money sent in time may be shown late.
_PROVABLE: Final = _OPEN | {"expired", "failed", "cancelled"}


_ORDERS: Final[dict[OrderStatus, Literal["waits", "delivered", "expired", "cancelled", "refunded"]]] = {
    OrderStatus.AWAITING_PAYMENT: "waits",
    OrderStatus.DELIVERED: "delivered",
    OrderStatus.EXPIRED: "expired",
    OrderStatus.CANCELLED: "cancelled",
    OrderStatus.REFUNDED: "refunded",
}


_GROUP: Final = 5


def state_of(intent: Intent, now: datetime) -> PaymentState:
    """Where the payment stands; one whose time is over counts as expired, also before the worker has said so."""
    state = _STATES[intent.status]
    if state == "waiting" and intent.expires_at <= now:
        return "expired"
    return "opening" if state == "waiting" and intent.action is None else state


def is_running(intent: Intent, now: datetime) -> bool:
    """Whether it still waits for money."""
    return state_of(intent, now) in _OPEN


def _steps(intent: Intent, state: PaymentState) -> tuple[StepView, ...]:
    asked = StepView("asked", "done", intent.created_at)
    return (asked, *(_next_steps(intent, state) if state in _OPEN else _last_steps(intent, state)))


def _next_steps(intent: Intent, state: PaymentState) -> tuple[StepView, ...]:
    """What a payment that waits has seen, and what is to come."""
    changed, later = intent.updated_at, StepView("balance", "todo")
    if state == "short":
        return (StepView("part", "done", changed, amount=intent.credited), StepView("rest", "now"))
    seen = state == "confirming"
    if intent.action is not None and intent.action.kind is ActionKind.DEPOSIT:
        if seen:
            return (StepView("proved", "done", changed), StepView("looking", "now"), later)
        return (StepView("proof", "now"), later)
    if seen:
        return (StepView("seen", "done", changed), StepView("confirming", "now"), later)
    return (StepView("seen", "now"), later)


def _last_steps(intent: Intent, state: PaymentState) -> tuple[StepView, ...]:
    """How a payment ended; what has arrived has a receipt instead."""
    if state in _ENDS:
        return (StepView(_ENDS[state], "bad", intent.updated_at),)
    arrived = StepView("balance", "done", amount=intent.credited)
    if state in {"arrived", "over"}:
        return (arrived,)
    back: Literal["refunded", "part_refunded"] = "refunded" if state == "refunded" else "part_refunded"
    return (arrived, StepView(back, "done", intent.updated_at, amount=-intent.refunded))


def _plain(amount: Money) -> str:
    """An amount as wallets take it: no grouping, a point, no idle zeros."""
    text = f"{amount.decimal():f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def _for_the_rest(uri: str, whole: Money, rest: Money) -> str:
    """The address of a payment with ``rest`` where it asked for ``whole``, in minor units or in decimals.

    Tokens may have more decimals than our books: then zeros follow.
    """
    base, mark, query = uri.partition("?")
    pairs = []
    for pair in query.split("&") if mark else ():
        name, equals, value = pair.partition("=")
        if value == _plain(whole):
            value = _plain(rest)
        elif value.startswith(str(whole.amount)) and not value.removeprefix(str(whole.amount)).strip("0"):
            value = f"{rest.amount}{value.removeprefix(str(whole.amount))}"
        pairs.append(f"{name}{equals}{value}")
    return base + mark + "&".join(pairs)


class TransferView(msgspec.Struct, frozen=True):
    """Coins to be sent: ``amount`` (exact, as it is copied), ``groups`` is the address in fives."""

    network: str
    asset: str
    address: str
    groups: tuple[str, ...]
    amount: Money
    amount_text: str
    comment: str
    qr: Markup


def _transfer(intent: Intent, action: PayAction) -> TransferView:
    fields = action.fields
    address, uri = fields.get("address", ""), fields.get("uri", "")
    rest = intent.missing
    if rest != intent.payable:
        uri = _for_the_rest(uri, intent.payable, rest)
    code = uri or address
    return TransferView(
        network=fields.get("network", ""),
        asset=fields.get("asset") or intent.payable.currency,
        address=address,
        groups=tuple(address[at : at + _GROUP] for at in range(0, len(address), _GROUP)),
        amount=rest,
        amount_text=_plain(rest),
        comment=fields.get("comment", ""),
        qr=draw(code) if code else Markup(),
    )


def _count(intent: Intent, name: str) -> int:
    text = intent.progress.get(name, "")
    return int(text) if text.isdecimal() else 0


def _seen(intent: Intent) -> Money | None:
    try:
        return Money.parse(intent.progress.get("seen", ""), intent.payable.currency)
    except ValueError:
        return None


def _digest(*parts: object) -> str:
    return hashlib.sha256(repr(parts).encode()).hexdigest()[:12]


def _methods(intent: Intent, state: PaymentState, order: OrderRow | None) -> str:
    """Where another payment method is chosen: not while money is on its way, nor once it is here."""
    if state not in _CHANGEABLE:
        return ""
    if intent.order_id is None:
        return f"/wallet/topup?instead={intent.id}" if state != "short" else ""
    return f"/orders/{order.number}/pay" if order and order.status is OrderStatus.AWAITING_PAYMENT else ""


def _is_over(state: PaymentState, *, payable: bool) -> bool:
    return state in {"expired", "failed", "cancelled"} or (state == "short" and not payable)


class PaymentPage(msgspec.Struct, frozen=True):
    """payments/payment.html; payments/_payment.html takes the same when it changes.

    ``amount``, ``credited``, ``refunded`` and ``balance`` are in the shop's currency; ``payable``, ``received`` and
    ``missing`` in the asset that is paid in. ``seen`` is what shows of a transfer that is not final yet; ``reason`` is
    an admin's word about a deposit.
    ``address`` asks for the page again; it answers nothing as long as nothing has changed. ``can_look``: the provider
    can be asked once more, though nobody does by himself. ``seen_at`` shows its latest transfer on its chain.
    """

    id: str
    reference: str
    state: PaymentState
    way: str
    icon: str
    hue: Hue
    amount: Money
    credited: Money
    refunded: Money
    payable: Money
    received: Money
    missing: Money
    steps: tuple[StepView, ...]
    at: datetime
    address: str
    balance: Money | None = None
    until: datetime | None = None
    live_url: str | None = None
    asks: bool = False
    can_look: bool = False
    pay_url: str | None = None
    pay_with: Literal["link", "invoice", "none"] = "none"
    transfer: TransferView | None = None
    deposit: DepositView | None = None
    confirmations: int = 0
    needed: int = 0
    seen: Money | None = None
    reason: str = ""
    goods: str = ""
    """What is bought by it; empty for a top-up."""
    order: str = ""
    order_stands: Literal["waits", "delivered", "expired", "cancelled", "refunded"] = "waits"
    next_href: str = "/wallet"
    methods: str = ""
    """Where another payment method is chosen: a sheet for an order, else the form; empty when none can be."""
    seen_at: str = ""

    @property
    def foreign(self) -> bool:
        """Whether it is paid in another asset than the shop's currency."""
        return self.payable.currency != self.amount.currency


def payment(
    intent: Intent,
    viewer: Viewer,
    *,
    live_url: str | None,
    next_href: str,
    order: OrderRow | None = None,
    balance: Money | None = None,
    proofs: Sequence[Proof] = (),
    sign: Callable[[str], str] | None = None,
    seen_at: str = "",
) -> PaymentPage:
    """A payment as it stands; it looks again by itself while money may be on its way.

    ``proofs`` are those of a deposit, ``sign`` makes the addresses of their pictures.
    """
    state = state_of(intent, viewer.now)
    icon, colour = way_look(intent.way)
    action = intent.action
    kind = action.kind if action is not None else ActionKind.WAIT
    # What came short can be made up for until the time is over; later money is taken in all the same.
    payable = state == "waiting" or (state == "short" and intent.expires_at > viewer.now)
    transfer = deposit = None
    if action is not None and kind is ActionKind.TRANSFER and payable:
        transfer = _transfer(intent, action)
    if action is not None and kind is ActionKind.DEPOSIT and state in _PROVABLE:
        deposit = deposit_view(intent, action, proofs, sign)
    url = action.url if action is not None and action.url and payable else None
    changing = (state, intent.received, intent.credited, intent.refunded, intent.progress, proofs, payable)
    return PaymentPage(
        id=str(intent.id),
        reference=intent.reference,
        state=state,
        way=way_title(intent.way, viewer),
        icon=icon,
        hue=colour,
        amount=intent.amount,
        credited=intent.credited,
        refunded=intent.refunded,
        payable=intent.payable,
        received=intent.received,
        missing=intent.missing,
        steps=_steps(intent, state),
        at=intent.updated_at,
        address=f"/wallet/payments/{intent.id}?seen={_digest(*changing)}",
        balance=balance,
        until=intent.expires_at if payable or state == "opening" else None,
        live_url=live_url if state in _OPEN or state in {"expired", "cancelled"} else None,
        asks=state == "opening" or transfer is not None or (state == "confirming" and kind is ActionKind.TRANSFER),
        pay_url=url,
        pay_with="none" if url is None else "invoice" if kind is ActionKind.INVOICE else "link",
        transfer=transfer,
        deposit=deposit,
        confirmations=_count(intent, "confirmations"),
        needed=_count(intent, "needed"),
        can_look=intent.external_id is not None and kind is not ActionKind.DEPOSIT and _is_over(state, payable=payable),
        seen=_seen(intent) if state == "confirming" else None,
        seen_at=seen_at,
        reason=intent.progress.get("reason", "") if deposit else "",
        goods=intent.title,
        order=order.number if order else "",
        order_stands=_ORDERS[order.status] if order else "waits",
        methods=_methods(intent, state, order),
        next_href=next_href,
    )
