"""Telegram's HTML: what it becomes, what is refused, and that the page never gets foreign markup."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.simulator.errors import ApiError
from bot.simulator.formatting import parse_html, parse_text, utf16_length
from bot.simulator.rendering import render_html
from bot.simulator.telegram_types import MessageEntity


def spans(source: str) -> list[tuple[str, int, int]]:
    return [(entity.type, entity.offset, entity.length) for entity in parse_html(source)[1]]


def test_every_tag() -> None:
    source = (
        "<b>b</b><strong>b</strong><i>i</i><em>i</em><u>u</u><ins>u</ins><s>s</s><del>s</del><code>c</code>"
        '<tg-spoiler>x</tg-spoiler><span class="tg-spoiler">x</span><blockquote>q</blockquote>'
        '<blockquote expandable>q</blockquote><a href="https://e.com/?a=1&amp;b=2">l</a>'
        '<pre><code class="language-python">p</code></pre>'
    )
    text, entities = parse_html(source)
    assert text == "bbiiuusscxxqqlp"
    assert [entity.type for entity in entities] == [
        *["bold"] * 2, *["italic"] * 2, *["underline"] * 2, *["strikethrough"] * 2, "code", *["spoiler"] * 2,
        "blockquote", "expandable_blockquote", "text_link", "pre",
    ]  # fmt: skip
    assert entities[-2].url == "https://e.com/?a=1&b=2"
    assert entities[-1].language == "python"


def test_offsets_count_utf16() -> None:
    assert spans("😀<b>é</b>ع<i>😀</i>") == [("bold", 2, 1), ("italic", 4, 2)]


def test_nested_outer_first_and_trimmed() -> None:
    text, entities = parse_html("  <b>a <i>b</i></b>\n")
    assert text == "a b"
    assert [(e.type, e.offset, e.length) for e in entities] == [("bold", 0, 3), ("italic", 2, 1)]


def test_references() -> None:
    assert parse_html("1 &lt; 2 &amp;&amp; 3 &gt; 2 &quot;&#65;&#x1F600;&nbsp;")[0] == '1 < 2 && 3 > 2 "A😀&nbsp;'


@pytest.mark.parametrize(
    ("source", "problem"),
    [
        ("<p>x</p>", 'Unsupported start tag "p" at byte offset 0'),
        ("é<div>", 'Unsupported start tag "div" at byte offset 2'),
        ("1 < 2", 'Unsupported start tag "" at byte offset 2'),
        ("<b>x", 'Can\'t find end tag corresponding to start tag "b"'),
        ("x</b>", "Unexpected end tag at byte offset 1"),
        ("<b><i>x</b></i>", 'Unmatched end tag at byte offset 7, expected "</i>", found "</b>"'),
        ("<b", "Unclosed start tag at byte offset 0"),
        ("<b>x</b", "Unclosed end tag at byte offset 4"),
        ('<span class="red">x</span>', 'Tag "span" must have class "tg-spoiler" at byte offset 0'),
        ("<script>alert(1)</script>", 'Unsupported start tag "script" at byte offset 0'),
    ],
)
def test_malformed(source: str, problem: str) -> None:
    with pytest.raises(ApiError) as caught:
        parse_html(source)
    assert caught.value.status == 400
    assert caught.value.description == f"Bad Request: can't parse entities: {problem}"


def test_automatic_entities() -> None:
    text, entities = parse_text("/start see https://e.com/a, @souk_bot or me@e.com #shop <code>/no</code>", "HTML")
    assert [(e.type, text[e.offset : e.offset + e.length]) for e in entities] == [
        ("bot_command", "/start"),
        ("url", "https://e.com/a"),
        ("mention", "@souk_bot"),
        ("email", "me@e.com"),
        ("hashtag", "#shop"),
        ("code", "/no"),
    ]


def test_rendering_escapes_and_drops_strange_links() -> None:
    text, entities = parse_html('<b>&lt;img src=x onerror=alert(1)&gt;</b> <a href="javascript:alert(1)">x</a>')
    html = render_html(text, entities)
    assert html == "<b>&lt;img src=x onerror=alert(1)&gt;</b> x"
    link = MessageEntity(type="text_link", offset=0, length=1, url="javascript:alert(1)")
    assert render_html("x", [link]) == "x"
    quoted = MessageEntity(type="text_link", offset=0, length=1, url='https://e.com/"><script>')
    assert "<script>" not in render_html("x", [quoted])


def test_a_link_to_the_bot_needs_no_scheme() -> None:
    text = "see t.me/souk_demo_bot/app?startapp=p_card, not not.me/x or my-t.me/x"
    html = render_html(*parse_text(text, "HTML"))
    assert html == text.replace(
        "t.me/souk_demo_bot/app?startapp=p_card",
        '<a href="https://t.me/souk_demo_bot/app?startapp=p_card" target="_blank" rel="noopener noreferrer">'
        "t.me/souk_demo_bot/app?startapp=p_card</a>",
    )


def test_crossing_entities_are_split() -> None:
    crossing = [MessageEntity(type="bold", offset=0, length=4), MessageEntity(type="italic", offset=2, length=4)]
    assert render_html("abcdef", crossing) == "<b>ab<i>cd</i></b><i>ef</i>"


_OURS = re.compile(r"</?(?:b|i|u|s|code|pre|span|blockquote|a|button)(?: [a-z-]+=\"[^\"<>]*\")*>")


@given(
    st.text(max_size=30),
    st.lists(
        st.builds(
            MessageEntity,
            type=st.sampled_from(["bold", "code", "pre", "text_link", "spoiler", "url", "unknown", "bot_command"]),
            offset=st.integers(-2, 40),
            length=st.integers(-2, 40),
            url=st.one_of(st.none(), st.text(max_size=12)),
            language=st.one_of(st.none(), st.text(max_size=5)),
        ),
        max_size=6,
    ),
)
def test_rendering_is_always_safe_and_balanced(text: str, entities: list[MessageEntity]) -> None:
    html = render_html(text, entities)
    assert not re.search(r"[<>]", _OURS.sub("", html))
    depth: list[str] = []
    for tag in re.findall(r"</?[a-z]+", html):
        if tag.startswith("</"):
            assert depth.pop() == tag[2:]
        else:
            depth.append(tag[1:])
    assert depth == []


@given(st.text(max_size=60))
def test_parsing_never_breaks(source: str) -> None:
    try:
        text, entities = parse_html(source)
    except ApiError as error:
        assert error.status == 400
    else:
        assert all(e.offset >= 0 and e.offset + e.length <= utf16_length(text) for e in entities)
