"""Use cases of everybody: check a certificate by its code."""

from __future__ import annotations

from backend.certificates import domain, repository
from backend.certificates.rules.codes import read_code
from backend.certificates.service.printing import Printing
from backend.certificates.types import Content, FileKind, Held
from backend.infra.unit_of_work import UnitOfWork
from backend.kernel.errors import NotFound


class VerifyingService:
    """What anybody may know who has a code."""

    def __init__(self, *, uow: UnitOfWork, printing: Printing) -> None:
        self._uow = uow
        self._printing = printing

    async def find(self, typed: str) -> Held | None:
        """The certificate of a code as somebody typed it, with its status; None for a code that was never given."""
        code = read_code(typed)
        if code is None:
            return None
        async with self._uow.read() as tx:
            stored = await repository.find_by_code(tx, code)
            return (await domain.list_held(tx, [stored]))[0] if stored else None

    async def picture(self, typed: str) -> Content:
        """The picture of a certificate that is valid. Raises NotFound, DecryptionError."""
        code = read_code(typed)
        async with self._uow.read() as tx:
            stored = await repository.find_by_code(tx, code) if code else None
            held = (await domain.list_held(tx, [stored]))[0] if stored else None
        if stored is None or held is None or not domain.is_valid(held):
            raise NotFound("no valid certificate")
        return await self._printing.file(stored, stored.certificate.printed, FileKind.PNG)
