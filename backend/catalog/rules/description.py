"""Descriptions: Markdown in, HTML that is safe to show as it is out."""

from __future__ import annotations

import functools
from collections.abc import MutableMapping, Sequence
from typing import Any, Final
from urllib.parse import urlsplit

from markdown_it import MarkdownIt
from markdown_it.renderer import RendererHTML
from markdown_it.token import Token
from markdown_it.utils import OptionsDict

_CACHED: Final = 1024
_LOUDEST_HEADING: Final = 2  # the page's own title is its h1
_QUIETEST_HEADING: Final = 3


class _Renderer(RendererHTML):
    """Headings keep below the page's title; links leave no trace of the shop and pass on none of its weight."""

    def heading_open(
        self, tokens: Sequence[Token], index: int, options: OptionsDict, _env: MutableMapping[str, Any]
    ) -> str:
        tokens[index].tag = _heading(tokens[index].tag)
        return self.renderToken(tokens, index, options, _env)

    heading_close = heading_open

    def link_open(
        self, tokens: Sequence[Token], index: int, options: OptionsDict, _env: MutableMapping[str, Any]
    ) -> str:
        tokens[index].attrSet("rel", "nofollow noopener noreferrer")
        tokens[index].attrSet("target", "_blank")
        return self.renderToken(tokens, index, options, _env)


def _heading(tag: str) -> str:
    return f"h{min(max(int(tag[1:]), _LOUDEST_HEADING), _QUIETEST_HEADING)}"


def _is_safe_link(address: str) -> bool:
    try:
        parts = urlsplit(address)
    except ValueError:
        return False
    # A name before the host ("https://shop.example@evil.example") is there to deceive.
    return parts.scheme == "https" and bool(parts.netloc) and "@" not in parts.netloc


class _Parser(MarkdownIt):
    def validateLink(self, url: str) -> bool:  # noqa: N802 - the library's name
        return _is_safe_link(url)


_PARSER: Final = _Parser("commonmark", {"html": False}, renderer_cls=_Renderer)
_PARSER.disable(["image", "html_block", "html_inline"])


@functools.lru_cache(maxsize=_CACHED)
def render_description(text: str) -> str:
    """HTML of a Markdown text: no raw HTML, no pictures, links to https only; headings become h2 and h3."""
    return str(_PARSER.render(text))
