"""What the search knows of a product: the words of its document."""

from __future__ import annotations

import functools
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

import msgspec

from backend.catalog.rules.folding import flag, fold, without_article
from backend.infra.formatting import country_name
from backend.kernel.text import Locale

NAMED: Final = "!"
"""Before a word of a product's name in its document; the word is there without it too."""
SLUG: Final = "/"
"""Before a word of its slug, which only admins look for."""
_MOST_WORDS: Final = 400
_KINDS: Final = {
    "unique_keys": "key code license ключ код лицензия مفتاح رمز كود",
    "shared_key": "shared key account общий ключ аккаунт مفتاح مشترك حساب",
    "premium": "premium membership премиум участие عضوية مميزة بريميوم",
    "course": "course school lessons курс школа уроки دورة مدرسة دروس",
    "credits": "reading credits tarot расклады таро карты قراءات تاروت بطاقات",
    "file": "file download pdf файл скачать ملف تنزيل",
    "by_hand": "manual service вручную услуга يدوي خدمة",
}
# What people call a country beside its name in CLDR.
_ALSO: Final = {
    "TR": "Turkey",
    "US": "USA America США Америка أمريكا",
    "GB": "UK Britain England Англия Британия إنجلترا بريطانيا",
    "AE": "UAE Emirates Dubai ОАЭ Эмираты Дубай دبي",
    "SA": "KSA Saudi Саудовская КСА السعودية",
    "DE": "Deutschland",
    "CN": "PRC КНР",
    "KR": "Korea Корея كوريا",
    "RU": "РФ",
}


class Described(msgspec.Struct, frozen=True, kw_only=True):
    """A product with everything that it can be found by; texts by language."""

    slug: str
    name: dict[str, str]
    texts: list[dict[str, str]]
    """Its summary and description, the names and notes of its variants."""
    categories: list[dict[str, str]]
    """The names of its category and of those above it."""
    labels: list[str]
    """Its tags and the codes of its variants."""
    country: str | None
    kind: str


def words_of(product: Described) -> list[str]:
    """The lexemes of the product's document, each once, those that matter most first, at most some 500."""
    named = dict.fromkeys(_spread(_texts([product.name])))
    where = _country(product.country) if product.country else ()
    short = [*_texts(product.categories), *product.labels, _KINDS.get(product.kind, "")]
    words = dict.fromkeys([*named, *where, *_spread(short), *_spread(_texts(product.texts))])
    slug = dict.fromkeys(fold(product.slug))
    return [*(NAMED + word for word in named), *(SLUG + word for word in slug), *list(words)[:_MOST_WORDS]]


def _texts(texts: Sequence[Mapping[str, str]]) -> list[str]:
    return [text for by_language in texts for text in by_language.values()]


def _spread(texts: Iterable[str]) -> list[str]:
    words: list[str] = []
    for text in texts:
        for word in fold(text):
            words.append(word)
            bare = without_article(word)
            if bare:
                words.append(bare)
    return words


@functools.lru_cache(maxsize=300)
def _country(code: str) -> tuple[str, ...]:
    names = [country_name(code, locale) for locale in Locale]
    return (*_spread([*names, _ALSO.get(code, ""), code]), flag(code))
