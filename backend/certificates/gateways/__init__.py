"""Certificates with what they need of the outside: Typst, and the Bot API."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from backend.certificates.gateways.telegram import TelegramSharing
from backend.certificates.service import CertificatesServices
from backend.infra.crypto import KeyRing
from backend.infra.documents import Typesetter
from backend.infra.settings import Settings
from backend.infra.storage import PrivateFiles
from backend.infra.telegram.client import Telegram
from backend.infra.unit_of_work import UnitOfWork

TEMPLATE: Final = Path(__file__).parents[1] / "template" / "certificate.typ"


def certificates_services(
    settings: Settings, uow: UnitOfWork, ring: KeyRing, files: PrivateFiles, telegram: Telegram
) -> CertificatesServices:
    """All of them; ``files`` stores the certificates, encrypted."""
    return CertificatesServices.build(
        uow=uow,
        ring=ring,
        files=files,
        drawer=Typesetter(TEMPLATE),
        sharing=TelegramSharing(telegram),
        issuer=settings.shop_name,
        public_url=settings.public_url.rstrip("/"),
    )
