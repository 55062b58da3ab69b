"""The buyer's orders: list, detail, keys, and what can be done with an unpaid order."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from typing import Annotated, Any, Final
from urllib.parse import quote

import msgspec
from litestar import Request, get, post
from litestar.params import FromPath
from litestar.response import Response
from msgspec import Meta

from backend.catalog.types.files import Fetch
from backend.kernel.errors import Forbidden, NotFound
from backend.orders.types import AmountDue, OrderFilter, OrderStatus, OrderView
from backend.orders.types.keys import DeliveredKey
from backend.orders.types.lines import LineStatus
from backend.orders.words import keys_file
from backend.wallet.errors import InsufficientFunds
from webapp.core import forms
from webapp.core.answers import asked_by, asked_for_more, replaced, to_app
from webapp.core.guards import PUBLIC, actor_of_address
from webapp.core.limits import PURCHASE, REVEAL, WRITE, address_of, limited
from webapp.core.ranges import asked_part
from webapp.core.responses import Html, fragment, live_url, nothing, page, pictures, sheet, signed_url, toast
from webapp.core.site import SoukRequest, site_of
from webapp.orders.routes.asking import answered
from webapp.orders.screens import checkout as checkout_views
from webapp.orders.screens import orders as present
from webapp.orders.screens.keys import GOODS, GOODS_SECONDS
from webapp.orders.screens.keys import key as key_view
from webapp.orders.screens.orders import OrderPage, SubscriptionLink
from webapp.orders.screens.warranty import warranty_view

_FILE: Final = re.compile(r"(S-[0-9A-Z]{6})(?:-([1-9][0-9]{0,3}))?\.txt\Z")
_GOODS: Final = re.compile(r"(S-[0-9A-Z]{6})-([1-9][0-9]{0,3})\.bin")
_FILE_SECONDS: Final = 3600


class ListQuery(msgspec.Struct, frozen=True):
    """What the list is asked for."""

    segment: OrderFilter = OrderFilter.ALL
    cursor: Annotated[str, Meta(max_length=200)] = ""


@get("/orders", name="orders:list")
async def order_list(request: SoukRequest) -> Html:
    """All orders or the unpaid ones, newest first; a next page is sent as rows only."""
    query = forms.read_query(request, ListQuery)
    site = site_of(request)
    listed = await site.services.orders.history.list_mine(request.user, query.segment, query.cursor or None)
    view = present.listed(listed, query.segment, request.user, site.now(), pictures(request))
    if asked_for_more(request, query.cursor):
        return fragment(request, "orders/_rows.html", view)
    return page(request, "orders/list.html", view, tab="me", back="/me")


@get("/orders/{number:str}", name="orders:detail")
async def order_detail(request: SoukRequest, number: FromPath[str]) -> Html:
    """One order. When its page reloads itself after a change, only the part that changed is sent."""
    order = await site_of(request).services.orders.history.detail(request.user, number)
    if asked_by(request, "order"):
        # The page reloads only while it is unpaid: a delivered order was delivered just now.
        return fragment(request, "orders/_body.html", await order_view(request, order, fresh=True))
    return await order_page(request, order)


@get("/orders/{number:str}/pay", name="orders:pay-sheet")
async def pay_sheet(request: SoukRequest, number: FromPath[str]) -> Html:
    """Before an unpaid order is paid: the confirmation, or the payment methods for the rest."""
    return await methods(request, number)


async def methods(request: SoukRequest, number: str) -> Html:
    """The sheet by which an unpaid order is paid; the order itself when it is no longer unpaid."""
    services = site_of(request).services
    order = await services.orders.history.detail(request.user, number)
    if order.status is not OrderStatus.AWAITING_PAYMENT:
        return to_app(replaced(await order_page(request, order, fresh=True), f"/orders/{order.number}"))
    due = await services.orders.checkout.due(request.user, order)
    if due.rest:
        return _methods_sheet(request, order, due)
    viewer = site_of(request).viewer(request.user)
    view = checkout_views.confirm_order(order, due, request.user, pictures(request), viewer)
    return sheet(request, "orders/_confirm.html", view)


@post("/orders/{number:str}/pay", name="orders:pay", guards=[limited(PURCHASE)], status_code=200)
async def pay(request: SoukRequest, number: FromPath[str]) -> Html:
    """Pay an unpaid order from the balance."""
    services = site_of(request).services
    try:
        ref = await services.orders.settlement.pay(request.user, number)
    except InsufficientFunds:
        order = await services.orders.history.detail(request.user, number)
        due = await services.orders.checkout.due(request.user, order)
        return _methods_sheet(request, order, due, status=402)
    order = await services.orders.history.detail(request.user, ref.number)
    return replaced(await order_page(request, order, fresh=True), f"/orders/{order.number}")


@post("/orders/{number:str}/cancel", name="orders:cancel", guards=[limited(WRITE)], status_code=200)
async def cancel(request: SoukRequest, number: FromPath[str]) -> Html:
    """Cancel an unpaid order."""
    services = site_of(request).services
    ref = await services.orders.reservations.cancel(request.user, number)
    return await order_page(request, await services.orders.history.detail(request.user, ref.number))


def _key_of(order: OrderView, ordinal: int) -> DeliveredKey:
    """One of the things that were delivered. Raises NotFound."""
    key = next((key for key in order.keys if key.ordinal == ordinal), None)
    if key is None:
        raise NotFound("no such key")
    return key


@get("/orders/{number:str}/keys/{ordinal:int}", name="orders:key")
async def delivered(request: SoukRequest, number: FromPath[str], ordinal: FromPath[int]) -> Html:
    """One thing as it was delivered: a file whose address is soon over asks for it. Raises NotFound."""
    order = await site_of(request).services.orders.history.detail(request.user, number)
    view = key_view(order, _key_of(order, ordinal), request.user, pictures(request), _signer(request))
    return fragment(request, "orders/_key_answer.html", view)


@post("/orders/{number:str}/keys/{ordinal:int}/reveal", name="orders:reveal", guards=[limited(REVEAL)], status_code=200)
async def reveal(request: SoukRequest, number: FromPath[str], ordinal: FromPath[int]) -> Html:
    """Show one key; the service logs who saw it and when."""
    orders = site_of(request).services.orders
    order = await orders.history.detail(request.user, number)
    key = _key_of(order, ordinal)
    opened = await orders.delivery.reveal(request.user, number, ordinal)
    view = key_view(order, key, request.user, pictures(request), _signer(request), opened.text)
    return fragment(request, "orders/_key_answer.html", view)


@post("/orders/{number:str}/keys/{ordinal:int}/chat", name="orders:chat", guards=[limited(REVEAL)], status_code=200)
async def to_chat(request: SoukRequest, number: FromPath[str], ordinal: FromPath[int]) -> Html:
    """Have the order's keys sent to the buyer's chat once more."""
    del ordinal  # the chat gets the whole order, in one message
    site = site_of(request)
    await site.services.orders.delivery.send_to_chat(request.user, number)
    words = site.viewer(request.user).words
    return toast(nothing(request), words.gettext("Sent to chat"))


@get("/orders/files/{name:str}", name="orders:file", opt=PUBLIC)
async def key_file(request: Request[Any, Any, Any], name: FromPath[str]) -> Response[bytes]:
    """The keys of an order, or one of them, as a text file; by signed address, since downloads carry no headers.

    ``name`` is ``S-4K7Q2M.txt`` or, for the second key, ``S-4K7Q2M-2.txt``.
    """
    actor = await actor_of_address(request)
    match = _FILE.match(name)
    if match is None:
        raise NotFound("not a file of ours")
    number, ordinal = match.group(1), match.group(2)
    site = site_of(request)
    await site.services.limiter.hit(REVEAL, str(actor.id))
    opened = await site.services.orders.delivery.open_file(actor, number, int(ordinal) if ordinal else None)
    if not opened:
        raise NotFound("the order has no such key")
    headers = _saved(f'attachment; filename="{name}"')
    return Response(keys_file(number, opened, actor.language), media_type="text/plain", headers=headers)


@get("/orders/goods/{name:str}", name="orders:goods", opt=PUBLIC)
async def goods_file(request: Request[Any, Any, Any], name: FromPath[str]) -> Response[bytes]:
    """A delivered file, whole or one range of it, at an address signed for its buyer and their session.

    ``name`` is ``S-4K7Q2M-2.bin`` for the second thing. Raises LinkExpired, NotFound (also where too many devices have
    used the address), DownloadsUsedUp, Forbidden with the session of another person.
    """
    actor = await actor_of_address(request)
    asking = request.scope.get("user")
    if asking is not None and asking.id != actor.id:
        raise Forbidden("the address is somebody else's")
    match = _GOODS.fullmatch(name)
    if match is None:
        raise NotFound("not a file of ours")
    site = site_of(request)
    await site.services.limiter.hit(REVEAL, str(actor.id))
    file = await site.services.orders.delivery.download(actor, match.group(1), int(match.group(2)), _fetch(request))
    headers = _saved(f"attachment; filename*=UTF-8''{quote(file.name, safe='')}") | {
        # An admin's file may be anything: whatever it is, no page of ours runs it.
        "content-security-policy": "default-src 'none'; sandbox",
        "x-content-type-options": "nosniff",
    }
    part = asked_part(request, len(file.data), file.version, headers)
    return Response(
        file.data[part.first : part.first + part.length],
        status_code=part.status,
        media_type="application/octet-stream",
        headers=part.headers,
    )


def _fetch(request: Request[Any, Any, Any]) -> Fetch:
    """By which device the address is used: its network and its program, hashed with what nobody else knows."""
    scope: Any = request.scope
    token = scope["query_string"]
    device = f"{address_of(scope)}\n{request.headers.get('user-agent', '')}".encode()
    return Fetch(hashlib.sha256(token).digest()[:16], hashlib.sha256(token + b"\n" + device).digest()[:16])


def _saved(disposition: str) -> dict[str, str]:
    """The headers of a file that a browser, or Telegram, saves."""
    return {
        "content-disposition": disposition,
        "cache-control": "no-store",
        # Telegram's web clients fetch the file from their own origin.
        "access-control-allow-origin": "https://web.telegram.org",
    }


async def order_page(request: SoukRequest, order: OrderView, *, fresh: bool = False, paid: bool = False) -> Html:
    """The whole page of an order; ``fresh``: it has just been paid; ``paid``: Telegram says so, before the provider."""
    view = await order_view(request, order, fresh=fresh)
    if paid and view.status is OrderStatus.AWAITING_PAYMENT:
        view = msgspec.structs.replace(view, settling=True)
    return page(request, "orders/detail.html", view, tab="me", back="/orders")


def _methods_sheet(request: SoukRequest, order: OrderView, due: AmountDue, status: int = 200) -> Html:
    """The payment methods for the rest of an unpaid order."""
    view = checkout_views.methods_for_order(order, due, forms.new_intent(), site_of(request).viewer(request.user))
    return sheet(request, "orders/_methods.html", view, status=status)


def _signer(request: SoukRequest) -> Callable[[str], str]:
    return lambda target: signed_url(
        request, target, seconds=GOODS_SECONDS if target.startswith(GOODS) else _FILE_SECONDS
    )


async def order_view(request: SoukRequest, order: OrderView, *, fresh: bool = False) -> OrderPage:
    """What the order's page shows its buyer; ``fresh`` when it has just been paid."""
    site = site_of(request)
    viewer = site.viewer(request.user)
    view = _detail(request, order, fresh=fresh)
    view = msgspec.structs.replace(view, answered=await answered(request, order))
    with_keys = {key.line_id for key in order.keys}
    others = [line.id for line in order.lines if line.status is LineStatus.DELIVERED and line.id not in with_keys]
    premium = await site.services.growth.premium.of_lines(request.user, others)
    view = msgspec.structs.replace(view, premium_until=premium.until if premium else None)
    if view.status is not OrderStatus.AWAITING_PAYMENT:
        # Nobody has claimed anything of an order that was paid just now.
        claims = [] if fresh else await site.services.orders.warranty.list_claims(request.user, order)
        link = None if fresh else await subscription_link(request, order, "/me/subscriptions")
        until = site.services.orders.warranty.ends_at(order, claims, viewer.now)
        shown = warranty_view(order, until, claims, viewer)
        return present.of_subscription(msgspec.structs.replace(view, warranty=shown), link)
    due = await site.services.orders.checkout.due(request.user, order)
    intents = await site.services.payments.intents.list_mine(request.user)
    if due.rest and present.has_money_just_come(order, intents, viewer.now):
        # Has the worker charged the balance and delivered since the order was read?
        now = await site.services.orders.history.detail(request.user, order.number)
        if now.status is not order.status:
            return msgspec.structs.replace(_detail(request, now, fresh=fresh), answered=view.answered)
    return present.awaiting_payment(view, order, due, intents, viewer)


async def subscription_link(request: SoukRequest, order: OrderView, path: str) -> SubscriptionLink | None:
    """The subscription that an order belongs to, with its page below ``path``."""
    link = await site_of(request).services.orders.subscriptions.of_order(request.user, order.id)
    return SubscriptionLink(f"{path}/{link.subscription_id}", link.first) if link else None


def _detail(request: SoukRequest, order: OrderView, *, fresh: bool) -> OrderPage:
    return present.detail(
        order,
        request.user,
        site_of(request).viewer(request.user),
        pictures(request),
        sign=_signer(request),
        live_url=live_url(request, f"order:{order.id}"),
        fresh=fresh,
    )


ORDERS_HANDLERS: Final = (
    order_list,
    order_detail,
    pay_sheet,
    pay,
    cancel,
    delivered,
    reveal,
    to_chat,
    key_file,
    goods_file,
)
