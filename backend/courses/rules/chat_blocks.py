"""Reads a lesson's tokens as what the chat shows one after another: blocks of text, and files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from typing import Final, NamedTuple

from markdown_it.token import Token

from backend.courses.rules.chat import Mark, Run, Runs, join, text_of, trim
from backend.courses.rules.markdown import (
    FIGURE,
    Target,
    address_of,
    box_of,
    file_of,
    is_box,
    is_shown,
    parse,
    target_of,
)
from backend.courses.types.lessons import MediaFile

_INLINE: Final = {"strong": "b", "em": "i", "s": "s"}
_DASH: Final = "– "
"""Before each item of a list: Arabic has no bullets."""
_INDENT: Final = "\u2003"
_RULE: Final = "———"
_NO_MARK: Final = Mark("")


class FileItem(NamedTuple):
    """A file in its place among the blocks, with what stands below it."""

    file: MediaFile
    caption: Runs


Item = Runs | FileItem


def read_items(text: str, files: Mapping[str, MediaFile]) -> list[Item]:
    """The blocks and files of a text, in order."""
    reader = _Reader(files)
    for token in parse(text):
        reader.read(token)
    return reader.items


class _Table:
    """A table that is being read. The chat has no tables: each row becomes lines, headed by its first cell."""

    def __init__(self) -> None:
        self.row: list[Runs] = []
        self._head: list[str] | None = None

    def end_row(self, marks: tuple[Mark, ...]) -> Runs:
        """The row as lines; nothing for the table's head."""
        if self._head is None:
            self._head = [text_of(cell) for cell in self.row]
            return ()
        lines: Runs = ()
        for head, cell in zip(self._head, self.row, strict=False):
            name: Runs = (Run(f"{head}: ", marks),) if lines and head and cell else ()
            lines = join(lines, (*name, *cell), between="\n")
        return lines


class _List:
    """A list that is being read: numbered from ``number``, or None for one with dashes."""

    def __init__(self, number: int | None) -> None:
        self._number = number

    def next(self) -> str:
        """What stands before the next item."""
        if self._number is None:
            return _DASH
        self._number += 1
        return f"{self._number - 1}. "


class _Reader:
    """Walks through the tokens once."""

    def __init__(self, files: Mapping[str, MediaFile]) -> None:
        self.items: list[Item] = []
        self._files = files
        self._marks: list[Mark] = []
        self._opened = 0
        self._table: _Table | None = None
        self._lists: list[_List] = []
        self._before = ""
        self._lines: Runs = ()

    def read(self, token: Token) -> None:
        """Take the next token."""
        if is_box(token):
            self._box(token)
        elif token.type in {"inline", FIGURE}:
            self._inline(token)
        elif token.type in {"fence", "code_block"}:
            self._add((Run(token.content.rstrip("\n"), _code_marks(self._outer(), "pre")),))
        elif token.type == "hr":
            self._add((Run(_RULE, self._outer()),))
        elif token.type.startswith(("table", "tr")):
            self._read_table(token)
        elif "list" in token.type:
            self._read_list(token)
        elif token.type in {"heading_open", "blockquote_open"}:
            self._open("b" if token.type == "heading_open" else "blockquote")
        elif token.type in {"heading_close", "blockquote_close"}:
            self._marks.pop()

    def _read_table(self, token: Token) -> None:
        if token.type == "table_open":
            self._table = _Table()
        elif self._table is not None:
            if token.type == "table_close":
                self._table = None
            elif token.type == "tr_open":
                self._table.row = []
            else:
                self._add(self._table.end_row(self._outer()))

    def _read_list(self, token: Token) -> None:
        if token.type == "list_item_open":
            self._before = _INDENT * (len(self._lists) - 1) + self._lists[-1].next()
        elif token.type == "bullet_list_open":
            self._lists.append(_List(None))
        elif token.type == "ordered_list_open":
            self._lists.append(_List(int(token.attrs.get("start", 1))))
        elif token.type != "list_item_close":
            self._lists.pop()
            if not self._lists:
                self._end_lines()

    def _box(self, token: Token) -> None:
        name, title = box_of(token)
        if token.nesting < 0:
            self._marks.pop()
            return
        heading: Runs = (Run(title, (Mark("b"),)),) if title else ()
        if name == "spoiler":
            self._add(heading)
            self._open("tg-spoiler")
        else:
            self._open("blockquote")
            self._add(tuple(Run(run.text, (*self._outer(), *run.marks)) for run in heading))

    def _open(self, tag: str) -> None:
        self._opened += 1
        self._marks.append(Mark(tag, number=self._opened))

    def _outer(self) -> tuple[Mark, ...]:
        """The marks of blocks that are open. Telegram knows no quotation inside another one."""
        return _once(self._marks)

    def _inline(self, token: Token) -> None:
        runs, files = _read_inline(token.children or [], self._outer(), self._files)
        if self._table is not None and token.type == "inline":
            self._table.row.append(runs)
        else:
            self._add(runs)
        for file in files:
            self._end_lines()
            self.items.append(file)

    def _add(self, block: Runs) -> None:
        block = trim(block)
        if not block:
            return
        if not self._lists:
            self.items.append(block)
            return
        # Items of a list stand in lines, not in paragraphs, and so in one block.
        before = Run(self._before or _INDENT * len(self._lists), self._outer())
        self._before = ""
        self._lines = join(self._lines, (before, *block), between="\n")

    def _end_lines(self) -> None:
        if self._lines:
            self.items.append(self._lines)
        self._lines = ()


def _read_inline(
    tokens: Sequence[Token], outer: tuple[Mark, ...], files: Mapping[str, MediaFile]
) -> tuple[Runs, list[FileItem]]:
    """The text of a paragraph, and the files in it, which come after it."""
    runs: list[Run] = []
    shown: list[FileItem] = []
    marks = list(outer)
    for token in tokens:
        file = file_of(token, files) if token.type in {"image", "link_open"} else None
        if token.type == "image" and file is not None and is_shown(file):
            caption = str(token.attrs.get("title", ""))
            shown.append(FileItem(file, (Run(caption),) if caption else ()))
        elif token.nesting > 0:
            marks.append(_mark(token))
            if file is not None:
                shown.append(FileItem(file, ()))
        elif token.nesting < 0:
            marks.pop()
        elif token.type == "code_inline":
            runs.append(Run(token.content, _code_marks(marks, "code")))
        else:
            breaks = {"softbreak": " ", "hardbreak": "\n"}
            runs.append(Run(breaks.get(token.type, token.content), _once(marks)))
    return trim(runs), shown


def _mark(token: Token) -> Mark:
    """The tag of Telegram's HTML. A bad link marks nothing, nor one to a file, which is a message of its own."""
    if token.type != "link_open":
        return Mark(_INLINE[token.tag])
    address = address_of(token)
    return Mark("a", f' href="{escape(address)}"') if target_of(address) is Target.OUTSIDE else _NO_MARK


def _code_marks(marks: Sequence[Mark], tag: str) -> tuple[Mark, ...]:
    """Code stands in no other mark but a quotation; in a spoiler it is hidden as a text."""
    if any(mark.tag == "tg-spoiler" for mark in marks):
        return _once(marks)
    return (*(mark for mark in _once(marks) if mark.tag == "blockquote"), Mark(tag))


def _once(marks: Sequence[Mark]) -> tuple[Mark, ...]:
    """Each tag once, the outermost, and none for what marks nothing."""
    first: dict[str, Mark] = {}
    for mark in marks:
        first.setdefault(mark.tag, mark)
    first.pop(_NO_MARK.tag, None)
    return tuple(first.values())
