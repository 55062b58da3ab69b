"""A course's folder on the disk: what lies in it, looked at without reading large files, and written again."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

from backend.courses.errors import NotACourseFolder
from backend.courses.rules.folder import is_text_name
from backend.courses.rules.media import look_at, name_fits
from backend.courses.types.authoring import FolderProblem, FolderProblemCode, MediaDraft

_LARGEST_TEXT: Final = 1024 * 1024
_MOST_FILES: Final = 5000
_PATH: Final = re.compile(r"(?:[\w][\w .-]{0,80}/){0,4}[\w][\w .-]{0,80}\.[A-Za-z0-9]{1,5}", re.ASCII)
"""Paths of media: plain names that any system and any address can hold."""


class Scanned:
    """What lies in a folder: ``texts`` by name, ``media`` by path, and what is wrong with files as such."""

    def __init__(self) -> None:
        self.texts: dict[str, bytes] = {}
        self.media: dict[str, MediaDraft] = {}
        self.problems: list[FolderProblem] = []


def scan(folder: Path, largest: int) -> Scanned:
    """Look at every file of a folder; media have at most ``largest`` bytes. Raises NotACourseFolder, OSError."""
    if not folder.is_dir():
        raise NotACourseFolder(f"{folder} is no folder")
    scanned = Scanned()
    root = folder.resolve()
    for number, path in enumerate(_files(folder)):
        if number == _MOST_FILES:
            raise NotACourseFolder(f"{folder} has more than {_MOST_FILES} files")
        name = path.relative_to(folder).as_posix()
        size = path.stat().st_size
        if not path.resolve().is_relative_to(root):
            # A link to a file outside would publish it.
            scanned.problems.append(FolderProblem(name, 0, FolderProblemCode.BAD_FILE_NAME))
        elif path.suffix == ".md" and "/" not in name:
            if size > _LARGEST_TEXT:
                scanned.problems.append(FolderProblem(name, 0, FolderProblemCode.TOO_LARGE, value="1 MB"))
            else:
                scanned.texts[name] = path.read_bytes()
        else:
            _look(scanned, name, path, size, largest)
    return scanned


def _files(folder: Path) -> Iterator[Path]:
    """All files but hidden ones, such as those of version control and of file managers."""
    for path in sorted(folder.iterdir()):
        if path.name.startswith("."):
            continue
        if path.is_dir():
            yield from _files(path)
        else:
            yield path


def _look(scanned: Scanned, name: str, path: Path, size: int, largest: int) -> None:
    code = None
    value = ""
    if not _PATH.fullmatch(name):
        code = FolderProblemCode.BAD_FILE_NAME
    elif size > largest:
        code, value = FolderProblemCode.TOO_LARGE, f"{largest // 1_000_000} MB"
    else:
        with path.open("rb") as file:
            facts = look_at(file, size)
        if facts is None:
            code = FolderProblemCode.TYPE_NOT_KNOWN
        elif not name_fits(name, facts.mime):
            code, value = FolderProblemCode.NAME_AND_TYPE, facts.mime
        else:
            scanned.media[name] = MediaDraft(
                path=name,
                source=path,
                kind=facts.kind,
                mime=facts.mime,
                size=size,
                width=facts.width,
                height=facts.height,
                duration=facts.duration,
            )
    if code is not None:
        scanned.problems.append(FolderProblem(name, 0, code, value=value))


def write_texts(folder: Path, slug: str, texts: Mapping[str, str]) -> None:
    """Write the texts of a course into an empty folder, or over an older export of the same course.

    Texts of the older one that the course no longer has are deleted. Raises NotACourseFolder for a folder with other
    things in it, OSError.
    """
    if folder.exists() and any(folder.iterdir()):
        head = folder / "course.md"
        if not head.is_file() or f'\nslug: "{slug}"\n' not in head.read_text("utf-8", "replace"):
            raise NotACourseFolder(f"{folder} is not empty, and no export of {slug}")
    folder.mkdir(parents=True, exist_ok=True)
    for path in folder.glob("*.md"):
        if is_text_name(path.name) and path.name not in texts:
            path.unlink()
    for name, text in texts.items():
        (folder / name).write_text(text, "utf-8", newline="\n")
