"""A lesson's Markdown as a page: safe whatever was written, sizes known, files at addresses of their own."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.courses.rules.markdown import clean_text, paths_in, problems_of
from backend.courses.rules.page import render_page
from backend.courses.types.lessons import MediaFile, TextProblem
from tests.backend.courses.texts import FILES, KINDS, Strict


def _address(file: MediaFile) -> str:
    return f"/learn/media/{file.id.int}?t=a&b"


def html(text: str) -> str:
    """The page's HTML of a text."""
    return render_page(text, FILES).html(_address)


def test_the_parts_of_a_lesson() -> None:
    page = html("# Day\n\n**Breathe** *out*, ~~in~~ `now`\n\n::: exercise Try it\n- one\n:::\n\n> calm\n")
    for piece in (
        "<h2>Day</h2>", "<strong>Breathe</strong> <em>out</em>, <s>in</s>", '<code dir="ltr">now</code>',
        '<aside class="box box--exercise"><p class="box__title">Try it</p>', "<li>one</li>", "<blockquote>",
    ):  # fmt: skip
        assert piece in page


def test_a_picture_keeps_its_place_before_it_comes() -> None:
    page = html('![Sea at dawn](media/sea.png "The sea")')
    assert page.startswith("<figure><img ")
    assert 'width="320" height="320"' in page and 'alt="Sea at dawn"' in page
    assert "<figcaption>The sea</figcaption>" in page
    assert 'src="/learn/media/1?t=a&amp;b"' in page


def test_video_sound_and_documents() -> None:
    page = html("![Breathing](media/breath.mp4)\n\n![Bell](media/bell.mp3)\n\nGet [the book](<media/work book.pdf>).")
    tags = {tag: attributes for tag, attributes, _ in Strict(page).tags}
    assert tags["video"]["src"] == "/learn/media/2?t=a&b" and "playsinline" in tags["video"]
    assert tags["audio"]["aria-label"] == "Bell"
    assert tags["a"] == {
        "class": "file", "href": "/learn/media/4?t=a&b", "rel": "nofollow noopener", "target": "_blank"
    }  # fmt: skip


def test_a_table_is_aligned_without_a_style() -> None:
    page = html("| a | b |\n|:-:|--:|\n| 1 | 2 |\n")
    assert '<td class="at-center">1</td>' in page and "style" not in page


@pytest.mark.parametrize(
    "text",
    [
        "<script>alert(1)</script>",
        '<img src=x onerror="alert(1)">',
        "<iframe src=https://evil.example></iframe>",
        "<svg onload=alert(1)><script>alert(1)</script></svg>",
        '<p style="position:fixed">x</p>',
        "[x](javascript:alert(1))",
        "[x](  JaVaScRiPt:alert(1))",
        "[x](java&#10;script:alert(1))",
        "[x](&#x6A;avascript:alert(1))",
        "[x](data:text/html;base64,PHNjcmlwdD4=)",
        "![x](data:image/svg+xml;base64,PHN2Zz4=)",
        "![x](https://evil.example/pixel.png)",
        "[x](//evil.example)",
        "[x](http://evil.example)",
        "[x](https://bank.example@evil.example)",
        "[x](vbscript:x)",
        "[x](file:///etc/passwd)",
        "[x](/admin)",
        "[x](souk:1)",
        "[x](<souk:\ufdd00\ufdd0>)",
        "![x](<souk:\ufdd00\ufdd0>)",
        "![x](../../etc/passwd)",
        "<!-- comment --><a href='https://x.example' onclick=go()>x</a>",
        "```<script>\nalert(1)\n```",
        '![x](media/sea.png "a\\" onload=alert(1) x=\\"")',
        '![" onerror="alert(1)](media/sea.png)',
        "[x]: javascript:alert(1)\n\n[x]",
    ],
)
def test_nothing_unsafe_comes_out(text: str) -> None:
    _assert_safe(html(text))


@given(st.text(alphabet=st.sampled_from("<>\"'&![]()`*_~|:/\\#-=+. \n\ufdd0\u202ejsavcript:onerd0123x"), max_size=200))
def test_whatever_is_written_is_safe_and_balanced(text: str) -> None:
    _assert_safe(html(text))


def _assert_safe(page: str) -> None:
    addresses = {_address(file) for file in FILES.values()}
    for tag, attributes, _ in Strict(page).tags:
        assert tag not in {"script", "iframe", "svg", "style", "object", "embed", "form", "input", "base", "meta"}
        for name, value in attributes.items():
            assert not name.startswith("on") and name not in {"style", "srcdoc", "srcset", "id"}
            if name in {"src", "href"}:
                outside = tag == "a" and (value or "").startswith(("https://", "mailto:", "tg:"))
                assert value in addresses or (outside and "@" not in (value or "").split("/")[2:3])
    assert not set(page) & set("\u202e\u202d\ufdd0")


def test_signs_that_hide_the_order_of_letters_are_not_shown_and_are_reported() -> None:
    text = "ok\n\ntransfer \u202ecilbup\n"
    assert [(item.line, item.code, item.value) for item in problems_of(text, KINDS)] == [
        (3, TextProblem.HIDDEN_ORDER, "U+202E")
    ]
    assert "\u202e" not in html(text) + html("as entity &#x202E;x") + html("::: tip \u202ex\nx\n:::")
    # Isolates and marks are part of honest Arabic.
    assert problems_of("نص \u2068VPN\u2069 \u200fنص", KINDS) == []


def test_problems_name_their_lines() -> None:
    text = "fine [x](https://ok.example)\n\ntwo\nlines [bad](javascript:x)\n\n- item ![gone](media/gone.png)\n\n"
    text += "| a |\n|---|\n| ![p](<media/work book.pdf>) |\n\n![far](https://x.example/a.png)\n"
    assert [(item.line, item.code, item.value) for item in problems_of(text, KINDS)] == [
        (4, TextProblem.BAD_LINK, "javascript:x"),
        (6, TextProblem.UNKNOWN_FILE, "media/gone.png"),
        (10, TextProblem.NOT_SHOWN, "media/work%20book.pdf"),
        (12, TextProblem.OUTSIDE_PICTURE, "https://x.example/a.png"),
    ]
    assert problems_of(" \n", KINDS)[0].code is TextProblem.EMPTY
    assert problems_of("x" * 100_001, KINDS)[0].code is TextProblem.TOO_LONG


def test_the_files_that_a_text_names() -> None:
    assert paths_in("![a](media/sea.png) [b](<media/work book.pdf>) [c](https://x.example) ![d](./media/x.mp3)") == {
        "media/sea.png", "media/work book.pdf", "media/x.mp3"
    }  # fmt: skip


@given(st.text(max_size=80))
def test_a_cleaned_text_stays_as_it_is(text: str) -> None:
    once = clean_text(text)
    assert clean_text(once) == once and "\r" not in once and "\0" not in once
