"""A lesson's text as HTML for a page: rendered from tokens, cleaned by an allow-list, then given its addresses."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any, Final

import nh3
from markdown_it.renderer import RendererHTML
from markdown_it.token import Token
from markdown_it.utils import OptionsDict

from backend.courses.rules.markdown import (
    BOXES,
    OPTIONS,
    Target,
    address_of,
    box_of,
    file_of,
    is_box,
    is_shown,
    parse,
    target_of,
)
from backend.courses.types import MediaKind
from backend.courses.types.lessons import MediaFile, RenderedText

_MARK: Final = "\ufdd0"
"""Stands around the number of a file. No text has this sign (clean_text), so nobody can write such an address."""
_SCHEME: Final = "souk"
_QUIETEST_HEADING: Final = 4
_ALIGNED: Final = {"text-align:left": "at-left", "text-align:center": "at-center", "text-align:right": "at-right"}
"""What the table rule writes, which the page's policy forbids, as classes."""
_ATTRIBUTES: Final = {
    "a": {"href", "title"},
    "img": {"src", "alt", "width", "height", "loading", "decoding"},
    "video": {"src", "width", "height", "controls", "playsinline", "preload", "aria-label"},
    "audio": {"src", "controls", "preload", "aria-label"},
    "source": {"src", "type"},
    "ol": {"start"},
    "pre": {"dir"},
    "code": {"dir"},
}
_CLASSES: Final = {
    "aside": {"box", *(f"box--{name}" for name in BOXES)},
    "details": {"box", "box--spoiler"},
    "p": {"box__title"},
    "div": {"table-scroll"},
    "a": {"file"},
    "th": set(_ALIGNED.values()),
    "td": set(_ALIGNED.values()),
}
_TAGS: Final = {
    "p", "br", "hr", "h2", "h3", "h4", "strong", "em", "s", "code", "pre", "blockquote", "ul", "ol", "li", "a",
    "table", "thead", "tbody", "tr", "th", "td", "div", "aside", "details", "summary",
    "figure", "figcaption", "img", "video", "audio", "source",
}  # fmt: skip


class _Renderer(RendererHTML):
    """Writes only what the allow-list knows. ``env["files"]`` are the course's by path, ``env["used"]`` the shown."""

    def heading_open(self, tokens: Sequence[Token], index: int, _options: OptionsDict, _env: Any) -> str:
        return f"<{_heading(tokens[index])}>"

    def heading_close(self, tokens: Sequence[Token], index: int, _options: OptionsDict, _env: Any) -> str:
        return f"</{_heading(tokens[index])}>\n"

    def link_open(self, tokens: Sequence[Token], index: int, _options: OptionsDict, env: Any) -> str:
        address = address_of(tokens[index])
        if target_of(address) is Target.OUTSIDE:
            return f'<a href="{escape(address)}">'
        file = file_of(tokens[index], env["files"])
        # An anchor without an address is plain text; so its end needs no memory.
        return "<a>" if file is None else f'<a class="file" href="{_place(file, env)}">'

    def image(self, tokens: Sequence[Token], index: int, options: OptionsDict, env: Any) -> str:
        token = tokens[index]
        alt = self.renderInlineAsText(token.children, options, env)
        file = file_of(token, env["files"])
        return escape(alt) if file is None or not is_shown(file) else _shown(file, alt, env)

    def figure(self, tokens: Sequence[Token], index: int, options: OptionsDict, env: Any) -> str:
        children = tokens[index].children or []
        caption = escape(str(children[0].attrs.get("title", "")))
        below = f"<figcaption>{caption}</figcaption>" if caption else ""
        return f"<figure>{self.image(children, 0, options, env)}{below}</figure>\n"

    def fence(self, tokens: Sequence[Token], index: int, _options: OptionsDict, _env: Any) -> str:
        return f'<pre dir="ltr"><code>{escape(tokens[index].content, quote=False)}</code></pre>\n'

    code_block = fence  # type: ignore[assignment]  # the library names the arguments differently; it calls by place

    def code_inline(self, tokens: Sequence[Token], index: int, _options: OptionsDict, _env: Any) -> str:
        return f'<code dir="ltr">{escape(tokens[index].content, quote=False)}</code>'

    def table_open(self, _tokens: Sequence[Token], _index: int, _options: OptionsDict, _env: Any) -> str:
        return '<div class="table-scroll"><table>\n'

    def table_close(self, _tokens: Sequence[Token], _index: int, _options: OptionsDict, _env: Any) -> str:
        return "</table></div>\n"

    def th_open(self, tokens: Sequence[Token], index: int, _options: OptionsDict, _env: Any) -> str:
        token = tokens[index]
        aligned = _ALIGNED.get(str(token.attrs.get("style", "")))
        return f'<{token.tag} class="{aligned}">' if aligned else f"<{token.tag}>"

    td_open = th_open

    def renderToken(self, tokens: Sequence[Token], idx: int, options: OptionsDict, env: Any) -> str:  # noqa: N802
        return _box(tokens[idx]) if is_box(tokens[idx]) else super().renderToken(tokens, idx, options, env)


def _heading(token: Token) -> str:
    # The title of the page is its only h1.
    return f"h{min(int(token.tag[1:]) + 1, _QUIETEST_HEADING)}"


def _box(token: Token) -> str:
    name, title = box_of(token)
    tag = "details" if name == "spoiler" else "aside"
    if token.nesting < 0:
        return f"</{tag}>\n"
    head = escape(title, quote=False)
    if name == "spoiler":
        return f'<details class="box box--spoiler"><summary>{head or "…"}</summary>\n'
    return f'<aside class="box box--{name}">' + (f'<p class="box__title">{head}</p>\n' if head else "\n")


def _place(file: MediaFile, env: Any) -> str:
    env["used"].append(file)
    return f"{_SCHEME}:{_MARK}{len(env['used']) - 1}{_MARK}"


def _shown(file: MediaFile, alt: str, env: Any) -> str:
    # Known sizes: nothing moves when the picture comes.
    size = f' width="{file.width}" height="{file.height}"' if file.width and file.height else ""
    place = _place(file, env)
    if file.kind is MediaKind.PICTURE:
        return f'<img src="{place}" alt="{escape(alt)}"{size} loading="lazy" decoding="async">'
    label = f' aria-label="{escape(alt)}"' if alt else ""
    if file.kind is MediaKind.VIDEO:
        return f'<video src="{place}"{size}{label} controls playsinline preload="metadata"></video>'
    return f'<audio src="{place}"{label} controls preload="metadata"></audio>'


_RENDERER: Final = _Renderer()


def render_page(text: str, files: Mapping[str, MediaFile]) -> RenderedText:
    """A lesson's text as HTML that is safe to show, whatever was written; what it may not name is plain text."""
    used: list[MediaFile] = []
    html = _RENDERER.render(parse(text), OPTIONS, {"files": files, "used": used})
    cleaned = nh3.clean(
        html,
        tags=_TAGS,
        attributes=_ATTRIBUTES,
        allowed_classes=_CLASSES,
        url_schemes={"https", "mailto", "tg", _SCHEME},
        link_rel="nofollow noopener",
        set_tag_attribute_values={"a": {"target": "_blank"}},
    )
    pieces = cleaned.split(f"{_SCHEME}:{_MARK}")
    parts, shown = [pieces[0]], []
    for piece in pieces[1:]:
        number, _, rest = piece.partition(_MARK)
        shown.append(used[int(number)])
        parts.append(rest)
    return RenderedText(tuple(parts), tuple(shown))
