"""A lesson's Markdown as messages of the chat: balanced, within Telegram's limits, and nothing of it is lost."""

from __future__ import annotations

from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from backend.courses.rules.chat import MOST_MARKS, Mark, Run, Runs, join, pack, text_of, to_html, trim, units
from backend.courses.rules.messages import render_chat
from backend.courses.rules.page import render_page
from backend.courses.types.lessons import ChatPart
from tests.backend.courses.texts import FILES, Strict

_TAGS = {"b", "i", "s", "a", "code", "pre", "blockquote", "tg-spoiler"}


def _check(parts: Sequence[ChatPart]) -> str:
    """Every message is what Telegram takes; the text of all of them."""
    for part in parts:
        read = Strict(part.html)
        limit = 1024 if part.file else 4096
        assert units(read.text) <= limit and (part.file or read.text.strip())
        assert len(read.tags) <= MOST_MARKS
        for tag, attributes, around in read.tags:
            assert tag in _TAGS and tag not in around
            assert set(attributes) == ({"href"} if tag == "a" else set())
            assert not {"code", "pre"} & set(around)
            assert tag not in {"code", "pre"} or set(around) <= {"blockquote"}
    return "".join(Strict(part.html).text for part in parts)


def _chat(text: str, title: str = "Day 1") -> list[ChatPart]:
    parts = render_chat(title, text, FILES)
    _check(parts)
    return parts


def test_marks_become_tags_of_telegram() -> None:
    (part,) = _chat("**b** *i* ~~s~~ `c` [l](https://x.example/?a&b)\n\n> quote\n>\n> more\n\n```\nx < y\n```")
    assert part.html == (
        '<b>Day 1</b>\n\n<b>b</b> <i>i</i> <s>s</s> <code>c</code> <a href="https://x.example/?a&amp;b">l</a>\n\n'
        "<blockquote>quote\n\nmore</blockquote>\n\n<pre>x &lt; y</pre>"
    )


def test_lists_tables_boxes_and_spoilers() -> None:
    (part,) = _chat(
        "- one\n  - deep\n- two\n\n3. three\n4. four\n\n| h | k |\n|---|---|\n| a | b |\n\n"
        "::: tip Try it\nnow\n:::\n\n::: spoiler Answer\n42 `x`\n:::\n\n---\n"
    )
    assert part.html == (
        "<b>Day 1</b>\n\n– one\n\u2003– deep\n– two\n\n3. three\n4. four\n\na\nk: b\n\n"
        "<blockquote><b>Try it</b>\n\nnow</blockquote>\n\n<b>Answer</b>\n\n<tg-spoiler>42 x</tg-spoiler>\n\n———"
    )


def test_a_short_lesson_with_a_picture_is_one_message() -> None:
    (part,) = _chat('![alt](media/sea.png "The sea")\n\nBreathe.')
    assert part.file == FILES["media/sea.png"]
    assert part.html == "The sea\n\n<b>Day 1</b>\n\nBreathe."


def test_a_long_lesson_with_files_keeps_their_order() -> None:
    parts = _chat("Start\n\n![v](media/breath.mp4 'Watch')\n\n" + "word " * 400 + "\n\n[Book](<media/work book.pdf>)")
    assert [(part.file.path if part.file else None, part.html[:10]) for part in parts] == [
        (None, "<b>Day 1</"), ("media/breath.mp4", "Watch"), (None, "word word "), ("media/work book.pdf", "")
    ]  # fmt: skip


def test_unsafe_links_and_tags_are_text() -> None:
    (part,) = _chat("<b>x</b> [go](javascript:alert(1)) [in](/admin) ![p](https://evil.example/p.png) a & b")
    assert part.html == "<b>Day 1</b>\n\n&lt;b&gt;x&lt;/b&gt; go in p a &amp; b"


def test_a_message_ends_at_a_block_then_at_a_sentence_and_never_inside_an_emoji() -> None:
    parts = _chat("a" * 3000 + "\n\n" + "b" * 3000)
    assert [len(Strict(part.html).text) for part in parts] == [3007, 3000]
    first, second = _chat("This is a sentence. " * 250)
    assert first.html.endswith("sentence.") and second.html.startswith("This is")
    family = "👩‍👩‍👧‍👦"
    parts = _chat(family * 500)
    assert all(Strict(part.html).text.removeprefix("Day 1").strip().count("👩") % 2 == 0 for part in parts)


def test_more_marks_than_telegram_shows_begin_a_new_message() -> None:
    parts = _chat(" ".join(f"**{number}**" for number in range(250)))
    assert len(parts) == 3


_MARKS = st.lists(st.sampled_from([Mark("b"), Mark("i"), Mark("blockquote", number=1), Mark("code")]), unique=True)
_TEXT = st.text(st.sampled_from("ab \n.👩\u200dй́ع&<"), min_size=1, max_size=60)
_RUNS = st.lists(st.builds(Run, _TEXT, _MARKS.map(tuple)), min_size=1, max_size=6).map(trim).filter(bool)


@given(st.lists(_RUNS, max_size=6), st.integers(10, 120))
def test_any_blocks_fit_and_lose_nothing(blocks: list[Runs], most: int) -> None:
    messages = pack(blocks, most)
    whole: Runs = ()
    for block in blocks:
        whole = join(whole, block)
    rest = text_of(whole)
    for message in messages:
        text = Strict(to_html(message)).text
        assert text == text_of(message) and units(text) <= most
        before, _, rest = rest.partition(text.strip())
        assert before.strip() == ""
    assert rest.strip() == ""


_PIECES = [
    "# ", "**", "*", "`", "~~", "> ", "- ", "1. ", "\n", "\n\n", "word ", "👩\u200d👧 ", "شكر ", "::: tip T\n", ":::\n",
    "```\n", "[x](https://x.example)", "[w](<media/work book.pdf>)", '![s](media/sea.png "c")', "::: spoiler\n",
    "| a | b |\n|---|---|\n| 1 | 2 |\n", "&amp;", "<b>", "long " * 300, "    code\n", "---\n", "\\\n",
]  # fmt: skip
_MARKDOWN = st.lists(st.sampled_from(_PIECES), max_size=40).map("".join)


@given(_MARKDOWN)
def test_any_markdown_is_what_telegram_takes(text: str) -> None:
    said = _check(render_chat("Title", text, FILES))
    shown = Strict(render_page(text, FILES).html(lambda file: file.path)).text
    assert [sign for sign in said if sign in "شكر👩"] == [sign for sign in shown if sign in "شكر👩"]
