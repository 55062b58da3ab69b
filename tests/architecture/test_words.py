"""Souk speaks plainly: the words that ``words.py`` lists are gone from messages, docstrings and comments."""

from __future__ import annotations

import pytest

from backend.kernel.text import Locale
from tests.architecture import names, words


@pytest.fixture(scope="module", autouse=True)
def _read_once() -> None:
    """Read what all parts share before the first of them, which would be over a test's budget on a busy machine."""
    words.offences(words.PARTS[0])


@pytest.mark.parametrize("part", words.PARTS)
def test_a_part_says_it_plainly(part: str) -> None:
    assert [str(offence) for offence in words.offences(part)] == []


def test_every_part_is_read() -> None:
    assert {words.part_of(file) for files in words.said().values() for file in files} <= set(words.PARTS)
    assert words.part_of("bot/handlers/orders.py") == words.part_of("webapp/templates/orders/admin/x.html") == "orders"
    assert words.part_of("bot/simulator/payments.py") == words.part_of("webapp/core/live.py") == "core"
    assert words.part_of("tests/bot/test_chat.py") == "bot"


@pytest.mark.parametrize(
    ("locale", "text"),
    [
        (Locale.EN, "No way to pay is on"),
        (Locale.EN, "The books\nbalance"),
        (Locale.EN, "Put it aside?"),
        (Locale.EN, "Let this order go?"),
        (Locale.EN, "It was paid back"),
        (Locale.EN, "Its time was over."),
        (Locale.EN, "Your orders will stand here"),
        (Locale.EN, "Whoever has the code"),
        (Locale.EN, "Ask him"),
        (Locale.AR, "محفظة · سوق"),
        (Locale.AR, "٥ طلبات"),
        (Locale.AR, "ملغي"),
        (Locale.AR, "الشحن متوقف"),
        (Locale.RU, "Еще раз"),
        (Locale.RU, "Продукт удалён, пожалуйста"),
    ],
)
def test_an_old_word_in_a_message_is_seen(locale: Locale, text: str) -> None:
    assert list(words.judge([("here", text)], words.OF_LANGUAGE[locale]))


@pytest.mark.parametrize(
    ("locale", "text"),
    [
        (Locale.EN, "Your refund is on its way. By the way, go back to the shop."),
        (Locale.EN, "The limit is over $5. The others were overdue; this is theirs"),
        (Locale.EN, "Wait %(wait)s, then try again"),
        (Locale.AR, "شحن الرصيد، طلب ملغى، بمبلغ %(sum)s لـ%(name)s"),
        (Locale.RU, "Ещё раз: платёж отменён, невыясненный товар"),
    ],
)
def test_plain_words_are_left_alone(locale: Locale, text: str) -> None:
    assert list(words.judge([("here", text)], words.OF_LANGUAGE[locale])) == []


def test_docstrings_and_comments_are_read_across_their_lines() -> None:
    code = '"""Pay the buyer\nback."""\n\n\ndef f():\n    """The same, locked."""\n'
    code += '    x = "whoever"  # put\n    # it aside\n    # now\n'
    offences = list(words.judge(words.prose("f.py", code), words.EVERYWHERE + words.PROSE))
    assert [offence.place for offence in offences] == ["f.py:1", "f.py:6", "f.py:7"]
    template = "{# Whoever comes #}<p>x</p>\n/* seldom */\n // anew\n"
    offences = list(words.judge(words.markup_comments("t.html", template), words.EVERYWHERE))
    assert [offence.place for offence in offences] == ["t.html:1", "t.html:2", "t.html:3"]


def test_names_are_read_as_words() -> None:
    code = "def pay(way: str, on_its_way: int) -> None:\n    HOUSE = news_of_it = way_in = 'way'\n"
    offences = list(words.judge(names.names("f.py", code), names.NAMES))
    assert [offence.text for offence in offences] == ["way", "HOUSE", "news of it"]


def test_names_say_what_a_value_is() -> None:
    code = "def kept_rows(self, told):\n    found = was_wanted = self.made\n"
    offences = list(words.judge(names.names("f.py", code), names.NAMES))
    assert [offence.text for offence in offences] == ["kept rows", "told", "found", "was wanted", "made"]
    assert names.may_offend(code) and not names.may_offend('"""It was found."""\nx = "kept"  # told\n')
    allowed = "def test_it_is_found(): row.low_stock_told = row.told_at or row.made_by or Kind.NOT_FOUND\n"
    assert not list(words.judge(names.names("f.py", allowed), names.NAMES))


def test_a_modules_prose_is_read_if_it_holds_a_bad_word_at_all() -> None:
    assert words.suspicious("# put\n# it aside\n") and words.suspicious('"""The same."""')
    assert not words.suspicious('"""Plain."""')


def test_texts_of_commands_are_read_and_their_docstrings_only_where_they_are_help() -> None:
    code = '"""Module."""\n\n@command()\ndef f():\n    """Help."""\n    echo("text")\n\ndef g():\n    """Inner."""\n'
    assert {text for _, text in words.command_texts("f.py", code)} == {"Help.", "text"}


def test_buttons_toasts_and_titles_are_recognised() -> None:
    template = (
        '<a class="btn btn--s" href="{{ x }}" data-confirm="{{ _("Not this") }}"><span>{{ _("One") }}</span></a>'
        '<button type="submit" class="btn">{% trans %}Pay {{ sum }}{% endtrans %}</button><p>{{ _("Nor this") }}</p>'
        '<button class="cell">{{ _("Nor a row") }}</button>{{ empty("shop", _("Nothing yet"), _("Text")) }}'
    )
    assert list(words.button_texts(template)) == ["One", "Pay %(sum)s"]
    assert words.empty_titles(template) == ["Nothing yet"]
    code = 'def f():\n    told = _("Saved")\n    other = _("Shop")\n    return toast(x, told if y else _("Copied"))\n'
    assert set(words.toast_texts(code)) == {"Saved", "Copied"}


def test_a_placeholder_counts_as_a_price() -> None:
    assert list(words.measure([("here", "Pay %(sum)s")], 10)) == []
    assert list(words.measure([("here", "Pay %(sum)s")], 9))


def test_every_kind_of_text_that_has_a_limit_is_in_use() -> None:
    """A pattern that nothing matches any more would hold nothing."""
    templates = [text for _, text in words.files("webapp/templates", "*.html")]
    assert sum(len(list(words.button_texts(text))) for text in templates) > 30
    assert sum(len(words.empty_titles(text)) for text in templates) > 10
    assert sum(len(list(words.toast_texts(code))) for _, code in words.files("webapp", "*.py")) > 10
