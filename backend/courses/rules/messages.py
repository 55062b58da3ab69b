"""A lesson as messages of the chat: texts and files within Telegram's limits."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import reduce
from typing import Final

from backend.courses.rules.chat import CAPTION_UNITS, Mark, Run, Runs, fits_caption, join, pack, to_html
from backend.courses.rules.chat_blocks import FileItem, Item, read_items
from backend.courses.types import MediaKind
from backend.courses.types.lessons import ChatPart, MediaFile

MOST_PHOTO_BYTES: Final = 10_000_000
MOST_FILE_BYTES: Final = 50_000_000
"""What a bot may upload. Source: Bot API, "Sending files"."""


def render_chat(title: str, text: str, files: Mapping[str, MediaFile]) -> list[ChatPart]:
    """A lesson as Telegram's HTML: its title, its text, and the files in their places.

    The text after a file is its caption where it is short enough, so that a short lesson is one message.
    """
    items = [_sendable(item) for item in read_items(text, files)]
    items = [item for item in items if item]
    heading: Runs = (Run(title, (Mark("b"),)),)
    # A picture at the beginning stands above the title, as on the page.
    start = 1 if items and isinstance(items[0], FileItem) else 0
    return list(_parts([*items[:start], heading, *items[start:]]))


def _sendable(item: Item) -> Item:
    """A file, or what is said of one that a bot cannot send: it is on the page, which the button opens."""
    if not isinstance(item, FileItem):
        return item
    most = MOST_PHOTO_BYTES if item.file.kind is MediaKind.PICTURE else MOST_FILE_BYTES
    return item if item.file.size <= most else item.caption


def _parts(items: Sequence[Item]) -> Iterator[ChatPart]:
    above: FileItem | None = None
    blocks: list[Runs] = []
    for item in items:
        if isinstance(item, FileItem):
            yield from _messages(above, blocks)
            above, blocks = item, []
        else:
            blocks.append(item)
    yield from _messages(above, blocks)


def _messages(above: FileItem | None, blocks: list[Runs]) -> Iterator[ChatPart]:
    """A file, if there is one, and the blocks after it."""
    if above is not None:
        whole = reduce(join, blocks, above.caption)
        if fits_caption(whole):
            yield ChatPart(to_html(whole), above.file)
            return
        caption = pack([above.caption], CAPTION_UNITS)
        yield ChatPart(to_html(caption[0]) if caption else "", above.file)
        blocks = [*caption[1:], *blocks]
    for runs in pack(blocks):
        yield ChatPart(to_html(runs))
