"""The catalogue as a file: what it was compared with, and what would change."""

from __future__ import annotations

import msgspec

from backend.catalog.types.imports import Action, CatalogueReport, Change, Problem
from webapp.catalog.screens.products import CATALOGUE

FILES = CATALOGUE + "/files"
_SHOWN = 100


class FileCount(msgspec.Struct, frozen=True):
    """How many categories, products or variants a file creates, changes, and leaves as they are."""

    kind: str
    created: int
    updated: int
    unchanged: int


class FilesPage(msgspec.Struct, frozen=True, kw_only=True):
    """catalog/admin/files.html: the files to save, and the form that takes one."""

    csv_url: str
    json_url: str
    intent: str
    error: str = ""


class FilePage(msgspec.Struct, frozen=True, kw_only=True):
    """catalog/admin/file.html: what an uploaded file would change."""

    id: str
    version: int
    counts: tuple[FileCount, ...]
    changes: tuple[Change, ...]
    """Those that are shown, updates before what is created."""
    more: int
    """How many changes are not shown."""
    problems: tuple[Problem, ...]
    more_problems: int

    @property
    def path(self) -> str:
        """The page's address."""
        return f"{FILES}/{self.id}"

    @property
    def changing(self) -> int:
        """How many things the file changes or creates."""
        return sum(one.created + one.updated for one in self.counts)


def file_page(upload_id: str, report: CatalogueReport) -> FilePage:
    """What a file would change."""
    changes = sorted(report.changes, key=lambda one: one.action is Action.CREATE)
    return FilePage(
        id=upload_id,
        version=report.version,
        counts=tuple(
            FileCount(kind, counts[Action.CREATE], counts[Action.UPDATE], counts[Action.UNCHANGED])
            for kind, counts in report.counts.items()
        ),
        changes=tuple(changes[:_SHOWN]),
        more=max(0, len(changes) - _SHOWN),
        problems=tuple(report.problems[:_SHOWN]),
        more_problems=max(0, len(report.problems) - _SHOWN),
    )
