"""Use cases of support: what is said in the chat, tickets in the back office, ready answers."""

from __future__ import annotations

from dataclasses import dataclass

from backend.infra.crypto import KeyRing
from backend.infra.unit_of_work import UnitOfWork
from backend.support.service.chat import SupportChatService
from backend.support.service.ready import ReadyAnswersService
from backend.support.service.tickets import TicketsService


@dataclass(frozen=True)
class SupportServices:
    """The services of support."""

    chat: SupportChatService
    tickets: TicketsService
    ready: ReadyAnswersService

    @classmethod
    def build(cls, *, uow: UnitOfWork, ring: KeyRing, shop: str) -> SupportServices:
        """All of them."""
        return cls(
            chat=SupportChatService(uow=uow, ring=ring),
            tickets=TicketsService(uow=uow, ring=ring),
            ready=ReadyAnswersService(uow=uow, shop=shop),
        )


__all__ = ["ReadyAnswersService", "SupportChatService", "SupportServices", "TicketsService"]
