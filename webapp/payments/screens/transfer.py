"""A transfer of coins: the amount and the address to send it to, with their QR code."""

from __future__ import annotations

from typing import Final

import msgspec
from markupsafe import Markup

from backend.kernel.money import Money
from backend.payments.types import Intent, PayAction
from webapp.core.parts import Hue
from webapp.core.qr import draw
from webapp.payments.screens.methods import method_look

_GROUP: Final = 5


def plain_amount(amount: Money) -> str:
    """An amount as wallets take it: without grouping, with a point, without zeros at the end."""
    text = f"{amount.decimal():f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def _for_the_rest(uri: str, whole: Money, rest: Money) -> str:
    """The payment address that asks for ``rest`` where ``uri`` asks for ``whole``, in minor units or in decimals.

    A token may have more decimals than the shop counts: then zeros follow.
    """
    base, mark, query = uri.partition("?")
    pairs = []
    for pair in query.split("&") if mark else ():
        name, equals, value = pair.partition("=")
        if value == plain_amount(whole):
            value = plain_amount(rest)
        elif value.startswith(str(whole.amount)) and not value.removeprefix(str(whole.amount)).strip("0"):
            value = f"{rest.amount}{value.removeprefix(str(whole.amount))}"
        pairs.append(f"{name}{equals}{value}")
    return base + mark + "&".join(pairs)


class TransferView(msgspec.Struct, frozen=True):
    """Coins to be sent: exactly ``amount`` to ``address``."""

    network: str
    asset: str
    icon: str
    hue: Hue
    address: str
    groups: tuple[str, ...]
    """The address in groups of five signs, for comparing."""
    amount: Money
    amount_text: str
    """The amount as wallets take it."""
    comment: str
    """What the transfer must carry; empty where the address alone tells whose it is."""
    qr: Markup


def transfer_view(intent: Intent, action: PayAction) -> TransferView:
    """Where to send what is still missing of the payment."""
    fields = action.fields
    address, uri = fields.get("address", ""), fields.get("uri", "")
    rest = intent.missing
    if rest != intent.payable:
        uri = _for_the_rest(uri, intent.payable, rest)
    code = uri or address
    icon, hue = method_look(intent.method)
    return TransferView(
        network=fields.get("network", ""),
        asset=fields.get("asset") or intent.payable.currency,
        icon=icon,
        hue=hue,
        address=address,
        groups=tuple(address[at : at + _GROUP] for at in range(0, len(address), _GROUP)),
        amount=rest,
        amount_text=plain_amount(rest),
        comment=fields.get("comment", ""),
        qr=draw(code) if code else Markup(),
    )
