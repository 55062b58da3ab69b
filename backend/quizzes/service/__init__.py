"""Use cases of quizzes, grouped."""

from __future__ import annotations

from dataclasses import dataclass

from backend.infra.unit_of_work import UnitOfWork
from backend.quizzes.service.attempts import AttemptsService
from backend.quizzes.service.results import ResultsService

__all__ = ["AttemptsService", "QuizzesServices", "ResultsService"]


@dataclass(frozen=True, kw_only=True)
class QuizzesServices:
    """The services of this slice, one for each concern."""

    attempts: AttemptsService
    """What students answer."""
    results: ResultsService
    """What teachers see of it."""

    @classmethod
    def build(cls, *, uow: UnitOfWork) -> QuizzesServices:
        """Both of them."""
        return cls(attempts=AttemptsService(uow=uow), results=ResultsService(uow=uow))
