"""Payment methods and reasons have names in every language: nobody sees a code."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from backend.bootstrap import PROVIDERS
from backend.infra.i18n import translator
from backend.kernel.text import Locale
from backend.payments import rules, words
from backend.payments.types import IntentStatus

REASONS = sorted(
    {
        node.value.value
        for node in ast.walk(ast.parse(Path(rules.__file__).read_text()))
        if isinstance(node, ast.keyword) and node.arg == "reason" and isinstance(node.value, ast.Constant)
    }
)


@pytest.mark.parametrize("method", [spec.name for spec in PROVIDERS])
def test_every_method_has_a_name(method: str) -> None:
    assert method in words.METHODS
    for locale in Locale:
        assert "_" not in words.method_title(method, translator(locale))


def test_a_method_without_a_name_gets_one_of_its_id() -> None:
    assert words.method_title("stone_money", translator(Locale.RU)) == "Stone Money"


@pytest.mark.parametrize("locale", Locale)
def test_every_reason_has_words(locale: Locale) -> None:
    assert len(REASONS) >= 5
    for code in [*REASONS, *(f"paid_when_{status}" for status in IntentStatus), "expired_stays", "refund_accepted"]:
        said = words.reason(code, translator(locale))
        assert said.endswith("."), code
        assert "_" not in said


def test_an_unknown_reason_is_shown_as_it_is() -> None:
    assert words.reason("card_stolen", translator(Locale.EN)) == "card stolen"
