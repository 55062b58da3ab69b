"""Files that texts of lessons name in tests, and a strict reader of HTML."""

from __future__ import annotations

from html.parser import HTMLParser
from typing import Final
from uuid import UUID

from backend.courses.types import MediaId, MediaKind
from backend.courses.types.lessons import MediaFile


def file(number: int, path: str, kind: MediaKind, mime: str, *, width: int | None = None) -> MediaFile:
    """A file of a course."""
    return MediaFile(
        id=MediaId(UUID(int=number)), path=path, kind=kind, mime=mime, size=1000, width=width, height=width
    )


FILES: Final = {
    item.path: item
    for item in (
        file(1, "media/sea.png", MediaKind.PICTURE, "image/png", width=320),
        file(2, "media/breath.mp4", MediaKind.VIDEO, "video/mp4", width=640),
        file(3, "media/bell.mp3", MediaKind.AUDIO, "audio/mpeg"),
        file(4, "media/work book.pdf", MediaKind.FILE, "application/pdf"),
    )
}
KINDS: Final = {path: item.kind for path, item in FILES.items()}
_VOID: Final = frozenset({"br", "hr", "img"})


class Strict(HTMLParser):
    """Reads HTML whose tags are balanced: ``tags`` with attributes, and the ``text``. Fails on anything else."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[tuple[str, dict[str, str | None], tuple[str, ...]]] = []
        self.text = ""
        self._open: list[str] = []
        self.feed(html)
        self.close()
        assert self._open == [], html

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs), tuple(self._open)))
        if tag not in _VOID:
            self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self._open and self._open.pop() == tag, self.rawdata

    def handle_data(self, data: str) -> None:
        self.text += data

    def handle_comment(self, data: str) -> None:
        raise AssertionError(data)

    handle_decl = handle_pi = unknown_decl = handle_comment
