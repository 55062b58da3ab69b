"""Files of certificates: drawn outside of any transaction, once, and stored encrypted."""

from __future__ import annotations

from typing import Final

from msgspec.structs import replace

from backend.certificates import domain, repository
from backend.certificates.ports import Drawer
from backend.certificates.repository import Stored
from backend.certificates.rules.printing import printed
from backend.certificates.types import (
    Certificate,
    CertificateId,
    CertificatePrinted,
    Content,
    FileKind,
    Print,
)
from backend.infra.crypto import KeyRing, seal
from backend.infra.i18n import translator
from backend.infra.storage import PrivateFiles
from backend.infra.unit_of_work import UnitOfWork
from backend.kernel.errors import NotFound

_PPI: Final = 128
"""1497 × 1058 pixels: sharp in a chat, 120 KB."""
_PREVIEW_PPI: Final = 80


class Printing:
    """Draws certificates and stores their files; the first that needs one makes it, a page or the worker."""

    def __init__(self, *, uow: UnitOfWork, ring: KeyRing, files: PrivateFiles, drawer: Drawer, public_url: str) -> None:
        self._uow = uow
        self._ring = ring
        self._files = files
        self._drawer = drawer
        self._public_url = public_url

    async def preview(self, certificate: Certificate) -> bytes:
        """A small picture of a certificate that is not issued yet; nothing is stored."""
        words = translator(certificate.locale)
        return await self._drawer.png(printed(certificate, words, self._public_url), ppi=_PREVIEW_PPI)

    async def print_all(self, certificate_id: CertificateId, revision: int) -> None:
        """Make the files of a revision, then tell; nothing of one that was replaced meanwhile. Raises NotFound."""
        async with self._uow.read() as tx:
            stored = await repository.get(tx, certificate_id)
        certificate = stored.certificate
        if certificate.printed.revision != revision:
            return
        for kind in FileKind:
            await self.file(stored, certificate.printed, kind)
        async with self._uow() as tx:
            tx.emit(CertificatePrinted(certificate_id=certificate_id, user_id=certificate.user_id, revision=revision))

    async def file(self, stored: Stored, said: Print, kind: FileKind) -> Content:
        """A file of what a certificate says, or said; it is made where there is none. Raises DecryptionError."""
        certificate = replace(stored.certificate, printed=said)
        async with self._uow.read() as tx:
            try:
                return await domain.get_file(tx, self._ring, self._files, certificate.id, said.revision, kind)
            except NotFound:
                key = await self._ring.get(tx, stored.key_id)
        data = await self._draw(certificate, kind)
        sealed = seal(key, data, domain.file_context(certificate.id, said.revision, kind))
        name = await self._files.put(sealed)
        async with self._uow() as tx:
            first = await repository.add_file(tx, certificate.id, said.revision, kind, name)
        if not first:
            await self._files.delete(name)
        return domain.content(certificate, kind, data)

    async def _draw(self, certificate: Certificate, kind: FileKind) -> bytes:
        page = printed(certificate, translator(certificate.locale), self._public_url)
        return await (self._drawer.pdf(page) if kind is FileKind.PDF else self._drawer.png(page, ppi=_PPI))
