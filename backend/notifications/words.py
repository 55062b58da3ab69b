"""The terms of sale and the privacy text, the same in the chat and on the pages."""

from __future__ import annotations

from backend.infra.i18n import Translator


def terms(words: Translator, shop: str) -> list[str]:
    """The terms of sale, one paragraph each; ``shop`` is its name, escaped by the caller."""
    _ = words.gettext
    return [
        _("1. {shop} sells digital goods. Telegram is neither the seller nor responsible for the sale.").format(
            shop=shop
        ),
        _("2. A key is yours once the order is paid. It is shown on the order's page for as long as the shop exists."),
        _("3. If a key doesn't work, we replace or refund it. A working key can't be returned once viewed."),
        _("4. You can spend your balance in this shop. Contact us about money that you haven't spent."),
        _("5. We block accounts for fraud, unauthorised resale or abuse."),
    ]


def privacy(words: Translator) -> list[str]:
    """The privacy text, one paragraph each."""
    _ = words.gettext
    return [
        _("From Telegram: your Telegram ID, name, username, language and photo."),
        _("From your activity: orders, payments and wallet history. Keys are stored encrypted."),
        _("We share it only with the payment provider you choose, to process your payment."),
        _("Message us to get a copy of your data or to delete it."),
    ]
