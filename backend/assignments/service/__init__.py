"""Use cases of assignments, grouped."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from backend.assignments.ports import ChatFiles
from backend.assignments.service.archive import ArchiveService
from backend.assignments.service.chat import ChatService
from backend.assignments.service.collecting import CollectingService
from backend.assignments.service.figures import FiguresService
from backend.assignments.service.review import ReviewService
from backend.assignments.service.submitting import SubmittingService
from backend.infra.crypto import KeyRing
from backend.infra.live_settings import Live
from backend.infra.storage import PrivateFiles
from backend.infra.unit_of_work import UnitOfWork

__all__ = [
    "ArchiveService",
    "AssignmentsServices",
    "ChatService",
    "CollectingService",
    "FiguresService",
    "ReviewService",
    "SubmittingService",
]


@dataclass(frozen=True, kw_only=True)
class AssignmentsServices:
    """The services of this slice, one for each concern."""

    submitting: SubmittingService
    """What students submit and ask."""
    review: ReviewService
    """What teachers answer."""
    chat: ChatService
    """What both say to the bot."""
    collecting: CollectingService
    """The worker's part: messages of the chat become versions."""
    figures: FiguresService
    archive: ArchiveService
    """Old submissions."""

    @classmethod
    def build(
        cls,
        *,
        uow: UnitOfWork,
        ring: KeyRing,
        files: PrivateFiles,
        chat_files: ChatFiles,
        archived: PrivateFiles,
        archive_after: Live[timedelta],
    ) -> AssignmentsServices:
        """All of them; ``files`` stores what is submitted, encrypted, ``chat_files`` downloads it from the chat.

        What nobody has touched for ``archive_after`` is moved to ``archived``.
        """
        archive = ArchiveService(uow=uow, ring=ring, files=files, archive=archived, after=archive_after)
        return cls(
            submitting=SubmittingService(uow=uow, ring=ring, files=files, archive=archive),
            review=ReviewService(uow=uow, ring=ring, archive=archive),
            chat=ChatService(uow=uow, ring=ring, files=files, archive=archive),
            collecting=CollectingService(uow=uow, ring=ring, files=files, chat_files=chat_files, archive=archive),
            figures=FiguresService(uow=uow),
            archive=archive,
        )
