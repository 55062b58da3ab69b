"""What the shop says, in a person's language: the tests read the same catalogue, so a word may change."""

from __future__ import annotations

from backend.infra.formatting import format_money, format_number
from backend.infra.i18n import translator
from backend.kernel.text import Locale
from tests.factories.wallet import usd

_ISOLATES = dict.fromkeys((0x2066, 0x2067, 0x2068, 0x2069, 0x200E, 0x200F))


class Words:
    """One language."""

    def __init__(self, language: str) -> None:
        self.locale = Locale(language)
        self._translator = translator(self.locale)

    def __call__(self, message: str, **values: str) -> str:
        """A message as a page shows it, its placeholders filled."""
        text = self._translator.gettext(message)
        assert self.locale is Locale.EN or text != message, f"untranslated: {message}"
        return text % values if values else text

    def many(self, one: str, several: str, count: int) -> str:
        """A message that counts."""
        return self._translator.ngettext(one, several, count)

    def money(self, cents: int, *, sign: bool = False, trim: bool = False) -> str:
        """Dollars as a page shows them."""
        return format_money(usd(cents), self.locale, sign=sign, trim=trim, isolated=False)

    def number(self, value: int) -> str:
        """A number in the language's digits."""
        return format_number(value, self.locale)


def plain(text: str) -> str:
    """A text without the signs that isolate directions, and with plain spaces."""
    return " ".join(text.translate(_ISOLATES).split())
