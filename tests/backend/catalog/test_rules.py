"""Pure decisions: descriptions, cells, rows."""

from __future__ import annotations

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.catalog.rules import fields, render_description
from backend.catalog.rules.fields import FieldError
from backend.catalog.rules.files import Format, RawRow, read_rows
from backend.catalog.rules.rows import CatalogueReader, CatalogueRow, read_stock
from backend.catalog.types import HUES
from backend.catalog.types.imports import Problem
from backend.kernel.money import Money


@pytest.mark.parametrize(
    ("source", "html"),
    [
        ("# Big\n### Small\n##### Tiny", "<h2>Big</h2>\n<h3>Small</h3>\n<h3>Tiny</h3>\n"),
        ("<script>alert(1)</script>", "<p>&lt;script&gt;alert(1)&lt;/script&gt;</p>\n"),
        ("a <img src=x onerror=alert(1)> b", "<p>a &lt;img src=x onerror=alert(1)&gt; b</p>\n"),
        ("![x](https://evil.example/x.png)", None),
        ("[a](javascript:alert(1))", "<p>[a](javascript:alert(1))</p>\n"),
        ("[a](http://plain.example)", "<p>[a](http://plain.example)</p>\n"),
        ("[a](//evil.example)", "<p>[a](//evil.example)</p>\n"),
        ("[a](https://shop.example@evil.example)", "<p>[a](https://shop.example@evil.example)</p>\n"),
        ("[a](data:text/html,x)", "<p>[a](data:text/html,x)</p>\n"),
        ("- **x**\n- *y*", "<ul>\n<li><strong>x</strong></li>\n<li><em>y</em></li>\n</ul>\n"),
        ("", ""),
    ],
)
def test_descriptions_are_safe(source: str, html: str | None) -> None:
    rendered = render_description(source)
    assert "<img" not in rendered
    if html is not None:
        assert rendered == html


def test_links_lead_out_without_a_trace() -> None:
    rendered = render_description('[here](https://a.example/?q=1&r="x")')
    assert rendered.startswith('<p><a href="https://a.example/?q=1&amp;r=%22x%22"')
    assert 'rel="nofollow noopener noreferrer"' in rendered
    assert 'target="_blank"' in rendered


@given(st.text(max_size=300))
def test_no_description_makes_a_tag_of_its_own(source: str) -> None:
    rendered = render_description(source)
    for tag in ("script", "img", "iframe", "style", "svg", "form", "input"):
        assert f"<{tag}" not in rendered


@given(st.text())
def test_a_slug_is_only_ever_a_slug(source: str) -> None:
    try:
        slug = fields.slug(source)
    except FieldError:
        assert not fields.is_slug(source)
        return
    assert fields.is_slug(source)
    assert slug == source
    assert set(slug) <= set("abcdefghijklmnopqrstuvwxyz0123456789-")
    assert not slug.startswith("-") and not slug.endswith("-") and "--" not in slug and slug


@given(st.integers(0, 10**12))
def test_a_price_survives_being_written(amount: int) -> None:
    written = str(Money(amount, "USD").decimal())
    assert fields.price("USD")(written) == amount
    assert fields.price("USD")(written + ("0" if "." in written else ".000")) == amount


@given(st.text())
def test_a_price_is_a_number_or_an_error(source: str) -> None:
    try:
        amount = fields.price("USD")(source)
    except FieldError:
        return
    assert 0 <= amount <= 10**12


@given(st.text(min_size=1))
def test_a_masked_key_gives_little_away(secret: str) -> None:
    shown = fields.masked(secret)
    assert len(shown) <= 5
    assert len(secret) < 12 or len(shown) * 2 < len(secret)


@given(st.text())
def test_a_default_hue_is_a_hue_and_stays(name: str) -> None:
    assert fields.default_hue(name) in HUES
    assert fields.default_hue(name) == fields.default_hue(name)


@given(st.binary(max_size=400), st.sampled_from(Format))
def test_no_file_breaks_the_reader(data: bytes, written: Format) -> None:
    catalogue = list(CatalogueReader("USD").read(read_rows(io.BytesIO(data), written)))
    assert all(isinstance(row, CatalogueRow | Problem) for row in catalogue)
    list(read_stock(read_rows(io.BytesIO(data), written), "a/b"))


@given(
    st.lists(
        st.text(st.characters(exclude_categories=["Cs", "Cc", "Zs", "Zl", "Zp"]), min_size=1, max_size=20), min_size=1
    )
)
def test_plain_keys_come_back_line_by_line(keys: list[str]) -> None:
    source = io.BytesIO("\n".join(keys).encode())
    rows = list(read_rows(source, Format.PLAIN))
    expected = [key.removeprefix("\ufeff") if number == 0 else key for number, key in enumerate(keys)]
    assert [row.values["key"] for row in rows if isinstance(row, RawRow)] == [key for key in expected if key]
