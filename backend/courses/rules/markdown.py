"""The text of a lesson: Markdown, parsed once into the tokens from which page and chat are rendered.

See decisions/0075.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from enum import StrEnum
from typing import Final
from urllib.parse import unquote, urlsplit

from markdown_it import MarkdownIt
from markdown_it.rules_core import StateCore
from markdown_it.token import Token
from mdit_py_plugins.container import container_plugin

from backend.courses.types import MediaKind
from backend.courses.types.lessons import LineProblem, MediaFile, TextProblem

LONGEST_TEXT: Final = 100_000
"""Characters of one lesson in one language."""
BOXES: Final = ("tip", "note", "warning", "exercise", "spoiler")
"""What ``:::`` may begin; the text of a spoiler is shown after a tap."""
FIGURE: Final = "figure"
"""The type of a token that stands for a paragraph of nothing but one picture, video or sound."""
_SCHEMES: Final = frozenset({"https", "mailto", "tg"})
_SHOWN: Final = frozenset({MediaKind.PICTURE, MediaKind.VIDEO, MediaKind.AUDIO})
# Embeddings and overrides of direction show letters in another order. Isolates and marks, which Arabic needs, stay.
_HIDDEN_ORDER: Final = re.compile("[\u202a-\u202e]")
# What no text holds: control signs, and the sign by which the page's renderer marks the places of addresses.
_REMOVED: Final = re.compile("[\x00-\x08\x0b-\x1f\x7f\u2028\u2029\ufdd0-\ufdef\ufeff\ufffe\uffff]")


class Target(StrEnum):
    """Where a link or picture leads."""

    OUTSIDE = "outside"
    FILE = "file"
    BAD = "bad"


class _Parser(MarkdownIt):
    def validateLink(self, url: str) -> bool:  # noqa: N802 - the library's name
        # Bad links become tokens as well, so that their line is reported. No renderer writes them.
        return True


def _lift_figures(state: StateCore) -> None:
    """Turn a paragraph that is one picture into a figure: HTML has no figure inside a paragraph."""
    tokens: list[Token] = []
    for token in state.tokens:
        tokens.append(token)
        if token.type == "paragraph_close" and tokens[-2].type == "inline":
            inline = tokens[-2]
            children = [child for child in inline.children or [] if child.type != "text" or child.content.strip()]
            if len(children) == 1 and children[0].type == "image":
                figure = Token(FIGURE, "figure", 0, map=inline.map, children=children, level=inline.level, block=True)
                tokens[-3:] = [figure]
    state.tokens = tokens


def _parser() -> MarkdownIt:
    parser = _Parser("commonmark", {"html": False}).enable(["table", "strikethrough"])
    parser.disable(["html_block", "html_inline"])
    for box in BOXES:
        parser.use(container_plugin, name=box)
    parser.core.ruler.push("lift_figures", _lift_figures)
    return parser


_PARSER: Final = _parser()
OPTIONS: Final = _PARSER.options
"""What the library's renderer asks for."""


def clean_text(text: str) -> str:
    """A text as it is stored: line ends as LF, no control signs, no empty lines before and after it."""
    lines = _REMOVED.sub("", text.replace("\r\n", "\n").replace("\r", "\n")).rstrip()
    return re.sub(r"\A(?:[ \t]*\n)+", "", lines)


def parse(text: str) -> list[Token]:
    """The tokens of a text, without signs that hide the order of letters."""
    tokens = _PARSER.parse(_REMOVED.sub("", text))
    for token in _every(tokens):
        if token.type in {"text", "code_inline", "fence", "code_block"}:
            # Also those written as entities, which the parser resolves.
            token.content = _HIDDEN_ORDER.sub("", token.content)
        if "title" in token.attrs:
            token.attrs["title"] = _HIDDEN_ORDER.sub("", str(token.attrs["title"]))
    return tokens


def box_of(token: Token) -> tuple[str, str]:
    """The box that a ``container_…`` token opens, and its title: ``("tip", "Try it")``."""
    name = token.type.removeprefix("container_").removesuffix("_open").removesuffix("_close")
    return name, _HIDDEN_ORDER.sub("", token.info.strip().removeprefix(name).strip())


def is_box(token: Token) -> bool:
    """Whether a box begins or ends here."""
    return token.type.startswith("container_")


def target_of(address: str) -> Target:
    """Where an address leads: outside (https, mailto, tg), to a file of the course, or nowhere that is allowed."""
    try:
        parts = urlsplit(address)
    except ValueError:
        return Target.BAD
    if parts.scheme in _SCHEMES:
        # A name before the host ("https://bank.example@evil.example") is there to deceive.
        is_web = parts.scheme == "https"
        return Target.BAD if is_web and (not parts.netloc or "@" in parts.netloc) else Target.OUTSIDE
    if parts.scheme or parts.netloc or not parts.path or address[0] in "/\\#?" or parts.query or parts.fragment:
        return Target.BAD
    return Target.FILE


def path_of(address: str) -> str:
    """The path in the course's folder that an address of Target.FILE names."""
    return unquote(address).removeprefix("./")


def address_of(token: Token) -> str:
    """The address of a link or an image."""
    return str(token.attrs.get("src" if token.type == "image" else "href", ""))


def file_of(token: Token, files: Mapping[str, MediaFile]) -> MediaFile | None:
    """The file of the course that a link or an image shows; None for other addresses and unknown files."""
    address = address_of(token)
    return files.get(path_of(address)) if target_of(address) is Target.FILE else None


def is_shown(file: MediaFile) -> bool:
    """Whether it is seen or heard in its place, not downloaded."""
    return file.kind in _SHOWN


def problems_of(text: str, files: Mapping[str, MediaKind]) -> list[LineProblem]:
    """Everything that keeps a text from being a lesson's, by line; ``files`` are the course's, by path."""
    if not text.strip():
        return [LineProblem(1, TextProblem.EMPTY)]
    if len(text) > LONGEST_TEXT:
        return [LineProblem(1, TextProblem.TOO_LONG, str(LONGEST_TEXT))]
    problems = [
        LineProblem(text.count("\n", 0, sign.start()) + 1, TextProblem.HIDDEN_ORDER, f"U+{ord(sign[0]):04X}")
        for sign in _HIDDEN_ORDER.finditer(text)
    ]
    for line, token in _with_lines(_PARSER.parse(text)):
        code = _problem_of(token, files)
        if code is not None:
            problems.append(LineProblem(line, code, address_of(token)[:200]))
    return sorted(problems, key=lambda problem: problem.line)


def paths_in(text: str) -> set[str]:
    """The files of the course that a text names."""
    tokens = [token for token in _every(_PARSER.parse(text)) if token.type in {"image", "link_open"}]
    return {path_of(address_of(token)) for token in tokens if target_of(address_of(token)) is Target.FILE}


def _problem_of(token: Token, files: Mapping[str, MediaKind]) -> TextProblem | None:
    if token.type not in {"image", "link_open"}:
        return None
    target = target_of(address_of(token))
    if target is Target.BAD:
        return TextProblem.BAD_LINK
    if target is Target.OUTSIDE:
        return TextProblem.OUTSIDE_PICTURE if token.type == "image" else None
    kind = files.get(path_of(address_of(token)))
    if kind is None:
        return TextProblem.UNKNOWN_FILE
    return TextProblem.NOT_SHOWN if token.type == "image" and kind not in _SHOWN else None


def _every(tokens: list[Token]) -> Iterator[Token]:
    for token in tokens:
        yield token
        yield from _every(token.children or [])


def _with_lines(tokens: list[Token]) -> Iterator[tuple[int, Token]]:
    """Every token with its line: the parser knows those of blocks, and line breaks are counted inside them."""
    line = 1
    for token in tokens:
        if token.map is not None:
            line = token.map[0] + 1
        within = line
        for child in token.children or []:
            if child.type in {"softbreak", "hardbreak"}:
                within += 1
            yield within, child
