"""Texts that the pages and the chat share."""

from __future__ import annotations

from backend.kernel.text import Locale
from backend.orders.types.keys import OpenedKey
from backend.orders.words import keys_file


def key(ordinal: int, name: str, text: str, uses: int = 1) -> OpenedKey:
    return OpenedKey(ordinal=ordinal, name={"en": name}, variant_name={}, country=None, text=text, uses=uses)


def test_the_file_of_keys_names_each_thing_once() -> None:
    keys = [key(1, "VPN", "A-1"), key(2, "VPN", "A-2"), key(3, "eSIM", "Б-3")]
    text = keys_file("S-4K7Q2M", keys, Locale.EN).decode()
    assert text.split("\r\n") == ["S-4K7Q2M", "", "VPN", "A-1", "A-2", "eSIM", "Б-3", ""]


def test_the_file_says_how_many_a_shared_key_is_for() -> None:
    keys = [key(1, "Library", "SHARED", uses=3), key(2, "Library", "OTHER")]
    text = keys_file("S-4K7Q2M", keys, Locale.EN).decode()
    assert text.split("\r\n") == ["S-4K7Q2M", "", "Library × 3", "SHARED", "Library", "OTHER", ""]
