"""What the shop promises and what it knows about a person: the same words in the chat and on the pages."""

from __future__ import annotations

from backend.infra.i18n import Translator


def terms(words: Translator, shop: str) -> list[str]:
    """The terms of sale, one paragraph each; ``shop`` is its name, made safe by the caller for where it is told."""
    _ = words.gettext
    return [
        _("1. {shop} sells digital goods. Telegram is neither the seller nor responsible for the sale.").format(
            shop=shop
        ),
        _("2. A key is yours once the order is paid. It is shown on the order's page for as long as the shop exists."),
        _("3. A key that does not work is replaced or paid back. A key that works and was seen cannot be returned."),
        _("4. The money in your wallet buys things here. Ask us about what you have not spent."),
        _("5. Whoever cheats, resells what is not for resale, or attacks the shop is shut out."),
    ]


def privacy(words: Translator) -> list[str]:
    """What the shop knows about a person, one paragraph each."""
    _ = words.gettext
    return [
        _("What Telegram tells us: your Telegram number, name, username, language and picture."),
        _("What you do here: orders, payments, the wallet's history. Keys are kept encrypted."),
        _("Nobody else gets it, except a payment provider that you choose, for your payment."),
        _("Write to us to get a copy of your data, or to have it erased."),
    ]
