"""Use cases of certificates, grouped."""

from __future__ import annotations

from dataclasses import dataclass

from backend.certificates.ports import Drawer, Sharing
from backend.certificates.service.asking import AskingService
from backend.certificates.service.office import OfficeService
from backend.certificates.service.printing import Printing
from backend.certificates.service.verifying import VerifyingService
from backend.infra.crypto import KeyRing
from backend.infra.storage import PrivateFiles
from backend.infra.unit_of_work import UnitOfWork

__all__ = ["AskingService", "CertificatesServices", "OfficeService", "Printing", "VerifyingService"]


@dataclass(frozen=True, kw_only=True)
class CertificatesServices:
    """The services of this slice, one for each concern."""

    asking: AskingService
    """What students do."""
    verifying: VerifyingService
    """What anybody may know who has a code."""
    office: OfficeService
    """What teachers do."""
    printing: Printing
    """Makes the files."""

    @classmethod
    def build(
        cls,
        *,
        uow: UnitOfWork,
        ring: KeyRing,
        files: PrivateFiles,
        drawer: Drawer,
        sharing: Sharing,
        issuer: str,
        public_url: str,
    ) -> CertificatesServices:
        """All of them; ``files`` stores what ``drawer`` draws, encrypted."""
        printing = Printing(uow=uow, ring=ring, files=files, drawer=drawer, public_url=public_url)
        return cls(
            asking=AskingService(
                uow=uow, ring=ring, printing=printing, sharing=sharing, issuer=issuer, public_url=public_url
            ),
            verifying=VerifyingService(uow=uow, printing=printing),
            office=OfficeService(uow=uow),
            printing=printing,
        )
